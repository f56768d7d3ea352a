"""Releases of inference runtimes: CUDA, torch, compute capabilities, wheels."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cache

from gpuyard.catalog.software import SOFTWARE_AS_OF, Version, compat_rule, parse_version
from gpuyard.catalog.tables import read_csv
from gpuyard.records import record


@record
class RuntimeRelease:
    """One release of one runtime. Empty values are unknown."""

    runtime: str
    version: str
    date: str
    """Day, month or year of the release, as far as known."""
    key: Version
    """Numbers of the version, post-releases as a fourth number; what releases are ordered by."""
    image_cuda: Version
    """CUDA of the default image."""
    wheel_cuda: Version
    min_sm: Version
    max_sm: Version
    """Newest GPU that the release says it supports; empty: no statement."""
    sass: tuple[Version, ...]
    """Compute capabilities that it ships machine code for."""
    sass_arm64: tuple[Version, ...] = ()
    """The same on arm64; empty: it has no build for it, or none that was read."""
    kernel_sass: tuple[Version, ...] = ()
    """What the kernel package that pip brings has; newer than Hopper it is for exactly those."""
    kernel_sass_arm64: tuple[Version, ...] = ()
    """The same on arm64, exact from Ampere on: its wheels have little besides Grace's GPUs."""
    torch: Version
    flashinfer: Version = ()
    """FlashInfer that it installs with."""
    glibc: Version
    """Oldest glibc that its wheel installs on."""
    arm_wheel: bool | None
    """Whether it has a wheel for arm64; None: not known."""
    image: str
    image_variants: str
    notes: str
    source: str
    as_of: str = SOFTWARE_AS_OF

    def package_code(self, arch: str) -> tuple[Version, ...]:
        """What the kernel package that pip brings has on that processor; empty: none, or not read."""
        return self.kernel_sass_arm64 if arch == "arm64" else self.kernel_sass


@record
class TorchRelease:
    """One release of torch on the default index."""

    version: str
    date: str
    key: Version
    cuda: Version
    sm_min: Version
    sm_max: Version
    source: str
    as_of: str = SOFTWARE_AS_OF


_POST = re.compile(r"(\d+)\.(\d+|x)(?:\.(\d+|x))?(?:\.(\d+))?(?:\.?post(\d+))?")
_BUILD = re.compile(r"(?<![a-z0-9])b(\d{4,5})(?!\d)")
"""How llama.cpp counts its builds."""
_UNTAGGED = re.compile(r"\D*0\.[01](\.0)?\.dev")
"""What a build from a checkout without its tags calls itself: it says nothing of the release."""
_SGLANG_GLIBC = ((0, 5, 11, 0), (2, 34))
"""First SGLang with compiled code in its own wheel, and the glibc of its tag (wheels of 2026-11-26)."""
_TORCH_CODE: tuple[Version, ...] = (
    (3, 7), (5, 0), (6, 0), (7, 0), (7, 5), (8, 0), (8, 6), (9, 0), (10, 0), (11, 0), (12, 0),
)  # fmt: skip
"""Compute capabilities that torch's wheels ever had machine code for."""
_THOR: Version = (11, 0)
"""In the wheels for CUDA 13 on arm64 only."""
_GLIBC = {"manylinux1": (2, 5), "manylinux2014": (2, 17)}


def release_key(text: object) -> Version:
    """A runtime version that orders as releases do: ``v0.8.5.post1`` to ``(0, 8, 5, 1)``; empty: none.

    A build of llama.cpp counts in the third place: ``b6341`` is ``(0, 0, 6341, 0)``.
    """
    return _key(str(text))


@cache
def _key(text: str) -> Version:
    found = _POST.search(text)
    if found is None:
        build = _BUILD.search(text.lower())
        return (0, 0, int(build[1]), 0) if build else ()
    if _UNTAGGED.match(text):
        return ()
    major, minor, patch, fourth, post = found.groups()
    numbers = [major, minor, patch or "0", post or fourth or "0"]
    return tuple(0 if part == "x" else int(part) for part in numbers)


_FOURTH_NUMBER = ((0, 9, 0, 1), (0, 10, 1, 1))
"""Releases of vLLM that were counted so, not by ``post``."""


def release_text(key: Version) -> str:
    """A release for people: ``0.8.5``, ``0.4.4.post2``, ``b6341``."""
    if key[:2] == (0, 0):
        return f"b{key[2]}"
    post = f"{'.' if key in _FOURTH_NUMBER else '.post'}{key[3]}" if key[3:] > (0,) else ""
    return ".".join(str(part) for part in key[:3]) + post


