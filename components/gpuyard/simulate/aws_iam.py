"""IAM: roles, policies, profiles and providers, as the AWS provider 7 returns them."""

from collections.abc import Mapping
from typing import Any

from gpuyard.simulate.aws_names import global_arn
from gpuyard.simulate.ids import hex_id, letters_id
from gpuyard.simulate.kind import Kind, Outputs, Request, name_of


def _role(request: Request) -> Outputs:
    return {
        **_entity(request, "role"),
        **_identity(request, "AROA"),
        "maxSessionDuration": request.inputs.get("maxSessionDuration") or 3600,
        "inlinePolicies": list(request.inputs.get("inlinePolicies") or []),
        "managedPolicyArns": list(request.inputs.get("managedPolicyArns") or []),
    }


def _instance_profile(request: Request) -> Outputs:
    return {**_entity(request, "instance-profile"), **_identity(request, "AIPA")}


def _policy(request: Request) -> Outputs:
    made = _entity(request, "policy")
    return {
        **made,
        "id": made["arn"],
        "policyId": f"ANPA{letters_id(request.seed, 17)}",
        "attachmentCount": 0,
    }


def _entity(request: Request, kind: str) -> dict[str, Any]:
    """What everything with a path has."""
    name, path = name_of(request), request.inputs.get("path") or "/"
    return {
        "id": name,
        "name": name,
        "namePrefix": request.inputs.get("namePrefix") or "",
        "path": path,
        "arn": global_arn("iam", request.place.region, f"{kind}{path}{name}"),
        "tagsAll": _tags(request),
    }


def _identity(request: Request, prefix: str) -> Outputs:
    """What can be assumed has an id for good, and a day that it was made on."""
    return {
        "uniqueId": f"{prefix}{letters_id(request.seed, 17)}",
        "createDate": (request.before or {}).get("createDate") or request.time,
    }


def _tags(request: Request) -> dict[str, Any]:
    """All tags of something that has no region."""
    defaults = (request.place.settings.get("defaultTags") or {}).get("tags") or {}
    return {**defaults, **(request.inputs.get("tags") or {})}


def _role_policy_attachment(request: Request) -> Outputs:
    return {"id": f"{request.inputs.get('role')}/{request.inputs.get('policyArn')}"}


def _role_policy(request: Request) -> Outputs:
    name = name_of(request)
    prefix = request.inputs.get("namePrefix") or ""
    return {"id": f"{request.inputs.get('role')}:{name}", "name": name, "namePrefix": prefix}


def _oidc_provider(request: Request) -> Outputs:
    url = str(request.inputs.get("url") or "").removeprefix("https://")
    arn = global_arn("iam", request.place.region, f"oidc-provider/{url}")
    thumbprints = list(request.inputs.get("thumbprintLists") or [hex_id(url, 40)])
    return {
        "id": arn,
        "arn": arn,
        "url": url,
        "thumbprintLists": thumbprints,
        "tagsAll": _tags(request),
    }


IAM_KINDS: Mapping[str, Kind] = {
    "aws:iam/role:Role": Kind(compute=_role, name="name", name_length=64),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Kind(compute=_role_policy_attachment),
    "aws:iam/rolePolicy:RolePolicy": Kind(compute=_role_policy, name="name", name_length=128),
    "aws:iam/policy:Policy": Kind(compute=_policy, name="name", name_length=128),
    "aws:iam/instanceProfile:InstanceProfile": Kind(compute=_instance_profile, name="name", name_length=128),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Kind(compute=_oidc_provider),
}
