"""Reading a file of combinations: every problem of it at once, each with its place."""

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Self

import yaml

from gpuyard.errors import Finding, SpecError

VALUES_MAX = 1_000_000
"""Values that a file may expand to: aliases of aliases grow without bound, one of itself without end."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT = "tag:yaml.org,2002:str"
_NUMBER = "tag:yaml.org,2002:float"
_DECIMAL = re.compile(r"\d+\.\d+")


class _Written(float):
    """A number that is still written as it was: ``1.30`` is Kubernetes 1.30, not 1.3."""

    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __str__(self) -> str:
        return self.text


class _Loader(_LOADER):
    """The safe loader, which also remembers the keys that a mapping states twice."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.repeated: list[tuple[str, int, int]] = []

    # keys and most values are plain words that repeat: nothing to resolve again, nothing to construct
    resolve = cache(_LOADER.resolve)

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """The value; of text and decimals that is the node's own."""
        if node.tag == _TEXT and isinstance(node, yaml.ScalarNode):
            return node.value
        if node.tag == _NUMBER and _DECIMAL.fullmatch(node.value):
            return _Written(node.value)
        return super().construct_object(node, deep=deep)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """The mapping; of repeated keys the last counts, so each is told."""
        lines: dict[str, int] = {}
        for key, _ in getattr(node, "value", ()):
            if not isinstance(key, yaml.ScalarNode) or key.tag.endswith(":merge"):
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                self.repeated.append((key.value, lines[key.value], line))
            lines[key.value] = line
        return super().construct_mapping(node, deep=deep)


def read_combinations(file: Path) -> list[Any]:
    """The combinations of a file; ``-`` is standard input.

    Raises:
        SpecError: with every problem of the file.
    """
    from gpuyard.compat.combination import read_combination

    is_piped = file == Path("-")
    name = "standard input" if is_piped else str(file)
    try:
        content = sys.stdin.buffer.read() if is_piped else file.read_bytes()
        loader = _Loader(content.decode("utf-8-sig"))
        try:
            data = loader.get_single_data()
        finally:
            loader.dispose()
    except UnicodeDecodeError as error:
        raise _refusal(f"{name} is not text in UTF-8: byte {error.start}", "save it as UTF-8") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # a date or number that none can be
        raise _refusal(f"{name} is not YAML: {' '.join(str(error).split())}", "mend the file") from None
    if not isinstance(data, list):
        raise _refusal(f"{name} does not hold a list", _list_of(data))
    if sum(1 for _ in zip(range(VALUES_MAX + 1), _values(data), strict=False)) > VALUES_MAX:
        raise _refusal(
            f"{name} expands to more than {VALUES_MAX:,} values", "write out what its aliases repeat"
        )
    wrapped = [item for item in data if isinstance(item, dict) and isinstance(item.get("combination"), dict)]
    if wrapped:
        raise _refusal(
            f"{len(wrapped)} of {len(data)} entries of {name} are records around a combination",
            'pass a list of what stands under "combination": '
            f"`yq '[.[].combination]' {file} | gpuyard compat -`",
        )
    problems = [
        _problem(f'line {again}: "{key}" stands in line {first} already', "keep one of the two")
        for key, first, again in loader.repeated
    ]
    found = []
    for index, item in enumerate(data):
        combination, wrong = read_combination(item, f"[{index}]")
        problems += wrong
        found.append(combination)
    if problems:
        raise SpecError(problems)
    return found


def _list_of(data: Any) -> str:
    """What to pass instead of ``data``, which is no list."""
    from gpuyard.compat.combination import FIELDS

    if isinstance(data, dict):
        inner = [key for key, value in data.items() if isinstance(value, list) and key not in FIELDS]
        if inner:
            return f'pass the list under "{inner[0]}" alone'
        if data:
            return (
                "write a list, of one entry as well: `- ` before the first line, two spaces before the others"
            )
    return "write a list of combinations: `- gpu: l4`"


def _values(data: Any) -> Iterator[Any]:
    """Every value, as often as it stands there."""
    open_values = [data]
    while open_values:
        value = open_values.pop()
        yield value
        if isinstance(value, dict):
            open_values.extend(value.values())
        elif isinstance(value, list | tuple):
            open_values.extend(value)


def _refusal(message: str, fix: str) -> SpecError:
    return SpecError([_problem(message, fix)])


def _problem(message: str, fix: str) -> Finding:
    return Finding.error("INVALID", "", message, fix)
