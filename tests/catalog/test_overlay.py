"""The user's overlay: read whole or refused with every problem; the shipped tables stay as they are."""

import hashlib
from functools import cache

import pytest

from gpuyard.catalog import overlay, places, prices
from gpuyard.catalog.overlay import COLUMNS, OVERLAY_VARIABLE, merge_offers, read_overlay, render_overlay
from gpuyard.catalog.tables import DATA
from gpuyard.cli.main import run
from gpuyard.errors import SpecError

HEADER = ",".join(COLUMNS)
GOOD = "aws,p5.48xlarge,us-east-1,use1-az4,54.5,17.5,our contract,2026-11-01"
CACHES = (
    overlay._cached,
    places._overlay_zones,
    prices._overlay_on_demand,
    prices._overlay_spot,
    prices.rejections,
)


@pytest.fixture
def use(tmp_path, monkeypatch):
    """Put an overlay with these rows in force."""

    def put(*rows):
        path = tmp_path / "overlay.csv"
        path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
        monkeypatch.setenv(OVERLAY_VARIABLE, str(path))
        for cached in CACHES:
            cached.cache_clear()
        return path

    yield put
    monkeypatch.delenv(OVERLAY_VARIABLE, raising=False)
    for cached in CACHES:
        cached.cache_clear()


def test_an_overlay_price_comes_before_the_shipped_one(use):
    shipped = prices.on_demand("aws", "p5.48xlarge", "us-east-1")
    use(GOOD)
    price = prices.on_demand("aws", "p5.48xlarge", "us-east-1")
    assert price is not None
    assert (price.usd, price.source, price.as_of) == (54.5, "our contract", "2026-11-01")
    quoted = prices.spot("aws", "p5.48xlarge", "us-east-1")
    assert quoted is not None
    assert quoted.p50 == 17.5
    assert shipped is not None
    assert shipped.usd == 55.04
    assert prices.on_demand("aws", "p5.48xlarge", "us-east-2") == prices.on_demand(
        "aws", "p5.48xlarge", "us-west-2"
    )


def test_an_overlay_names_zones_and_regions_of_sale(use):
    use("aws,p6-b300.48xlarge,eu-west-1,euw1-az2,,,seen in the console,2026-11-01", GOOD)
    assert "eu-west-1" in places.regions_selling("aws", "p6-b300.48xlarge")
    assert places.zones_selling("aws", "p6-b300.48xlarge", "eu-west-1") == ("euw1-az2",)
    assert places.zones_selling("aws", "p5.48xlarge", "us-east-1") == ("use1-az4",)
    assert places.zones_selling("aws", "p5.48xlarge", "us-east-2") == ("use2-az1", "use2-az2", "use2-az3")


def test_an_overlay_price_passes_the_sanity_rules_or_is_not_used(use):
    use("aws,p5.48xlarge,us-east-1,use1-az4,54.5,60.0,a typo,2026-11-01")
    price = prices.on_demand("aws", "p5.48xlarge", "us-east-1")
    assert price is not None
    assert price.source != "a typo"
    assert any(rejection.offer.source == "a typo" for rejection in prices.rejections())


def test_reading_back_what_was_written_gives_the_same_offers(use):
    path = use(GOOD, "gcp,g2-standard-4,us-central1,,0.7,,our contract,2026-11-01")
    offers = read_overlay(path)
    again = path.with_name("again.csv")
    again.write_text(render_overlay(offers), encoding="utf-8")
    assert set(read_overlay(again)) == set(offers)
    assert render_overlay(read_overlay(again)) == render_overlay(offers)


def test_merging_replaces_the_row_of_the_same_zone_only(use):
    held = read_overlay(use(GOOD, GOOD.replace("use1-az4", "use1-az6")))
    added = read_overlay(use(GOOD.replace("54.5", "50.5")))
    merged = merge_offers(held, added)
    assert sorted((offer.zone, offer.on_demand) for offer in merged) == [
        ("use1-az4", 50.5),
        ("use1-az6", 54.5),
    ]


def test_every_problem_of_an_overlay_is_reported_at_its_cell(use):
    path = use(
        "aws,p5.48xlarg,us-esat-1,us-east-1a,-3,cheap,,yesterday",
        "azure,Standard_ND96,westeurope,,1,,x,2026-11-01",
        "gcp,g2-standard-4,us-central1,us-west1-a,0.7,,x,2026-11-01",
        GOOD,
        GOOD,
        "aws,p5.48xlarge",
    )
    with pytest.raises(SpecError) as error:
        read_overlay(path)
    found = {finding.path.removeprefix(f"{path}:"): finding for finding in error.value.findings}
    assert set(found) == {
        "2:machine_type",
        "2:region",
        "2:zone",
        "2:usd_per_hour_on_demand",
        "2:usd_per_hour_spot",
        "2:source",
        "2:as_of",
        "3:cloud",
        "4:zone",
        "6",
        "7",
    }
    assert 'did you mean "p5.48xlarge"' in found["2:machine_type"].fix
    assert '"us-east-1"' in found["2:region"].fix
    assert "zone id such as use1-az4" in found["2:zone"].fix
    assert "already in line 5" in found["6"].message
    assert all(finding.fix for finding in error.value.findings)


