"""The evidence file, `capacity.evidence.json`: read strictly, written in a stable order.

JSON, one record per line, so that a diff shows facts. Records leave out what their answer says already
(cloud, account, region, date) and fields at their defaults. `docs/reference/discovery.md` has the schema.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from gpuyard.catalog.evidence import Answer, Evidence, Gap, sort_evidence
from gpuyard.catalog.evidence_items import ITEM_TYPES
from gpuyard.errors import Finding, SpecError, did_you_mean

EVIDENCE_FILE = "capacity.evidence.json"
"""Its name; it lies beside the locks."""
EVIDENCE_VERSION = 1
SCHEMA = "gpuyard/capacity-evidence"
_INHERITED = ("cloud", "account", "region", "as_of")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


def read_evidence(path: Path) -> Evidence:
    """The evidence in ``path``; empty where there is no file.

    Raises:
        SpecError: the file is there but broken, or was written by a newer gpuyard; it stays as it is.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Evidence()
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError([_broken(path.name, f"cannot be read: {type(error).__name__}")]) from None
    try:
        data = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        place = f"{path.name}:{error.lineno}:{error.colno}"
        raise SpecError([_broken(place, f"is not JSON: {error.msg}")]) from None
    except (ValueError, RecursionError) as error:
        raise SpecError([_broken(path.name, f"is not JSON: {error}")]) from None
    return parse_evidence(data, path.name)


def parse_evidence(data: Any, place: str = EVIDENCE_FILE) -> Evidence:
    """The evidence from its data, as the file holds it.

    Raises:
        SpecError: with every problem, each at its path.
    """
    if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
        raise SpecError([_broken(place, f'is not an evidence file: "schema" is not "{SCHEMA}"')])
    version = data.get("version")
    if isinstance(version, int) and version > EVIDENCE_VERSION:
        message = f"was written by a newer gpuyard (version {version}, this one reads {EVIDENCE_VERSION})"
        raise SpecError([_broken(place, message, "upgrade gpuyard; the file was left as it is")])
    if type(version) is not int or version != EVIDENCE_VERSION:
        raise SpecError([_broken(f"{place}.version", f"is {version!r}, not {EVIDENCE_VERSION}")])
    problems: list[Finding] = []
    answers = [
        answer
        for index, row in _rows(data, "answers", place, problems)
        if (answer := _answer(row, f"{place}.answers[{index}]", problems)) is not None
    ]
    gaps = [
        gap
        for index, row in _rows(data, "gaps", place, problems)
        if (gap := _record(Gap, row, {}, f"{place}.gaps[{index}]", problems)) is not None
    ]
    problems += [
        _broken(f"{place}.{key}", "there is no such key")
        for key in data.keys() - {"schema", "version", "as_of", "answers", "gaps"}
    ]
    if problems:
        raise SpecError(problems)
    return sort_evidence(answers, gaps)


def render_evidence(evidence: Evidence) -> str:
    """The text of the file; the same evidence gives the same text."""
    evidence = sort_evidence(evidence.answers, evidence.gaps)
    head = {"schema": SCHEMA, "version": EVIDENCE_VERSION, "as_of": evidence.as_of}
    lines = [f' "{key}": {_compact(value)},' for key, value in head.items()]
    answers = ",\n".join(_answer_text(answer) for answer in evidence.answers)
    gaps = ",\n".join(f"  {_compact(_lean(gap, {}))}" for gap in evidence.gaps)
    lines.append(f' "answers": [\n{answers}\n ],' if answers else ' "answers": [],')
    lines.append(f' "gaps": [\n{gaps}\n ]' if gaps else ' "gaps": []')
    return "{\n" + "\n".join(lines) + "\n}\n"


def _answer_text(answer: Answer) -> str:
    known = {name: getattr(answer, name) for name in _INHERITED}
    head = _compact({key: value for key, value in _lean(answer, {}).items() if key != "items"})
    items = ",\n".join(f"   {_compact(_lean(item, known))}" for item in answer.items)
    return f"  {head[:-1]}, " + (f'"items": [\n{items}\n  ]}}' if items else '"items": []}')


