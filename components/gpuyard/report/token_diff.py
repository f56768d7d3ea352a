"""What a change does to the price of a token, by endpoint."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gpuyard.economics.token_economics import TokenEconomics


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenState:
    """One side, USD per 1M tokens, input and output together; None: not known."""

    planned: float | None
    """At the planned utilisation."""
    full: float | None
    """At utilisation 1."""
    utilisation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenChange:
    """One endpoint whose tokens cost something else now; None: the endpoint is not there."""

    endpoint: str
    before: TokenState | None
    after: TokenState | None

    @property
    def delta(self) -> float | None:
        """USD more per 1M tokens at the planned utilisation; None where one side is not known."""
        if self.before is None or self.after is None:
            return None
        if self.before.planned is None or self.after.planned is None:
            return None
        return self.after.planned - self.before.planned

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "base": asdict(self.before) if self.before else None,
            "head": asdict(self.after) if self.after else None,
            "delta": self.delta,
        }


def diff_tokens(
    base: Mapping[str, TokenEconomics], head: Mapping[str, TokenEconomics]
) -> tuple[TokenChange, ...]:
    """Endpoints whose tokens cost something else, by name."""
    changes = [
        TokenChange(endpoint=name, before=_state(base.get(name)), after=_state(head.get(name)))
        for name in sorted({*base, *head})
    ]
    return tuple(change for change in changes if change.before != change.after)


def _state(found: TokenEconomics | None) -> TokenState | None:
    if found is None:
        return None
    return TokenState(
        planned=found.at_planned.blended if found.at_planned else None,
        full=found.at_full.blended if found.at_full else None,
        utilisation=found.utilisation,
    )