@cache
def runtime_releases(runtime: str) -> Sequence[RuntimeRelease]:
    """Releases of one runtime by age: ``torch`` from its own table, others from theirs."""
    if runtime == "vllm":
        rows = [_vllm(row) for row in read_csv("vllm_releases") if row["yanked"] != "true"]
    elif runtime == "torch":
        rows = [_torch_runtime(row) for row in torch_releases().values()]
    elif runtime == "sglang":
        rows = [_sglang(row) for row in read_csv("sglang_releases")]
    else:
        rows = [_other(row) for row in read_csv("other_runtime_releases") if row["runtime"] == runtime]
    return sorted(rows, key=lambda row: row.key)


def find_release(runtime: str, key: Version) -> tuple[RuntimeRelease | None, bool]:
    """The release of that key or the newest before it, and whether the key is newer than the catalog.

    Nothing where the key is older than every release.
    """
    releases = runtime_releases(runtime)
    if not releases or not key:
        return None, False
    older = bisect_right(releases, key, key=lambda release: release.key)
    return (releases[older - 1] if older else None), key[:3] > releases[-1].key[:3]


def newest_release(runtime: str) -> RuntimeRelease | None:
    """The newest release that the catalog knows; None: it knows none."""
    return next(iter(runtime_releases(runtime)[-1:]), None)


def is_recent(release: RuntimeRelease) -> bool:
    """Whether it is at most a year older than the runtime's newest one."""
    newest = runtime_releases(release.runtime)[-1].date
    return release.date > f"{int(newest[:4]) - 1}{newest[4:]}"


def released_by(runtime: str, day: str) -> Version:
    """Key of the newest release of that day (``2026-05-31``) or before; empty: none is known."""
    dated = [row for row in runtime_releases(runtime) if row.date[:2] == "20" and row.date <= day]
    return dated[-1].key if dated else ()


def released_after(runtime: str, day: str) -> Version:
    """Key of the first release after that day, which its builds grow into; the newest where none is known."""
    later = [row for row in runtime_releases(runtime) if row.date[:2] == "20" and row.date > day]
    return later[0].key if later else released_by(runtime, day)


@record
class WheelGlibc:
    """Oldest glibc of a run of releases, where their wheels' tag says less."""

    runtime: str
    since: Version
    until: Version
    glibc: Version
    before: str
    """Release that needs less, where the catalog does not list the releases; empty: it does."""
    arch: str
    """The processor whose wheels are meant; empty: all."""
    prebuilt_for_cuda: bool
    """Whether it is about wheels of another index, for one CUDA each; the package index has the source."""
    cuda_major: int
    """CUDA major whose wheels are meant, where they are not the release's own; 0: all."""
    source: str
    as_of: str = SOFTWARE_AS_OF


def ngc_cuda(month: Version) -> Version:
    """CUDA of NVIDIA's containers of a month, ``(25, 8)``; empty: before the first that is known."""
    return max((cuda for since, cuda in _ngc_months() if since <= month), default=())


@cache
def ngc_hosts(month: Version) -> frozenset[int]:
    """Driver branches that NVIDIA's containers of a month run on by forward compatibility."""
    rows = [row for row in compat_rule("R-NGC")["hosts"] if parse_version(row["since"]) <= month]
    return frozenset(rows[-1]["branches"]) if rows else frozenset()


@record
class DynamoRelease:
    """What NVIDIA Dynamo's containers of one release carry, by engine."""

    since: Version
    engines: Mapping[str, Version]
    cuda: Mapping[str, Version]
    """Of the tags that name none."""


def dynamo_release(key: Version) -> DynamoRelease | None:
    """The release of that key or the newest before it; None: older than all that are known."""
    return next((row for row in reversed(_dynamo_releases()) if row.since <= key), None)


@cache
def _dynamo_releases() -> Sequence[DynamoRelease]:
    return [
        DynamoRelease(
            since=release_key(row["since"]),
            engines={name: release_key(row[name]) for name in ("vllm", "sglang")},
            cuda={name: parse_version(cuda) for name, cuda in row["cuda"].items()},
        )
        for row in compat_rule("R-DYNAMO")["releases"]
    ]


@cache
def _ngc_months() -> Sequence[tuple[Version, Version]]:
    return [
        (parse_version(row["since"]), parse_version(row["cuda"])) for row in compat_rule("R-NGC")["months"]
    ]


@cache
def wheel_glibc() -> Sequence[WheelGlibc]:
    """What wheels need beyond their tag."""
    return [
        WheelGlibc(
            runtime=row["runtime"],
            since=release_key(row["since"]),
            until=release_key(row["until"]),
            glibc=parse_version(row["glibc"]),
            before=row.get("before", ""),
            arch=row.get("arch", ""),
            prebuilt_for_cuda=row.get("cuda", False),
            cuda_major=row.get("cuda_major", 0),
            source=row["source"],
        )
        for row in compat_rule("R-GLIBC")["wheels"]
    ]


@cache
def embedding_images() -> Mapping[str, tuple[Version, ...]]:
    """Compute capabilities that each image of Text Embeddings Inference runs on, by the prefix of its tag."""
    return {
        row["prefix"]: tuple(parse_version(sm) for sm in row["sm"]) for row in compat_rule("R-TEI")["images"]
    }


