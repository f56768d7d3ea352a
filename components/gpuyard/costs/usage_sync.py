"""A commented skeleton of a usage file: every key that the program's resources may have, nothing declared."""

import re
from collections import Counter
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
    named = Counter(resource.name for resource in wanted)
    lines = (text or _HEAD).rstrip("\n").split("\n")
    if not any(_SECTION.match(line) for line in lines):
        lines += ["", "resource_usage:"]
    start = next(number for number, line in enumerate(lines) if _SECTION.match(line)) + 1
    end = next((n for n in range(start, len(lines)) if lines[n][:1] not in ("", " ", "#", "\t")), len(lines))
    entries = _entries(lines, start, end)
    fresh: list[str] = []
    missing: dict[int, list[str]] = {}
    added = 0
    for resource in wanted:
        full = f"{resource.type}::{resource.name}"
        place = entries.get(full, entries.get(resource.name) if named[resource.name] == 1 else None)
        if place is None:
            label = resource.name if named[resource.name] == 1 else full
            fresh += [f"  # {_quoted(label)}:", *_comments(_own_keys(resource.type))]
            added += 1
            continue
        last, block = _block(lines, place, end)
        keys = {key: says for key, says in _own_keys(resource.type).items() if not _has(block, _leaf(key))}
        if keys and "{" not in lines[place]:
            missing[last] = list(_comments(keys))
            added += 1
    if not added:
        return text, 0
    while end > start and not lines[end - 1].strip():
        end -= 1
    lines[end:end] = fresh
    for last in sorted(missing, reverse=True):  # from below, so that numbers above stay true
        lines[last:last] = missing[last]
    return "\n".join(_with_free_usage(lines)) + "\n", added


def _entries(lines: Sequence[str], start: int, end: int) -> dict[str, int]:
    """Where each entry of the section begins, declared or as a comment, by its name."""
    found: dict[str, int] = {}
    for number in range(start, end):
        entry = _ENTRY.match(lines[number])
        if entry is not None:
            found.setdefault(entry[2], number)
    return found


_ENTRY = re.compile(r"  (?:# )?([\"']?)([^\s#].*?)\1:(?:\s|$)")
"""A name two spaces deep; what is deeper is a key."""


def _block(lines: Sequence[str], first: int, end: int) -> tuple[int, str]:
    """The line after an entry's last one, and the entry's text."""
    last = first + 1
    while last < end and not _ENTRY.match(lines[last]):
        last += 1
    while last > first + 1 and not lines[last - 1].strip():
        last -= 1
    return last, "\n".join(lines[first:last])


def _has(block: str, key: str) -> bool:
    return re.search(rf"\b{re.escape(key)}\b", block) is not None


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