def test_unknown_and_missing_columns_are_reported_together(tmp_path):
    path = tmp_path / "overlay.csv"
    path.write_text("cloud,machine,region,zone,usd_per_hour_spot,source,as_of\n", encoding="utf-8")
    with pytest.raises(SpecError) as error:
        read_overlay(path)
    messages = [finding.message for finding in error.value.findings]
    assert any('no column "machine"' in message for message in messages)
    assert any("columns are missing: machine_type, usd_per_hour_on_demand" in message for message in messages)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00binary"])
def test_an_overlay_that_cannot_be_read_is_a_finding(tmp_path, content):
    path = tmp_path / "overlay.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SpecError, match="cannot be read"):
        read_overlay(path)


@cache
def shipped_hash():
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(DATA.iterdir()))).hexdigest()


def test_the_shipped_tables_are_never_modified(use):
    before = shipped_hash()
    use(GOOD)
    prices.on_demand("aws", "p5.48xlarge", "us-east-1")
    places.zones_selling("aws", "p5.48xlarge", "us-east-1")
    shipped_hash.cache_clear()
    assert shipped_hash() == before


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (HEADER.replace(",", ";").encode(), "by semicolons"),
        (HEADER.replace(",", "\t").encode(), "by tabs"),
        (GOOD.encode(), "names none of its columns"),
        (f"{HEADER}\n{GOOD}".encode("utf-16"), "it is UTF-16"),
        (f"{HEADER},source\n".encode(), 'has the column "source" 2 times'),
        (f"{HEADER}\n{GOOD.replace('our', chr(34) + 'our')}\n".encode(), ":2: is no CSV from here on"),
        (f"{HEADER}\n{GOOD.replace('our', 'x' * 200_000)}\n".encode(), "field larger than"),
        (f"{HEADER}\n{GOOD.replace('54.5', '54,5')}\n".encode(), "has 9 of 8 cells"),
        (f"{HEADER}\n{GOOD.replace('use1', 'usw2')}\n".encode(), "is not a zone of us-east-1"),
        (f"{HEADER}\n{GOOD.replace('54.5', '5_4')}\n".encode(), "is not a positive number"),
        (f"{HEADER}\n{GOOD.replace('2026-11-01', '20261101')}\n".encode(), "is not a date"),
        (f"{HEADER}\n{GOOD.replace('p5.48xlarge', 'g2-standard-4')}\n".encode(), "it is one of gcp"),
        (f"{HEADER}\n{GOOD.replace('p5.48xlarge', 'h100')}\n".encode(), "types with h100-sxm: p5.48xlarge"),
    ],
)
def test_files_of_another_form_say_what_they_are(tmp_path, content, told):
    path = tmp_path / "overlay.csv"
    path.write_bytes(content)
    with pytest.raises(SpecError) as error:
        read_overlay(path)
    assert told in str(error.value)
    assert all(finding.fix for finding in error.value.findings)


def test_what_spreadsheets_add_is_read_over(tmp_path):
    path = tmp_path / "overlay.csv"
    path.write_bytes(f"\ufeff{HEADER}\r\n {GOOD.replace(',', ' , ')}\r\n,,,,,,,\r\n".encode())
    (offer,) = read_overlay(path)
    assert (offer.machine_type, offer.on_demand, offer.source) == ("p5.48xlarge", 54.5, "our contract")


def test_a_price_of_a_machine_without_gpus_has_no_limit_per_gpu(use):
    """113.57 USD: u7i-12tb, list price of us-east-1, 2026-07."""
    use("aws,u7i-12tb.224xlarge,us-east-1,,113.57,,our contract,2026-11-01")
    price = prices.on_demand("aws", "u7i-12tb.224xlarge", "us-east-1")
    assert price is not None
    assert price.usd == 113.57


def test_show_tells_a_price_of_the_overlay_that_is_not_used(use, capsys):
    use("aws,g6.xlarge,us-west-2,,700,,a typo,2026-11-01")
    assert run(["catalog", "show", "g6.xlarge", "--region", "us-west-2"]) == 0
    assert "not used: us-west-2 on_demand 700: 700 stands for unknown [SENTINEL]" in capsys.readouterr().out
