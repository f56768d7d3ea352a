"""Planned resources as a tree."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

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
