"""The types of AWS that have rules of their own."""

from collections.abc import Mapping

from gpuyard.simulate.aws_ec2 import EC2_KINDS
from gpuyard.simulate.aws_eks import EKS_KINDS
from gpuyard.simulate.aws_iam import IAM_KINDS
from gpuyard.simulate.aws_services import SERVICE_KINDS
from gpuyard.simulate.kind import Kind

AWS_KINDS: Mapping[str, Kind] = {**EC2_KINDS, **EKS_KINDS, **IAM_KINDS, **SERVICE_KINDS}
