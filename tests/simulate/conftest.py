"""Provider SDKs are touched once here: pulumi-aws 7.51.1 and pulumi-gcp 10.2.0 warn of their own classes."""

import warnings

import pulumi_aws as aws
import pulumi_gcp as gcp

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    _TOUCHED = (aws.ec2.Vpc, aws.eks.NodeGroup, aws.sqs.Queue, gcp.compute.Network, gcp.container.Cluster)
