"""Reading usage files: every problem at once, each with its place and a way out."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from gpuyard.costs.usage import Usage, flat, free_kinds, is_key, keys_of, matches, usable_types
from gpuyard.errors import Finding, SpecError, did_you_mean
from gpuyard.resources import Resource

_SECTIONS = ("resource_usage", "resource_type_default_usage", "free_usage")
_KNOWN = ("version", "currency", "hours_per_month", *_SECTIONS)


def read_usage(path: Path, resources: Sequence[Resource]) -> tuple[Usage, int | None]:
    """A usage file, and the hours per month that it declares, if any.

    ``resources``: those there are; usage for any other is a problem.

    Raises:
        SpecError: unreadable, not YAML, or with problems, every one of them.
    """
    data = read_yaml_file(path)
    usage = parse_usage(data, resources)
    hours = data.get("hours_per_month") if isinstance(data, Mapping) else None
    return usage, hours


def read_yaml_file(path: Path) -> Any:
    """Plain data of a YAML file.

    Raises:
        SpecError: unreadable or not YAML.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not text in UTF-8"
        raise SpecError([problem(str(path), "NOT_READABLE", reason, "check the path")]) from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise SpecError([problem(str(path), "NOT_YAML", f"is not YAML{where}", "mend it")]) from None


def parse_usage(data: Any, resources: Sequence[Resource] | None = None) -> Usage:
    """Usage from plain data (a parsed ``usage.yml``).

    ``resources``: those there are; None: usage for anything is taken.

    Raises:
        SpecError: with every problem.
    """
    if data is None:
        return Usage()
    if not isinstance(data, Mapping):
        raise SpecError([problem("", "USAGE_SHAPE", "is not a mapping", "begin with `resource_usage:`")])
    problems = [
        problem(str(key), "UNKNOWN_KEY", "is not a key of a usage file", _hint(str(key), _KNOWN))
        for key in data
        if key not in _KNOWN
    ]
    problems += _scalar_problems(data)
    by_name, wrong = _section("resource_usage", data.get("resource_usage"))
    by_type, more = _section("resource_type_default_usage", data.get("resource_type_default_usage"))
    problems += [*wrong, *more, *_type_problems(by_type), *_free_problems(data.get("free_usage"))]
    if resources is not None:
        problems += _name_problems(by_name, resources)
    if problems:
        raise SpecError(problems)
    patterns = [name for name in by_name if "*" in name] if resources is not None else []
    return Usage(
        resources=by_name,
        types=by_type,
        free=tuple(data.get("free_usage") or ()),
        unmatched=tuple(name for name in patterns if not any(matches(name, r) for r in resources or ())),
    )


def _scalar_problems(data: Mapping[str, Any]) -> Iterator[Finding]:
    hours = data.get("hours_per_month")
    if hours is not None and (isinstance(hours, bool) or not isinstance(hours, int) or not 0 < hours <= 744):
        yield problem("hours_per_month", "USAGE_AMOUNT", "is not a number of hours", "write 1 to 744", hours)
    yield from currency_problems(data.get("currency"))


def currency_problems(currency: Any) -> Iterator[Finding]:
    """Any currency but the one of the price tables."""
    if currency not in (None, "USD"):
        fix = "give amounts in USD: every price table here is in USD and no exchange rate is assumed"
        yield problem("currency", "UNKNOWN_CURRENCY", "is not a currency of the price tables", fix, currency)


def _section(path: str, entries: Any) -> tuple[dict[str, dict[str, Any]], list[Finding]]:
    problems: list[Finding] = []
    if entries is None:
        return {}, problems
    if not isinstance(entries, Mapping):
        return {}, [problem(path, "USAGE_SHAPE", "is not a mapping", "name resources below it")]
    found: dict[str, dict[str, Any]] = {}
    for name, amounts in entries.items():
        if amounts is None:  # a skeleton whose lines are still comments
            continue
        if not isinstance(amounts, Mapping):
            problems.append(problem(f"{path}.{name}", "USAGE_SHAPE", "is not a mapping", "write key: number"))
            continue
        problems += _amount_problems(f"{path}.{name}", amounts)
        found[str(name)] = dict(amounts)
    return found, problems


_WORDS = (
    "operating_system",
    "endpoint_type",
    "region",
    "kind",
    "reserved_instance_type",
    "reserved_instance_term",
    "reserved_instance_payment_option",
)
"""Keys whose value is a word."""


def _amount_problems(path: str, amounts: Mapping[str, Any]) -> Iterator[Finding]:
    for key, value in flat(amounts):
        if value is None:
            continue
        if key in _WORDS or (isinstance(value, bool) and key == "free_tier_credit_used"):
            if key in _WORDS and not isinstance(value, str):
                yield problem(f"{path}.{key}", "USAGE_AMOUNT", "is not a word", "write text", value)
        elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e18:
            fix = "write a number from 0 up"
            yield problem(f"{path}.{key}", "USAGE_AMOUNT", "is not an amount", fix, value)
        elif key == "used_share" and value > 1:
            yield problem(f"{path}.{key}", "USAGE_AMOUNT", "is more than the whole", "write 0 to 1", value)


