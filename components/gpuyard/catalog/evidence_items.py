"""What the clouds said about capacity on one day: one frozen record per fact, each with its date.

Every record says where it holds (cloud, region, zone), what it is about and when it was asked
(`as_of`, UTC, to the second). Unknown is None, never 0. AWS zones are zone *ids* (``use1-az4``).
`kind` is the question that a record answers, `identity` the fields in which two records of one place
are about the same thing.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, get_args

from gpuyard.records import record


class Question(StrEnum):
    """What can be asked of a cloud; one answer covers one question, place and subject."""

    REGIONS = "regions"
    """Regions that the account may use."""
    ZONES = "zones"
    MACHINE_TYPES = "machine_types"
    OFFERINGS = "offerings"
    SPOT_PRICES = "spot_prices"
    PLACEMENT_SCORES = "placement_scores"
    CAPACITY_BLOCKS = "capacity_blocks"
    """Capacity blocks on offer."""
    RESERVATIONS = "reservations"
    """Capacity that the account holds already: reservations, blocks, future reservations."""
    QUOTAS = "quotas"
    LIST_PRICES = "list_prices"
    ADVICE = "advice"
    """Odds and dates by the clouds' own forecasts."""
    HISTORY = "history"
    """What this account saw itself, or what the cloud published of the past."""


class Reason(StrEnum):
    """Why a question has no answer."""

    CREDENTIALS = "credentials"
    """None were found, or they expired."""
    PERMISSION = "permission"
    NOT_ENABLED = "not_enabled"
    """A region, service or API that the account has not switched on."""
    TIMEOUT = "timeout"
    THROTTLED = "throttled"
    """Still throttled after every retry."""
    UNREACHABLE = "unreachable"
    """No network path, or no such host."""
    REFUSED = "refused"
    """The cloud answered with an error of another kind."""
    NOT_ASKED = "not_asked"
    """Stopped before its turn."""


@record
class Region:
    """One region as the account sees it."""

    kind: ClassVar[Question] = Question.REGIONS
    identity: ClassVar[tuple[str, ...]] = ()
    cloud: str
    account: str
    region: str
    enabled: bool
    as_of: str


@record
class Zone:
    """One zone; `name` is what this account calls it."""

    kind: ClassVar[Question] = Question.ZONES
    identity: ClassVar[tuple[str, ...]] = ("zone",)
    cloud: str
    account: str
    region: str
    zone: str
    name: str
    available: bool = True
    as_of: str


@record
class MachineShape:
    """A machine type as its cloud describes it."""

    kind: ClassVar[Question] = Question.MACHINE_TYPES
    identity: ClassVar[tuple[str, ...]] = ("machine_type",)
    cloud: str
    region: str
    machine_type: str
    vcpus: int
    memory_mib: int
    gpu: str = ""
    """The cloud's own name of the GPU."""
    gpus: float = 0
    gpu_memory_mib: int | None = None
    """Of one GPU."""
    efa_interfaces: int | None = None
    purchases: tuple[str, ...] = ()
    """AWS usage classes: ``on-demand``, ``spot``, ``capacity-block``. Empty: not stated."""
    as_of: str


@record
class Offering:
    """A machine type that a zone sells. It says nothing about free machines."""

    kind: ClassVar[Question] = Question.OFFERINGS
    identity: ClassVar[tuple[str, ...]] = ("zone", "machine_type")
    cloud: str
    region: str
    zone: str
    machine_type: str
    as_of: str


@record
class SpotPrice:
    """Spot price of one machine in USD per hour: the latest, and its spread over a window."""

    kind: ClassVar[Question] = Question.SPOT_PRICES
    identity: ClassVar[tuple[str, ...]] = ("zone", "machine_type")
    cloud: str
    region: str
    zone: str = ""
    """Empty: the whole region, as Google prices it."""
    machine_type: str
    usd: float
    changed_at: str
    """When the latest price began."""
    usd_p10: float | None = None
    usd_p50: float | None = None
    usd_p90: float | None = None
    """Weighted by how long each price held in the window."""
    window_days: int
    changes: int
    """Price changes seen in the window."""
    as_of: str


@record
class PlacementScore:
    """AWS's odds that a spot request of this size succeeds: 10 very likely, 1 unlikely."""

    kind: ClassVar[Question] = Question.PLACEMENT_SCORES
    identity: ClassVar[tuple[str, ...]] = ("zone", "machine_types", "instances")
    cloud: str
    region: str
    zone: str = ""
    """Empty: the request may spread over the region's zones."""
    machine_types: tuple[str, ...]
    """The whole request: the score holds for the mix, and is low for fewer than three types."""
    instances: int
    score: int
    as_of: str


