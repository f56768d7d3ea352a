"""The way to serving: what decides how long each step of it takes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingPath:
    """One endpoint in one place, bought one way."""

    cloud: str
    """``aws``, ``gcp`` or ``kubernetes`` (a cluster that exists)."""
    platform: str
    """``eks``, ``gke`` or ``kubernetes``."""
    region: str = ""
    machine_type: str = ""
    purchase: str = "on_demand"
    quota: str = ""
    """The quota bucket, in words; empty: none counts."""
    has_quota_evidence: bool = False
    """Whether someone looked and the quota is enough."""
    quota_evidence: str = ""
    """What was seen, and when."""
    driver_by: str = "image"
    """Who installs the GPU driver: ``image`` (preinstalled), ``operator`` or ``cloud``; ``none`` on CPU."""
    image_bytes: int | None = None
    """Compressed container image; None: not known."""
    weights_bytes: int | None = None
    weights_source: str = "hf"
    """``hf`` (Hugging Face hub), ``s3``, ``gs`` or ``pvc``."""
    parameters: float | None = None
    """Of the model, in all."""
    tensor_parallel: int = 1
    runtime: str = "vllm"
    cluster_exists: bool = False
    has_monitoring: bool = True
    """Whether monitoring is installed with the stack."""
