"""One endpoint: a model behind a runtime, complete and checked."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from math import ceil
from typing import Annotated, Any

from pydantic import Field, model_validator

from gpuyard.errors import did_you_mean
from gpuyard.parsing import Spec
from gpuyard.plain_secrets import secret_places
from gpuyard.runtimes.pod import RuntimeDemand, RuntimePod, render_runtime
from gpuyard.runtimes.runtime import (
    RUNTIMES,
    Runtime,
    default_image,
    find_runtime,
    image_version,
    newest_version,
)

BASE_STARTUP_SECONDS = 300
"""Process start, compile and CUDA graphs of a large model took 215 s (n=1, vllm #19824, 2025-06)."""
DOWNLOAD_MIB_PER_SECOND = 100
"""Slow but honest: 70 GiB from a hub in 12 minutes."""
Label = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,52}[a-z0-9])?$")]


class WeightsSource(StrEnum):
    """Where the weights come from."""

    HUGGING_FACE = "hugging_face"
    PVC = "pvc"
    S3 = "s3"
    GS = "gs"


class EndpointSpec(Spec):
    """A model endpoint as it will run."""

    name: Label
    namespace: Label = "inference"
    model: str = Field(min_length=1)
    runtime: str = "vllm"
    runtime_version: str = ""
    image: str = ""
    cuda: str = Field(default="", pattern=r"^(12|13)?$")
    """Build of the default image for this CUDA major version. Empty: the release's own."""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = Field(default_factory=dict)
    platform: str = Field(default="kubernetes", pattern=r"^(eks|gke|kubernetes)$")
    gpus: int = Field(default=1, ge=0, le=16)
    """GPUs of one replica; 0: runs on CPU."""
    nodes: int = Field(default=1, ge=1)
    """Nodes of one replica. More than one is refused."""
    replicas_min: int = Field(default=1, ge=1)
    replicas_max: int = Field(default=1, ge=1)
    spare_gpus: int = Field(default=0, ge=0)
    """GPUs that stand free at the minimum: what a rollout may surge into."""
    context_tokens: int | None = Field(default=None, gt=0)
    max_concurrency: int | None = Field(default=None, gt=0)
    """Requests that one replica runs at once. Default the runtime's own."""
    flags: tuple[str, ...] = ()
    """Runtime flags that planning computed; `args` win over them."""
    weights_source: WeightsSource = WeightsSource.HUGGING_FACE
    weights_claim: str = ""
    """Existing claim with the weights, mounted read-only at ``/weights``."""
    weights_gib: float = Field(default=20, gt=0)
    """Size of the weights: disk, download time and memory follow from it."""
    cache_gib: int | None = Field(default=None, ge=1)
    """Size of the cache for weights and compiled code. Default 1.3 times the weights and 20 GiB."""
    cache_persistent: bool = False
    """Keep weights and compiled code on a volume of its own; otherwise they go with the pod."""
    cache_storage_class: str = ""
    hugging_face_secret: str = ""
    api_key_secret: str = ""
    """Name of a Secret with the key ``api-key`` that callers must present."""
    service_account_annotations: Mapping[str, str] = Field(default_factory=dict)
    cpu: str = ""
    """CPU request. Default 3 per GPU, 2 without."""
    memory_gib: int | None = Field(default=None, gt=0)
    """Memory request. Default 0.6 times the weights, on CPU all of them and more, at least 8."""
    startup_budget_seconds: int | None = Field(default=None, ge=60, le=14_400)
    """Time from pod start to ready. Default from the weights."""
    drain_seconds: int = Field(default=60, ge=0, le=3600)
    """Time that requests in flight get when a pod goes."""
    service_type: str = Field(default="ClusterIP", pattern=r"^(ClusterIP|LoadBalancer|NodePort)$")
    allowed_namespaces: tuple[Label, ...] = ()
    """Namespaces that may call it. Empty: the whole cluster."""
    monitoring_namespace: Label = "monitoring"
    """Namespace of Prometheus, which may always scrape."""
    node_selector: Mapping[str, str] = Field(default_factory=dict)
    tolerations: tuple[Mapping[str, str], ...] = ()
    """Besides the one for GPU nodes."""
    port: int | None = Field(default=None, ge=1, le=65_535)
    """Port of a custom image."""
    health_path: str = Field(default="", pattern=r"^(/.*)?$")
    """Probe path of a custom image."""
    prometheus_address: str = ""
    """Prometheus inside the cluster; with it and replicas_max above replicas_min KEDA scales the endpoint."""
    pod_monitor: bool = False
    """Make a PodMonitor; needs the Prometheus operator's CRDs."""

    @model_validator(mode="before")
    @classmethod
    def _no_secret(cls, data: Any) -> Any:
        """First of all, so that no other message can repeat a token."""
        places = [f"`{place}`" for place in secret_places(data, by_key=False)]
        if places:
            raise ValueError(
                f"{', '.join(places)} holds what looks like a token in plain text\nrevoke it if it was "
                "committed; put it into a Secret and name that: `hugging_face_secret`, `api_key_secret`"
            )
        return data

    @model_validator(mode="after")
    def _agree(self) -> "EndpointSpec":
        runtime = find_runtime(self.runtime)
        problems = [*self._shape_problems(runtime), *self._weights_problems(runtime)]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _shape_problems(self, runtime: Runtime) -> Iterator[str]:
        if not self.resolved_image:
            where = "without a GPU" if not self.gpus else "of its own"
            yield f"runtime {runtime.name} has no public image {where}: set `image`"
        if self.nodes > 1:
            yield (
                f"a replica on {self.nodes} nodes needs LeaderWorkerSet, which gpuyard does not render: "
                "take GPUs with more memory, a smaller quantization, or more GPUs of one node"
            )
        if self.replicas_max < self.replicas_min:
            yield f"replicas_max {self.replicas_max} is below replicas_min {self.replicas_min}"
        if self.name in RUNTIMES:
            yield (
                f'an endpoint must not be called "{self.name}": Kubernetes would hand its pods '
                f"{self.name.upper()}_PORT, which the server reads as its own setting"
            )
        if runtime.name != "custom" and (self.port or self.health_path):
            yield "`port` and `health_path` are for runtime custom; use `args` to move the server's port"
        if self.api_key_secret and not runtime.api_key_env:
            yield f"runtime {runtime.name} takes no API key; put a gateway in front of it"

    def _weights_problems(self, runtime: Runtime) -> Iterator[str]:
        scheme = {WeightsSource.S3: "s3://", WeightsSource.GS: "gs://"}.get(self.weights_source)
        if scheme and not self.model.startswith(scheme):
            yield f"weights_source {self.weights_source} needs a model that starts with {scheme}"
        if scheme and runtime.name != "custom" and not runtime.remote_weights_flag:
            yield f"runtime {runtime.name} cannot read {scheme}: copy the weights to a volume (pvc)"
        if not scheme and self.model.startswith(("s3://", "gs://")):
            source = self.model.split(":", 1)[0]
            yield f"model {self.model} needs `weights_source: {source}`"
        if (self.weights_source is WeightsSource.PVC) != bool(self.weights_claim):
            yield "weights_source pvc and `weights_claim`, the claim's name, go together"
        if self.weights_source is WeightsSource.PVC and not self.model.startswith("/weights"):
            hint = did_you_mean(self.model, ["/weights"]) or "e.g. /weights/my-model"
            yield f"the claim is mounted at /weights, so `model` is a path below it, {hint}"

    @property
    def engine(self) -> Runtime:
        """The runtime's facts."""
        return find_runtime(self.runtime)

    @property
    def version(self) -> str:
        """The runtime's version: what is asked, else what the image's tag says, else the newest known."""
        tagged = image_version(self.engine.name, self.image)
        return self.runtime_version or tagged or newest_version(self.engine.name)

    @property
    def resolved_image(self) -> str:
        """The image that runs."""
        return self.image or default_image(self.engine, self.version, cpu=not self.gpus, cuda=self.cuda)

    @property
    def startup_seconds(self) -> int:
        """Container start to ready: what is asked, else compiling, graphs and a slow download."""
        download = ceil(self.weights_gib * 1024 / DOWNLOAD_MIB_PER_SECOND)
        return self.startup_budget_seconds or BASE_STARTUP_SECONDS + download

    @property
    def scales(self) -> bool:
        """Whether KEDA moves the replicas."""
        return bool(self.prometheus_address) and self.replicas_max > self.replicas_min

    @property
    def pod(self) -> RuntimePod:
        """What the engine's container needs."""
        return render_runtime(
            self.engine,
            RuntimeDemand(
                model=self.model,
                served_name="" if self.weights_source is WeightsSource.HUGGING_FACE else self.name,
                version=self.version,
                image=self.image,
                args=self.args,
                env=self.env,
                gpus=self.gpus,
                flags=self.flags,
                context_tokens=self.context_tokens,
                max_concurrency=self.max_concurrency,
                drain_seconds=self.drain_seconds,
                startup_seconds=self.startup_seconds,
                platform=self.platform,
                cuda=self.cuda,
                port=self.port,
                health_path=self.health_path,
                remote_weights=self.weights_source in (WeightsSource.S3, WeightsSource.GS),
                offline=self.weights_source is WeightsSource.PVC,
                guarded=bool(self.api_key_secret),
            ),
        )
