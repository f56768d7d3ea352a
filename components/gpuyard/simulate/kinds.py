"""The resource types that the simulated clouds know; a cloud's are loaded when a program names the first."""

from gpuyard.simulate.kind import Kind


def find_kind(type_: str) -> Kind | None:
    """The rules of ``type_``; None: it has none of its own (`generic` answers)."""
    package = type_.partition(":")[0]
    if package == "kubernetes":
        from gpuyard.simulate.kubernetes_kinds import find_kubernetes_kind  # noqa: PLC0415 (each cloud on demand)

        return find_kubernetes_kind(type_)
    if package == "aws":
        from gpuyard.simulate.aws_kinds import AWS_KINDS  # noqa: PLC0415

        return AWS_KINDS.get(type_)
    if package == "gcp":
        from gpuyard.simulate.gcp_kinds import GCP_KINDS  # noqa: PLC0415
        from gpuyard.simulate.gke import GKE_KINDS  # noqa: PLC0415

        return GCP_KINDS.get(type_) or GKE_KINDS.get(type_)
    return None
