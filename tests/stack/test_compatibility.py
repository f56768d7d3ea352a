"""An endpoint of a stack is judged as it is rendered, and told in the words of a deployment."""

import json

import pytest


@pytest.fixture
def check(project, gpuyard):
    """What `check` says of one endpoint on an existing cluster of that GPU."""

    def call(accelerator="t4", gpus_per_node=4, **endpoint):
        def change(deployment):
            deployment["places"][0].update(accelerator=accelerator, gpus_per_node=gpus_per_node)
            deployment["capacity"]["accelerators"] = [accelerator]
            deployment["endpoints"] = [
                {"name": "chat", "model": "Qwen/Qwen3-8B", "context_tokens": 4096, **endpoint}
            ]

        project.change("local", change)
        return gpuyard("check", "-s", "local")

    return call


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--max-modle-len=2048"], ["endpoints[0].args: vllm has no --max-modle-len", "use --max-model-len"]),
        (["--attention-backend=FLASH_ATTN"], ["args: flash_attn has no kernels for t4"]),
        (["--dtype=bfloat16"], ["args: bfloat16 needs compute capability 8.0", "(args: --dtype=float16)"]),
        (
            ["--tensor-parallel-size", "3"],
            ["args: 32 attention heads do not divide by 3", "(args: --tensor-parallel-size=2)"],
        ),
    ],
)
def test_flags_of_ones_own_are_judged(check, args, said):
    code, text = check(args=args)
    assert code == 1
    for words in said:
        assert words in text


def test_the_way_out_passes_once_it_is_applied(check):
    assert check(args=["--dtype=float16"])[0] == 0
    assert check(args=["--tensor-parallel-size=2"])[0] == 0


def test_a_gpu_is_called_what_the_deployment_calls_it(check):
    code, text = check(model="openai/gpt-oss-20b")
    assert code == 1
    assert "(places[0].accelerator: l4)" in text
    assert "(gpu: l4)" not in text
    assert check("l4", model="openai/gpt-oss-20b")[0] == 0


def test_a_replica_takes_no_more_gpus_than_a_node_has(check):
    code, text = check("l4", 1, model="Qwen/Qwen3-32B")
    assert code == 1
    assert "endpoints[0].model: fits on none of the allowed accelerators: l4" in text
    assert "(1 of them)" not in text, "said once"
    code, text = check("l4", 4, model="Qwen/Qwen3-32B-FP8")
    assert code == 0
    code, text = check("l4", 4, gpus_per_replica=8)
    assert code == 2
    assert "more than the 4 GPUs of a node" in text


def test_fewer_requests_at_once_than_planned_are_no_error(check):
    code, text = check("h100", 1, model="Qwen/Qwen3-32B", context_tokens=32768)
    assert code == 0
    assert "warning: endpoints[0].context_tokens: fits on none" in text


def test_a_context_that_nobody_asked_for_is_said(check):
    _, text = check("h100", 8, model="openai/gpt-oss-120b", context_tokens=None)
    assert "note: endpoints[0].context_tokens: is not set, so requests of 8,192 tokens are planned" in text
    assert "CONTEXT_ASSUMED" not in check("h100", 8, model="openai/gpt-oss-120b", context_tokens=65536)[1]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"quantization": "fp9"}, ['endpoints[0].quantization: "fp9"', 'did you mean "fp8"?']),
        ({"kv_cache_dtype": "fp3"}, ['endpoints[0].kv_cache_dtype: "fp3"', "others go into `args`"]),
        ({"runtime_version": 0.1}, ["must be text, and YAML reads 0.1 as a number", "in quotes"]),
        ({"env": {"A": True}}, ["env.A: must be text, and YAML reads true as yes or no", "in quotes"]),
        ({"args": "--enforce-eager"}, ["args: must be a list", "[--enforce-eager]"]),
    ],
)
def test_what_is_no_value_of_a_key_is_said_with_what_is(check, asked, said):
    code, text = check("l4", 4, **asked)
    assert code == 2
    for words in said:
        assert words in text


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"context_tokens": 99999}, "more than the model's 40,960"),
        ({"model": "BAAI/bge-m3", "runtime": "tgi", "context_tokens": None}, "TGI writes text alone"),
    ],
)
def test_what_no_memory_would_mend_is_not_called_memory(check, asked, reason):
    code, text = check("l4", 4, **asked)
    assert code == 1
    assert reason in text
    assert "[MODEL_NOT_SERVED]" in text
    assert "[MEMORY_" not in text


def test_a_version_that_is_no_release_is_not_called_newer(check):
    code, text = check("l4", 4, runtime_version="banana")
    assert code == 0
    assert '"banana" is no release of vllm' in text
    assert "is newer than the catalog" not in text


