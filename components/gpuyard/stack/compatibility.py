"""An endpoint as a combination for `gpuyard compat`, and the answer in the words of a deployment."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from gpuyard.catalog.engine_flags import flags_of
from gpuyard.catalog.hardware import find_machine_type
from gpuyard.compat.check import check
from gpuyard.compat.combination import FIELDS, Combination
from gpuyard.compat.environment import read_env
from gpuyard.compat.flag_fields import with_flag_fields
from gpuyard.compat.way_out import shown_value
from gpuyard.errors import Finding
from gpuyard.serving.checks import read_args, read_pod
from gpuyard.serving.spec import EndpointSpec
from gpuyard.stack.capacity_spec import CPU
from gpuyard.stack.plan import EndpointPlan, StackPlan

_NODE_IMAGE: Mapping[str, Mapping[str, str]] = {
    "eks": {"ami": "AL2023_x86_64_NVIDIA", "driver_managed_by": "image"},
    "gke": {"os": "COS", "driver_managed_by": "cloud"},
}
"""What the node pools of `aws` and `gcp` run."""
_KEYS = {
    "gpu_count": "gpus_per_replica",
    "tensor_parallel": "gpus_per_replica",
    "max_model_len": "context_tokens",
    **dict.fromkeys(
        ("env", "dtype", "gpu_memory_utilization", "max_num_seqs", "max_num_batched_tokens"), "args"
    ),
}
"""Keys of an endpoint by the field of a combination, where it is called otherwise."""
_FOLLOWS = frozenset({"env", "instance", "pipeline_parallel"})
"""What a deployment does not state: the words of a fix say it, or it follows from the rest."""


def compatibility_findings(
    plan: StackPlan, placed: EndpointPlan, spec: EndpointSpec, path: str
) -> list[Finding]:
    """Whether what is rendered can work where it is put."""
    keys = {
        **_KEYS,
        "gpu": "places[0].accelerator" if plan.deployment.existing_cluster else "capacity.accelerators",
        "env": "args" if spec.args or not spec.env else "env",
        **dict.fromkeys(own_fields(placed), "args"),
    }
    findings = check(
        combination_of(plan, placed, spec),
        spell=partial(_spell, keys, flags_of(placed.endpoint.runtime), placed.accelerator),
    )
    return [replace(item, path=_place(path, keys.get(item.path, item.path))) for item in findings]


def combination_of(plan: StackPlan, placed: EndpointPlan, spec: EndpointSpec) -> Combination:
    """The endpoint as it is rendered, with all that is known of the place it runs in.

    Flags of one's own win over what was planned, as they do in the container.
    """
    endpoint, cluster = placed.endpoint, plan.cluster(placed.cluster)
    pod = spec.pod
    fields: dict[str, Any] = {
        "platform": cluster.platform,
        "runtime": endpoint.runtime,
        "runtime_version": spec.version,
        "install": "docker",
        "image": pod.image,
        "env": read_pod(pod),
        "model": endpoint.model,
        "quantization": endpoint.quantization or None,
        "kv_cache_dtype": endpoint.kv_cache_dtype or None,
        "max_model_len": placed.fit.context_tokens if placed.fit else endpoint.context_tokens,
    }
    if placed.accelerator != CPU:
        fields |= {"gpu": placed.accelerator, "gpu_count": placed.gpus_per_replica}
        if placed.fit is not None:
            fields |= {
                "tensor_parallel": placed.fit.tensor_parallel,
                "pipeline_parallel": placed.fit.pipeline_parallel,
                "gpu_memory_utilization": placed.fit.memory_share,
            }
    if placed.pool:
        rung = plan.pool(placed.pool).rung
        fields |= {"instance": rung.machine_type, "kubernetes": plan.deployment.cluster.kubernetes_version}
        fields |= _NODE_IMAGE[cluster.platform]
    own = own_fields(placed)
    return Combination(
        **{name: value for name, value in fields.items() if value is not None and name not in own}
    )


def own_fields(placed: EndpointPlan) -> frozenset[str]:
    """Fields that the endpoint's own flags state."""
    stated = _stated(placed)
    return frozenset(name for name in FIELDS if getattr(stated, name) is not None)


def own_ranks(placed: EndpointPlan) -> int:
    """GPUs that the endpoint's own flags split the model over; 0: they do not say, or are of any program."""
    stated, fitted = _stated(placed), placed.fit
    if (
        fitted is None
        or placed.endpoint.runtime == "custom"
        or not (stated.tensor_parallel or stated.pipeline_parallel)
    ):
        return 0
    tensor = stated.tensor_parallel or fitted.tensor_parallel
    return int(tensor * (stated.pipeline_parallel or fitted.pipeline_parallel))


def _stated(placed: EndpointPlan) -> Combination:
    return with_flag_fields(Combination(), read_env(list(read_args(placed.endpoint.args)))[1], {})


def _place(path: str, key: str) -> str:
    return key if "." in key else f"{path}.{key}"


def _spell(
    keys: Mapping[str, str], flags: Mapping[str, str], accelerator: str, changes: Mapping[str, Any]
) -> str:
    """Changed fields as a deployment has them: ``gpus_per_replica: 4, args: --dtype=half``."""
    words: dict[str, str] = {}
    if changes.get("instance"):  # a deployment names GPUs; machine types follow
        named = find_machine_type(changes["instance"]).gpu
        changes = {**changes, "gpu": named} if named != accelerator else changes
    for field, value in changes.items():
        key = keys.get(field, field)
        if field in _FOLLOWS or key in words:
            continue
        as_flag = key == "args" and field in flags
        shown = (
            f"{flags[field]}={shown_value(value)}" if as_flag and value is not None else shown_value(value)
        )
        words[f"{key} {flags[field]}" if as_flag else key] = f"{key}: {shown}"
    return ", ".join(words.values())
