"""What a rule compares with, and where that is said: a finding cites the rule that spoke."""

from typing import Self, TypeVar

T = TypeVar("T")


class Sourced(tuple[T, ...]):  # noqa: SLOT001 (a tuple with slots takes no attribute)
    """A version, or a few values, with its source; compares, hashes and unpacks as the plain tuple does."""

    source: str

    def __new__(cls, values: tuple[T, ...], source: str) -> Self:
        """The tuple; ``source`` names issues, pull requests or pages, with a date where it matters."""
        made = super().__new__(cls, values)
        made.source = source
        return made


def join_sources(*sources: str) -> str:
    """Several sources of one finding, each once, the empty ones left out."""
    return "; ".join(dict.fromkeys(filter(None, sources)))
