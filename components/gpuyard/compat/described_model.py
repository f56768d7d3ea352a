"""The model that a description means where it is no id: ``a finetuned Qwen2-72B``, ``deepseek-r1 70b``.

A known name inside the text counts; else the words and the size, where every model with both has one shape.
"""

import re
from functools import cache
from itertools import pairwise

from gpuyard.catalog.models import ModelShape, find_model, model_names

OTHER_SHAPE = frozenset(
    {
        *("distill", "mini", "nano", "small", "lite", "tiny", "air", "flash", "next", "moe", "coder", "vl"),
        *(
            "vision",
            "omni",
            "audio",
            "ocr",
            "asr",
            "tts",
            "image",
            "guard",
            "embedding",
            "reranker",
            "reward",
        ),
        *("eagle", "draft", "mtp", "speculator", "dflash", "medusa", "lora", "adapter"),
    }
)
"""Words of a smaller, larger or other model: in the text, they must be in the name as well."""
_PLAIN = frozenset({"an", "the", "of", "and", "with", "instruct", "chat", "it", "hf"})
_WORDS = re.compile(r"[a-z]+|\d+(?:\.\d+)?")
_PRECISION = re.compile(
    r"\b(?:(?:nv|mx)?fp|bf|int)[-_ ]?\d+\b|\b(?:awq|gptq|gguf|bnb|w\d+a\d+|block|dynamic|quantized)\b"
)
"""Of the weights, which leaves the shape as it is."""
_MAKERS = ("meta", "nvidia")
_RELEASE = re.compile(r"-v\d+(\.\d+)*$")
_NAME_WORDS = 3
"""Fewer are a family, not a model."""
_SIZE_TOLERANCE = 0.12


def described_model(text: str) -> ModelShape | None:
    """The shape that the description means; None: none, or several with different shapes."""
    words = _words(_PRECISION.sub(" ", text.lower()))
    name = _known().get(words) or _named(words) or _sized(words) or _begun(words)
    return find_model(name) if name else None


def _named(words: tuple[str, ...]) -> str:
    """The longest known name that the text holds."""
    best = ""
    for known, name in _known().items():
        if len(known) < _NAME_WORDS or len(known) <= len(_words(best)):
            continue
        if _holds(words, known) and _same_kind(words, known) and (_size(known) or not _size(words)):
            best = name
    return best


def _sized(words: tuple[str, ...]) -> str:
    """A model of that family and size, where all of them have one shape."""
    size = _size(words)
    families = [word for word in words if word in _families() and word not in _PLAIN]
    if not size or not families:
        return ""
    versions = [after for word, after in pairwise(words) if word in families and after[0].isdigit()]
    wanted = [*families, *(version for version in versions if version != size)]
    found = [
        name
        for known, name in _known().items()
        if _size(known) == size and all(word in known for word in wanted) and _same_kind(words, known)
    ]
    shapes = [find_model(name) for name in found]
    near = [shape for shape in shapes if abs(shape.params / 1e9 / float(size) - 1) < _SIZE_TOLERANCE]
    if len({(shape.layers, shape.hidden, shape.heads, shape.kv_heads) for shape in near}) != 1:
        return ""
    return min(near, key=lambda shape: shape.context).id


def _begun(words: tuple[str, ...]) -> str:
    """A model whose name begins so, where all of them have one shape: ``Llama 4 Scout``."""
    if len(words) < _NAME_WORDS:
        return ""
    found = [
        name
        for known, name in _known().items()
        if known[: len(words)] == words and _same_kind(known[len(words) :], ())
    ]
    shapes = {(shape.layers, shape.hidden, shape.heads, shape.params) for shape in map(find_model, found)}
    return min(found, key=len) if len(shapes) == 1 else ""


@cache
def _known() -> dict[tuple[str, ...], str]:
    """Every name of the catalog as words, without a release at its end (``-v0.1``)."""
    return {_words(_RELEASE.sub("", name)): name for name in reversed(model_names())}


@cache
def _families() -> frozenset[str]:
    """Words that names of models have, without single letters."""
    return frozenset(word for known in _known() for word in known if len(word) > 1 and word.isalpha())


@cache
def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in _WORDS.findall(text.lower().rpartition("/")[2]) if word not in _MAKERS)


def _size(words: tuple[str, ...]) -> str:
    """Billions that the words state first; empty: none."""
    return next((number for number, unit in pairwise(words) if unit == "b" and number[0].isdigit()), "")


def _holds(words: tuple[str, ...], part: tuple[str, ...]) -> bool:
    return any(words[at : at + len(part)] == part for at in range(len(words) - len(part) + 1))


def _same_kind(words: tuple[str, ...], known: tuple[str, ...]) -> bool:
    return not any(word in OTHER_SHAPE and word not in known for word in words)