def test_a_newer_release_is_said_once(check):
    text = check("l4", 4, runtime_version="0.99.0")[1]
    assert text.count("is newer than the catalog") == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"quantization": "awq"}, "endpoints[0].quantization: serve a checkpoint of Qwen/Qwen3-8B"),
        ({"model": "unsloth/Qwen3-14B-GGUF:Q4_K_M"}, "vLLM reads GGUF files by a plugin"),
    ],
)
def test_weights_that_no_flag_makes_are_a_warning(check, asked, said):
    code, text = check("l4", 4, **asked)
    assert code == 0
    assert said in text
    assert "[CHECKPOINT_NEEDED]" in text


@pytest.mark.parametrize(
    "asked", [{"quantization": "fp8"}, {"model": "Qwen/Qwen3-8B-AWQ", "quantization": "awq"}]
)
def test_what_is_quantised_on_load_or_already_needs_no_other_checkpoint(check, asked):
    assert "CHECKPOINT_NEEDED" not in check("l4", 4, **asked)[1]


def test_an_image_alone_says_the_release(check, gpuyard):
    """Flags of the newest release would end an older server at once."""
    assert check("l4", 4, image="vllm/vllm-openai:v0.11.0")[0] == 0
    document = json.loads(gpuyard("plan", "-s", "local", "--format", "json")[1])
    (pod,) = [item for item in document["resources"] if item["type"] == "kubernetes:apps/v1:Deployment"]
    args = pod["inputs"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--gpu-memory-utilization=0.90" in args
    assert not any(flag.startswith("--shutdown-timeout") for flag in args)


def test_an_image_of_another_release_is_said(check):
    text = check("l4", 4, image="vllm/vllm-openai:v0.33.0", runtime_version="0.11.0")[1]
    assert "[IMAGE_VERSION]" in text
    assert "set runtime_version to 0.33.0" in text


def test_values_are_no_flags_of_the_engine(check):
    """Compilers and JSON have words with two hyphens; they are neither judged nor repeated."""
    code, text = check(
        "l4",
        1,
        env={"NVCC_APPEND_FLAGS": "--threads 4", "PASSPHRASE": "--correct-horse"},
        args=["--hf-overrides", '{"note": "a --battery-staple"}'],
    )
    assert code == 0
    assert not any(words in text for words in ("--threads", "correct-horse", "battery-staple"))


@pytest.mark.parametrize("args", [["-tp", "2"], ["--tensor-parallel-size 2"]])
def test_own_flags_split_over_no_more_gpus_than_a_replica_gets(check, args):
    code, text = check("l4", 4, gpus_per_replica=1, model="Qwen/Qwen3-4B", args=args)
    assert code == 1
    assert "endpoints[0].args: split the model over 2 GPUs, and a replica gets 1  [GPUS_BELOW_SPLIT]" in text
    assert check("l4", 4, gpus_per_replica=2, model="Qwen/Qwen3-4B", args=args)[0] == 0


def test_own_stages_multiply_the_planned_split(check):
    code, text = check(
        "l4", 4, gpus_per_replica=2, model="Qwen/Qwen3-4B", args=["--pipeline-parallel-size=2"]
    )
    assert code == 1
    assert "split the model over 4 GPUs, and a replica gets 2" in text


def test_a_runtime_in_capitals_gets_the_planned_flags(check, gpuyard):
    assert check("l4", 1, model="Qwen/Qwen3-4B", runtime="VLLM", image="vllm/vllm-openai:v0.19.0")[0] == 0
    text = gpuyard("plan", "-s", "local", "--format", "json")[1]
    assert '"--max-model-len=4096"' in text
    assert '"--gpu-memory-utilization=0.90"' in text
    code, text = check("l4", 1, runtime="vlm")
    assert code == 2
    assert 'endpoints[0].runtime: "vlm" is not a runtime; did you mean "vllm"?' in text


def test_weights_without_room_for_a_step_are_said_once(check):
    code, text = check("l4", 1, model="Qwen/Qwen3-4B", args=["--gpu-memory-utilization=0.3"])
    assert code == 1
    assert "[MEMORY_WEIGHTS]" in text
    assert "[MEMORY_KV]" not in text


def test_flags_of_an_image_of_ones_own_mean_what_it_likes(check):
    own = {"runtime": "custom", "image": "registry.example/own:1", "args": ["--tensor-parallel-size=4"]}
    assert check("l4", 4, model="Qwen/Qwen3-4B", gpus_per_replica=1, **own)[0] == 0
