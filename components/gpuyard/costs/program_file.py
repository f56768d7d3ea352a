"""Programs from files: ``pulumi preview --json``, ``pulumi stack export``, ``gpuyard plan --format json``.

Secrets become markers on the way in, so nothing behind this module can print one. Signatures are published
protocol (`pulumi/sdk`, resource and sig packages; read 2026-11).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpuyard.errors import Finding, Severity, SpecError
from gpuyard.resources import SECRET, UNKNOWN, Resource

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (protocol constant)
_UNKNOWN = frozenset({"04da6b54-80e4-46f7-96ec-b56ff0331ba9", repr(UNKNOWN)})
_SECRET = frozenset({repr(SECRET)})
_GONE = frozenset({"delete", "delete-replaced", "discard", "discard-replaced", "read-discard"})


def read_program(path: Path) -> tuple[Resource, ...]:
    """The resources that the file says there will be, sorted by URN.

    Raises:
        SpecError: the file cannot be read, is not JSON, or is JSON of something else.
    """
    found = find_resources(load_json(path))
    if found is None:
        kinds = "`pulumi preview --json`, `pulumi stack export` or `gpuyard plan --format json`"
        raise _refused(path, "NOT_A_PROGRAM", "is JSON, but no preview, state or plan", f"give {kinds}")
    return found


def load_json(path: Path) -> Any:
    """Parsed JSON of a file.

    Raises:
        SpecError: it cannot be read, or is not whole JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _refused(path, "NOT_READABLE", error.strerror or "cannot be read", "check the path") from None
    except UnicodeDecodeError:
        raise _refused(path, "NOT_JSON", "is not text", "write JSON in UTF-8") from None
    except json.JSONDecodeError as error:
        where = f"is not whole JSON: line {error.lineno}, column {error.colno}"
        raise _refused(path, "NOT_JSON", where, "write the file again; it may be cut off") from None
    except RecursionError:
        raise _refused(path, "NOT_JSON", "is nested too deeply", "write the file again") from None


def find_resources(data: Any) -> tuple[Resource, ...] | None:
    """The resources in parsed JSON, sorted by URN; None: it is no preview, state or plan."""
    states = _states(data)
    if states is None:
        return None
    found = {state["urn"]: _resource(state) for state in states if _is_state(state)}
    return tuple(found[urn] for urn in sorted(found))


def _states(data: Any) -> list[Any] | None:
    """Resource states of any of the three kinds; None: neither."""
    if not isinstance(data, Mapping):
        return None
    if isinstance(data.get("steps"), list):
        steps = [step for step in data["steps"] if isinstance(step, Mapping)]
        return [step.get("newState") for step in steps if step.get("op") not in _GONE]
    deployment = data.get("deployment")
    holder = deployment if isinstance(deployment, Mapping) else data
    if isinstance(holder.get("resources"), list):
        states = holder["resources"]
        if not states or any(_is_state(state) for state in states):
            return [state for state in states if not (isinstance(state, Mapping) and state.get("delete"))]
    return [] if isinstance(deployment, Mapping) and "manifest" in deployment else None


def _is_state(state: Any) -> bool:
    return (
        isinstance(state, Mapping)
        and isinstance(state.get("urn"), str)
        and "::" in state["urn"]
        and isinstance(state.get("type"), str)
    )


def _resource(state: Mapping[str, Any]) -> Resource:
    edges = state.get("propertyDependencies") or state.get("property_dependencies") or {}
    identity = state.get("id")
    return Resource(
        urn=state["urn"],
        type=state["type"],
        name=state["urn"].rpartition("::")[2],
        custom=bool(state.get("custom", True)),
        parent=state.get("parent") or None,
        provider=state.get("provider") or None,
        inputs=_block(state.get("inputs")),
        outputs=_block(state.get("outputs")),
        id=identity if isinstance(identity, str) and identity not in _UNKNOWN else None,
        dependencies=tuple(sorted(str(urn) for urn in state.get("dependencies") or ())),
        property_dependencies={key: tuple(urns or ()) for key, urns in edges.items()},
    )


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


def _refused(path: Path, code: str, message: str, fix: str) -> SpecError:
    return SpecError([Finding(severity=Severity.ERROR, code=code, path=str(path), message=message, fix=fix)])
