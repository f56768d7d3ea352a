"""What clouds mean when they say no: classes of failures, and the codes and words that tell them apart."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from gpuyard.catalog.tables import read_yaml

_USUAL_WEIGHT = 10
_WORD = r"(?<![A-Za-z0-9_-])(?:{code})(?:Exception|Fault|Error)?(?![A-Za-z0-9_-])"
_WHERE_A_CODE_STANDS = (
    r"\((?:{code})\)"
    r"|(?:error[ _-]?code|errorcode|reason|code)[\"']?\s*[:=]\s*(?:some\()?[\"']?(?:{code})\b"
    r"|(?:^|[\s:\[\"'(.,;|*])(?:{code})(?:Exception|Fault)?[\]\"']?\s*(?::|\s[-–—]\s|$|\])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureKind:
    """One class of failures and what follows from it (``classes`` of `failure_codes.yaml`)."""

    name: str
    reaction: str
    """``next`` rung, ``wait`` and repeat, or ``stop``."""
    scope: str
    """What is out: ``offering``, ``bucket``, ``place``, ``reservation``, ``zones``, ``region``, ``spot``,
    ``cloud``."""
    hold_s: int | None
    """Seconds for which the scope is out after a first failure; None: `until` says."""
    hold_max_s: int | None
    until: str
    """``changed`` (by a person or a request), ``never`` (it comes back), or empty: `hold_s` says."""
    meaning: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRule:
    """One code or wording and the class it stands for."""

    kind: str
    cloud: str
    """``aws``, ``gcp``, ``kubernetes``, ``pulumi`` or ``any``."""
    service: str
    name: str
    """The code, or the words, as the table has them."""
    pattern: re.Pattern[str]
    is_code: bool
    weight: int
    source: str
    scope: str
    reaction: str
    until: str
    remedy: str
    """Of this rule; empty: the class's."""


@cache
def failure_kinds() -> Mapping[str, FailureKind]:
    """Every class by name, in the table's order."""
    return {
        name: FailureKind(
            name=name,
            reaction=row["reaction"],
            scope=row["scope"],
            hold_s=row.get("hold_s"),
            hold_max_s=row.get("hold_max_s"),
            until=row.get("until", ""),
            meaning=row["meaning"],
            remedy=row["remedy"],
        )
        for name, row in read_yaml("failure_codes")["classes"].items()
    }


@cache
def failure_rules() -> tuple[FailureRule, ...]:
    """Every rule, in the table's order."""
    return tuple(
        FailureRule(
            kind=row["class"],
            cloud=row["cloud"],
            service=row["service"],
            name=row.get("code") or row["text"],
            pattern=_pattern(row),
            is_code="code" in row,
            weight=row.get("weight", _USUAL_WEIGHT),
            source=row["source"],
            scope=row.get("scope", ""),
            reaction=row.get("reaction", ""),
            until=row.get("until", ""),
            remedy=row.get("remedy", ""),
        )
        for row in read_yaml("failure_codes")["rules"]
    )


def failure_codes_as_of() -> str:
    """ISO date of the table."""
    return read_yaml("failure_codes")["as_of"]


def _pattern(row: Mapping[str, str]) -> re.Pattern[str]:
    """Codes as they are written, case counts; texts in any case."""
    if "text" in row:
        return re.compile(row["text"], re.IGNORECASE)
    form = _WHERE_A_CODE_STANDS if row.get("word") else _WORD
    return re.compile(form.replace("{code}", row["code"]))
