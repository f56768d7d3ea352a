"""What `Pulumi.<stack>.yaml` says under ``gpuyard:deployment``, as a frozen spec.

A deployment names what it needs and where it is allowed; where it runs is the lock file's business
(`capacity.lock`). Keys and their meaning: `docs/reference/deployment.md`.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from gpuyard.catalog.quantizations import NAMED, SCHEMES, normal_name
from gpuyard.errors import Finding, SpecError, did_you_mean
from gpuyard.parsing import Spec, parse_spec
from gpuyard.plain_secrets import find_secrets
from gpuyard.planning.quantization import KV_BYTES
from gpuyard.runtimes.runtime import find_runtime, image_version
from gpuyard.stack.capacity_spec import CPU, Capacity, Cloud, Place
from gpuyard.stack.load_spec import LoadSpec, PeopleSpec

Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")]
"""A DNS label short enough for every cloud: 1 to 40 lower-case letters, digits and hyphens."""


class Endpoint(Spec):
    """One served model."""

    name: Name
    model: str = Field(min_length=1)
    """Hugging Face id, or any name together with `model_config_path`."""
    model_config_path: str = ""
    """A Hugging Face config.json for a model that the catalog lacks, relative to the stacks folder."""
    runtime: str = "vllm"
    runtime_version: str = ""
    """Default: that of `image`'s tag, else the newest release that the catalog knows."""
    image: str = ""
    """Default: the runtime's public image of that version."""
    image_gb: float | None = Field(default=None, gt=0, le=1000)
    """Compressed size of the image: pull time and traffic follow from it. Default: the published one."""
    args: tuple[str, ...] = ()
    """Runtime flags; they win over computed ones."""
    env: Mapping[str, str] = Field(default_factory=dict)
    quantization: str = ""
    """Default: what the model's own config says."""
    kv_cache_dtype: str = ""
    context_tokens: int | None = Field(default=None, gt=0, le=16_777_216)
    """Longest request. Default: 8192, at most the model's own limit."""
    concurrency: int = Field(default=8, gt=0, le=65_536)
    """Requests of that length one replica must hold at once. Default 8."""
    replicas_min: int = Field(default=1, ge=1, le=1000)
    replicas_max: int | None = Field(default=None, ge=1, le=1000)
    """Default: replicas_min, so no autoscaling."""
    gpus_per_replica: int | None = Field(default=None, ge=1, le=8)
    """Default: the fewest that hold model, context and concurrency."""
    weights_source: str = "hugging_face"
    weights_claim: str = ""
    """Existing claim with the weights, mounted read-only at ``/weights``; for source ``pvc``."""
    service_account_annotations: Mapping[str, str] = Field(default_factory=dict)
    """Cloud identity of the pods, for weights in buckets."""
    hugging_face_secret: str = ""
    """Name of the Kubernetes Secret with the key ``token``; needed for gated models."""
    namespace: Name = "inference"
    service_type: str = "ClusterIP"
    """``LoadBalancer`` opens the endpoint to the outside, without authentication of its own."""
    load: LoadSpec | None = None
    """What is asked of it: replicas over the day, traffic and money per token follow. Default: not known."""

    @model_validator(mode="before")
    @classmethod
    def _release_of_image(cls, data: Any) -> Any:
        """What runs is what the image holds: flags and memory are those of its release."""
        if (
            not isinstance(data, Mapping)
            or data.get("runtime_version")
            or not isinstance(data.get("image"), str)
        ):
            return data
        runtime = str(data.get("runtime", "vllm")).lower()
        return {**data, "runtime_version": image_version(runtime, data["image"])}

    @field_validator("runtime")
    @classmethod
    def _runtime(cls, value: str) -> str:
        return find_runtime(value).name

    @field_validator("quantization", "kv_cache_dtype")
    @classmethod
    def _planned(cls, value: str, info: ValidationInfo) -> str:
        of_weights = info.field_name == "quantization"
        known = NAMED if of_weights else tuple(KV_BYTES)
        name = normal_name(value) if of_weights else value.lower()
        is_known = name in known or (of_weights and name in SCHEMES)
        if not value or is_known or info.data.get("runtime") == "custom":
            return value
        hint = f"{did_you_mean(name, known)}  known: {', '.join(known)}; others go into `args`"
        raise ValueError(f'"{value}" is not one that can be planned\n{hint.strip()}')

    @model_validator(mode="after")
    def _range(self) -> "Endpoint":
        if self.replicas_max is not None and self.replicas_max < self.replicas_min:
            raise ValueError(
                f"replicas_max {self.replicas_max} is below replicas_min {self.replicas_min}\n"
                "raise it, or leave it out"
            )
        return self

    @property
    def replicas_peak(self) -> int:
        """Replicas at full load."""
        return self.replicas_max or self.replicas_min


class Cluster(Spec):
    """Settings of clusters that are created."""

    kubernetes_version: str = Field(default="1.35", pattern=r"^1\.\d{2}$")
    system_nodes: int = Field(default=2, ge=1, le=20)
    """CPU nodes for the controllers. Default 2."""
    nat: str = Field(default="single", pattern=r"^(single|per_zone)$")
    """``per_zone`` keeps egress when a zone fails, at one gateway per zone (AWS)."""
    public_access_cidrs: tuple[str, ...] = ()
    """Who may reach the API server from outside. Default: everyone with credentials."""


class MonitoringSettings(Spec):
    """Prometheus, alerts and dashboards."""

    enabled: bool = True
    retention_days: int = Field(default=15, ge=1, le=365)
    storage_gib: int = Field(default=50, ge=5, le=10_000)


class Abandoned(StrEnum):
    """What becomes of clusters on rungs that were given up."""

    REMOVE = "remove"
    KEEP = "keep"
    """Clusters stay, and are paid, for a next try; their GPU pools go."""


