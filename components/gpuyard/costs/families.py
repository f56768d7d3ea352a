"""Which type is priced by what, and which types are free by themselves."""

import re
from collections.abc import Callable, Iterator, Mapping

from gpuyard.costs import (
    aws_apps,
    aws_nodes,
    aws_parts,
    aws_services,
    aws_storage,
    eks,
    gcp_commitments,
    gcp_network,
    gcp_nodes,
    gcp_parts,
    gcp_reservations,
    gcp_services,
    gcp_storage,
    gke,
    in_cluster,
)
from gpuyard.costs.line_item import Charge
from gpuyard.costs.scene import Scene
from gpuyard.resources import Resource

Pricer = Callable[[Resource, Scene], Iterator[Charge]]

_PROXIES = (
    "targetHttpProxy:TargetHttpProxy",
    "targetHttpsProxy:TargetHttpsProxy",
    "targetGrpcProxy:TargetGrpcProxy",
    "targetSSLProxy:TargetSSLProxy",
    "targetTCPProxy:TargetTCPProxy",
    "regionTargetHttpProxy:RegionTargetHttpProxy",
    "regionTargetHttpsProxy:RegionTargetHttpsProxy",
    "regionTargetTcpProxy:RegionTargetTcpProxy",
)
PRICED: Mapping[str, Pricer] = {
    **dict.fromkeys(aws_parts.PARTS, aws_services.price_parts),
    "aws:eks/cluster:Cluster": eks.price_eks_cluster,
    "aws:eks/fargateProfile:FargateProfile": eks.price_fargate_profile,
    "aws:ecs/service:Service": eks.price_ecs_service,
    "aws:eks/nodeGroup:NodeGroup": aws_nodes.price_node_group,
    "aws:autoscaling/group:Group": aws_nodes.price_autoscaling_group,
    "aws:ec2/instance:Instance": aws_nodes.price_instance,
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest": aws_nodes.price_instance,
    "aws:ec2/dedicatedHost:DedicatedHost": aws_nodes.price_dedicated_host,
    "aws:ec2/capacityReservation:CapacityReservation": aws_nodes.price_capacity_reservation,
    "aws:ec2/capacityBlockReservation:CapacityBlockReservation": aws_nodes.price_capacity_block,
    "aws:ebs/volume:Volume": aws_storage.price_volume,
    "aws:ebs/snapshot:Snapshot": aws_storage.price_snapshot,
    "aws:ebs/snapshotCopy:SnapshotCopy": aws_storage.price_snapshot_copy,
    "aws:efs/fileSystem:FileSystem": aws_storage.price_efs,
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem": aws_storage.price_openzfs,
    "aws:fsx/lustreFileSystem:LustreFileSystem": aws_storage.price_lustre,
    "aws:fsx/windowsFileSystem:WindowsFileSystem": aws_storage.price_windows,
    "aws:s3/bucket:Bucket": aws_services.price_bucket,
    "aws:s3/bucketV2:BucketV2": aws_services.price_bucket,
    "aws:lb/loadBalancer:LoadBalancer": aws_services.price_balancer,
    "aws:alb/loadBalancer:LoadBalancer": aws_services.price_balancer,
    "aws:ec2/vpcEndpoint:VpcEndpoint": aws_services.price_endpoint,
    "aws:cloudwatch/logGroup:LogGroup": aws_services.price_log_group,
    "aws:cloudwatch/metricAlarm:MetricAlarm": aws_services.price_alarm,
    "aws:route53/healthCheck:HealthCheck": aws_services.price_health_check,
    "aws:sqs/queue:Queue": aws_services.price_queue,
    "aws:lambda/function:Function": aws_services.price_function,
    "aws:acm/certificate:Certificate": aws_services.price_certificate,
    "aws:ssm/parameter:Parameter": aws_services.price_parameter,
    "aws:dynamodb/table:Table": aws_apps.price_table,
    "aws:elasticache/cluster:Cluster": aws_apps.price_cache,
    "aws:elasticache/replicationGroup:ReplicationGroup": aws_apps.price_cache,
    "aws:apigatewayv2/api:Api": aws_apps.price_api,
    "aws:apigateway/stage:Stage": aws_apps.price_api_stage,
    "aws:wafv2/webAcl:WebAcl": aws_apps.price_web_acl,
    "aws:cloudfront/distribution:Distribution": aws_apps.price_distribution,
    "aws:sfn/stateMachine:StateMachine": aws_apps.price_state_machine,
    **dict.fromkeys(gcp_parts.PARTS, gcp_services.price_parts),
    "gcp:container/cluster:Cluster": gke.price_gke_cluster,
    "gcp:container/nodePool:NodePool": gcp_nodes.price_node_pool,
    "gcp:compute/instance:Instance": gcp_nodes.price_gce_instance,
    **dict.fromkeys(gcp_nodes.GROUPS, gcp_nodes.price_instance_group),
    "gcp:compute/disk:Disk": gcp_storage.price_disk,
    "gcp:compute/regionDisk:RegionDisk": gcp_storage.price_disk,
    "gcp:compute/image:Image": gcp_storage.price_stored_image,
    "gcp:compute/snapshot:Snapshot": gcp_storage.price_stored_image,
    "gcp:compute/routerNat:RouterNat": gcp_network.price_router_nat,
    "gcp:compute/address:Address": gcp_network.price_address,
    "gcp:compute/globalAddress:GlobalAddress": gcp_network.price_address,
    "gcp:compute/forwardingRule:ForwardingRule": gcp_network.price_forwarding_rule,
    "gcp:compute/globalForwardingRule:GlobalForwardingRule": gcp_network.price_forwarding_rule,
    **{f"gcp:compute/{proxy}": gcp_network.price_target_proxy for proxy in _PROXIES},
    "gcp:compute/reservation:Reservation": gcp_reservations.price_reservation,
    "gcp:compute/futureReservation:FutureReservation": gcp_reservations.price_future_reservation,
    "gcp:compute/resizeRequest:ResizeRequest": gcp_reservations.price_resize_request,
    "gcp:compute/regionResizeRequest:RegionResizeRequest": gcp_reservations.price_resize_request,
    "gcp:compute/regionCommitment:RegionCommitment": gcp_commitments.price_commitment,
    "gcp:storage/bucket:Bucket": gcp_storage.price_bucket,
    "gcp:artifactregistry/repository:Repository": gcp_storage.price_registry,
    "gcp:filestore/instance:Instance": gcp_storage.price_filestore,
    "gcp:secretmanager/secret:Secret": gcp_services.price_secret,
    "gcp:kms/cryptoKey:CryptoKey": gcp_services.price_crypto_key,
    "kubernetes:core/v1:Service": in_cluster.price_service,
    "kubernetes:networking.k8s.io/v1:Ingress": in_cluster.price_ingress,
    "kubernetes:core/v1:PersistentVolumeClaim": in_cluster.price_claim,
    "kubernetes:apps/v1:StatefulSet": in_cluster.price_stateful_set,
    "kubernetes:helm.sh/v3:Release": in_cluster.price_chart,
    "kubernetes:helm.sh/v4:Chart": in_cluster.price_chart,
}
"""How each billable type is priced."""

