"""The way to serving: what decides how long each step of it takes."""

from gpuyard.records import record


@record
class ServingPath:
    """One endpoint in one place, bought one way."""

    cloud: str
    """``aws``, ``gcp`` or ``kubernetes`` (a cluster that exists)."""
    platform: str
    """``eks``, ``gke`` or ``kubernetes``."""
    endpoint: str = ""
    region: str = ""
    machine_type: str = ""
    purchase: str = "on_demand"
    quota: str = ""
    """The quota bucket, in words; empty: none counts."""
    has_quota_evidence: bool = False
    """Whether someone looked and the quota is enough."""
    quota_evidence: str = ""
    """What was seen, and when."""
    capacity_evidence: str = ""
    """What is known of the odds, in words."""
    starts_on: str = ""
    """First day of a reservation, block or future reservation that is bought already, ISO; empty: none."""
    driver_by: str = "image"
    """Who installs the GPU driver: ``image`` (preinstalled), ``operator`` or ``cloud``; ``none`` on CPU."""
    image_bytes: int | None = None
    """Compressed container image; None: not known."""
    image_preloaded: bool = False
    """Whether new nodes come with the image on a disk."""
    image_pull: str = "plain"
    """How nodes pull: ``plain``, or ``soci`` (parallel pull, EKS on Amazon Linux 2023)."""
    weights_bytes: int | None = None
    weights_source: str = "hf"
    """``hf`` (Hugging Face hub), ``s3``, ``gs`` or ``pvc``."""
    weights_streamed: bool = False
    """Whether weights on a volume are streamed to the GPU (Run:ai model streamer)."""
    compile_cache: bool = False
    """Whether compiled code of an earlier start is on the node."""
    parameters: float | None = None
    """Of the model, in all."""
    tensor_parallel: int = 1
    runtime: str = "vllm"
    cluster_exists: bool = False
    has_monitoring: bool = True
    """Whether monitoring is installed with the stack."""
    replicas: int = 1
    """Replicas at the minimum: how many a rollout replaces."""
    spare_replicas: int = 1
    """Replicas that fit on nodes that are up, beside the minimum. Default 1: the node is warm."""
    spare_nodes: int = 0
    """Nodes that stand ready and empty, and so outlive the loss of any other."""
    surges: bool = False
    """Whether a rollout starts new replicas before old ones stop."""
    drain_seconds: int = 75
    """What a replica gets to finish its requests, the sleep before it included."""
    is_exposed: bool = False
    """Whether a cloud load balancer stands in front."""
    has_certificate: bool = False
    """Whether a certificate of its own is validated through DNS."""
