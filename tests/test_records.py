"""Records are dataclasses in all but what they cost."""

from dataclasses import asdict, replace

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
