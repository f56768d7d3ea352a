"""Runtimes as facts: where the image is, which ports and paths, how to drain, what the metrics are called.

Sources: facts on serving of 2026-11 (vLLM, SGLang and TGI source). A version newer than the tables is
judged by the newest known facts.
"""

import re
from collections.abc import Mapping
from dataclasses import field

from gpuyard.catalog.engine_flags import OPTIONS
from gpuyard.catalog.tables import read_csv
from gpuyard.errors import did_you_mean
from gpuyard.records import record


@record
class Runtime:
    """What an endpoint needs to know of one kind of engine."""

    name: str
    image: str
    """Public image with ``{version}`` to fill in."""
    cpu_image: str = ""
    """The same for nodes without GPUs; empty: there is none."""
    command: tuple[str, ...] = ()
    """Entry point; empty: the image's own. Images of one engine changed theirs between releases."""
    port: int
    startup_path: str
    ready_path: str
    live_path: str
    metrics_path: str = "/metrics"
    model_argument: str
    """How the model is named, with ``{model}`` to fill in; empty: the image knows its model."""
    server_flags: tuple[str, ...] = ()
    """Where it listens, and what makes it give metrics."""
    drain_flag: str = ""
    """Flag that makes the engine finish its requests on SIGTERM."""
    drain_since: tuple[int, ...] = (0, 0, 0)
    drain_env: str = ""
    """The same as an environment variable, in seconds."""
    remote_weights_flag: str = ""
    """Flag that streams weights from ``s3://`` and ``gs://``; empty: it cannot."""
    api_key_env: str = ""
    """Where the API key is read from; it comes from a Secret."""
    api_key_flag: str = ""
    """Flag that reads that variable where the engine does not."""
    ready_timeout_env: str = ""
    """How long the server waits for its engine, seconds; its own default is too short for slow weights."""
    env: Mapping[str, str] = field(default_factory=dict)
    cpu_env: Mapping[str, str] = field(default_factory=dict)
    """Added on nodes without GPUs."""
    maintained: bool = True


CACHE = "/cache"
"""Where weights and compiled code are kept; a writable volume."""
_HUB = {"HF_HOME": f"{CACHE}/huggingface"}

RUNTIMES: Mapping[str, Runtime] = {
    "vllm": Runtime(
        name="vllm",
        image="vllm/vllm-openai:v{version}",
        cpu_image="vllm/vllm-openai-cpu:v{version}",
        # `--model` is deprecated under `vllm serve`, the entry point of late images; both know the command
        command=("vllm", "serve"),
        port=8000,
        startup_path="/v1/models",
        ready_path="/health",
        live_path="/health",
        model_argument="{model}",
        server_flags=("--host=0.0.0.0", "--port=8000"),
        drain_flag="--shutdown-timeout",
        drain_since=(0, 18, 0),
        remote_weights_flag="--load-format=runai_streamer",
        api_key_env="VLLM_API_KEY",
        ready_timeout_env="VLLM_ENGINE_READY_TIMEOUT_S",
        env={
            **_HUB,
            "VLLM_CACHE_ROOT": f"{CACHE}/vllm",
            "VLLM_NO_USAGE_STATS": "1",
            # its default of 5 s is below the idle time-out of load balancers, which then see resets
            "VLLM_HTTP_TIMEOUT_KEEP_ALIVE": "75",
        },
        cpu_env={"VLLM_CPU_KVCACHE_SPACE": "4"},
    ),
    "sglang": Runtime(
        name="sglang",
        image="lmsysorg/sglang:v{version}",
        command=("python3", "-m", "sglang.launch_server"),  # its image starts a shell
        port=30000,
        startup_path="/health_generate",
        ready_path="/health_generate",
        live_path="/health",
        model_argument="--model-path={model}",
        server_flags=("--host=0.0.0.0", "--port=30000", "--enable-metrics"),
        api_key_env="SGLANG_API_KEY",
        api_key_flag="--api-key=$(SGLANG_API_KEY)",
        env=_HUB,
    ),
    "tgi": Runtime(
        name="tgi",
        image="ghcr.io/huggingface/text-generation-inference:{version}",
        cpu_image="ghcr.io/huggingface/text-generation-inference:{version}-intel-cpu",
        port=8080,  # its default of 80 needs a capability that the container does without
        startup_path="/health",
        ready_path="/health",
        live_path="/health",
        model_argument="--model-id={model}",
        server_flags=("--hostname=0.0.0.0", "--port=8080"),
        drain_env="GRACEFUL_TERMINATION_TIMEOUT",
        api_key_env="API_KEY",
        env={**_HUB, "HUGGINGFACE_HUB_CACHE": f"{CACHE}/huggingface/hub"},
        maintained=False,
    ),
    "custom": Runtime(
        name="custom",
        image="",
        port=8000,
        startup_path="/health",
        ready_path="/health",
        live_path="/health",
        model_argument="",
        env=_HUB,
    ),
}


