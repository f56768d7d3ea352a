"""What a price is: a number with its unit, source and date."""

from dataclasses import replace

from gpuyard.records import record


@record
class Price:
    """One list price."""

    usd: float
    unit: str
    source: str
    as_of: str
    note: str = ""
    sku: str = ""
    """The cloud's own id of what is sold, where public data has it."""

    def noted(self, note: str) -> "Price":
        """The price with ``note`` after what it already says."""
        return replace(self, note=f"{self.note}; {note}" if self.note else note)


@record
class SpotPrice:
    """A spot price as the distribution that it is, USD per machine-hour."""

    p10: float
    p50: float
    p90: float
    samples: int
    source: str
    as_of: str
    basis: str
    """What the samples are: quotes across zones, or months of history."""

    @classmethod
    def listed(cls, price: Price, basis: str) -> "SpotPrice":
        """One price for every zone and day, as a list has it."""
        return cls(
            p10=price.usd,
            p50=price.usd,
            p90=price.usd,
            samples=1,
            source=price.source,
            as_of=price.as_of,
            basis=basis,
        )


@record
class Tier:
    """The price from a monthly amount on, up to the next tier."""

    from_gb: float
    price: Price