def _lean(record: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that a reader could not fill in: by the answer where it knows them, else by their default."""
    return {
        field.name: _plain(value)
        for field in fields(record)
        if (value := getattr(record, field.name)) != known.get(field.name, field.default)
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _compact(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)


def _rows(
    data: Mapping[str, Any], key: str, place: str, problems: list[Finding]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    rows = data.get(key, [])
    if not isinstance(rows, list):
        problems.append(_broken(f"{place}.{key}", "is not a list"))
        return
    for index, row in enumerate(rows):
        if isinstance(row, Mapping):
            yield index, row
        else:
            problems.append(_broken(f"{place}.{key}[{index}]", "is not an object"))


def _answer(row: Mapping[str, Any], place: str, problems: list[Finding]) -> Answer | None:
    answer = _record(Answer, {**row, "items": []}, {}, place, problems)
    if answer is None:
        return None
    known = {name: getattr(answer, name) for name in _INHERITED}
    kind = ITEM_TYPES[answer.question]
    items = tuple(
        item
        for index, one in _rows(row, "items", place, problems)
        if (item := _record(kind, one, known, f"{place}.items[{index}]", problems)) is not None
    )
    return Answer(**{**{name.name: getattr(answer, name.name) for name in fields(answer)}, "items": items})


def _record(
    kind: type[Any], row: Mapping[str, Any], known: Mapping[str, Any], place: str, problems: list[Finding]
) -> Any:
    """An instance of ``kind``; None, with problems added, where the row does not make one."""
    found: list[Finding] = []
    values: dict[str, Any] = {}
    schema = _schema(kind)
    for name, (types, field) in schema.items():
        value = row.get(name, known.get(name, MISSING))
        if value is MISSING:
            if field.default is MISSING:
                found.append(_broken(f"{place}.{name}", "is required"))
            continue
        try:
            values[name] = _value(value, types, is_time=name == "as_of")
        except ValueError as error:
            found.append(_broken(f"{place}.{name}", str(error)))
    found += [
        _broken(f"{place}.{key}", "there is no such key", did_you_mean(key, schema))
        for key in row
        if key not in schema
    ]
    problems += found
    return None if found else kind(**values)


@cache
def _schema(kind: type[Any]) -> dict[str, tuple[tuple[Any, ...], Field[Any]]]:
    """Allowed types of every field, by name."""
    hints = get_type_hints(kind)
    schema = {}
    for field in fields(kind):
        hint = hints[field.name]
        types = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        schema[field.name] = (types, field)
    return schema


def _value(value: Any, types: Sequence[Any], *, is_time: bool) -> Any:
    """``value`` as one of ``types``.

    Raises:
        ValueError: it is none of them.
    """
    for kind in types:
        if get_origin(kind) is tuple:
            if isinstance(value, list) and not value:
                return ()
            if isinstance(value, list) and all(isinstance(part, str) for part in value):
                return tuple(value)
        elif kind is float:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
        elif issubclass(kind, StrEnum):
            if value in list(kind):
                return kind(value)
            raise ValueError(f"{value!r} is not one of {', '.join(kind)}")
        elif kind is NoneType:
            if value is None:
                return None
        elif type(value) is kind:
            if is_time and not _TIME.fullmatch(str(value)):
                raise ValueError(f"{value!r} is not a time such as 2026-11-26T15:04:05Z")
            return value
    wanted = " or ".join(_WORDS.get(kind, "a list of strings") for kind in types)
    raise ValueError(f"{value!r} is not {wanted}")


_WORDS = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", NoneType: "null"}


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a number")


def _broken(path: str, message: str, fix: str = "") -> Finding:
    return Finding.error(
        "EVIDENCE_INVALID",
        path,
        message,
        fix or "restore it from version control, or move it away and run `gpuyard capacity --live`",
    )
