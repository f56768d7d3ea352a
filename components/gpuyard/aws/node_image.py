"""Which EKS image a node runs, and what it is told at first boot.

The NVIDIA images bring driver and container toolkit. From release 20260917 on the Amazon Linux ones hold
two drivers and choose by instance type (awslabs/amazon-eks-ami#2768, read 2026-11), so "the driver of this
image" is a function of release and machine: pin `image_release` to pin it.
"""

import base64
import re

from gpuyard.aws.spec import EksPoolSpec

_GRAVITON = re.compile(r"^(a1|[a-z]+\d+g[a-z]*)\.")
"""Families of Arm CPUs: a ``g`` right after the generation, as in m7g, c7gn, t4g, g5g."""

_RAID0 = """\
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="gpuyard"

--gpuyard
Content-Type: application/node.eks.aws

apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  instance:
    localStorage:
      strategy: RAID0

--gpuyard--
"""
"""nodeadm stripes the instance's NVMe disks and puts containerd and kubelet on them (API v1alpha1)."""


def system_ami_type(instance_type: str) -> str:
    """The EKS AMI type of a CPU node."""
    return "AL2023_ARM_64_STANDARD" if _GRAVITON.match(instance_type) else "AL2023_x86_64_STANDARD"


def gpu_ami_type(spec: EksPoolSpec) -> str:
    """The EKS AMI type with driver and container toolkit inside."""
    arm = spec.machine.arch == "arm64"
    if spec.bottlerocket:
        return "BOTTLEROCKET_ARM_64_NVIDIA" if arm else "BOTTLEROCKET_x86_64_NVIDIA"
    return "AL2023_ARM_64_NVIDIA" if arm else "AL2023_x86_64_NVIDIA"


def render_user_data(spec: EksPoolSpec) -> str | None:
    """User data in base64 that puts images and weights on the local NVMe disks; None: nothing to say."""
    return base64.b64encode(_RAID0.encode()).decode() if spec.uses_local_nvme else None
