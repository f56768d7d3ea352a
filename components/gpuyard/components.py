"""The public components, by name: the Python surface and the cross-language contract.

Importing this loads every cloud's SDK. With one of them installed, import the component from its own module.
"""

from gpuyard.autoscaling.keda import Keda
from gpuyard.aws.autoscaler import ClusterAutoscaler
from gpuyard.aws.block import Ec2CapacityBlock
from gpuyard.aws.cluster import EksGpuCluster
from gpuyard.aws.network import AwsNetwork
from gpuyard.aws.pool import EksGpuPool
from gpuyard.aws.reservation import Ec2CapacityReservation
from gpuyard.gcp.cluster import GkeGpuCluster
from gpuyard.gcp.future_reservation import GcpFutureReservation
from gpuyard.gcp.network import GcpNetwork
from gpuyard.gcp.pool import GkeGpuPool
from gpuyard.gcp.reservation import GcpReservation
from gpuyard.gpu_operator.operator import GpuOperator
from gpuyard.kubernetes.existing import ExistingCluster
from gpuyard.monitoring.monitoring import Monitoring
from gpuyard.quota.request import QuotaRequest
from gpuyard.serving.endpoint import ModelEndpoint
from gpuyard.stack.inference_stack import InferenceStack
from gpuyard.stack.stack_report import StackReport

__all__ = [
    "AwsNetwork",
    "ClusterAutoscaler",
    "Ec2CapacityBlock",
    "Ec2CapacityReservation",
    "EksGpuCluster",
    "EksGpuPool",
    "ExistingCluster",
    "GcpFutureReservation",
    "GcpNetwork",
    "GcpReservation",
    "GkeGpuCluster",
    "GkeGpuPool",
    "GpuOperator",
    "InferenceStack",
    "Keda",
    "ModelEndpoint",
    "Monitoring",
    "QuotaRequest",
    "StackReport",
]