class FailoverSettings(Spec):
    """What `gpuyard up` does when a cloud says no."""

    rung_minutes: float = Field(default=30, gt=0, le=1440)
    """Longest try of one rung whose cluster stands; a new cluster gets 25 minutes more."""
    queue_hours: float = Field(default=4, gt=0, le=168)
    """The same for flex-start and queued capacity, which waits by design."""
    total_hours: float = Field(default=12, gt=0, le=720)
    """Longest run."""
    wait_minutes: float = Field(default=0, ge=0, le=10_080)
    """Longest wait for a refused rung to come free once all were tried. Default 0: the run then ends."""
    retries: int = Field(default=5, ge=0, le=50)
    """Repeats of one rung after throttling or a fault of the cloud."""
    abandoned: Abandoned = Abandoned.REMOVE
    probe: bool = True
    """Whether a rung is looked up before it is tried, where an API answers without buying."""
    watch: bool = True
    """Whether the clouds are asked during a try why machines do not come; a refusal then ends it early."""


class Accepted(Spec):
    """A finding that the team accepts; the report repeats why."""

    code: str
    path: str = ""
    """Only at this path. Empty: everywhere."""
    reason: str = Field(min_length=10)


class Journey(StrEnum):
    """From where to where lead time is told."""

    EMPTY_ACCOUNT = "empty_account"
    ZERO_TO_ONE = "zero_to_one"
    ONE_MORE_REPLICA = "one_more_replica"
    NODE_LOST = "node_lost"
    ROLLOUT = "rollout"


class Gates(Spec):
    """Limits that `gpuyard report` and `gpuyard diff` hold the stack to (docs/reference/gates.md)."""

    monthly_usd_max: float | None = Field(default=None, ge=0)
    """USD of the expected month. Default: no limit, here and below."""
    monthly_usd_peak_max: float | None = Field(default=None, ge=0)
    """USD of the month at peak."""
    monthly_usd_increase_max: float | None = Field(default=None, ge=0)
    """USD that one change may add to the expected month."""
    monthly_percent_increase_max: float | None = Field(default=None, ge=0)
    """The same, in percent of what it was."""
    lead_time_minutes_max: Mapping[Journey, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """P90 in minutes, by journey."""
    unknown_share_max: float | None = Field(default=None, ge=0, le=1)
    """Share of the resources that cost whose price may be unknown, 0 to 1."""
    price_age_days_max: int | None = Field(default=None, ge=0)
    """Days that the oldest price may have on the day of the check."""


class Deployment(Spec):
    """Everything under ``gpuyard:deployment``, defaults applied."""

    places: tuple[Place, ...] = Field(min_length=1)
    capacity: Capacity
    endpoints: tuple[Endpoint, ...] = Field(min_length=1)
    cluster: Cluster = Cluster()
    monitoring: MonitoringSettings = MonitoringSettings()
    failover: FailoverSettings = FailoverSettings()
    tags: Mapping[str, str] = Field(default_factory=dict)
    """On every cloud resource that takes tags or labels."""
    people: PeopleSpec | None = None
    """Time that people spend; reported apart. Default: not counted."""
    accept: tuple[Accepted, ...] = ()
    gates: Gates = Gates()
    protect: bool = False
    """Refuse to delete clusters and networks until this is off again."""

    @model_validator(mode="after")
    def _agree(self) -> "Deployment":
        names = [endpoint.name for endpoint in self.endpoints]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two endpoints are named {', '.join(twice)}\nrename one")
        existing = [place for place in self.places if place.cloud is Cloud.KUBERNETES]
        if existing and len(self.places) > 1:
            raise ValueError(
                "an existing cluster stands alone in `places`\nmake a second stack for the other places"
            )
        if self.capacity.accelerators == (CPU,) and not existing:
            raise ValueError("endpoints without a GPU need an existing cluster\nadd a GPU to `accelerators`")
        most = self.existing_cluster.gpus_per_node if self.existing_cluster else 0
        beyond = [one.name for one in self.endpoints if most and (one.gpus_per_replica or 0) > most]
        if beyond:
            raise ValueError(
                f"gpus_per_replica of {', '.join(beyond)} is more than the {most} GPUs of a node\n"
                "lower it, or correct `gpus_per_node`"
            )
        return self

    def replicas_peak(self, endpoint: Endpoint) -> int:
        """Replicas that the endpoint may have: without monitoring nothing moves them off the minimum."""
        return endpoint.replicas_peak if self.monitoring.enabled else endpoint.replicas_min

    @property
    def existing_cluster(self) -> Place | None:
        """The place that is an existing cluster, if it is one."""
        return next((place for place in self.places if place.cloud is Cloud.KUBERNETES), None)


def parse_deployment(args: Any) -> Deployment:
    """The spec of a stack's ``gpuyard:deployment`` value.

    Raises:
        SpecError: every problem, secrets in plain text first and never repeated.
    """
    if not isinstance(args, Mapping):
        raise SpecError(
            [
                Finding.error(
                    "INVALID",
                    "gpuyard:deployment",
                    f"must be a mapping, not {type(args).__name__}",
                    "see docs/reference/deployment.md for its keys",
                )
            ]
        )
    secrets = list(find_secrets(args))
    if secrets:
        raise SpecError(secrets)
    return parse_spec(Deployment, _days(args))


_GO_TIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? \+0000 UTC")


def _days(value: Any) -> Any:
    """``value`` with days as they were written: the engine hands an unquoted one over as Go prints it."""
    if isinstance(value, Mapping):
        return {key: _days(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_days(item) for item in value]
    found = _GO_TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    day, clock = found.groups()
    return day if clock == "00:00:00" else f"{day}T{clock}Z"
