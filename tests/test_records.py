"""Records are dataclasses in all but what they cost."""

from dataclasses import asdict, field, replace
from inspect import signature

import pytest

from gpuyard.records import record


@record
class Place:
    """An example."""

    region: str
    zone: str = ""

    @property
    def is_zonal(self) -> bool:
        return bool(self.zone)


def test_a_record_is_compared_by_what_it_holds():
    assert Place(region="us-east-1") == Place(region="us-east-1", zone="")
    assert Place(region="us-east-1") != Place(region="us-east-2")
    assert Place(region="us-east-1") != "us-east-1"
    assert len({Place(region="a"), Place(region="a"), Place(region="b")}) == 2


def test_a_record_works_with_what_works_on_dataclasses():
    place = replace(Place(region="us-east-1"), zone="use1-az6")
    assert place.is_zonal
    assert asdict(place) == {"region": "us-east-1", "zone": "use1-az6"}
    assert repr(place) == "Place(region='us-east-1', zone='use1-az6')"


@record
class Parcel:
    """Everything that a field may be."""

    weight: float
    labels: list[str] = field(default_factory=list)
    note: str = "none"
    checked: bool = field(default=False)

    def __post_init__(self) -> None:
        if self.weight <= 0:
            raise ValueError("no weight")


def test_every_value_has_defaults_of_its_own():
    one, other = Parcel(weight=1), Parcel(weight=2, note="fragile")
    one.labels.append("glass")
    assert (one.labels, other.labels, other.note, one.note, one.checked) == (
        ["glass"],
        [],
        "fragile",
        "none",
        False,
    )


def test_a_constructor_says_what_is_wrong_the_first_time_too():
    @record
    class Box:
        size: int

    def made(*values, **named):
        return Box(*values, **named)

    for _ in range(2):
        with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'size'"):
            made()
        with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
            made(1)
        with pytest.raises(TypeError, match="unexpected keyword argument 'weight'"):
            made(size=1, weight=2)
    with pytest.raises(ValueError, match="no weight"):
        Parcel(weight=0)


def test_a_record_has_a_signature_before_its_first_value():
    @record
    class Box:
        size: int
        note: str = "none"

    assert str(signature(Box)) == "(*, size: int, note: str = 'none') -> None"