@cache
def first_with_arm64(runtime: str) -> RuntimeRelease | None:
    """The first release that is known to have builds for arm64; None: of no release it is known."""
    return next((release for release in runtime_releases(runtime) if release.arm_wheel), None)


@cache
def torch_releases() -> Mapping[str, TorchRelease]:
    """Every torch release by version."""
    return {row["version"]: _torch(row) for row in read_csv("torch_releases")}


def _vllm(row: Mapping[str, str]) -> RuntimeRelease:
    tags = row["platform_tags"].split()
    return RuntimeRelease(
        runtime="vllm",
        version=row["version"],
        date=row["date"],
        key=release_key(row["version"]),
        image_cuda=parse_version(row["image_default_cuda"]),
        wheel_cuda=parse_version(row["wheel_cuda"]),
        min_sm=parse_version(row["min_sm_documented"]),
        max_sm=(),
        sass=tuple(parse_version(part) for part in row["wheel_sass"].split()),
        sass_arm64=tuple(parse_version(part) for part in row["wheel_sass_arm64"].split()),
        torch=parse_version(row["torch"]),
        flashinfer=_numbers(row["flashinfer"]),
        glibc=min((_glibc(tag) for tag in tags), default=()),
        arm_wheel=row["aarch64_wheel"] == "true",
        image=row["image_default_tag"],
        image_variants=row["image_variants"],
        notes=row["notes"],
        source=row["source"],
    )


def _numbers(requirement: str) -> Version:
    """The version that a requirement names (``flashinfer_python[cu13]==0.6.12``); empty: none."""
    found = re.search(r"(?<![\w.])\d+(\.\d+)+", requirement)
    return parse_version(found[0]) if found else ()


def _glibc(tag: str) -> Version:
    return _GLIBC.get(tag) or parse_version(tag.removeprefix("manylinux_").replace("_", "."))


def _sglang(row: Mapping[str, str]) -> RuntimeRelease:
    cuda = parse_version(row["default_cuda"])
    return RuntimeRelease(
        runtime="sglang",
        version=row["version"],
        date=row["date"],
        key=release_key(row["version"]),
        image_cuda=cuda,
        wheel_cuda=cuda,
        min_sm=parse_version(row["min_sm_practical"]),
        max_sm=(),
        sass=(),
        kernel_sass=tuple(parse_version(part) for part in row["kernel_sass"].split()),
        kernel_sass_arm64=tuple(parse_version(part) for part in row["kernel_sass_arm64"].split()),
        torch=parse_version(row["torch"]) if row["torch"] else (),
        flashinfer=_numbers(row["flashinfer"]),
        glibc=_SGLANG_GLIBC[1] if release_key(row["version"]) >= _SGLANG_GLIBC[0] else (),
        arm_wheel=None,
        image=row["image"],
        image_variants=row["image_variants"],
        notes=row["notes"],
        source=row["source"],
    )


def _other(row: Mapping[str, str]) -> RuntimeRelease:
    cuda = parse_version(row["cuda"])
    return RuntimeRelease(
        runtime=row["runtime"],
        version=row["version"],
        date=row["date"],
        key=release_key(row["version"].split("-")[0]),
        image_cuda=cuda,
        wheel_cuda=parse_version(row["wheel_cuda"]) or cuda,
        min_sm=parse_version(row["min_sm"]) if row["min_sm"] else (),
        max_sm=parse_version(row["max_sm"]) if row["max_sm"] else (),
        sass=tuple(parse_version(part) for part in row["sass"].split()),
        torch=parse_version(row["torch"]) if row["torch"] else (),
        glibc=(),
        arm_wheel=None,
        image=row["image"],
        image_variants="",
        notes=row["notes"],
        source=row["source"],
    )


def _torch_runtime(row: TorchRelease) -> RuntimeRelease:
    """Torch used on its own: its default wheel."""
    return RuntimeRelease(
        runtime="torch",
        version=row.version,
        date=row.date,
        key=row.key,
        image_cuda=row.cuda,
        wheel_cuda=row.cuda,
        min_sm=(),
        max_sm=(),
        sass=tuple(
            code
            for code in _TORCH_CODE
            if row.sm_min <= code <= row.sm_max and (code != _THOR or row.cuda >= (13, 0))
        ),
        torch=row.key[:3],
        glibc=(),
        arm_wheel=None,
        image="",
        image_variants="",
        notes="",
        source=row.source,
    )


def _torch(row: Mapping[str, str]) -> TorchRelease:
    low, _, high = row["sm_range_default_wheel"].split()[0].partition("-")
    return TorchRelease(
        version=row["version"],
        date=row["date"],
        key=release_key(row["version"]),
        cuda=parse_version(row["pypi_default_cuda"]),
        sm_min=parse_version(low),
        sm_max=parse_version(high.replace("x", "9")),
        source=row["source"],
    )
