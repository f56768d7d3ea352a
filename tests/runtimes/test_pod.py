"""The container of an engine."""

import pytest

from gpuyard.runtimes.metrics import SERIES
from gpuyard.runtimes.pod import RuntimeDemand, render_runtime
from gpuyard.runtimes.runtime import RUNTIMES, find_runtime


def pod(runtime="vllm", version="0.33.0", **demand):
    demand = {"model": "org/model", "version": version, **demand}
    return render_runtime(find_runtime(runtime), RuntimeDemand(**demand))


@pytest.mark.parametrize(
    ("runtime", "command", "args"),
    [
        (
            "vllm",
            ("vllm", "serve"),
            (
                "org/model",
                "--host=0.0.0.0",
                "--port=8000",
                "--tensor-parallel-size=2",
                "--max-model-len=4096",
                "--max-num-seqs=16",
                "--shutdown-timeout=60",
            ),
        ),
        (
            "sglang",
            ("python3", "-m", "sglang.launch_server"),
            (
                "--model-path=org/model",
                "--host=0.0.0.0",
                "--port=30000",
                "--enable-metrics",
                "--tp-size=2",
                "--context-length=4096",
                "--max-running-requests=16",
            ),
        ),
        (
            "tgi",
            (),
            (
                "--model-id=org/model",
                "--hostname=0.0.0.0",
                "--port=8080",
                "--num-shard=2",
                "--max-total-tokens=4096",
                "--max-concurrent-requests=16",
            ),
        ),
    ],
)
def test_each_runtime_is_told_the_same_in_its_own_words(runtime, command, args):
    rendered = pod(runtime, gpus=2, context_tokens=4096, max_concurrency=16)
    assert (rendered.command, rendered.args) == (command, args)


def test_flags_of_planning_win_over_derived_ones_and_the_users_over_both():
    rendered = pod(
        gpus=2,
        context_tokens=4096,
        flags=("--max-model-len=8192", "--tensor-parallel-size=2"),
        args=("--max-model-len", "16384"),
    )
    lengths = [flag for flag in rendered.args if flag.startswith("--max-model-len")]
    assert lengths == ["--max-model-len"]
    assert rendered.args[-2:] == ("--max-model-len", "16384")
    assert len([flag for flag in rendered.args if flag.startswith("--tensor-parallel-size")]) == 1


def test_an_old_vllm_gets_no_flag_it_does_not_know():
    rendered = pod(version="0.17.1")
    assert not any(flag.startswith("--shutdown-timeout") for flag in rendered.args)
    assert not rendered.drains


def test_tgi_is_told_its_drain_time_by_environment():
    assert pod("tgi", "3.3.7", drain_seconds=120).env["GRACEFUL_TERMINATION_TIMEOUT"] == "120"


@pytest.mark.parametrize(
    ("platform", "gpus", "expected"),
    [("gke", 1, True), ("gke", 0, False), ("eks", 1, False)],
)
def test_gke_with_gpus_needs_its_library_path(platform, gpus, expected):
    assert ("LD_LIBRARY_PATH" in pod(platform=platform, gpus=gpus).env) is expected


def test_cpu_pods_reserve_a_cache_and_take_the_cpu_image():
    rendered = pod(gpus=0)
    assert rendered.env["VLLM_CPU_KVCACHE_SPACE"] == "4"
    assert rendered.image == "vllm/vllm-openai-cpu:v0.33.0"


def test_the_users_environment_and_image_win():
    rendered = pod(env={"VLLM_NO_USAGE_STATS": "0"}, image="registry.example/own:1")
    assert rendered.env["VLLM_NO_USAGE_STATS"] == "0"
    assert rendered.image == "registry.example/own:1"


@pytest.mark.parametrize("args", [("--port=9000",), ("--port", "9000"), ("--port 9000",)])
def test_probes_follow_a_port_that_the_user_moves(args):
    assert pod(args=args).port == 9000


def test_a_flag_and_its_value_in_one_text_are_two_words():
    """The engine would take them for one flag of that name."""
    args = ("--dtype half", '--hf-overrides={"a": 1}', "--served-model-name", "my model")
    assert pod(args=args).args[-5:] == ("--dtype", "half", *args[1:])


def test_a_custom_image_gets_its_own_port_and_path_and_nothing_made_up():
    rendered = pod("custom", image="own:1", port=9999, health_path="/ready", args=("--x",))
    assert (rendered.port, rendered.startup_path, rendered.live_path) == (9999, "/ready", "/ready")
    assert (rendered.command, rendered.args, rendered.signals) == ((), ("--x",), {})


def test_a_guarded_vllm_is_not_probed_where_it_wants_a_key():
    assert pod(guarded=True).startup_path == "/health"
    assert pod().startup_path == "/v1/models"


def test_a_guarded_sglang_reads_its_key_from_a_variable_only():
    assert "--api-key=$(SGLANG_API_KEY)" in pod("sglang", "0.5.20", guarded=True).args


def test_weights_in_a_bucket_are_streamed():
    assert "--load-format=runai_streamer" in pod(remote_weights=True).args


def test_several_gpus_get_a_large_shared_memory():
    assert (pod(gpus=1).shm_gib, pod(gpus=4).shm_gib) == (2, 16)


@pytest.mark.parametrize("runtime", ["vllm", "sglang", "tgi"])
def test_every_runtime_names_its_load_signals(runtime):
    signals = pod(runtime).signals
    assert {"requests_running", "requests_waiting", "tokens_generated", "queue_seconds"} <= set(signals)


def test_only_known_runtimes_have_series():
    named = {runtime for families in SERIES.values() for runtime in families}
    assert named - set(RUNTIMES) == {"tensorrt-llm"}  # measured when brought as a custom image
