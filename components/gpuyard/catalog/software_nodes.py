"""Node images with their drivers, GPU operator releases, operating systems, Kubernetes versions."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache

from gpuyard.catalog.software import SOFTWARE_AS_OF, Version, compat_rule, parse_version
from gpuyard.catalog.tables import read_csv
from gpuyard.records import record

OPERATOR_AS_OF = "2026-08-21"
REFERENCE_DATE = date.fromisoformat(SOFTWARE_AS_OF)
"""Day that support windows are judged at unless the caller names another: the catalog's own."""


@record
class OperatorRelease:
    """One release of the NVIDIA GPU Operator."""

    version: str
    key: Version
    default_driver: str
    toolkit: Version
    toolkit_variant: str
    """System in the tag of the toolkit's image, ``ubuntu``; empty: one image for all."""
    mig_manager: Version
    kubernetes_min: Version
    """Empty, as `kubernetes_max`: not published."""
    kubernetes_max: Version
    kubernetes_min_by_os: Mapping[str, Version]
    """Systems on which it goes back further."""
    source: str
    as_of: str = OPERATOR_AS_OF


@record
class OperatorOs:
    """One operating system, as the GPU Operator sees it."""

    name: str
    driver_container: bool
    since: Version
    """Operator release that has its containers first; empty: not known to matter."""
    until: Version
    """The last one; empty: the newest has them."""
    range_is_sure: bool
    """Whether images were seen missing outside of that range; else only the support matrix says so."""
    first_images: tuple[Version, ...]
    """The oldest driver of each branch that has an image, in order; branches before the last one that are not
    among them have none. Empty: not known."""
    by_partner: bool
    """Whether a partner's registry has them, which the operator must be pointed to."""
    settings: str
    source: str
    as_of: str = OPERATOR_AS_OF


@record
class NodeImage:
    """Releases of a node image that carry one driver."""

    platform: str
    image: str
    kubernetes: str
    first_release: str
    last_release: str
    driver: str
    source: str
    as_of: str = "2026-07-23"


@record
class DriverExclusion:
    """Driver branches that do not drive one family of machine types, though they know its GPU."""

    branches: frozenset[int]
    reason: str
    instead: str
    """A driver that does."""
    source: str
    as_of: str


@record
class ImageDefect:
    """Releases of a node image that fail on some GPUs."""

    os: str
    gpus: tuple[str, ...]
    family: str
    """Machine types that it fails on, where it is not the GPU."""
    since: Version
    """First release, as its version or its day as one number; `until` is the last."""
    until: Version
    code: str
    kernel_module: str
    """What those GPUs need; empty: the module is not the cause."""
    text: str
    way_out: str
    source: str
    as_of: str = SOFTWARE_AS_OF


@record
class ToolkitGlibc:
    """glibc that the container toolkit's binaries need on the host, of one kind of image."""

    variant: str
    """System in the image's tag, without its number."""
    until: Version
    """Last release that needs it."""
    glibc: Version
    source: str
    as_of: str = SOFTWARE_AS_OF


@record
class KubernetesVersion:
    """One Kubernetes version of one platform, with the end of its support."""

    platform: str
    version: str
    standard_end: date | None
    extended_end: date | None
    source: str
    as_of: str = "2026-08-22"

    @property
    def last_day(self) -> date | None:
        """The last day of support, paid for or not; None: unknown."""
        return self.extended_end or self.standard_end

    def is_supported(self, day: date) -> bool | None:
        """Whether the platform still runs it on that day; None: unknown."""
        return None if self.last_day is None else day <= self.last_day


@cache
def image_defects() -> Sequence[ImageDefect]:
    """Node images that fail on some GPUs or machine types."""
    return [
        ImageDefect(
            os=row["os"],
            gpus=tuple(row.get("gpus", ())),
            family=row.get("family", ""),
            since=parse_version(row["since"]),
            until=parse_version(row["until"]),
            code=row["code"],
            kernel_module=row.get("kernel_module", ""),
            text=row["text"],
            way_out=row["way_out"],
            source=row["source"],
        )
        for row in compat_rule("R-IMAGE")["defects"]
    ]


@cache
def toolkit_glibc() -> Mapping[str, ToolkitGlibc]:
    """What the toolkit's binaries need, by the system in its image's tag; not listed: CentOS 7's or less."""
    return {
        row["variant"]: ToolkitGlibc(
            variant=row["variant"],
            until=parse_version(row["until"]),
            glibc=parse_version(row["glibc"]),
            source=row["source"],
        )
        for row in compat_rule("R-GLIBC")["toolkits"]
    }