@record
class CapacityBlock:
    """A capacity block on offer, paid up front and not refundable. The offer expires."""

    kind: ClassVar[Question] = Question.CAPACITY_BLOCKS
    identity: ClassVar[tuple[str, ...]] = ("offering_id",)
    cloud: str
    region: str
    zone: str
    machine_type: str
    offering_id: str
    instances: int
    hours: int
    starts_at: str
    ends_at: str
    upfront: float
    """For the whole block."""
    currency: str
    tenancy: str = ""
    ultraserver_type: str = ""
    as_of: str


@record
class Reservation:
    """Capacity that the account holds or has asked for."""

    kind: ClassVar[Question] = Question.RESERVATIONS
    identity: ClassVar[tuple[str, ...]] = ("id",)
    cloud: str
    account: str
    region: str
    zone: str
    machine_type: str
    id: str
    name: str = ""
    form: str
    """AWS: ``reservation`` or ``capacity_block``. Google: ``reservation`` or ``future_reservation``."""
    state: str
    """The cloud's own word, lower case: ``active``, ``scheduled``, ``ready``, ``committed``."""
    total: int | None
    available: int | None = None
    """Machines of `total` not in use; None: not stated, for both."""
    is_targeted: bool = False
    """Only machines that name it use it (AWS ``targeted``, Google ``specific``)."""
    starts_at: str = ""
    ends_at: str = ""
    """Empty: until it is deleted."""
    placement_group: str = ""
    is_interruptible: bool = False
    is_shared: bool = False
    """Owned by another account or project."""
    mode: str = ""
    """Google: ``calendar``, ``dense``. AWS: ``incremental`` delivery."""
    as_of: str


@record
class Quota:
    """One limit of the account, what is used of it, and what has been asked for."""

    kind: ClassVar[Question] = Question.QUOTAS
    identity: ClassVar[tuple[str, ...]] = ("code", "gpu_family")
    cloud: str
    account: str
    region: str
    """``global`` where it holds for all regions together."""
    code: str
    """AWS quota code, Compute Engine metric, or Cloud Quotas id."""
    name: str
    unit: str
    """``vCPU`` or ``GPU``."""
    gpu_family: str = ""
    """Google's dimension, e.g. ``NVIDIA_H100``."""
    limit: float
    """-1: no limit."""
    used: float | None = None
    pending: float | None = None
    """The limit that an open request asks for."""
    pending_state: str = ""
    """The cloud's own word, e.g. ``CASE_OPENED``."""
    pending_since: str = ""
    is_adjustable: bool | None = None
    note: str = ""
    """How `used` was counted, or why it is unknown."""
    as_of: str


@record
class ListPrice:
    """Published price of one machine in USD per hour."""

    kind: ClassVar[Question] = Question.LIST_PRICES
    identity: ClassVar[tuple[str, ...]] = ("machine_type", "purchase")
    cloud: str
    region: str
    machine_type: str
    purchase: str
    """``on_demand`` or ``spot``."""
    usd: float
    source: str
    as_of: str


@record
class Advice:
    """A forecast of the cloud for one request."""

    kind: ClassVar[Question] = Question.ADVICE
    identity: ClassVar[tuple[str, ...]] = (
        "zone",
        "machine_type",
        "purchase",
        "instances",
        "measure",
        "starts_at",
    )
    cloud: str
    region: str
    zone: str = ""
    machine_type: str
    purchase: str
    """``on_demand``, ``spot``, ``flex_start`` or ``calendar``."""
    instances: int
    measure: str
    """``obtainability`` (0 to 1), ``supportability`` (a word), ``uptime`` (seconds), ``calendar`` (dates)."""
    value: float | None = None
    word: str = ""
    """``high``, ``medium``, ``low``, ``unsupported``; or why a calendar window is not to be had."""
    starts_at: str = ""
    ends_at: str = ""
    as_of: str


@record
class History:
    """A rate over past days: reclaims, or requests that were met."""

    kind: ClassVar[Question] = Question.HISTORY
    identity: ClassVar[tuple[str, ...]] = ("zone", "machine_type", "purchase", "measure")
    cloud: str
    account: str = ""
    """Empty: published for everybody."""
    region: str
    zone: str = ""
    machine_type: str
    purchase: str
    measure: str
    """``preemption_rate``, ``interruption_rate`` or ``fulfilment_rate``, 0 to 1."""
    value: float
    window_days: int
    as_of: str


Item = (
    Region
    | Zone
    | MachineShape
    | Offering
    | SpotPrice
    | PlacementScore
    | CapacityBlock
    | Reservation
    | Quota
    | ListPrice
    | Advice
    | History
)
ITEM_TYPES: Mapping[Question, type[Any]] = {item.kind: item for item in get_args(Item)}
"""The record that answers each question."""
