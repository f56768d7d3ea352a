"""What fits where, why not, and with which flags."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from gpuyard.catalog.hardware import find_gpu
from gpuyard.catalog.models import find_model
from gpuyard.catalog.software_runtimes import release_key, runtime_releases
from gpuyard.catalog.software_support import runtime_flags
from gpuyard.planning.extras import Extras
from gpuyard.planning.fit import fit_model, node_sizes, smallest_fit
from gpuyard.planning.memory import visible_bytes
from gpuyard.units import GIB

from .conftest import gpu_with


@pytest.mark.parametrize(
    ("model", "gpu", "gpus", "why"),
    [
        ("Llama-3.1-8B", "a100-40gb", 1, "16 GB of weights on 40 GB"),
        ("Llama-3.1-8B", "l4", 2, "8 x 8,192 tokens are 8 GiB beside 15 GiB"),
        ("Llama-3.1-70B", "h100", 4, "141 GB of weights do not leave room on two"),
        ("Llama-3.3-70B-Instruct", "h200", 2, "141 GB on 282"),
        ("DeepSeek-R1", "h200", 8, "its vendor's own recipe: 8 x H200"),
        ("DeepSeek-R1", "b300", 4, "671 GB on four of 268"),
        ("Kimi-K2.5", "h200", 8, "int4 experts: its recipe needs 714 GB"),
        ("Qwen3-235B-A22B-FP8", "h100", 4, "served so in vllm-project/vllm#21348"),
        ("gpt-oss-20b", "l4", 1, "its vendor: runs within 16 GB"),
    ],
)
def test_the_smallest_number_of_gpus(model, gpu, gpus, why):
    fitted = smallest_fit(find_model(model), find_gpu(gpu))
    assert fitted, why
    assert fitted.gpus == gpus, why


def test_nothing_in_one_node_is_none_and_several_nodes_take_pipeline_stages():
    model, gpu = find_model("DeepSeek-R1"), find_gpu("h100")
    assert smallest_fit(model, gpu) is None
    fitted = smallest_fit(model, gpu, nodes_max=4)
    assert fitted
    assert (fitted.nodes, fitted.tensor_parallel, fitted.pipeline_parallel) == (2, 8, 2)
    assert any("--nnodes=2" in note for note in fitted.notes)


def test_a_node_has_as_many_gpus_as_the_largest_machine_that_carries_them():
    assert node_sizes(find_gpu("gb300"))[-1] == 4
    assert node_sizes(find_gpu("h100"))[-1] == 8
    assert node_sizes(find_gpu("a100-40gb"))[-1] == 16


def test_defaults_are_eight_sequences_of_8192_tokens(llama):
    fitted = fit_model(llama, find_gpu("h100"), gpus=1)
    assert (fitted.context_tokens, fitted.concurrency) == (8192, 8)
    small = find_model("google/gemma-2-2b")
    assert fit_model(small, find_gpu("h100"), gpus=1).context_tokens == small.context


@pytest.mark.parametrize(
    ("gpu", "asked", "change"),
    [
        (find_gpu("l40s"), {"concurrency": 40}, "24 sequences at once"),
        (gpu_with(32 * 1024), {"context_tokens": 131072, "concurrency": 1}, "an fp8 KV cache"),
        (find_gpu("l40s"), {"context_tokens": 131072, "concurrency": 4}, "2 GPUs"),
        (gpu_with(15 * 1024), {"concurrency": 1, "context_tokens": 512}, "2 GPUs"),
    ],
)
def test_a_refusal_names_a_change_that_helps(llama, gpu, asked, change):
    fitted = fit_model(llama, gpu, gpus=1, **asked)
    assert not fitted.fits
    assert fitted.reason.endswith(f"it fits with {change}")


def test_the_largest_node_is_told_to_use_smaller_weights_or_a_second_node():
    fitted = fit_model(find_model("Llama-3.1-405B"), find_gpu("h100"), gpus=8)
    assert fitted.reason.endswith("it fits with fp8 weights")
    experts = fit_model(find_model("DeepSeek-R1"), find_gpu("h100"), gpus=8)
    assert experts.reason.endswith(("4-bit (AWQ or GPTQ) checkpoint", "2 nodes of 8 GPUs"))


def test_every_change_that_is_named_is_true(llama):
    fitted = fit_model(llama, find_gpu("l4"), gpus=1, concurrency=12)
    assert "sequences at once" not in fitted.reason  # 4 is less than half of 12
    words = fitted.reason.rpartition("it fits with ")[2]
    tried = {
        "an fp8 KV cache": {"kv_cache_dtype": "fp8"},
        "a context of 4,096 tokens": {"context_tokens": 4096},
        "2 GPUs": {"gpus": 2},
    }[words]
    assert fit_model(llama, find_gpu("l4"), **{"gpus": 1, "concurrency": 12, **tried}).fits


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"quantization": "fp9"}, 'quantization "fp9" is not known'),
        ({"kv_cache_dtype": "int3"}, 'KV cache dtype "int3" is not known'),
        ({"context_tokens": 1_000_000}, "more than the model's 131,072"),
        ({"runtime": "tgi", "nodes": 2}, "no pipeline parallel"),
        ({"data_parallel": 2}, "only mixtures of experts"),
        ({"gpus": 0}, "are none"),
    ],
)
def test_what_cannot_work_does_not_fit_and_says_why(llama, asked, reason):
    fitted = fit_model(llama, find_gpu("h100"), **{"gpus": 2, **asked})
    assert not fitted.fits
    assert reason in fitted.reason


def test_memory_that_is_not_known_is_said_so(llama):
    fitted = fit_model(llama, find_gpu("mi300x"), gpus=1)
    assert not fitted.fits
    assert "not known" in fitted.reason


@pytest.mark.parametrize(
    ("gpu", "kind", "release"),
    [("t4", "fp8", "0.13.0"), ("v100", "nvfp4", None), ("t4", "w4a16", "0.11.0"), ("v100", "fp8", None)],
)
def test_weights_want_hardware_that_reads_them(llama, gpu, kind, release):
    fitted = fit_model(llama, find_gpu(gpu), gpus=4, quantization=kind, runtime_version=release)
    assert not fitted.fits
    assert "wants compute capability" in fitted.reason


def test_data_parallel_attention_multiplies_the_latent_cache():
    model, gpu = find_model("DeepSeek-R1"), find_gpu("h200")
    tensor = fit_model(model, gpu, gpus=8)
    data = fit_model(model, gpu, gpus=8, data_parallel=8)
    assert data.fits
    assert data.gpus == tensor.gpus == 8
    assert data.weights_bytes_per_gpu > tensor.weights_bytes_per_gpu
    assert 4 <= data.kv_tokens / tensor.kv_tokens <= 8
    assert any("data parallel attention" in note for note in tensor.notes)


def test_experts_whose_slices_break_quantization_blocks_stay_whole():
    fitted = fit_model(find_model("Qwen/Qwen3-235B-A22B-FP8"), find_gpu("h100"), gpus=8)
    assert fitted.fits
    assert fitted.expert_parallel
    assert "--enable-expert-parallel" in fitted.flags


def test_heads_that_do_not_divide_become_pipeline_stages():
    fitted = fit_model(find_model("Qwen/Qwen2.5-0.5B"), find_gpu("l4"), gpus=4)
    assert (fitted.tensor_parallel, fitted.pipeline_parallel) == (2, 2)


@pytest.mark.parametrize(
    ("runtime", "version", "share"),
    [
        ("vllm", "0.11.0", 0.90),
        ("vllm", "0.25.0", 0.92),
        ("vllm", None, 0.92),
        ("tgi", "3.3.7", 0.90),
        ("tensorrt-llm", "1.2.1", 0.90),
        ("lmdeploy", None, 0.80),
    ],
)
def test_each_release_takes_its_own_share(llama, runtime, version, share):
    fitted = fit_model(llama, find_gpu("h100"), gpus=1, runtime=runtime, runtime_version=version)
    assert fitted.memory_share == share


def test_sglang_leaves_what_its_formula_reserves(llama):
    """0.828 by default on H100 with Qwen3-32B (sgl-project/sglang#29092, 2026-06-23)."""
    fitted = fit_model(llama, find_gpu("h100"), gpus=1, runtime="sglang")
    assert fitted.memory_share == pytest.approx(0.83, abs=0.01)


@pytest.mark.parametrize(
    ("runtime", "asked", "flags"),
    [
        (
            "vllm",
            {"gpus": 2, "quantization": "fp8", "kv_cache_dtype": "fp8"},
            (
                "--max-model-len=8192",
                "--gpu-memory-utilization=0.92",
                "--tensor-parallel-size=2",
                "--quantization=fp8",
                "--kv-cache-dtype=fp8",
            ),
        ),
        (
            "sglang",
            {"gpus": 2, "kv_cache_dtype": "fp8"},
            (
                "--context-length=8192",
                "--mem-fraction-static=0.833",
                "--tp-size=2",
                "--kv-cache-dtype=fp8_e4m3",
            ),
        ),
        (
            "tgi",
            {"gpus": 2, "quantization": "int8", "concurrency": 200},
            (
                "--max-total-tokens=8192",
                "--num-shard=2",
                "--max-concurrent-requests=200",
                "--quantize=eetq",
            ),
        ),
        (
            "tensorrt-llm",
            {"gpus": 4, "nodes": 2},
            (
                "--max_seq_len=8192",
                "--kv_cache_free_gpu_memory_fraction=0.90",
                "--tp_size=4",
                "--pp_size=2",
            ),
        ),
        (
            "lmdeploy",
            {"gpus": 2, "concurrency": 1100, "context_tokens": 512, "kv_cache_dtype": "fp8"},
            (
                "--session-len=512",
                "--cache-max-entry-count=0.80",
                "--tp=2",
                "--max-batch-size=1100",
                "--quant-policy=8",
            ),
        ),
        ("custom", {"gpus": 1}, ()),
    ],
)
def test_flags_are_the_runtimes_own(llama, runtime, asked, flags):
    fitted = fit_model(llama, find_gpu("h100"), runtime=runtime, **asked)
    assert fitted.flags == flags


def test_latent_copies_are_flags_of_each_runtime():
    model, gpu = find_model("DeepSeek-R1"), find_gpu("h200")
    vllm = fit_model(model, gpu, gpus=8, data_parallel=8)
    assert {"--data-parallel-size=8", "--enable-expert-parallel"} <= set(vllm.flags)
    sglang = fit_model(model, gpu, gpus=8, data_parallel=8, runtime="sglang")
    assert {"--tp-size=8", "--dp-size=8", "--enable-dp-attention", "--ep-size=8"} <= set(sglang.flags)


def test_tensorrt_llm_is_told_in_a_file_what_its_releases_have_no_flags_for():
    model, gpu = find_model("DeepSeek-R1"), find_gpu("h200")
    asked = {"gpus": 8, "runtime": "tensorrt-llm", "runtime_version": "1.0.0", "concurrency": 8}
    fitted = fit_model(model, gpu, data_parallel=8, context_tokens=65_536, kv_cache_dtype="fp8", **asked)
    assert fitted.fits
    assert {"--tp_size=8", "--ep_size=8"} <= set(fitted.flags)
    lines = next(note for note in fitted.notes if "--extra_llm_api_options" in note).partition(": ")[2]
    assert [yaml.safe_load(line) for line in lines.split("; ")] == [
        {"enable_attention_dp": True},
        {"enable_chunked_prefill": True},
        {"kv_cache_config": {"dtype": "fp8", "free_gpu_memory_fraction": 0.9}},
    ]
    assert not [note for note in fit_model(model, gpu, **asked).notes if "--extra_llm" in note]


def test_tensorrt_llms_cache_is_a_share_of_what_is_free_beside_weights_and_steps(llama):
    fitted = fit_model(llama, find_gpu("h100"), gpus=1, runtime="tensorrt-llm")
    free = visible_bytes(81_559) - fitted.weights_bytes_per_gpu - fitted.working_bytes_per_gpu
    assert fitted.kv_bytes_available == pytest.approx(0.9 * free, rel=1e-6)


def test_a_step_of_lmdeploy_fits_what_its_share_leaves(llama):
    fitted = fit_model(llama, find_gpu("h100"), gpus=1, runtime="lmdeploy")
    seen, weights = visible_bytes(81_559), fitted.weights_bytes_per_gpu
    assert fitted.kv_bytes_available == pytest.approx(0.8 * (seen - weights - 0.8 * GIB), rel=1e-6)
    tight = fit_model(llama, gpu_with(18 * 1024), gpus=1, runtime="lmdeploy", concurrency=1)
    told = dict(flag.split("=") for flag in tight.flags)
    assert int(told["--max-prefill-token-num"]) < 8192
    spent = tight.kv_bytes_available + tight.weights_bytes_per_gpu + tight.working_bytes_per_gpu
    assert spent <= visible_bytes(18 * 1024) + 1
    tighter = fit_model(llama, gpu_with(16_600), gpus=1, runtime="lmdeploy", concurrency=1)
    assert 0 < tighter.memory_share < 0.8


@pytest.mark.parametrize(
    ("model", "asked", "reason"),
    [
        ("gemma-3-27b-it", {}, "which does not run google/gemma-3-27b-it: use vllm or sglang"),
        ("Llama-3.1-8B", {"runtime_version": "0.13.0"}, "use 0.14.0 or newer, or vllm"),
        ("Llama-3.1-8B", {"quantization": "nvfp4"}, "reads no nvfp4: use another checkpoint, or vllm"),
        ("Llama-3.1-8B", {"kv_cache_dtype": "fp8_e5m2"}, "ask for fp8"),
        ("Llama-3.1-8B", {"nodes": 2}, "LMDeploy has no pipeline parallel"),
        ("Llama-3.1-8B", {"extras": Extras(adapters=2)}, "are not planned: use vllm or sglang"),
        ("Qwen3-30B-A3B", {"expert_parallel": True}, "whole experts of LMDeploy are not planned"),
    ],
)
def test_what_lmdeploy_cannot_do_is_refused_with_a_way_out(model, asked, reason):
    fitted = fit_model(find_model(model), find_gpu("h100"), gpus=8, runtime="lmdeploy", **asked)
    assert not fitted.fits
    assert reason in fitted.reason


def test_an_8_bit_cache_of_integers_wants_no_newer_gpu(llama):
    asked = {"gpus": 4, "kv_cache_dtype": "fp8"}
    assert fit_model(llama, find_gpu("t4"), runtime="lmdeploy", **asked).fits
    assert not fit_model(llama, find_gpu("t4"), runtime="vllm", **asked).fits


@pytest.mark.parametrize(
    ("model", "gpu", "asked", "reason"),
    [
        ("Llama-3.1-8B", "t4", {}, "compute capability 8.0, t4 has 7.5: use a newer GPU, or vllm"),
        ("Llama-3.1-8B", "h100", {"runtime_version": "0.21.0"}, "use 1.0.0 or newer, or vllm"),
        ("Llama-3.1-8B", "h100", {"quantization": "q4_k_m"}, "reads no GGUF files: use vllm"),
        ("Llama-3.1-8B", "h100", {"quantization": "bitsandbytes"}, "no bitsandbytes weights: use vllm"),
        ("Llama-3.1-8B", "h100", {"extras": Extras(adapters=2)}, "are not planned: use vllm or sglang"),
        ("DeepSeek-V3", "h200", {"extras": Extras(draft_tokens=1)}, "are not planned: use vllm or sglang"),
        ("Qwen3-Next-80B-A3B-Instruct", "h200", {}, "linear attention"),
        ("DeepSeek-V4-Flash", "h200", {}, "compressed attention"),
        ("Qwen2.5-VL-7B-Instruct", "h100", {"text_only": True}, "no flag that leaves an encoder out"),
        ("DeepSeek-R1", "h200", {"data_parallel": 2}, "ask for --data-parallel 8"),
    ],
)
def test_what_tensorrt_llm_cannot_do_is_refused_with_a_way_out(model, gpu, asked, reason):
    fitted = fit_model(find_model(model), find_gpu(gpu), gpus=8, runtime="tensorrt-llm", **asked)
    assert not fitted.fits
    assert reason in fitted.reason


def test_a_step_that_would_cost_too_much_is_made_smaller_by_a_flag():
    """With 1,024 sequences, its default, vLLM 0.10 samples in 7 GiB of an H100 (vllm-project/vllm#23278)."""
    model, gpu = find_model("gpt-oss-120b"), find_gpu("h100")
    fitted = fit_model(model, gpu, gpus=1, concurrency=2, runtime_version="0.11.0")
    assert "--max-num-seqs=512" in fitted.flags
    newer = fit_model(model, gpu, gpus=1, concurrency=2, runtime_version="0.24.0")
    assert not any(flag.startswith("--max-num-seqs=") for flag in newer.flags), "it samples without sorting"


def test_more_sequences_than_the_server_runs_by_default_are_a_flag(llama):
    fitted = fit_model(llama, find_gpu("a100-80gb"), gpus=4, context_tokens=1024, concurrency=500)
    assert fitted.fits
    assert "--max-num-seqs=500" in fitted.flags


def test_a_checkpoint_that_no_server_makes_by_itself_is_a_note_not_a_flag(llama):
    fitted = fit_model(llama, find_gpu("h100"), gpus=1, quantization="awq")
    assert not any("quantization" in flag for flag in fitted.flags)
    assert any("published in awq" in note for note in fitted.notes)


def test_a_quantised_checkpoint_needs_no_flag():
    fitted = fit_model(find_model("Qwen/Qwen3-32B-FP8"), find_gpu("h100"), gpus=1)
    assert not any("quantization" in flag for flag in fitted.flags)


def test_gpus_without_bfloat16_are_told_to_halve(llama):
    assert "--dtype=half" in fit_model(llama, find_gpu("t4"), gpus=4).flags
    assert "--dtype=half" not in fit_model(llama, find_gpu("l4"), gpus=4).flags


def test_vllm_before_0_8_is_told_to_prefill_in_chunks(llama):
    old = fit_model(llama, find_gpu("h100"), gpus=1, runtime_version="0.6.4")
    assert "--enable-chunked-prefill" in old.flags
    assert "--enable-chunked-prefill" not in fit_model(llama, find_gpu("h100"), gpus=1).flags


def test_releases_that_do_not_know_windows_keep_every_token():
    model, gpu = find_model("google/gemma-3-27b-it"), find_gpu("h100")
    asked: dict[str, Any] = {"gpus": 1, "context_tokens": 32768, "concurrency": 1}
    old = fit_model(model, gpu, runtime_version="0.9.2", **asked)
    new = fit_model(model, gpu, runtime_version="0.11.0", **asked)
    assert new.max_concurrency > 2 * old.max_concurrency


def test_graphs_count_inside_the_share_since_0_21(llama):
    old = fit_model(llama, find_gpu("l40s"), gpus=1, runtime_version="0.20.0")
    new = fit_model(llama, find_gpu("l40s"), gpus=1, runtime_version="0.21.0")
    assert new.working_bytes_per_gpu > old.working_bytes_per_gpu


def test_unconfirmed_shapes_are_said_so():
    fitted = fit_model(find_model("DeepSeek-V4-Flash"), find_gpu("h200"), gpus=8)
    assert any("unconfirmed" in note for note in fitted.notes)


def test_a_model_with_nothing_known_of_its_context_is_still_planned(llama):
    bare = replace(llama, context=0)
    assert fit_model(bare, find_gpu("h100"), gpus=1).fits


def test_sglang_keeps_states_and_tokens_of_a_hybrid_apart():
    """186 states and 327,310 tokens, of which 62 requests may run (Qwen3.5-9B on two GPUs, 2026-04-14)."""
    model, gpu = find_model("Qwen3.5-9B"), find_gpu("l4")
    short = fit_model(model, gpu, gpus=2, runtime="sglang", context_tokens=1024, concurrency=1)
    longer = fit_model(model, gpu, gpus=2, runtime="sglang", context_tokens=4096, concurrency=1)
    assert short.max_concurrency == longer.max_concurrency  # states are the bound
    tokens = short.kv_bytes_available * (1 / 1.9) / (8 * 2 * 2 * 256 * 2)
    assert short.kv_tokens == pytest.approx(tokens, rel=0.01)


def test_cards_in_slots_keep_smaller_buffers_than_linked_gpus(llama):
    here, there = (fit_model(llama, find_gpu(name), gpus=2) for name in ("rtx-pro-6000", "h100"))
    assert here.working_bytes_per_gpu < there.working_bytes_per_gpu


def test_files_of_llama_cpp_go_where_a_runtime_reads_them():
    model, gpu = find_model("bartowski/Meta-Llama-3.1-8B-Instruct-GGUF"), find_gpu("l4")
    fitted = fit_model(model, gpu, gpus=1)
    assert fitted.fits
    assert any("Q4_K_M" in note for note in fitted.notes)
    assert any("vllm-gguf-plugin" in note for note in fitted.notes)
    old = fit_model(model, gpu, gpus=1, runtime_version="0.20.0")
    assert not any("plugin" in note for note in old.notes)
    eight = fit_model(model, gpu, gpus=1, quantization="q8_0")
    assert eight.weights_bytes_per_gpu > 1.6 * fitted.weights_bytes_per_gpu
    assert "llama.cpp image alone" in fit_model(model, gpu, gpus=1, runtime="tgi").reason


@pytest.mark.parametrize(
    ("runtime", "flags"),
    [
        ("vllm", {'--speculative-config={"method":"mtp","num_speculative_tokens":2}'}),
        ("sglang", {"--speculative-algorithm=EAGLE", "--speculative-num-steps=2"}),
    ],
)
def test_draft_layers_cost_weights_and_cache(runtime, flags):
    model, gpu = find_model("Qwen3.5-27B"), find_gpu("h100")
    plain = fit_model(model, gpu, gpus=2, runtime=runtime)
    draft = fit_model(model, gpu, gpus=2, runtime=runtime, extras=Extras(draft_tokens=2))
    assert flags <= set(draft.flags)
    assert draft.weights_bytes_per_gpu > plain.weights_bytes_per_gpu
    assert draft.kv_tokens < plain.kv_tokens
    assert any("--draft-tokens" in note for note in plain.notes)


def test_a_model_without_draft_layers_has_none_to_load(llama):
    fitted = fit_model(llama, find_gpu("h100"), gpus=1, extras=Extras(draft_tokens=1))
    assert not fitted.fits
    assert fitted.reason.endswith("no draft layers of its own")


def test_adapters_take_what_they_weigh(llama):
    """An adapter of rank 16 of all seven matrices of Llama-3.1-8B has 41,943,040 parameters (PEFT)."""
    plain, adapted = (
        fit_model(llama, find_gpu("h100"), gpus=1, extras=Extras(adapters=count)) for count in (0, 4)
    )
    assert adapted.weights_bytes_per_gpu - plain.weights_bytes_per_gpu == 4 * 2 * 41_943_040
    assert {"--enable-lora", "--max-loras=4", "--max-lora-rank=16"} <= set(adapted.flags)
    refused = fit_model(llama, find_gpu("h100"), gpus=1, runtime="tgi", extras=Extras(adapters=4))
    assert "use vllm or sglang" in refused.reason


def test_text_alone_leaves_the_encoder_out():
    model, gpu = find_model("Qwen3-VL-30B-A3B-Instruct"), find_gpu("h100")
    whole, text = (fit_model(model, gpu, gpus=1, text_only=only) for only in (False, True))
    assert model.vision is not None
    assert whole.weights_bytes_per_gpu - text.weights_bytes_per_gpu == pytest.approx(
        2 * model.vision.parameters, rel=0.01
    )
    assert text.kv_tokens > whole.kv_tokens
    assert "--language-model-only" in text.flags
    assert "--language-model-only" not in whole.flags
    old = fit_model(model, gpu, gpus=1, text_only=True, runtime_version="0.11.0")
    assert not old.fits
    assert old.reason == "vllm 0.11.0 has no --language-model-only: use 0.17.0 or newer"


def test_whole_experts_are_a_split_that_may_be_asked():
    model, gpu = find_model("Qwen3-30B-A3B"), find_gpu("h100")
    fitted = fit_model(model, gpu, gpus=4, expert_parallel=True)
    assert fitted.fits
    assert fitted.expert_parallel
    assert "--enable-expert-parallel" in fitted.flags
    assert "--ep-size=4" in fit_model(model, gpu, gpus=4, runtime="sglang", expert_parallel=True).flags
    dense = fit_model(find_model("Qwen3-32B"), gpu, gpus=4, expert_parallel=True)
    assert "only mixtures have them" in dense.reason


@pytest.mark.parametrize("runtime", ["vllm", "sglang", "tgi"])
def test_no_release_is_given_a_flag_that_it_does_not_know(runtime):
    asked: dict[str, Any] = {
        "quantization": "fp8",
        "kv_cache_dtype": "fp8",
        "concurrency": 300,
        "context_tokens": 2048,
        "expert_parallel": runtime != "tgi",
        "extras": Extras(draft_tokens=1, adapters=2) if runtime != "tgi" else Extras(),
    }
    known = runtime_flags(runtime)
    for release in runtime_releases(runtime):
        for model in ("Qwen3-Next-80B-A3B-Instruct", "Qwen3-32B"):
            some = {key: asked[key] for key in asked if model.startswith("Qwen3-N") or key == "concurrency"}
            fitted = fit_model(
                find_model(model),
                find_gpu("h200"),
                gpus=4,
                runtime=runtime,
                runtime_version=release.version,
                **some,
            )
            spans = [known.get(flag.partition("=")[0]) for flag in fitted.flags]
            key = release_key(release.version)
            lacks = [span is None or span.is_missing(key) or span.is_gone(key) for span in spans]
            assert not (fitted.fits and any(lacks)), (release.version, fitted.flags)


@pytest.mark.parametrize(
    ("runtime", "version", "fits"),
    [("vllm", "0.26.0", False), ("vllm", "0.30.0", True), ("sglang", None, False)],
)
def test_drafts_across_pipeline_stages_want_a_release_that_has_them(runtime, version, fits):
    fitted = fit_model(
        find_model("DeepSeek-V3"),
        find_gpu("h100"),
        gpus=8,
        nodes=2,
        runtime=runtime,
        runtime_version=version,
        extras=Extras(draft_tokens=1),
    )
    assert fitted.fits == fits
    assert fits or "pipeline stages" in fitted.reason


def test_a_release_that_nobody_knows_yet_is_planned_as_the_newest_and_said_so(llama):
    newest = runtime_releases("vllm")[-1].version
    fitted = fit_model(llama, find_gpu("h100"), gpus=1, runtime_version="99.0.0")
    assert fitted.fits
    assert any(f"planned as {newest}" in note for note in fitted.notes)
    assert not fit_model(llama, find_gpu("h100"), gpus=1, runtime_version=newest).notes


def test_copies_that_the_gpus_are_not_are_not_a_matter_of_size():
    fitted = fit_model(find_model("DeepSeek-V3"), find_gpu("h200"), gpus=8, data_parallel=5)
    assert fitted.reason.endswith("ask for a number that divides them")


def test_vllm_keeps_a_state_for_every_drafted_token():
    model, gpu = find_model("Qwen3.5-27B"), find_gpu("h100")
    one, three = (
        fit_model(model, gpu, gpus=2, concurrency=1, extras=Extras(draft_tokens=count)) for count in (1, 3)
    )
    assert one.kv_bytes_available == three.kv_bytes_available
    assert one.max_concurrency > three.max_concurrency


def test_whole_experts_are_told_what_cuda_graphs_may_take():
    model, gpu = find_model("Qwen3-30B-A3B"), find_gpu("h100")
    word = "VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS"
    whole = fit_model(model, gpu, gpus=4, expert_parallel=True)
    assert any(word in note for note in whole.notes)
    sliced = fit_model(model, gpu, gpus=4)
    older = fit_model(model, gpu, gpus=4, expert_parallel=True, runtime_version="0.20.0")
    assert not any(word in note for fitted in (sliced, older) for note in fitted.notes)


def test_large_graphs_are_counted_where_they_were_logged():
    gpu, word = find_gpu("b200"), "not counted"
    told = {
        name: next(note for note in fit_model(find_model(name), gpu, gpus=8, expert_parallel=True).notes
                   if "CUDA graphs" in note)
        for name in ("Qwen3-235B-A22B", "DeepSeek-V4-Flash")
    }  # fmt: skip
    assert word in told["Qwen3-235B-A22B"]
    assert word not in told["DeepSeek-V4-Flash"]


def test_tgi_keeps_the_logits_of_its_whole_prefill(llama):
    """It has no flag that makes a prefill smaller than the longest input."""
    fitted = fit_model(llama, find_gpu("a10g"), gpus=1, runtime="tgi", context_tokens=4096, concurrency=1)
    assert fitted.working_bytes_per_gpu >= 4096 * llama.vocab * 4
    assert not any("prefill" in flag for flag in fitted.flags)


def test_copies_of_attention_go_across_nodes():
    """DeepSeek-R1 on two nodes of eight, 16 copies: its vendor's and the runtimes' own way to serve it."""
    model, gpu = find_model("DeepSeek-R1"), find_gpu("h100")
    fitted = fit_model(model, gpu, gpus=8, nodes=2, data_parallel=16)
    assert fitted.fits
    assert (fitted.gpus, fitted.tensor_parallel, fitted.pipeline_parallel) == (16, 1, 1)
    assert {"--data-parallel-size=16", "--data-parallel-size-local=8"} <= set(fitted.flags)
    assert any("--data-parallel-start-rank" in note for note in fitted.notes)
    sglang = fit_model(model, gpu, gpus=8, nodes=2, data_parallel=16, runtime="sglang")
    assert {"--tp-size=16", "--dp-size=16", "--ep-size=16"} <= set(sglang.flags)
    assert any("--nnodes=2" in note for note in sglang.notes)
    pairs = fit_model(model, gpu, gpus=8, nodes=4, data_parallel=16)
    assert (pairs.gpus, pairs.tensor_parallel) == (32, 2)


def test_a_flag_that_came_with_a_post_release_names_the_next_one(llama):
    asked: dict[str, Any] = {"gpus": 1, "runtime": "sglang", "extras": Extras(adapters=2)}
    reason = fit_model(llama, find_gpu("h100"), runtime_version="0.4.5", **asked).reason
    assert reason == "sglang 0.4.5 has no --enable-lora: use 0.4.10 or newer"


def test_older_releases_tell_the_kind_of_draft_by_the_model():
    model, gpu = find_model("DeepSeek-V3"), find_gpu("h200")
    old = fit_model(model, gpu, gpus=8, runtime_version="0.9.2", extras=Extras(draft_tokens=1))
    assert '--speculative-config={"num_speculative_tokens":1}' in old.flags