def find_runtime(name: str) -> Runtime:
    """The runtime of that name.

    Raises:
        ValueError: unknown, with close names.
    """
    found = RUNTIMES.get(name.lower())
    if found is None:
        hint = did_you_mean(name, RUNTIMES) or "known: " + ", ".join(RUNTIMES)
        raise ValueError(f'"{name}" is not a runtime; {hint}; `custom` takes any image')
    return found


def newest_version(name: str) -> str:
    """The newest release that the catalog knows; empty for custom images."""
    if name in ("vllm", "sglang"):
        kept = [row for row in read_csv(f"{name}_releases") if row.get("yanked") != "true"]
        return kept[-1]["version"]
    rows = [row["version"] for row in read_csv("other_runtime_releases") if row["runtime"] == name]
    return max(rows, key=version_key) if rows else ""


def version_key(version: str) -> tuple[int, ...]:
    """A version as three numbers that compare: ``v0.8.5.post1`` to ``(0, 8, 5)``, ``0.18`` to ``(0, 18, 0)``.

    A text without a number (``nightly``) counts as newer than all.
    """
    numbers = [int(part) for part in re.findall(r"\d+", re.split(r"post|rc|dev", version)[0])[:3]]
    return tuple([*numbers, 0, 0][:3]) if numbers else (9999, 0, 0)


def image_version(runtime: str, image: str) -> str:
    """The release that an image of the runtime's own, or a mirror of it, says in its tag; empty: none."""
    known = RUNTIMES.get(runtime)
    repository, _, tag = image.partition("@")[0].rpartition(":")
    own = (
        [one.partition(":")[0].rpartition("/")[2] for one in (known.image, known.cpu_image)] if known else []
    )
    if not repository or repository.rpartition("/")[2] not in own:
        return ""
    found = _TAG.match(tag)
    return found[1] if found else ""


_TAG = re.compile(r"v?(\d+\.\d+(?:\.\d+)?(?:\.?post\d+)?)(?![\d.])")


def default_image(runtime: Runtime, version: str, *, cpu: bool, cuda: str = "") -> str:
    """The public image of a version; empty: the runtime has none for this hardware.

    ``cuda`` (``12`` or ``13``) asks for a build of that major version; empty takes the release's own.
    """
    plain = version.removeprefix("v")
    if not cpu:
        suffix = _cuda_suffix(runtime.name, plain, cuda)
        listed = "" if suffix else _listed_image(runtime.name, plain)
        return listed or runtime.image.format(version=plain) + suffix
    if runtime.name == "vllm" and version_key(plain) < _VLLM_CPU_ON_DOCKER_HUB:
        return f"public.ecr.aws/q9t5s3a7/vllm-cpu-release-repo:v{plain}"
    return runtime.cpu_image.format(version=plain)


_VLLM_CPU_ON_DOCKER_HUB = (0, 23, 0)
"""From here a tag without architecture is seen in use; before, releases went to public ECR."""
_CUDA_13_SINCE = {"vllm": (0, 20, 0), "sglang": (0, 5, 11)}
"""The default build moved to CUDA 13: vLLM 0.20.0 (2026-04-27), SGLang 0.5.11 (2026-05-05)."""


def _listed_image(name: str, version: str) -> str:
    """The tag that the catalog lists for a release; before 0.4.7 SGLang's carry a CUDA suffix."""
    column = {"vllm": "image_default_tag", "sglang": "image"}.get(name)
    if not column:
        return ""
    row = next((row for row in read_csv(f"{name}_releases") if row["version"] == version), None)
    return row[column].split()[0] if row and row[column].strip() else ""


def _cuda_suffix(name: str, version: str, cuda: str) -> str:
    since = _CUDA_13_SINCE.get(name)
    if not since or not cuda:
        return ""
    default = "13" if version_key(version) >= since else "12"
    return "" if cuda == default else {"12": "-cu129", "13": "-cu130"}[cuda]


def drains(runtime: Runtime, version: str) -> bool:
    """Whether this version can be told how long to finish its requests on SIGTERM."""
    if runtime.drain_env:
        return True
    return bool(runtime.drain_flag) and version_key(version) >= runtime.drain_since


def merge_flags(computed: tuple[str, ...], given: tuple[str, ...]) -> tuple[str, ...]:
    """Computed flags, then given ones; a given flag replaces a computed one of the same name.

    Both ``--name=value`` and ``--name value`` forms count, and ``_`` is ``-``, as the engines take it. Among
    the computed ones the last of a name stays.
    """
    names = {_flag_name(flag) for flag in given if flag.startswith("-")}
    last = {_flag_name(flag): index for index, flag in enumerate(computed) if flag.startswith("-")}
    kept = [flag for index, flag in enumerate(computed) if last.get(_flag_name(flag), index) == index]
    return tuple(flag for flag in kept if _flag_name(flag) not in names) + given


def _flag_name(flag: str) -> str:
    name = flag.split("=", 1)[0].split(" ", 1)[0].replace("_", "-")
    return _ALIASES.get(name, name)


_ALIASES = {
    spelling: option.flags["vllm"]
    for option in OPTIONS.values()
    if option.short
    for spelling in (*option.short, option.flags["sglang"])
}
"""Other spellings of one flag, so that a given one replaces the computed one."""