def _type_problems(by_type: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    known = set(usable_types())
    for token, amounts in by_type.items():
        path = f"resource_type_default_usage.{token}"
        if token not in known and set(amounts) - {"monthly_hours"}:
            message = "is not a type that has usage"
            hint = _of_terraform_type(token, known) or _hint(token, known)
            yield problem(path, "UNKNOWN_TYPE", message, hint or "use a Pulumi type token")
            continue
        for key, _ in flat(amounts):
            if not is_key(key, token):
                yield _unknown_key(f"{path}.{key}", key, [token])


def _name_problems(
    by_name: Mapping[str, Mapping[str, Any]], resources: Sequence[Resource]
) -> Iterator[Finding]:
    names = {resource.name for resource in resources}
    exact = {f"{r.type}::{r.name}": r for r in resources} | {r.urn: r for r in resources}
    named: dict[str, list[Resource]] = {}
    for resource in resources:
        named.setdefault(resource.name, []).append(resource)
    for name, amounts in by_name.items():
        if "*" in name:
            found = [resource for resource in resources if matches(name, resource)]
        else:
            found = [exact[name]] if name in exact else named.get(name, [])
        if not found and "*" in name:
            continue
        if not found:
            hint = _of_terraform(name, resources) or did_you_mean(
                name, names | set(exact) if "::" in name else names
            )
            fix = f"{hint}; or remove it" if hint else "remove it"
            yield problem(f"resource_usage.{name}", "USAGE_WITHOUT_RESOURCE", "matches no resource", fix)
            continue
        types = sorted({resource.type for resource in found})
        for key, _ in flat(amounts):
            if not any(is_key(key, token) for token in types):
                yield _unknown_key(f"resource_usage.{name}.{key}", key, types)


def _of_terraform(name: str, resources: Sequence[Resource]) -> str:
    """A way out for names of Infracost, such as ``aws_nat_gateway.nat``; empty: it is no such name."""
    kind, dot, own = name.partition(".")
    if not dot or not kind.startswith(_TERRAFORM):
        return ""
    named = [r for r in resources if r.name == own and _terraform_type(r.type) == kind]
    example = f"{named[0].type}::{own}" if len(named) == 1 else "aws:ec2/natGateway:NatGateway::nat"
    return f"names here are Pulumi's: write {json.dumps(example)}"


def _of_terraform_type(token: str, known: Iterable[str]) -> str:
    found = sorted(kind for kind in known if _terraform_type(kind) == token)
    return f"types here are Pulumi's: write {json.dumps(found[0])}" if found else ""


_TERRAFORM = ("aws_", "google_")
_CLOUDS = {"aws": "aws", "gcp": "google"}


def _terraform_type(token: str) -> str:
    """``aws_nat_gateway`` of ``aws:ec2/natGateway:NatGateway``, without the module."""
    cloud, _, rest = token.partition(":")
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", rest.rpartition(":")[2]).lower()
    return f"{_CLOUDS.get(cloud, cloud)}_{name}"


def _free_problems(entries: Any) -> Iterator[Finding]:
    if entries is None:
        return
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        fix = "write `- {kind: aws:data_transfer, region: us-east-1, monthly_outbound_internet_gb: 100}`"
        yield problem("free_usage", "USAGE_SHAPE", "is not a list of mappings", fix)
        return
    kinds = free_kinds()
    for number, entry in enumerate(entries):
        path, kind = f"free_usage[{number}]", entry.get("kind")
        if kind not in kinds:
            fix = _hint(str(kind), kinds)
            yield problem(f"{path}.kind", "UNKNOWN_KEY", "is not a kind of free usage", fix, kind)
            continue
        if not isinstance(entry.get("region"), str):
            yield problem(f"{path}.region", "USAGE_SHAPE", "is required", "write the region's name")
        yield from _amount_problems(path, entry)
        for key in entry:
            if key not in {"kind", *kinds[kind]}:
                yield problem(f"{path}.{key}", "UNKNOWN_KEY", "is not a key of it", _hint(key, kinds[kind]))


def _unknown_key(path: str, key: str, types: Sequence[str]) -> Finding:
    known = sorted({name for token in types for name in keys_of(token)})
    fix = did_you_mean(key, known) or "use one of " + ", ".join(known[:12])
    return problem(path, "UNKNOWN_KEY", f"is not a usage key of {' or '.join(types[:3])}", fix)


def _hint(value: str, known: Any) -> str:
    return did_you_mean(value, known) or "use one of " + ", ".join(list(known)[:12])


def problem(path: str, code: str, message: str, fix: str, value: Any = None) -> Finding:
    """A problem of an input file; its value heads the message."""
    if value is not None:
        message = f"{json.dumps(value, ensure_ascii=False, default=str)} {message}"
    return Finding.error(code, path, message, fix, value=value)
