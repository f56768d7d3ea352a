"""Which type is priced by what, and which types are free by themselves."""

import re
from collections.abc import Callable, Iterator, Mapping

from gpuyard.costs import aws_nodes, aws_services, gcp_nodes, gcp_services, in_cluster
from gpuyard.costs.line_item import Charge
from gpuyard.costs.scene import Scene
from gpuyard.resources import Resource

Pricer = Callable[[Resource, Scene], Iterator[Charge]]

PRICED: Mapping[str, Pricer] = {
    "aws:eks/cluster:Cluster": aws_nodes.price_eks_cluster,
    "aws:eks/nodeGroup:NodeGroup": aws_nodes.price_node_group,
    "aws:eks/fargateProfile:FargateProfile": aws_services.price_fargate,
    "aws:autoscaling/group:Group": aws_nodes.price_autoscaling_group,
    "aws:ec2/instance:Instance": aws_nodes.price_instance,
    "aws:ebs/volume:Volume": aws_services.price_volume,
    "aws:lb/loadBalancer:LoadBalancer": aws_services.price_balancer,
    "aws:alb/loadBalancer:LoadBalancer": aws_services.price_balancer,
    "aws:ec2/vpcEndpoint:VpcEndpoint": aws_services.price_endpoint,
    "aws:ec2/capacityReservation:CapacityReservation": aws_services.price_capacity_reservation,
    "aws:ec2/capacityBlockReservation:CapacityBlockReservation": aws_services.price_capacity_block,
    **dict.fromkeys(aws_services.PARTS, aws_services.price_parts),
    "gcp:container/cluster:Cluster": gcp_nodes.price_gke_cluster,
    "gcp:container/nodePool:NodePool": gcp_nodes.price_node_pool,
    "gcp:compute/instance:Instance": gcp_nodes.price_gce_instance,
    "gcp:compute/disk:Disk": gcp_services.price_disk,
    "gcp:compute/regionDisk:RegionDisk": gcp_services.price_disk,
    "gcp:compute/routerNat:RouterNat": gcp_services.price_router_nat,
    "gcp:compute/address:Address": gcp_services.price_address,
    "gcp:compute/globalAddress:GlobalAddress": gcp_services.price_address,
    "gcp:compute/forwardingRule:ForwardingRule": gcp_services.price_forwarding_rule,
    "gcp:compute/globalForwardingRule:GlobalForwardingRule": gcp_services.price_forwarding_rule,
    "gcp:compute/reservation:Reservation": gcp_services.price_reservation,
    "gcp:storage/bucket:Bucket": gcp_services.price_bucket,
    "gcp:artifactregistry/repository:Repository": gcp_services.price_registry,
    "kubernetes:core/v1:Service": in_cluster.price_service,
    "kubernetes:core/v1:PersistentVolumeClaim": in_cluster.price_claim,
    "kubernetes:apps/v1:StatefulSet": in_cluster.price_stateful_set,
    "kubernetes:helm.sh/v3:Release": in_cluster.price_chart,
    "kubernetes:helm.sh/v4:Chart": in_cluster.price_chart,
}
"""How each billable type is priced."""

_FREE = re.compile(
    r"""
    pulumi:.* | gpuyard:.* | (?:random|tls|time|null|local|command|std|docker-build|pulumi-python):.*
  | aws:iam/.*
  | aws:ec2/(?:vpc|subnet|internetGateway|egressOnlyInternetGateway|route|routeTable|routeTableAssociation
      |mainRouteTableAssociation|securityGroup|securityGroupRule|defaultSecurityGroup|networkAcl|networkAclRule
      |networkInterface|networkInterfaceAttachment|keyPair|launchTemplate|placementGroup|vpcDhcpOptions
      |vpcDhcpOptionsAssociation|eipAssociation|volumeAttachment|tag|vpcEndpointRouteTableAssociation
      |vpcIpv4CidrBlockAssociation):.*
  | aws:vpc/securityGroup(?:Ingress|Egress)Rule:.*
  | aws:ebs/(?:encryptionByDefault|defaultKmsKey):.*
  | aws:eks/(?:addon|accessEntry|accessPolicyAssociation|podIdentityAssociation|identityProviderConfig):.*
  | aws:(?:lb|alb)/(?:listener|listenerRule|targetGroup|targetGroupAttachment|listenerCertificate):.*
  | aws:autoscaling/(?:policy|attachment|lifecycleHook|schedule|tag):.*
  | aws:ec2/launchConfiguration:.*
  | aws:kms/(?:alias|grant|keyPolicy):.*
  | aws:s3/bucket(?!:)(?!V2:)\w+:.*
  | aws:ecr/(?:lifecyclePolicy|repositoryPolicy|registryPolicy):.*
  | aws:efs/(?:mountTarget|accessPoint|fileSystemPolicy):.*
  | aws:cloudwatch/(?:logStream|logResourcePolicy|eventRule|eventTarget):.*
  | aws:servicequotas/.* | aws:acm/.* | aws:resourcegroups/.*
  | gcp:(?:projects|serviceaccount|serviceAccount|iam|organizations|folder)/.*
  | gcp:compute/(?:network|subnetwork|router|firewall|firewallPolicy|route|healthCheck|regionHealthCheck
      |backendService|regionBackendService|uRLMap|regionUrlMap|targetHttpProxy|targetHttpsProxy|resourcePolicy
      |instanceTemplate|regionInstanceTemplate|networkPeering|networkPeeringRoutesConfig|attachedDisk
      |managedSslCertificate|diskResourcePolicyAttachment|projectMetadata|subnetworkIAMMember):.*
  | gcp:(?:storage/bucketIAM\w+|artifactregistry/repositoryIam\w+|servicenetworking/\w+|tags/\w+):.*
    """,
    re.VERBOSE,
)
_RUNS_ON_NODES = re.compile(
    r"kubernetes:(?!networking\.k8s\.io/v1:Ingress$|gateway\.networking\.k8s\.io/.*:Gateway$).*"
)
"""Kubernetes objects cost nothing beyond the nodes they run on, but for those that make cloud resources."""


def is_free(type_token: str) -> bool:
    """Whether resources of the type cost nothing by themselves."""
    return bool(_FREE.fullmatch(type_token) or _RUNS_ON_NODES.fullmatch(type_token))
