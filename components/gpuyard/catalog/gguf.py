"""Types of GGUF files: how much a weight takes, and how names say them."""

import re
from collections.abc import Mapping
from functools import cache

from gpuyard.catalog.tables import read_csv

GGUF = "gguf"
"""A repository of files of several types, none of which is named."""
USUAL = "q4_k_m"
"""The type that llama.cpp and Ollama take where none is named."""
_TYPE = re.compile(r"[-_.:](?:ud[-_])?((?:iq|q)[1-8]_[a-z0-9_]+|f16)(?:\.gguf)?$", re.IGNORECASE)
_WORD = re.compile(r"[-_.]gguf\b.*$", re.IGNORECASE)
_LARGER = re.compile(r"_x?l$")
"""Endings of types that publishers mix themselves (``Q4_K_XL``): counted as the next smaller known one."""


@cache
def gguf_types() -> Mapping[str, float]:
    """Bits per weight by type, tables included."""
    return {row["name"]: float(row["bits"]) for row in read_csv("gguf_types")}


def split_gguf(name: str) -> tuple[str, str]:
    """A name without its words for a GGUF file, and the file's type; empty: it names no such file."""
    found = _TYPE.search(name)
    kind = _known(found.group(1).lower()) if found else ""
    base = name[: found.start()] if found and kind else name
    bare = _WORD.sub("", base)
    if kind:
        return bare, kind
    return (bare, GGUF) if bare != base else (name, "")


def is_gguf(quantization: str) -> bool:
    """Whether a quantization is that of a GGUF file."""
    return quantization == GGUF or quantization in gguf_types()


def _known(kind: str) -> str:
    """The type of the table that ``kind`` is, or is closest to; empty: none."""
    if kind in gguf_types():
        return kind
    stem = _LARGER.sub("", kind)
    return next((name for name in (f"{stem}_l", f"{stem}_m", stem, f"{stem}_0") if name in gguf_types()), "")
