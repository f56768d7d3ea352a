"""Names people type, resolved to the one id that everything else uses."""

import re
from collections.abc import Mapping
from functools import lru_cache

from gpuyard.errors import did_you_mean

_DECIMAL = re.compile(r"(\d)\.(?=\d+[bm]\b)")


class UnknownName(ValueError):  # noqa: N818 (reads as what it says)
    """A name that the catalog does not have; its text suggests close ones, looked for when it is read."""

    def __init__(self, kind: str, value: str, choices: list[str], hint: str = "") -> None:
        self.kind, self.value, self._choices, self._hint = kind, value, choices, hint
        super().__init__(kind, value, choices, hint)

    def __str__(self) -> str:
        hint = self._hint or did_you_mean(self.value, self._choices)
        return f'"{self.value}" is not a {self.kind} of the catalog' + (f"; {hint}" if hint else "")


@lru_cache(maxsize=4096)
def normalise(text: str) -> str:
    """A key that ignores case, vendor and punctuation: ``NVIDIA-H100-80GB-HBM3`` to ``h10080gb``.

    The point in a number of parameters stays: 1.3B is not 13B.
    """
    key = re.sub(r"[^a-z0-9]", "", _DECIMAL.sub(r"\1p", text.lower()))
    for noise in ("nvidia", "hgx", "dgx", "tesla", "geforce", "hbm3e", "hbm3", "hbm2e", "hbm2", "tensorcore"):
        key = key.replace(noise, "")
    return key


def resolve(kind: str, text: str, aliases: Mapping[str, str], ids: list[str], hint: str = "") -> str:
    """The id that ``text`` means.

    Raises:
        UnknownName: none does; with ``hint`` where there is one, else with close ids.
    """
    found = aliases.get(normalise(text))
    if found is None:
        raise UnknownName(kind, text, ids, hint)
    return found
