"""`gpuyard fit` as people use it: exit codes, text, JSON, bad input."""

import json
from pathlib import Path

import pytest

from gpuyard.cli.main import run

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 2048,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 8192,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "torch_dtype": "bfloat16",
}


@pytest.fixture
def fit(capsys):
    """Run the command; its exit code, output and errors."""

    def call(*arguments):
        code = run(["fit", *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_it_says_machines_prices_dates_regions_flags_and_what_fell_out(fit):
    code, text, _ = fit("Llama-3.1-8B", "--cloud", "aws")
    assert code == 0
    lines = text.splitlines()
    assert "8.03 B parameters" in lines[0]
    first = next(line for line in lines if "aws g6e.xlarge" in line)
    assert "$1.86/h us-east-1" in first
    assert "2026-07-20" in first
    assert "1 x l40s: --max-model-len=8192" in text
    assert "left out" in text
    assert "aws v100" in text
    assert "against 89 logged starts" in lines[-1]


def test_what_was_not_asked_is_named(fit):
    _, text, _ = fit("Llama-3.1-8B", "--gpu", "l4")
    assert "assumed, because not asked: --context and --concurrency" in text
    _, text, _ = fit("Llama-3.1-8B", "--gpu", "l4", "--context", "4k", "--concurrency", "4")
    assert "assumed" not in text
    assert "4 sequences of 4,096 tokens" in text


def test_json_has_everything_and_is_the_same_each_time(fit):
    _, text, _ = fit("Qwen/Qwen3-32B", "--format", "json", "--quantization", "fp8")
    again = fit("Qwen/Qwen3-32B", "--format", "json", "--quantization", "fp8")[1]
    assert text == again
    document = json.loads(text)
    assert list(document) == ["model", "planned", "options", "left_out", "accuracy"]
    best = document["options"][0]
    assert best["on_demand"].keys() >= {"usd", "region", "source", "as_of"}
    assert best["fit"]["quantization"] == "fp8"
    assert "--quantization=fp8" in best["fit"]["flags"]
    assert best["usd_per_hour"] == min(
        option["usd_per_hour"] for option in document["options"] if option["usd_per_hour"] is not None
    )
    assert document["planned"]["assumed"] == ["--context", "--concurrency"]


def test_every_problem_comes_at_once_with_a_way_out(fit):
    code, out, err = fit(
        "Qwen/Qwen3-33B", "--gpu", "h101", "--context", "999999999999", "--concurrency", "0",
        "--quantization", "fp9", "--kv-cache-dtype", "int1", "--runtime", "vlm", "--region", "us-est-1",
        "--data-parallel", "many", "--cloud", "azure",
    )  # fmt: skip
    assert code == 2
    assert out == ""
    assert err.count("error:") == 10
    for words in (
        "Qwen/Qwen3-32B",
        "--config config.json",
        "--gpu",
        '"999999999999" is out of bounds',
        '"0" is out of bounds',
        'did you mean "fp8"',
        "--kv-cache-dtype",
        'did you mean "vllm"',
        '"us-east-1"',
        '"many" is not a whole number',
        "known: aws, gcp",
    ):
        assert words in err


def test_a_context_beyond_the_models_is_an_error(fit):
    code, _, err = fit("Qwen/Qwen3-32B", "--context", "128k")
    assert code == 2
    assert "made for 40,960 tokens" in err


@pytest.mark.parametrize("number", ["1e5", "-3", "2.5", "", "k", "٣", "9" * 40])
def test_numbers_that_are_none_are_said_so(fit, number):
    code, _, err = fit("Llama-3.1-8B", f"--context={number}")
    assert code == 2
    assert "--context" in err


def test_a_config_json_describes_a_model_that_the_catalog_lacks(fit, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    code, text, _ = fit("acme/small", "--config", tmp_path, "--gpu", "l4")
    assert code == 0
    assert text.startswith("acme/small: 1.498 B")
    assert "1 x l4" in text


def test_a_cut_off_config_json_is_an_error_with_its_place(fit, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG)[:100], encoding="utf-8")
    code, _, err = fit("acme/small", "--config", path, "--quantization", "fp9")
    assert code == 2
    assert "config.json:1:" in err
    assert "fp9" in err


def test_nothing_that_holds_it_is_exit_1(fit):
    code, text, _ = fit("moonshotai/Kimi-K3", "--gpu", "t4")
    assert code == 1
    assert "no machine type holds it" in text


def test_releases_that_lack_the_hardware_fall_out_with_the_way_back(fit):
    _, text, _ = fit("Llama-3.1-8B", "--gpu", "v100", "--cloud", "aws")
    assert "SM_BELOW_MIN" in text
    code, text, _ = fit("Llama-3.1-8B", "--gpu", "v100", "--runtime-version", "0.8.5", "--cloud", "aws")
    assert code == 0
    assert "--dtype=half" in text


def test_all_lists_every_machine_type(fit):
    short = fit("Llama-3.1-8B", "--gpu", "l4")[1]
    long = fit("Llama-3.1-8B", "--gpu", "l4", "--all")[1]
    assert "with the same GPUs: --all" in short
    assert "aws g6.48xlarge" not in short
    assert "aws g6.48xlarge" in long
    assert "--all" not in long


@pytest.mark.parametrize("runtime", ["sglang", "tgi", "tensorrt-llm", "lmdeploy"])
def test_other_runtimes_are_planned_with_their_newest_release(fit, runtime):
    code, text, _ = fit("Qwen/Qwen3-8B", "--runtime", runtime, "--gpu", "l40s")
    assert code == 0
    assert f"{runtime} " in text.splitlines()[1]


@pytest.mark.parametrize("name", ["trtllm", "TRT-LLM", "tensorrt_llm"])
def test_tensorrt_llm_goes_by_several_names(fit, name):
    assert "tensorrt-llm " in fit("Qwen/Qwen3-8B", "--runtime", name, "--gpu", "l40s")[1].splitlines()[1]


def test_licences_and_several_nodes_are_said(fit):
    _, text, _ = fit("Llama-3.1-405B", "--gpu", "h100")
    assert "accepted the licence" in text
    assert "2 x aws p5.48xlarge" in text
    assert "--nnodes=2" in text


def test_the_reference_page_names_every_key_of_the_answer(capsys):
    assert run(["fit", "Llama-3.1-8B", "--gpu", "l4", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    option = document["options"][0]
    keys = {*document, *document["model"], *document["planned"], *document["accuracy"]}
    keys |= {*option, *option["fit"], *option["on_demand"], *document["left_out"][0]}
    page = (Path(__file__).parents[2] / "docs" / "reference" / "fit.md").read_text(encoding="utf-8")
    assert sorted(key for key in keys if f"`{key}`" not in page and f"`{key}[]`" not in page) == []


def test_parts_that_the_model_lacks_are_errors_at_once(fit):
    code, out, err = fit(
        "Llama-3.1-8B", "--draft-tokens", "99", "--expert-parallel", "--data-parallel", "2", "--text-only",
        "--lora-rank", "17",
    )  # fmt: skip
    assert (code, out) == (2, "")
    assert err.count("error:") == 6
    for words in ("use 1 to 16", "has no experts", "no encoder", "known: 8, 16", "say --loras as well"):
        assert words in err


def test_what_is_asked_beyond_the_model_is_repeated(fit):
    _, text, _ = fit(
        "Qwen/Qwen3.5-27B", "--gpu", "h100", "--text-only", "--draft-tokens", "1", "--loras", "2"
    )  # fmt: skip
    assert "text only, 1 drafted ahead, 2 LoRA adapters of rank 16, vllm" in text
    assert "'--speculative-config={" in text


@pytest.mark.parametrize("version", ["banana", "latest", ""])
def test_a_version_that_is_none_is_an_error(fit, version):
    code, _, err = fit("Llama-3.1-8B", "--runtime-version", version)
    assert code == 2
    assert "is not a release" in err


def test_four_bit_experts_of_a_checkpoint_are_said_so(fit):
    _, text, _ = fit("moonshotai/Kimi-K2.5", "--gpu", "h200")
    assert "B parameters, int4, context" in text.splitlines()[0]


def test_a_name_says_what_its_config_does_not(fit, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    _, text, _ = fit("acme/small-AWQ", "--config", tmp_path, "--gpu", "l4")
    assert "B parameters, awq, context" in text.splitlines()[0]


def test_more_nodes_are_no_way_out_for_a_gpu_without_the_kernels(fit):
    """L4 holds DeepSeek-V3.2 over six nodes and has no sparse latent attention."""
    _, text, _ = fit("deepseek-ai/DeepSeek-V3.2", "--gpu", "l4")
    assert "sparse latent attention" in text
    assert "nodes of 8 GPUs" not in text


def test_what_compat_warns_of_stands_below_the_flags(fit):
    _, text, _ = fit("deepseek-ai/DeepSeek-V3.2", "--gpu", "rtx-pro-6000", "--gpu", "h200")
    assert "  warning: deepseek-ai/DeepSeek-V3.2 needs kernels" in text
    assert "rtx-pro-6000 has 12.0" in text
    _, text, _ = fit("deepseek-ai/DeepSeek-V3.2", "--gpu", "rtx-pro-6000", "--gpu", "h200", "--format=json")
    warned = {option["fit"]["gpu"] for option in json.loads(text)["options"] if option["warnings"]}
    assert warned == {"rtx-pro-6000"}


def test_a_gpu_that_nobody_sells_says_what_a_node_of_ones_own_needs(fit):
    code, text, _ = fit("Qwen/Qwen3-32B", "--gpu", "rtx-4090")
    assert code == 1
    assert "4 in a node of your own hold a replica" in text
    assert "--tensor-parallel-size=4" in text
    _, text, _ = fit("deepseek-ai/DeepSeek-V3.2", "--gpu", "rtx-4090")
    assert "sparse latent attention" in text


def test_a_cache_of_windows_alone_is_not_called_empty(fit):
    _, text, _ = fit("mistralai/Mistral-7B-v0.1", "--gpu", "l4")
    assert "cache 5.76 GiB (windows alone, whatever the context)" in text


@pytest.mark.parametrize(("release", "code"), [("0.13.0", 1), ("0.14.0", 0)])
def test_the_oldest_gpu_of_a_format_is_the_releases(fit, release, code):
    """vLLM runs FP8 weight-only on Turing since 0.14."""
    assert fit("Qwen/Qwen3-8B-FP8", "--gpu", "t4", "--runtime-version", release)[0] == code


@pytest.mark.parametrize("model", ["Qwen/Qwen3-Embedding-8B", "BAAI/bge-m3"])
def test_tgi_does_not_embed(fit, model):
    code, text, _ = fit(model, "--gpu", "l40s", "--runtime", "tgi")
    assert code == 1
    assert "TGI writes text alone" in text


def test_sglang_is_told_that_a_model_which_could_write_embeds(fit):
    """The API of embeddings refuses a model that was started without the flag; encoders need none."""
    assert "--is-embedding" in fit("Qwen/Qwen3-Embedding-8B", "--gpu", "l40s", "--runtime", "sglang")[1]
    assert "--is-embedding" not in fit("BAAI/bge-m3", "--gpu", "l40s", "--runtime", "sglang")[1]
    assert "--is-embedding" not in fit("Qwen/Qwen3-8B", "--gpu", "l40s", "--runtime", "sglang")[1]


def test_embedded_systems_are_no_embeddings(fit, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    of = ("acme/Embedded-Coder-1B", "--config", tmp_path, "--gpu", "l4", "--runtime")
    assert "--is-embedding" not in fit(*of, "sglang")[1]
    assert fit(*of, "tgi")[0] == 0


def test_a_way_out_is_written_as_options_of_the_command(fit):
    code, text, _ = fit("Qwen/Qwen3-8B", "--gpu", "v100")
    assert code == 1
    assert "(--runtime-version 0.19.1)" in text
    assert fit("Qwen/Qwen3-8B", "--gpu", "v100", "--runtime-version", "0.19.1")[0] == 0


def test_what_is_planned_as_the_cache_of_an_encoder_is_said_to_be_none(fit):
    assert "note: vLLM keeps no cache of an encoder" in fit("BAAI/bge-m3", "--gpu", "l4")[1]
    assert "encoder" not in fit("Qwen/Qwen3-Embedding-8B", "--gpu", "l40s")[1]
