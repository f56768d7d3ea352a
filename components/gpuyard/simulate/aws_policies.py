"""IAM policy documents as JSON, and the policies that AWS keeps."""

import json
from collections.abc import Mapping
from typing import Any

from gpuyard.errors import EngineError
from gpuyard.simulate.aws_names import partition
from gpuyard.simulate.ids import letters_id, number_id
from gpuyard.simulate.lookup import Function, Lookup
from gpuyard.simulate.place import Place

Answer = Mapping[str, Any]


def _policy_document(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    """The document that the statements make, after the sources and before the overrides, merged by Sid."""
    version = args.get("version") or "2012-10-17"
    own = [_statement(item) for item in args.get("statements") or ()]
    sources = [*(args.get("sourcePolicyDocuments") or ()), args.get("sourceJson")]
    overrides = [*(args.get("overridePolicyDocuments") or ()), args.get("overrideJson")]
    statements = _merge([*_read(sources), *own], _read(overrides))
    document: dict[str, Any] = {"Version": version}
    if args.get("policyId"):
        document["Id"] = args["policyId"]
    document["Statement"] = statements
    return {
        "id": number_id(json.dumps(document), 10),
        "json": json.dumps(document, indent=2),
        "minifiedJson": json.dumps(document, separators=(",", ":")),
        "version": version,
    }


def _statement(item: Answer) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if item.get("sid"):
        made["Sid"] = item["sid"]
    made["Effect"] = item.get("effect") or "Allow"
    for key, name in (
        ("actions", "Action"),
        ("notActions", "NotAction"),
        ("resources", "Resource"),
        ("notResources", "NotResource"),
    ):
        if item.get(key):
            made[name] = _short(item[key])
    for key, name in (("principals", "Principal"), ("notPrincipals", "NotPrincipal")):
        if item.get(key):
            made[name] = _principals(item[key])
    conditions: dict[str, dict[str, Any]] = {}
    for condition in item.get("conditions") or ():
        conditions.setdefault(condition["test"], {})[condition["variable"]] = _short(condition["values"])
    if conditions:
        made["Condition"] = conditions
    return made


def _short(values: Any) -> Any:
    """One value stands alone; several are a list, sorted as the provider sorts them."""
    found = sorted(str(value) for value in values)
    return found[0] if len(found) == 1 else found


def _principals(items: Any) -> Any:
    found: dict[str, list[str]] = {}
    for item in items:
        found.setdefault(item["type"], []).extend(item["identifiers"])
    if found == {"*": ["*"]}:
        return "*"
    return {kind: _short(identifiers) for kind, identifiers in sorted(found.items())}


def _read(documents: list[Any]) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = []
    for text in documents:
        if not text:
            continue
        try:
            found = json.loads(text)["Statement"]
        except (ValueError, KeyError, TypeError):
            raise EngineError("a source or override is no policy document in JSON") from None
        statements += [dict(found)] if isinstance(found, Mapping) else list(found)
    return statements


def _merge(statements: list[dict[str, Any]], overrides: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An override takes the place of the statement that has its Sid; others are added."""
    merged = list(statements)
    for item in overrides:
        same = [
            index for index, known in enumerate(merged) if item.get("Sid") and known.get("Sid") == item["Sid"]
        ]
        if same:
            merged[same[0]] = item
        else:
            merged.append(item)
    return merged


def _policy(args: Answer, place: Place, lookup: Lookup) -> Answer:
    """A policy of the stack, or one that AWS keeps: its content is not simulated."""
    arn, name = str(args.get("arn") or ""), str(args.get("name") or "")
    for found in lookup.find_all("aws:iam/policy:Policy", place):
        if arn == found["arn"] or (name and name == found["name"]):
            return found
    managed = f"arn:{partition(place.region)}:iam::aws:policy/"
    if arn and not arn.startswith(managed):
        raise EngineError(f"no matching IAM Policy found ({arn})")
    name = arn.removeprefix(managed).rpartition("/")[2] or name
    return {
        "id": arn or managed + name,
        "arn": arn or managed + name,
        "name": name,
        "path": "/",
        "policyId": f"ANPA{letters_id(name, 17)}",
        "description": "kept by AWS; its content is not simulated",
        "policy": '{"Version":"2012-10-17","Statement":[]}',
        "attachmentCount": 0,
        "tags": {},
    }


POLICY_FUNCTIONS: Mapping[str, Function] = {
    "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
    "aws:iam/getPolicy:getPolicy": _policy,
}
