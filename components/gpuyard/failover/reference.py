"""Classes and rules as the page `docs/reference/failure-classes.md`; a test holds them together."""

from gpuyard.catalog.failure_codes import FailureKind, failure_codes_as_of, failure_kinds, failure_rules
from gpuyard.units import format_seconds

_SCOPES = {
    "offering": "machine type × zones × way of buying",
    "bucket": "quota bucket × region × market; the region, where the quota is not one of machines",
    "place": "machine type × zones, however bought",
    "reservation": "that reservation",
    "zones": "the zones, for every machine type",
    "region": "the region",
    "spot": "spot in the whole cloud",
    "cloud": "the cloud",
}
_REACTIONS = {
    "next": "another rung is tried",
    "wait": "the same rung is tried again later",
    "stop": "`gpuyard up` stops: no other rung would help",
}

_HEAD = """\
# What a refusal means

Generated from `catalog/data/failure_codes.yaml` by `gpuyard.failover.reference`.
As of {as_of}.
`gpuyard explain` classifies any message by these rules; `gpuyard up` acts on them.

Every rule is asked, and the heaviest wins.
A code or wording weighs 10 unless the table says otherwise, a wrapper around the cause 3, an HTTP status 1.
With equal weight the class that a person must settle wins over the one that time settles.

## Accuracy

tests/failover/messages.yaml holds messages that clouds really sent, each with its page.
The first 49 were used to write the rules.
Of 64 collected afterwards the rules hit 55 (86 %) at the first try.
Eight of the nine others were answered `unknown`; one was taken for another class that also stops.
Of 24 more, collected after the rules had been amended, they hit 21 (87 %) at the first try.
The other three were `unknown`.
Of 16 more, collected after that, they hit 12 (75 %) at the first try.
Three of the other four were `unknown`, two of them of Cloud Run.
In one an expired token of the engine outweighed the quota.
All are hit now, and a message that no rule knows is `unknown`.

## Classes

| Class | Meaning | Reaction | What is out | For how long |
|---|---|---|---|---|
"""


def render_classes() -> str:
    """The page's text."""
    lines = _HEAD.format(as_of=failure_codes_as_of()).splitlines()
    for kind in failure_kinds().values():
        scope = _SCOPES[kind.scope] if kind.reaction != "stop" else "nothing"
        lines.append(
            f"| `{kind.name}` | {kind.meaning} | {_REACTIONS[kind.reaction]} | {scope} | {_how_long(kind)} |"
        )
    for kind in failure_kinds().values():
        rules = [rule for rule in failure_rules() if rule.kind == kind.name]
        lines += ["", f"## {kind.name}", "", f"Remedy: {kind.remedy}.", ""]
        if not rules:
            lines.append("Every message that no rule knows.")
            continue
        lines += ["| Cloud | Service | Code or words | Weight | Source |", "|---|---|---|---|---|"]
        for rule in rules:
            name = f"`{rule.name}`" if rule.is_code else f"text `{rule.name}`"
            lines.append(
                f"| {rule.cloud} | {rule.service} | {_cell(name)} | {rule.weight} | {_cell(rule.source)} |"
            )
    return "\n".join(lines) + "\n"


def _how_long(kind: FailureKind) -> str:
    if kind.reaction == "stop":
        return "–"
    if kind.until == "never":
        return "for good"
    if kind.until == "changed" or kind.hold_s is None:
        return "until somebody changes it (`gpuyard up --forget`)"
    longest = f", doubled by each repeat up to {format_seconds(kind.hold_max_s)}" if kind.hold_max_s else ""
    return format_seconds(kind.hold_s) + longest


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
