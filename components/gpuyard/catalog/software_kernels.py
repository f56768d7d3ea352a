"""Kernels of vLLM's wheels: the GPUs that each kind has machine code for, and those that compile it."""

import re
from collections.abc import Mapping
from functools import cache

from gpuyard.catalog.software import Version, parse_version
from gpuyard.catalog.software_runtimes import release_key
from gpuyard.catalog.tables import read_csv
from gpuyard.records import record

_CODE = re.compile(r"(\d+\.\d)([af]?)")


@record
class KernelCode:
    """One kind of kernels from one release on."""

    since: Version
    sass: tuple[tuple[Version, str], ...]
    """Compute capabilities of its machine code; ``a``: for that one alone, ``f``: for its family; empty: for
    later minor versions too."""
    ptx: tuple[Version, ...]
    """What the driver of any newer GPU compiles."""
    source: str

    def runs_on(self, sm: Version) -> bool:
        """Whether it has machine code for the GPU."""
        return any(sm == code if only == "a" else sm[0] == code[0] and sm >= code for code, only in self.sass)

    def is_compiled_for(self, sm: Version) -> bool:
        """Whether the driver has to compile it, as far as that can."""
        return not self.runs_on(sm) and any(code <= sm for code in self.ptx)


def kernel_code(kernels: str, release: Version) -> KernelCode | None:
    """What the release has; an unknown one (empty) is judged by the newest. None: older than all read."""
    rows = _kernels().get(kernels, ())
    return next((row for row in reversed(rows) if not release or row.since <= release), None)


@cache
def _kernels() -> Mapping[str, tuple[KernelCode, ...]]:
    rows: dict[str, list[KernelCode]] = {}
    for row in read_csv("kernel_code"):
        code = KernelCode(
            since=release_key(row["since"]),
            sass=tuple((parse_version(sm), only) for sm, only in _CODE.findall(row["sass"])),
            ptx=tuple(parse_version(sm) for sm in row["ptx"].split()),
            source=row["source"],
        )
        rows.setdefault(row["kernels"], []).append(code)
    return {name: tuple(sorted(found, key=lambda row: row.since)) for name, found in rows.items()}
