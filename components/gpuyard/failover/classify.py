"""From what a cloud said to what it meant.

Takes any text that carries the refusal: an API error, a node group's issue, a scaling activity, a GKE
operation, a Pulumi diagnostic that wraps one of them. Every rule of `failure_codes.yaml` is asked; the
heaviest wins, so that a cause outweighs its wrapper and a code outweighs an HTTP status.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gpuyard.catalog.failure_codes import FailureRule, failure_kinds, failure_rules
from gpuyard.failover.details import find_details
from gpuyard.failover.failure import FailureClass, Reaction, Verdict
from gpuyard.failover.masking import mask, sentence_around

_TIES = (
    "account",
    "permission",
    "quota",
    "reservation_empty",
    "reservation_unusable",
    "address_space",
    "not_sold",
    "stockout",
    "configuration",
    "throttle",
    "transient",
    "timeout",
)
"""Which class wins between rules of equal weight: what a person must settle before what time settles."""
_FOREIGN = 0.3
"""Weight of another cloud's rule when the cloud is known: its words may still be meant."""
_COLOUR = re.compile(r"(?:\x1b|\\x1b|\\u001b|\\033|\bESC)\[[0-9;]*[A-Za-z]")
"""Terminal colours, also where a log escaped them."""


@dataclass(frozen=True, slots=True)
class _Match:
    rule: FailureRule
    start: int
    end: int
    weight: float

    @property
    def order(self) -> tuple[float, int, int, int]:
        """Larger is better: weight, class, codes before texts, earlier in the message."""
        return (self.weight, -_TIES.index(self.rule.kind), self.rule.is_code, -self.start)


def classify(message: str, cloud: str = "") -> Verdict:
    """What ``message`` means. ``cloud``: where it comes from, if known (``aws`` or ``gcp``)."""
    text = fold(message)
    best = max(_matches(text, cloud), key=lambda match: match.order, default=None)
    details = find_details(text)
    kind = failure_kinds()[best.rule.kind if best else "unknown"]
    rule = best.rule if best else None
    until = (rule.until if rule else "") or kind.until
    return Verdict(
        kind=FailureClass(kind.name),
        reaction=Reaction((rule.reaction if rule else "") or kind.reaction),
        scope=(rule.scope if rule else "") or kind.scope,
        hold_s=None if until else kind.hold_s,
        hold_max_s=None if until else kind.hold_max_s,
        until=until,
        rule=f"{rule.cloud} {rule.service} {rule.name}" if rule else "",
        source=rule.source if rule else "",
        evidence=sentence_around(text, best.start, best.end) if best else mask(text[:200]),
        remedy=(rule.remedy if rule else "") or kind.remedy,
        zones=details.zones,
        zones_open=details.zones_open,
        machine_type=details.machine_type,
        quota=details.quota,
        limit=details.limit,
        reservation=details.reservation,
    )


def all_classes(message: str, cloud: str = "") -> tuple[FailureClass, ...]:
    """Every class that some rule sees in ``message``, the most likely first."""
    matches = sorted(_matches(fold(message), cloud), key=lambda match: match.order, reverse=True)
    return tuple(dict.fromkeys(FailureClass(match.rule.kind) for match in matches))


def fold(message: str) -> str:
    """One line: white space folded, colours, box-drawing and escaped quotes of logs undone."""
    message = _COLOUR.sub("", message)
    return " ".join(message.replace("\\n", " ").replace("\\", "").replace("│", " ").split())


def _matches(text: str, cloud: str) -> Iterator[_Match]:
    for rule in failure_rules():
        found = rule.pattern.search(text)
        if found:
            is_foreign = cloud in ("aws", "gcp") and rule.cloud in ("aws", "gcp") and rule.cloud != cloud
            yield _Match(rule, found.start(), found.end(), rule.weight * (_FOREIGN if is_foreign else 1))
