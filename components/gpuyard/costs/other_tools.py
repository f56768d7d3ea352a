"""Whose JSON a file is, when it is none of Pulumi's: a better answer than "wrong format"."""

from collections.abc import Callable, Mapping
from typing import Any

_SIGNS: tuple[tuple[str, Callable[[Mapping[str, Any]], bool]], ...] = (
    (
        "`terraform show -json` (a Terraform or OpenTofu plan)",
        lambda d: "planned_values" in d or "resource_changes" in d,
    ),
    ("Terraform or OpenTofu (a state file)", lambda d: "terraform_version" in d or "lineage" in d),
    ("Infracost (`breakdown --format json`)", lambda d: "projects" in d and "totalMonthlyCost" in d),
    ("AWS CloudFormation or CDK (a template)", lambda d: "AWSTemplateFormatVersion" in d or "Resources" in d),
    ("Azure Resource Manager (a template)", lambda d: "deploymentTemplate" in str(d.get("$schema", ""))),
    ("Kubernetes (a manifest)", lambda d: "apiVersion" in d and "kind" in d),
    ("the Pulumi CLI's `stack ls --json`, not a preview", lambda d: "updateInProgress" in d),
    ("gpuyard's report", lambda d: str(d.get("schema", "")).startswith("gpuyard.report/")),
    ("`gpuyard cost --format json`", lambda d: "line_items" in d and "totals" in d),
    ("gpuyard (`gpuyard plan` prints resources with --format json)", lambda d: "ladder" in d),
    ("OpenCost or Kubecost", lambda d: "data" in d and "code" in d),
    ("npm (package.json)", lambda d: "dependencies" in d and "name" in d and "resources" not in d),
)


def tool_that_wrote(data: Any) -> str:
    """The tool whose output ``data`` looks like; empty: not known."""
    if isinstance(data, list) and data and isinstance(data[0], Mapping):
        first = data[0]
        if "updateInProgress" in first or {"name", "current"} <= set(first):
            return "`pulumi stack ls --json`, not a preview"
        if "@level" in first or "@message" in first:
            return "Terraform or OpenTofu (`plan -json` messages)"
        data = first
    if not isinstance(data, Mapping):
        return ""
    return next((name for name, is_sign in _SIGNS if is_sign(data)), "")
