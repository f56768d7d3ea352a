"""A commented skeleton of a usage file: every key that the program's resources may have, nothing declared."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gpuyard.catalog.tables import read_yaml
from gpuyard.costs.usage import keys_of, usable_types
from gpuyard.resources import Resource

_HEAD = """version: "0.1"
# Amounts per month. Remove the # of a line and write your number; what stays a comment is in no total.
# hours_per_month: 730
"""
_SECTION = re.compile(r"resource_usage:\s*(#.*)?$")


def sync_usage_text(text: str, resources: Iterable[Resource]) -> tuple[str, int]:
    """``text`` with comments for what it lacks, and how many resources got some.

    What the text declares and says stays as it is, to the byte; a second run adds nothing.
    """
    usable = set(usable_types())
    wanted = [resource for resource in sorted(resources, key=lambda r: r.urn) if resource.type in usable]
    names = [resource.name for resource in wanted]
    lines = (text or _HEAD).rstrip("\n").split("\n")
    if not any(_SECTION.match(line) for line in lines):
        lines += ["", "resource_usage:"]
    added = 0
    for resource in wanted:
        label = resource.name if names.count(resource.name) == 1 else f"{resource.type}::{resource.name}"
        added += _add(lines, label, resource)
    if added:
        lines = _with_free_usage(lines)
        return "\n".join(lines) + "\n", added
    return text, 0


def _add(lines: list[str], label: str, resource: Resource) -> bool:
    """Add what is missing for one resource; whether anything was."""
    start = next(number for number, line in enumerate(lines) if _SECTION.match(line))
    end = next(
        (n for n in range(start + 1, len(lines)) if lines[n][:1] not in ("", " ", "#", "\t")), len(lines)
    )
    entry = _find(lines[start + 1 : end], {label, resource.name, f"{resource.type}::{resource.name}"})
    keys = _own_keys(resource.type)
    if entry is None:
        while end > start + 1 and not lines[end - 1].strip():
            end -= 1
        lines[end:end] = [f"  # {_quoted(label)}:", *_comments(keys)]
        return True
    first, indent = start + 1 + entry[0], entry[1]
    last = first + 1
    while last < end and (not lines[last].strip() or _depth(lines[last]) > indent or "#" in lines[last][:4]):
        if re.match(r"  # \S+:$", lines[last]):
            break
        last += 1
    while last > first + 1 and not lines[last - 1].strip():
        last -= 1
    block = "\n".join(lines[first:last])
    if "{" in lines[first]:
        return False
    missing = {
        key: says for key, says in keys.items() if not re.search(rf"\b{re.escape(_leaf(key))}\b", block)
    }
    lines[last:last] = list(_comments(missing))
    return bool(missing)


def _find(lines: Sequence[str], labels: set[str]) -> tuple[int, int] | None:
    """Where an entry begins, declared or as a comment, and how deep it stands."""
    for number, line in enumerate(lines):
        found = re.match(r"(\s*(?:# )?\s*)([\"']?)(.+?)\2:(?:\s|$)", line)
        if found and found[3] in labels:
            return number, _depth(line)
    return None


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _own_keys(type_token: str) -> Mapping[str, str]:
    """The type's keys without the other names that Infracost has for them."""
    common = read_yaml("usage_keys")["any"]
    keys = {
        key: says
        for key, says in keys_of(type_token).items()
        if not says.startswith("as ") and "[N]" not in key
    }
    return {key: says for key, says in keys.items() if key not in common or type_token in _timed()}


def _timed() -> set[str]:
    types: Mapping[str, Any] = read_yaml("usage_keys")["types"]
    return {token for token, keys in types.items() if "monthly_hours" in keys}


def _comments(keys: Mapping[str, str]) -> Iterator[str]:
    """The keys as comments, those of one parent below it."""
    parent = ""
    for key, says in keys.items():
        above, _, leaf = key.rpartition(".")
        if above and above != parent:
            yield f"  #   {above}:"
        parent = above
        indent = "    " if above else "  "
        yield f"  # {indent}{leaf}: {_example(says)}  # {says}"


def _example(says: str) -> str:
    if says.startswith("mapping"):
        return "{}"
    first = says.partition(" ")[0]
    return first if "|" in says else "0"


def _leaf(key: str) -> str:
    return key.rpartition(".")[2]


def _quoted(label: str) -> str:
    return label if re.fullmatch(r"[\w./:-]*[\w/-]", label) else f'"{label}"'


def _with_free_usage(lines: list[str]) -> list[str]:
    if any("free_usage:" in line for line in lines):
        return lines
    shown = "#   - {kind: aws:data_transfer, region: us-east-1, monthly_outbound_internet_gb: 0}"
    return [*lines, "", "# Traffic that belongs to no resource:", "# free_usage:", shown]
