"""Buckets, logs, keys, secrets, file systems and quotas, as the AWS provider 7 returns them."""

from collections.abc import Mapping

from gpuyard.simulate.aws_names import common_outputs, dns_suffix, make_arn, partition
from gpuyard.simulate.ids import hex_id, letters_id, uuid_id
from gpuyard.simulate.kind import Kind, Outputs, Request, name_of
from gpuyard.simulate.place import ACCOUNT

_BUCKET_TEXTS = ("accelerationStatus", "bucketNamespace", "bucketPrefix", "policy")
_BUCKET_OBJECTS = (
    "logging",
    "objectLockConfiguration",
    "replicationConfiguration",
    "serverSideEncryptionConfiguration",
    "versioning",
    "website",
)


def _bucket(request: Request) -> Outputs:
    name, region = name_of(request, "bucket"), request.place.require_region()
    return {
        "id": name,
        "bucket": name,
        "arn": f"arn:{partition(region)}:s3:::{name}",
        "bucketDomainName": f"{name}.s3.{dns_suffix(region)}",
        "bucketRegionalDomainName": f"{name}.s3.{region}.{dns_suffix(region)}",
        "bucketRegion": region,
        "hostedZoneId": f"Z{letters_id(f's3 {region}', 13)}",
        "websiteDomain": f"s3-website-{region}.{dns_suffix(region)}",
        "websiteEndpoint": f"{name}.s3-website-{region}.{dns_suffix(region)}",
        "acl": request.inputs.get("acl") or "private",
        "objectLockEnabled": bool(request.inputs.get("objectLockEnabled", False)),
        "requestPayer": request.inputs.get("requestPayer") or "BucketOwner",
        **{key: request.inputs.get(key) or "" for key in _BUCKET_TEXTS},
        **{key: request.inputs.get(key) or {} for key in _BUCKET_OBJECTS},
        **{key: list(request.inputs.get(key) or []) for key in ("corsRules", "grants", "lifecycleRules")},
        **common_outputs(request),
    }


def _log_group(request: Request) -> Outputs:
    name = name_of(request)
    return {
        "id": name,
        "name": name,
        "namePrefix": request.inputs.get("namePrefix") or "",
        "arn": make_arn("logs", request.place.require_region(), f"log-group:{name}"),
        "logGroupClass": request.inputs.get("logGroupClass") or "STANDARD",
        "deletionProtectionEnabled": bool(request.inputs.get("deletionProtectionEnabled", False)),
        "retentionInDays": request.inputs.get("retentionInDays") or 0,
        **common_outputs(request),
    }


def _kms_key(request: Request) -> Outputs:
    id_ = uuid_id(request.seed)
    return {
        "id": id_,
        "keyId": id_,
        "arn": make_arn("kms", request.place.require_region(), f"key/{id_}"),
        "description": request.inputs.get("description") or "",
        "multiRegion": bool(request.inputs.get("multiRegion", False)),
        "policy": request.inputs.get("policy") or "",
        "rotationPeriodInDays": request.inputs.get("rotationPeriodInDays") or 0,
        **common_outputs(request),
    }


def _secret(request: Request) -> Outputs:
    name = name_of(request)
    suffix = letters_id(request.seed, 6)
    arn = make_arn("secretsmanager", request.place.require_region(), f"secret:{name}-{suffix}")
    return {
        "id": arn,
        "arn": arn,
        "name": name,
        "namePrefix": request.inputs.get("namePrefix") or "",
        "policy": request.inputs.get("policy") or "",
        **common_outputs(request),
    }


def _file_system(request: Request) -> Outputs:
    id_, region = f"fs-{hex_id(request.seed)}", request.place.require_region()
    return {
        "id": id_,
        "arn": make_arn("elasticfilesystem", region, f"file-system/{id_}"),
        "dnsName": f"{id_}.efs.{region}.{dns_suffix(region)}",
        "creationToken": request.inputs.get("creationToken") or f"pulumi-{hex_id(request.seed, 12)}",
        "encrypted": bool(request.inputs.get("encrypted", False)),
        "kmsKeyId": request.inputs.get("kmsKeyId") or "",
        "performanceMode": request.inputs.get("performanceMode") or "generalPurpose",
        "throughputMode": request.inputs.get("throughputMode") or "bursting",
        "protection": request.inputs.get("protection") or {"replicationOverwrite": "ENABLED"},
        "availabilityZoneId": "",
        "availabilityZoneName": request.inputs.get("availabilityZoneName") or "",
        "name": (request.inputs.get("tags") or {}).get("Name", ""),
        "numberOfMountTargets": 0,
        "ownerId": ACCOUNT,
        "sizeInBytes": [{"value": 6144, "valueInIa": 0, "valueInStandard": 6144}],
        **common_outputs(request),
    }


def _service_quota(request: Request) -> Outputs:
    service, code = (str(request.inputs.get(key) or "") for key in ("serviceCode", "quotaCode"))
    return {
        "id": f"{service}/{code}",
        "arn": make_arn("servicequotas", request.place.require_region(), f"{service}/{code}"),
        "adjustable": True,
        "defaultValue": 0,
        "quotaName": code,
        "requestId": hex_id(request.seed, 32),
        "requestStatus": "PENDING",
        "serviceName": service,
        "usageMetrics": [],
        "region": request.place.region,
    }


SERVICE_KINDS: Mapping[str, Kind] = {
    "aws:s3/bucket:Bucket": Kind(compute=_bucket, name="bucket", name_length=63),
    "aws:cloudwatch/logGroup:LogGroup": Kind(compute=_log_group, name="name", name_length=512),
    "aws:kms/key:Key": Kind(compute=_kms_key),
    "aws:secretsmanager/secret:Secret": Kind(compute=_secret, name="name", name_length=512),
    "aws:efs/fileSystem:FileSystem": Kind(compute=_file_system),
    "aws:servicequotas/serviceQuota:ServiceQuota": Kind(compute=_service_quota),
}
