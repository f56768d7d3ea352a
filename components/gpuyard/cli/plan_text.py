"""Planned resources as a tree."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gpuyard.resources import Resource


def render_resources(resources: Sequence[Resource], *, every: bool = False) -> str:
    """The components with the number of resources in each; with ``every``, all of them."""
    children: dict[str | None, list[Resource]] = {}
    for resource in resources:
        children.setdefault(resource.parent, []).append(resource)
    custom = sum(item.custom for item in resources)
    lines = [
        f"{custom} resources in {len(resources) - custom} components",
        *_lines(children, None, "", every),
    ]
    return "\n".join(lines) + "\n"


def render_messages(resources: Sequence[Resource], messages: Iterable[tuple[str, str]]) -> str:
    """What components of a program of one's own warn of; an `InferenceStack` has it among its findings."""
    said = [text for severity, text in messages if severity in ("warning", "error")]
    if not said or any(resource.type == _STACK for resource in resources):
        return ""
    return "\n".join(
        ["the program warns", *(f"  {line}" for text in said for line in text.splitlines()), "", ""]
    )


_STACK = "gpuyard:index:InferenceStack"


def _lines(
    children: Mapping[str | None, list[Resource]], parent: str | None, indent: str, every: bool
) -> Iterator[str]:
    for resource in children.get(parent, []):
        kind = resource.type.rpartition(":")[2]
        if resource.custom:
            if every:
                yield f"{indent}  {kind} {resource.name}"
            continue
        inside = Counter(
            item.type.rpartition(":")[2] for item in children.get(resource.urn, []) if item.custom
        )
        held = ", ".join(f"{count} {name}" if count > 1 else name for name, count in sorted(inside.items()))
        yield f"{indent}  {kind} {resource.name}" + (f"  ({held})" if held and not every else "")
        yield from _lines(children, resource.urn, indent + "  ", every)
