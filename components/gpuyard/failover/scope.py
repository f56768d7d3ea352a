"""What is out when something is out: a partly filled description of offerings; what is empty matches all."""

from dataclasses import asdict, dataclass
from typing import Any

from gpuyard.failover.candidate import Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Every candidate that agrees with all fields that are set."""

    cloud: str
    region: str = ""
    zones: tuple[str, ...] = ()
    """Covers a candidate that uses any of them."""
    machine_type: str = ""
    purchase: str = ""
    bucket: str = ""
    """A quota bucket, as `Candidate.bucket` names it."""
    reservation: str = ""

    def covers(self, candidate: Candidate) -> bool:
        """Whether ``candidate`` is out with this scope."""
        return (
            self.cloud == candidate.cloud
            and self.region in ("", candidate.region)
            and self.machine_type in ("", candidate.machine_type)
            and self.purchase in ("", candidate.purchase)
            and self.bucket in ("", candidate.bucket)
            and self.reservation in ("", candidate.reservation)
            and (not self.zones or not candidate.zones or bool(set(self.zones) & set(candidate.zones)))
        )

    def describe(self) -> str:
        """In words: ``aws us-east-1 use1-az4 p5.48xlarge on_demand``."""
        parts = [self.cloud, self.region, "+".join(self.zones), self.machine_type, self.purchase]
        if self.bucket:
            parts.append(f"quota {self.bucket}")
        if self.reservation:
            parts.append(f"reservation {self.reservation}")
        return " ".join(part for part in parts if part)

    def as_dict(self) -> dict[str, Any]:
        """Only what is set."""
        return {key: list(value) if key == "zones" else value for key, value in asdict(self).items() if value}
