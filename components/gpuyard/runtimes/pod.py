"""One runtime, one model, one version: the container that serves it, as plain data."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from gpuyard.catalog.engine_flags import flags_of
from gpuyard.catalog.software_runtimes import release_key
from gpuyard.catalog.software_support import runtime_flags, runtime_variables
from gpuyard.records import record
from gpuyard.runtimes.metrics import series_of
from gpuyard.runtimes.runtime import CACHE, Runtime, default_image, drains, merge_flags

GKE_LIBRARIES = "/usr/local/nvidia/lib64:/usr/local/cuda/lib64"
"""Where GKE mounts the driver's libraries; images on CUDA 12.8 and later look elsewhere first."""


@record
class RuntimePod:
    """What the container of an engine needs."""

    image: str
    command: tuple[str, ...]
    """Entry point; empty: the image's own."""
    args: tuple[str, ...]
    env: Mapping[str, str]
    """Plain values, sorted by name; secrets come by reference only, from `serving`."""
    port: int
    """API and metrics."""
    startup_path: str
    ready_path: str
    live_path: str
    metrics_path: str
    signals: Mapping[str, tuple[str, ...]]
    """Normalised signal to the engine's series; empty for a custom image."""
    drains: bool
    """Whether the engine was told how long to finish its requests on SIGTERM."""
    shm_gib: int
    """Size of /dev/shm."""
    writable_paths: tuple[str, ...]
    """Paths that need a writable volume."""


@record
class RuntimeDemand:
    """What one replica must serve, and what the user insists on."""

    model: str
    version: str
    served_name: str = ""
    """What callers call the model; empty: ``model``."""
    image: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] | None = None
    gpus: int = 1
    """GPUs of the replica on one node; 0: CPU."""
    flags: tuple[str, ...] = ()
    """Flags that planning computed; they win over the ones derived here, ``args`` win over both."""
    context_tokens: int | None = None
    max_concurrency: int | None = None
    drain_seconds: int = 60
    startup_seconds: int = 600
    platform: str = "kubernetes"
    cuda: str = ""
    port: int | None = None
    """Where a custom image listens."""
    health_path: str = ""
    """The one probe path of a custom image."""
    remote_weights: bool = False
    """The model is an ``s3://`` or ``gs://`` address."""
    guarded: bool = False
    """The engine asks for an API key, which reaches it through `Runtime.api_key_env`."""
    offline: bool = False
    """The weights are on a volume: never ask the hub."""


def render_runtime(runtime: Runtime, demand: RuntimeDemand) -> RuntimePod:
    """The container for ``demand``. Any version is taken; a newer one is judged by the newest known facts."""
    probed = _with_probes(runtime, demand)
    arguments = _arguments(runtime, demand)
    return RuntimePod(
        image=demand.image or default_image(runtime, demand.version, cpu=not demand.gpus, cuda=demand.cuda),
        command=runtime.command,
        args=arguments,
        env=_environment(runtime, demand),
        port=_given_port(arguments) or probed.port,
        startup_path=probed.startup_path,
        ready_path=probed.ready_path,
        live_path=probed.live_path,
        metrics_path=runtime.metrics_path,
        signals=series_of(runtime.name),
        drains=drains(runtime, demand.version),
        shm_gib=16 if demand.gpus > 1 else 2,  # NCCL and the workers talk through it
        writable_paths=("/dev/shm", CACHE),  # noqa: S108 (a mount point, not a file)
    )


def _arguments(runtime: Runtime, demand: RuntimeDemand) -> tuple[str, ...]:
    if not runtime.model_argument:
        return demand.args
    derived = [runtime.model_argument.format(model=demand.model), *runtime.server_flags]
    told = {
        "served_name": demand.served_name,
        "tensor_parallel": demand.gpus if demand.gpus > 1 else None,
        "max_model_len": demand.context_tokens,
        "max_num_seqs": demand.max_concurrency,
    }
    flags = flags_of(runtime.name)
    derived += [f"{flags[name]}={value}" for name, value in told.items() if value and name in flags]
    if demand.remote_weights and runtime.remote_weights_flag:
        derived.append(runtime.remote_weights_flag)
    if demand.guarded and runtime.api_key_flag:
        derived.append(runtime.api_key_flag)
    if runtime.drain_flag and drains(runtime, demand.version):
        derived.append(f"{runtime.drain_flag}={demand.drain_seconds}")
    derived = [flag for flag in derived if not _is_yet_to_come(runtime.name, demand.version, flag)]
    return merge_flags(merge_flags(tuple(derived), demand.flags), tuple(_apart(demand.args)))


def _apart(args: Iterable[str]) -> Iterator[str]:
    """``--name value`` in one text as the two words that an engine reads of it."""
    for text in args:
        name, space, value = text.partition(" ")
        if space and name.startswith("--") and "=" not in name:
            yield from (name, value.strip())
        else:
            yield text


def _is_yet_to_come(runtime: str, version: str, flag: str) -> bool:
    """Whether the release would end at a flag that nobody asked for."""
    span = runtime_flags(runtime).get(flag.partition("=")[0])
    return span is not None and span.is_missing(release_key(version))


def _is_read(runtime: str, version: str, variable: str) -> bool:
    """Whether the release reads it, or may: what no release of the engine is known to read is another's."""
    known = runtime_variables(runtime).get(variable)
    release = release_key(version)
    return known is None or not release or known.span.holds(release)


def _environment(runtime: Runtime, demand: RuntimeDemand) -> dict[str, str]:
    variables = dict(runtime.env)
    if not demand.gpus:
        variables |= runtime.cpu_env
    if runtime.drain_env:
        variables[runtime.drain_env] = str(demand.drain_seconds)
    if demand.gpus and demand.platform == "gke" and runtime.name == "vllm":
        variables["LD_LIBRARY_PATH"] = GKE_LIBRARIES
    if runtime.ready_timeout_env:
        variables[runtime.ready_timeout_env] = str(demand.startup_seconds)
    if demand.offline:
        variables["HF_HUB_OFFLINE"] = "1"
    variables = {
        name: text for name, text in variables.items() if _is_read(runtime.name, demand.version, name)
    }
    variables |= demand.env or {}
    return dict(sorted(variables.items()))


def _with_probes(runtime: Runtime, demand: RuntimeDemand) -> Runtime:
    if runtime.name == "custom":
        path = demand.health_path or runtime.ready_path
        port = demand.port or runtime.port
        return replace(runtime, port=port, startup_path=path, ready_path=path, live_path=path)
    if demand.guarded and runtime.startup_path.startswith("/v1"):
        return replace(runtime, startup_path=runtime.ready_path)  # probes carry no key
    return runtime


def _given_port(arguments: tuple[str, ...]) -> int | None:
    """The last ``--port`` among the flags, in either form."""
    words = [word for argument in arguments for word in argument.replace("=", " ", 1).split()]
    found = [words[i + 1] for i, word in enumerate(words[:-1]) if word == "--port"]
    return int(found[-1]) if found and found[-1].isdigit() else None
