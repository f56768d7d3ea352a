"""Programs from files: previews (digest or stream), exported states, and gpuyard's own plans.

Secrets become markers on the way in, so nothing behind this module can print one. Signatures are published
protocol (`pulumi/sdk`, resource and sig packages; read 2026-11).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gpuyard.costs.other_tools import tool_that_wrote
from gpuyard.errors import Finding, SpecError
from gpuyard.resources import SECRET, UNKNOWN, Resource

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (protocol constant)
_UNKNOWN = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
        repr(UNKNOWN),
        "<computed>",
        "output<string>",
    }
)
"""What engines write for values that are not known yet, by kind of value."""
_SECRET = frozenset({repr(SECRET)})
_GONE = frozenset(
    {"delete", "delete-replaced", "discard", "discard-replaced", "read-discard", "remove-pending-replace"}
)
_KINDS = "`pulumi preview --json`, `pulumi stack export` or `gpuyard plan --format json`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a file says there will be."""

    resources: tuple[Resource, ...]
    """Sorted by URN."""
    regions: Mapping[str, str] = field(default_factory=dict)
    """Region by cloud that the stack's configuration sets for default providers."""
    pending: int = 0
    """Operations that an earlier run left unfinished: what they made may be missing here."""


def read_program(path: Path) -> tuple[Resource, ...]:
    """The resources that the file says there will be, sorted by URN.

    Raises:
        SpecError: the file cannot be read, is not JSON, or is JSON of something else.
    """
    return load_program(path).resources


def load_program(path: Path) -> Program:
    """The program that the file describes.

    Raises:
        SpecError: the file cannot be read, is not JSON, or is JSON of something else.
    """
    data = load_json(path)
    try:
        program = find_program(data)
    except SpecError as error:
        raise SpecError([replace(finding, path=str(path)) for finding in error.findings]) from None
    if program is None:
        tool = tool_that_wrote(data)
        message = f"looks like the output of {tool}" if tool else "is JSON, but no preview, state or plan"
        raise _refused(path, "NOT_A_PROGRAM", message, f"give {_KINDS}")
    return program


def find_program(data: Any) -> Program | None:
    """The program in parsed JSON; None: it is no preview, state or plan.

    Raises:
        SpecError: it has resources without URN or type, which nobody can price.
    """
    states = _states(data)
    if states is None:
        return None
    broken = sum(not _is_state(state) for state in states)
    if broken:
        message = f"{broken} of its {len(states)} resources have no URN or type"
        raise SpecError(
            [Finding.error("NOT_A_PROGRAM", "", message, "write the file again; it was changed or cut")]
        )
    found = {state["urn"]: _resource(state) for state in states}
    deployment = data.get("deployment") if isinstance(data, Mapping) else None
    pending = deployment.get("pending_operations") if isinstance(deployment, Mapping) else None
    return Program(
        resources=tuple(found[urn] for urn in sorted(found)),
        regions=_regions(data),
        pending=len(pending) if isinstance(pending, list) else 0,
    )


def load_json(path: Path) -> Any:
    """Parsed JSON of a file; a preview that was written line by line gives the list of its events.

    Raises:
        SpecError: it cannot be read, or is not whole JSON.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _refused(path, "NOT_READABLE", error.strerror or "cannot be read", "check the path") from None
    except UnicodeDecodeError:
        raise _refused(path, "NOT_JSON", "is not text", "write JSON in UTF-8") from None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        events = _stream(text)
        if events is not None:
            return events
        where = f"is not whole JSON: line {error.lineno}, column {error.colno}"
        fix = "write the file again; it may be cut off"
        if text.lstrip()[:1] not in ("{", "["):
            where, fix = "is not JSON", f"give {_KINDS}"
        raise _refused(path, "NOT_JSON", where, fix) from None
    except (RecursionError, ValueError):
        raise _refused(
            path, "NOT_JSON", "is nested too deeply or holds too long a number", "write it again"
        ) from None


def _stream(text: str) -> list[Any] | None:
    """The events of a preview that was written line by line; None: it is not one, or its end is missing."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        return None
    try:
        events = [json.loads(line) for line in lines]
    except (json.JSONDecodeError, RecursionError, ValueError):
        return None
    return events if all(isinstance(event, Mapping) for event in events) else None