@cache
def operator_releases() -> Sequence[OperatorRelease]:
    """Every GPU Operator release, oldest first."""
    rows = [
        OperatorRelease(
            version=row["version"],
            key=parse_version(row["version"]),
            default_driver=row["default_driver"],
            toolkit=parse_version(row["container_toolkit"]),
            toolkit_variant=row["container_toolkit"].partition("-")[2].rstrip("0123456789."),
            mig_manager=parse_version(row["mig_manager"]),
            kubernetes_min=parse_version(row["k8s_min"]),
            kubernetes_max=parse_version(row["k8s_max"]),
            kubernetes_min_by_os={
                part.rpartition(" ")[0]: parse_version(part.rpartition(" ")[2])
                for part in filter(None, row["k8s_min_by_os"].split("; "))
            },
            source=row["source"],
        )
        for row in read_csv("gpu_operator_releases")
    ]
    return sorted(rows, key=lambda row: row.key)


def find_operator(text: object) -> OperatorRelease | None:
    """The operator release named in ``text`` or the newest before it; None: none, or older than all."""
    key = parse_version(text)
    found = None
    for release in operator_releases():
        if key and release.key[: len(key)] <= key:
            found = release
    return found


@cache
def operator_systems() -> Mapping[str, OperatorOs]:
    """Operating systems by name."""
    return {
        row["os"]: OperatorOs(
            name=row["os"],
            driver_container=row["driver_container"].lower() in ("yes", "partner images"),
            since=parse_version(row["operator_min"]),
            until=parse_version(row["operator_max"]),
            range_is_sure=row["range_is_sure"] == "yes",
            first_images=tuple(parse_version(part) for part in row["first_images"].split()),
            by_partner=row["driver_container"].lower() == "partner images",
            settings=row["operator_settings"],
            source=row["source"],
        )
        for row in read_csv("gpu_operator_os")
    }


@cache
def node_images() -> Sequence[NodeImage]:
    """Node images in the order of the table."""
    return [
        NodeImage(
            platform=row["platform"],
            image=row["image"],
            kubernetes=row["k8s"],
            first_release=row["first_release"],
            last_release=row["last_release"],
            driver=row["driver"],
            source=row["source"],
        )
        for row in read_csv("node_image_drivers")
    ]


def eks_image_driver(image: str, kubernetes: str, release: str) -> str:
    """Driver of an EKS image (``AL2023_x86_64_NVIDIA``, ``1.33``, ``20260714``); empty: unknown.

    Without a Kubernetes version it is the driver that all of that day have, if they have the same.
    """
    drivers = {
        row.driver
        for row in node_images()
        if row.image == image
        and kubernetes in ("", row.kubernetes)
        and row.first_release <= release <= row.last_release
    }
    return drivers.pop() if len(drivers) == 1 else ""


def bottlerocket_driver(release: str, kubernetes: str) -> str:
    """Driver of a Bottlerocket release (``1.62.1``, ``1.36``), or its branch between two releases that agree.

    Empty: unknown, or the release carries several.
    """
    key = parse_version(release)
    known = sorted(
        (
            (parse_version(number), row.driver)
            for row in node_images()
            if row.image.startswith("Bottlerocket") and _admits(row.kubernetes, kubernetes)
            for number in row.image.split()[-1].split("/")
        ),
        key=lambda item: item[0],
    )
    before = [driver for number, driver in known if number <= key]
    if not before or len(parse_version(before[-1])) < 2 or "+" in before[-1]:
        return ""
    exact = [driver for number, driver in known if number == key]
    if exact:
        return exact[0] if len(set(exact)) == 1 else ""
    after = [driver for number, driver in known if number > key]
    branches = {text.split(".")[0] for text in (before[-1], *after[:1])}
    return branches.pop() if len(branches) == 1 and after else ""


def _admits(span: str, kubernetes: str) -> bool:
    """Whether a span of the table (``all``, ``<=1.32``, ``1.33,1.34``, ``1.31-1.36``) holds a version."""
    version = parse_version(kubernetes)
    if span == "all" or not version:
        return True
    bounds = [parse_version(part) for part in span.replace("-", ",").split(",")]
    if span.startswith("<="):
        return version <= bounds[0]
    if span.startswith(">="):
        return version >= bounds[0]
    return bounds[0] <= version <= bounds[-1]


@cache
def driver_exclusions() -> Mapping[str, Sequence[DriverExclusion]]:
    """What excludes a driver branch, by family of machine types (``g6f``)."""
    found: dict[str, list[DriverExclusion]] = {}
    for row in read_csv("driver_exclusions"):
        found.setdefault(row["family"], []).append(
            DriverExclusion(
                branches=frozenset(int(part) for part in row["branches"].split()),
                reason=row["reason"],
                instead=row["instead"],
                source=row["source"],
                as_of=row["as_of"],
            )
        )
    return found


@cache
def kubernetes_versions() -> Mapping[tuple[str, str], KubernetesVersion]:
    """Kubernetes versions by platform and version."""
    return {
        (row["platform"], row["version"]): KubernetesVersion(
            platform=row["platform"],
            version=row["version"],
            standard_end=_day(row["standard_or_maintenance_end"]),
            extended_end=_day(row["extended_end"]),
            source=row["source"],
        )
        for row in read_csv("kubernetes_versions")
    }


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if len(text) == len("2026-11-23") else None
