"""What a survey is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpuyard.catalog.evidence_items import Question

BLOCK_HOURS = (24, 72, 168, 336, 672)
"""Lengths of capacity blocks to look for: a day, three days, one, two and four weeks.

AWS sells whole days up to 14 and whole weeks up to 182 days (botocore 1.44, DescribeCapacityBlockOfferings).
"""

BLOCK_DAYS_MAX = 182
CALENDAR_DAYS_MAX = 90
"""Longest calendar-mode reservation of Google."""
START_WITHIN_DAYS = 30


def block_days(days: int) -> int:
    """The shortest block that lasts ``days``: whole days up to 14, whole weeks beyond."""
    return max(days, 1) if days <= 14 else -(-days // 7) * 7


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRequest:
    """Machine types, places and sizes to ask about."""

    machine_types: Mapping[str, tuple[str, ...]]
    """By cloud, ``aws`` or ``gcp``; a cloud without machine types is not asked."""
    regions: Mapping[str, tuple[str, ...]]
    """By cloud."""
    instances: int = 1
    """Machines that are needed at the same time; scores, advice and blocks are asked for so many."""
    project: str = ""
    """Google project to ask with. Empty: the one of the credentials."""
    profile: str = ""
    """AWS profile. Empty: the default chain."""
    block_hours: tuple[int, ...] = BLOCK_HOURS
    spot_window_days: int = 14
    calendar_hours: int = 168
    """Length of the calendar window to ask Google for."""
    start_within_days: int = START_WITHIN_DAYS
    """How far ahead blocks and calendar windows may begin."""
    questions: frozenset[Question] = field(default_factory=lambda: frozenset(Question))
    timeout_seconds: float = 180
    """For the whole survey; what is not answered by then is a gap."""
    concurrency: int = 16
    """Calls in flight at once, over all regions."""

    def asks(self, question: Question) -> bool:
        """Whether the question is wanted."""
        return question in self.questions

    @property
    def clouds(self) -> tuple[str, ...]:
        """Clouds with something to ask about."""
        return tuple(
            cloud for cloud in ("aws", "gcp") if self.machine_types.get(cloud) and self.regions.get(cloud)
        )