def _states(data: Any) -> list[Any] | None:
    """Resource states of any of the kinds; None: none of them."""
    if isinstance(data, list):
        return list(_event_states(data)) if data and any(_is_event(event) for event in data) else None
    if not isinstance(data, Mapping):
        return None
    if isinstance(data.get("steps"), list):
        return list(_step_states(data["steps"]))
    if _is_event(data):
        return list(_event_states([data]))
    deployment = data.get("deployment")
    holder = deployment if isinstance(deployment, Mapping) else data
    if isinstance(holder.get("resources"), list):
        states = holder["resources"]
        if any(_is_state(state) for state in states) or (not states and not tool_that_wrote(data)):
            return [state for state in states if not (isinstance(state, Mapping) and state.get("delete"))]
    if "changeSummary" in data and "steps" not in data:
        return []
    return [] if isinstance(deployment, Mapping) and "manifest" in deployment else None


def _step_states(steps: Iterable[Any]) -> Iterator[Any]:
    """What each step leaves behind: of a replacement the new one, of a deletion nothing.

    A step of a replacement has its resource in ``create-replacement`` and ``replace`` alike; the later wins.
    """
    for step in steps:
        if isinstance(step, Mapping) and step.get("op") not in _GONE:
            yield step.get("newState") or step.get("oldState")


def _is_event(event: Any) -> bool:
    return isinstance(event, Mapping) and any(
        key in event for key in ("resourcePreEvent", "resOutputsEvent", "preludeEvent", "summaryEvent")
    )


def _event_states(events: Iterable[Any]) -> Iterator[Any]:
    for event in events:
        block = event.get("resourcePreEvent") or event.get("resOutputsEvent")
        metadata = block.get("metadata") if isinstance(block, Mapping) else None
        if isinstance(metadata, Mapping) and metadata.get("op") not in _GONE:
            state = metadata.get("new") or metadata.get("old")
            if isinstance(state, Mapping):
                yield {"urn": metadata.get("urn"), "type": metadata.get("type"), **state}


def _is_state(state: Any) -> bool:
    return (
        isinstance(state, Mapping)
        and isinstance(state.get("urn"), str)
        and "::" in state["urn"]
        and isinstance(state.get("type"), str)
    )


def _resource(state: Mapping[str, Any]) -> Resource:
    edges = state.get("propertyDependencies") or state.get("property_dependencies") or {}
    edges = edges if isinstance(edges, Mapping) else {}
    dependencies = state.get("dependencies")
    identity = state.get("id")
    return Resource(
        urn=state["urn"],
        type=state["type"],
        name=state["urn"].rpartition("::")[2],
        custom=bool(state.get("custom", True)),
        parent=_text(state.get("parent")),
        provider=_text(state.get("provider")),
        inputs=_block(state.get("inputs")),
        outputs=_block(state.get("outputs")),
        id=identity if isinstance(identity, str) and identity not in _UNKNOWN else None,
        dependencies=tuple(
            sorted(str(urn) for urn in (dependencies if isinstance(dependencies, list) else ()))
        ),
        property_dependencies={
            key: tuple(map(str, urns)) for key, urns in edges.items() if isinstance(urns, list)
        },
    )


def _regions(data: Any) -> dict[str, str]:
    """``aws:region``, ``gcp:region`` or ``gcp:zone`` of the stack's configuration."""
    blocks: list[Any] = []
    if isinstance(data, list):
        blocks = [
            event["preludeEvent"].get("config")
            for event in data
            if isinstance(event.get("preludeEvent"), Mapping)
        ]
    elif isinstance(data, Mapping):
        blocks = [data.get("config")]
    found: dict[str, str] = {}
    for block in blocks:
        if isinstance(block, Mapping):
            for cloud, keys in (("aws", ("aws:region",)), ("gcp", ("gcp:region", "gcp:zone"))):
                for key in keys:
                    value = _config_value(block.get(key))
                    if value:
                        zone_less = value.rpartition("-")[0] if key == "gcp:zone" else value
                        found.setdefault(cloud, zone_less)
    return found


def _config_value(value: Any) -> str:
    if isinstance(value, Mapping):
        value = None if value.get("secret") else value.get("value")
    return value if isinstance(value, str) and value not in _SECRET else ""


def _block(value: Any) -> dict[str, Any]:
    decoded = _decode(value)
    return decoded if isinstance(decoded, dict) else {}


def _decode(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.get(_SIGNATURE) == _SECRET_SIGNATURE:
            return SECRET
        return {key: _decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if isinstance(value, str):
        return UNKNOWN if value in _UNKNOWN else SECRET if value in _SECRET else value
    return value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _refused(path: Path, code: str, message: str, fix: str) -> SpecError:
    return SpecError([Finding.error(code, str(path), message, fix)])