_FREE = re.compile(
    r"""
    pulumi:.* | gpuyard:.* | eks:index:.* | awsx:.*
  | (?:random|tls|time|null|local|command|std|docker-build|pulumi-python):.*
  | aws:iam/.* | aws:appautoscaling/.* | aws:ce/(?:anomalyMonitor|anomalySubscription|costCategory):.*
  | aws:apigatewayv2/(?!api:).* | aws:dynamodb/(?:tableItem|resourcePolicy|tag):.*
  | aws:apigateway/(?!restApi:|stage:).*
  | aws:elasticache/(?:subnetGroup|parameterGroup|user|userGroup|userGroupAssociation):.*
  | aws:rds/(?:subnetGroup|parameterGroup|clusterParameterGroup|optionGroup|eventSubscription):.*
  | aws:cognito/(?:userPoolClient|userPoolDomain|userGroup|resourceServer|identityPool
      |identityPoolRoleAttachment):.*
  | aws:wafv2/(?:ipSet|regexPatternSet|webAclAssociation|webAclLoggingConfiguration):.*
  | aws:cloudfront/(?:originAccessControl|originAccessIdentity|cachePolicy|originRequestPolicy
      |responseHeadersPolicy|keyGroup|publicKey):.*
  | aws:sagemaker/(?:model|endpointConfiguration):.* | aws:bedrockmodel/.* | aws:backup/(?:plan|selection):.*
  | aws:dlm/lifecyclePolicy:.* | aws:batch/(?:jobQueue|jobDefinition|schedulingPolicy):.*
  | aws:imagebuilder/(?!image:).* | aws:s3/objectCopy:.*
  | aws:ec2/(?:vpc|defaultVpc|subnet|defaultSubnet|internetGateway|internetGatewayAttachment
      |egressOnlyInternetGateway|route|routeTable|defaultRouteTable|routeTableAssociation
      |mainRouteTableAssociation|securityGroup|securityGroupRule|securityGroupAssociation|defaultSecurityGroup
      |networkAcl|defaultNetworkAcl|networkAclRule|networkAclAssociation
      |networkInterface|networkInterfaceAttachment|networkInterfaceSecurityGroupAttachment|keyPair
      |launchTemplate|launchConfiguration|placementGroup|vpcDhcpOptions|vpcDhcpOptionsAssociation
      |eipAssociation|volumeAttachment|tag|managedPrefixList|managedPrefixListEntry|customerGateway|vpnGateway
      |vpnGatewayAttachment|vpnGatewayRoutePropagation|vpnConnectionRoute|vpcPeeringConnection
      |vpcPeeringConnectionAccepter|peeringConnectionOptions|vpcEndpointRouteTableAssociation
      |vpcEndpointSubnetAssociation|vpcEndpointPolicy|vpcEndpointService|vpcEndpointServiceAllowedPrinciple
      |vpcIpv4CidrBlockAssociation|vpcIpv6CidrBlockAssociation|subnetCidrReservation|amiLaunchPermission
      |instanceMetadataDefaults|defaultCreditSpecification):.*
  | aws:ec2transitgateway/(?:transitGateway|route|routeTable|routeTableAssociation|routeTablePropagation
      |vpcAttachmentAccepter|instanceState):.*
  | aws:vpc/securityGroup(?:Ingress|Egress)Rule:.*
  | aws:ebs/(?:encryptionByDefault|defaultKmsKey|snapshotBlockPublicAccess):.*
  | aws:eks/(?:addon|accessEntry|accessPolicyAssociation|podIdentityAssociation|identityProviderConfig):.*
  | aws:ecs/(?:cluster|taskDefinition|clusterCapacityProviders|capacityProvider|accountSettingDefault|tag
      |taskSet):.*
  | aws:(?:lb|alb)/(?:listener|listenerRule|targetGroup|targetGroupAttachment|listenerCertificate):.*
  | aws:elb/(?:attachment|listenerPolicy|loadBalancerPolicy|appCookieStickinessPolicy):.*
  | aws:autoscaling/(?:policy|attachment|lifecycleHook|schedule|tag|notification|trafficSourceAttachment):.*
  | aws:kms/(?:alias|grant|keyPolicy):.*
  | aws:s3/bucket(?!:)(?!V2:)\w+:.* | aws:s3/accountPublicAccessBlock:.*
  | aws:ecr/(?:lifecyclePolicy|repositoryPolicy|registryPolicy|registryScanningConfiguration|accountSetting
      |pullThroughCacheRule|replicationConfiguration|repositoryCreationTemplate):.*
  | aws:efs/(?:mountTarget|accessPoint|fileSystemPolicy|backupPolicy):.*
  | aws:fsx/(?:dataRepositoryAssociation|openZfsVolume|openZfsSnapshot):.*
  | aws:cloudwatch/(?:logStream|logResourcePolicy|logSubscriptionFilter|eventRule|eventTarget|eventPermission
      |eventBusPolicy|queryDefinition|logDestination|logDestinationPolicy):.*
  | aws:amp/(?:ruleGroupNamespace|alertManagerDefinition|workspaceConfiguration|resourcePolicy):.*
  | aws:grafana/(?:roleAssociation|workspaceApiKey|workspaceSamlConfiguration):.*
  | aws:route53/(?:delegationSet|zoneAssociation|vpcAssociationAuthorization|queryLog):.*
  | aws:secretsmanager/(?:secretVersion|secretPolicy|secretRotation|tag):.*
  | aws:sqs/(?:queuePolicy|redrivePolicy|redriveAllowPolicy):.*
  | aws:sns/(?:topicPolicy|topicSubscription|dataProtectionPolicy):.*
  | aws:lambda/(?:permission|alias|layerVersion|layerVersionPermission|eventSourceMapping
      |functionEventInvokeConfig|functionUrl|codeSigningConfig):.*
  | aws:acm/certificateValidation:.* | aws:ssm/(?:document|association|patchBaseline|patchGroup):.*
  | aws:servicequotas/.* | aws:resourcegroups/.* | aws:organizations/.* | aws:budgets/budget:.*
  | gcp:(?:projects|serviceaccount|serviceAccount|iam|organizations|folder)/.*
  | gcp:\w+/\w*I(?:am|AM)(?:Member|Binding|Policy)\w*:.*
  | gcp:compute/(?:network|subnetwork|router|routerInterface|routerPeer|firewall|firewallPolicy
      |firewallPolicyRule|firewallPolicyAssociation|networkFirewallPolicy\w*|route|healthCheck
      |regionHealthCheck|httpHealthCheck|httpsHealthCheck|backendService|regionBackendService|backendBucket
      |uRLMap|regionUrlMap|resourcePolicy|resourcePolicyAttachment|instanceTemplate|regionInstanceTemplate
      |instanceGroup|instanceGroupNamedPort|autoscaler|regionAutoscaler|perInstanceConfig
      |regionPerInstanceConfig|networkPeering|networkPeeringRoutesConfig|attachedDisk|managedSslCertificate
      |sSLCertificate|regionSslCertificate|sSLPolicy|diskResourcePolicyAttachment|projectMetadata
      |projectMetadataItem|networkEndpointGroup|regionNetworkEndpointGroup|networkEndpoint
      |sharedVPCHostProject|sharedVPCServiceProject|targetPool|vPNGateway|externalVpnGateway|haVpnGateway):.*
  | gcp:artifactregistry/(?:projectConfig|rule):.* | gcp:container/registry:.*
  | gcp:storage/(?:bucketACL|bucketAccessControl|defaultObjectACL|notification):.*
  | gcp:dns/(?:policy|responsePolicy|responsePolicyRule):.* | gcp:kms/(?:keyRing|cryptoKeyVersion):.*
  | gcp:logging/(?:metric|projectExclusion|logView|savedQuery):.*
  | gcp:monitoring/(?:alertPolicy|dashboard|group|notificationChannel|slo|customService|genericService
      |monitoredProject):.*
  | gcp:secretmanager/(?:secretVersion|regionalSecretVersion):.*
  | gcp:(?:servicenetworking|tags)/.*
  | gcp:gkehub/(?:membership|feature|featureMembership):.*
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
