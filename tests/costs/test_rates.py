"""The user's own prices, discounts and commitments: what they change, and what they leave."""

from decimal import Decimal

import pytest

from gpuyard.cli.main import run
from gpuyard.costs.line_item import Loads
from gpuyard.costs.pricing import price_resources
from gpuyard.costs.rates_file import parse_rates
from gpuyard.errors import SpecError


def _known(loads: Loads | None) -> Loads:
    assert loads is not None
    return loads


GROUP = "aws:eks/nodeGroup:NodeGroup"
MONTH = Decimal(730)


def nodes(make, machine="g6.xlarge", desired=4, low=2, high=6):
    scaling = {"minSize": low, "desiredSize": desired, "maxSize": high}
    return make(GROUP, "gpu", region="us-east-1", instanceTypes=[machine], scalingConfig=scaling)


def hours(report):
    return [item for item in report.items if item.unit == "hour"]


def test_a_negotiated_discount_changes_the_contracted_cost_and_names_itself(make):
    rates = parse_rates({"discounts": [{"name": "EDP", "percent": 10, "cloud": "aws"}]})
    plain, reduced = price_resources([nodes(make)]), price_resources([nodes(make)], rates=rates)
    assert reduced.monthly.expected == plain.monthly.expected * Decimal("0.9")
    (item,) = hours(reduced)
    assert item.discounts == ("EDP",)
    assert item.list_cost == hours(plain)[0].list_cost
    assert item.contracted_cost == item.effective


def test_discounts_on_one_line_multiply(make):
    two = {
        "discounts": [
            {"name": "EDP", "percent": 10, "cloud": "aws"},
            {"name": "g6", "percent": 20, "machine_type": "g6.xlarge"},
        ]
    }
    (item,) = hours(price_resources([nodes(make)], rates=parse_rates(two)))
    assert item.unit_price == (item.list_unit_price or 0) * Decimal("0.9") * Decimal("0.8")
    assert item.discounts == ("EDP", "g6")


def test_an_own_price_wins_over_the_list_and_prices_what_has_none(make):
    disk = make("aws:ebs/volume:Volume", region="ap-southeast-3", type="gp3", size=100)
    assert price_resources([disk]).unknown
    data = {
        "prices": [{"component": "gp3 disk", "region": "ap-southeast-3", "usd": 0.0952, "name": "rate card"}]
    }
    report = price_resources([disk], rates=parse_rates(data))
    assert not report.unknown
    assert report.monthly.expected == Decimal("9.52")
    own = {"prices": [{"machine_type": "g6.xlarge", "usd": 0.5}]}
    (item,) = hours(price_resources([nodes(make)], rates=parse_rates(own)))
    assert (item.unit_price, item.contracted_unit_price) == (Decimal("0.5"), Decimal("0.5"))
    assert item.list_unit_price == Decimal("0.8048")


def test_the_more_exact_price_wins(make):
    data = {
        "prices": [
            {"machine_type": "g6.xlarge", "usd": 0.5},
            {"machine_type": "g6.xlarge", "region": "us-east-1", "usd": 0.4},
        ]
    }
    (item,) = hours(price_resources([nodes(make)], rates=parse_rates(data)))
    assert item.unit_price == Decimal("0.4")


def test_a_reserved_instance_covers_so_many_machines_and_no_more(make):
    commitment = {
        "name": "three a year",
        "kind": "reserved_instance",
        "machine_type": "g6.xlarge",
        "region": "us-east-1",
        "term": "1y_no_upfront",
        "count": 3,
    }
    report = price_resources([nodes(make)], rates=parse_rates({"commitments": [commitment]}))
    lines = {item.pricing_category: item for item in hours(report) if "not used" not in item.component}
    covered, rest = lines["Committed"], lines["Standard"]
    assert (
        _known(covered.quantity).idle,
        _known(covered.quantity).expected,
        _known(covered.quantity).peak,
    ) == (
        2 * MONTH,
        3 * MONTH,
        3 * MONTH,
    )
    assert (_known(rest.quantity).idle, _known(rest.quantity).expected, _known(rest.quantity).peak) == (
        0,
        MONTH,
        3 * MONTH,
    )
    assert covered.unit_price < rest.unit_price
    assert covered.discounts == ("three a year",)
    (unused,) = [item for item in report.items if "not used" in item.component]
    assert (_known(unused.quantity).idle, _known(unused.quantity).expected) == (MONTH, 0)
    assert unused.unit_price == covered.unit_price


def test_committed_use_of_google_takes_the_listed_monthly_price(make):
    instance = make(
        "gcp:compute/instance:Instance",
        zone="europe-west4-a",
        machineType="a3-highgpu-8g",
        bootDisk={"source": "d"},
    )
    commitment = {
        "name": "cud",
        "kind": "committed_use",
        "machine_type": "a3-highgpu-8g",
        "region": "europe-west4",
        "term": "3y",
        "count": 1,
    }
    report = price_resources([instance], rates=parse_rates({"commitments": [commitment]}))
    assert float(report.monthly.expected) == pytest.approx(36078, rel=0.005)  # Cyclenerd t/test.sh


def test_a_savings_plan_spends_its_hourly_commitment_and_no_more(make):
    plan = {"name": "plan", "kind": "savings_plan", "usd_per_hour": 1, "percent": 25, "cloud": "aws"}
    report = price_resources([nodes(make)], rates=parse_rates({"commitments": [plan]}))
    spent = [item for item in report.items if "plan" in item.discounts]
    assert sum(_known(item.effective).expected for item in spent) == pytest.approx(MONTH)
    (covered,) = [item for item in spent if item.unit == "hour"]
    assert covered.unit_price == Decimal("0.8048") * Decimal("0.75")
    small = price_resources([nodes(make, desired=0, low=0)], rates=parse_rates({"commitments": [plan]}))
    assert small.monthly.expected == MONTH  # nothing runs, the commitment is paid all the same
    assert [item.component for item in small.items if _known(item.effective).expected] == [
        "commitment not used"
    ]


def test_two_prices_for_one_thing_are_refused():
    twice = [{"component": "gp3 disk", "usd": 1}, {"component": "gp3 disk", "usd": 2}]
    with pytest.raises(SpecError) as caught:
        parse_rates({"prices": twice})
    (finding,) = caught.value.findings
    assert finding.code == "TWO_PRICES"
    assert "prices[0]" in finding.message


def test_every_problem_of_a_rates_file_is_named_at_once():
    data = {
        "currency": "EUR",
        "discount": [],
        "prices": [{"usd": -1, "component": "x"}, {"usd": 1}],
        "discounts": [{"percent": 110, "name": "a"}, {"percent": 1, "nme": "b"}, 3],
        "commitments": [{"name": "c", "kind": "saving_plan"}],
    }
    with pytest.raises(SpecError) as caught:
        parse_rates(data)
    paths = {finding.path for finding in caught.value.findings}
    assert {
        "currency",
        "discount",
        "prices[0].usd",
        "prices[1]",
        "discounts[0].percent",
        "discounts[1].nme",
        "discounts[1].name",
        "discounts[2]",
        "commitments[0].kind",
    } <= paths


def test_a_commitment_without_a_known_price_asks_for_one():
    commitment = {
        "name": "c",
        "kind": "reserved_instance",
        "machine_type": "x9.large",
        "region": "us-east-1",
        "count": 1,
    }
    with pytest.raises(SpecError) as caught:
        parse_rates({"commitments": [commitment]})
    assert "write `usd`" in caught.value.findings[0].fix


def test_the_command_takes_a_rates_file(tmp_path, capsys):
    program, rates = tmp_path / "plan.json", tmp_path / "rates.yml"
    urn = "urn:pulumi:a::b::aws:ec2/natGateway:NatGateway::nat"
    program.write_text(
        f'{{"resources": [{{"urn": "{urn}", "type": "aws:ec2/natGateway:NatGateway",'
        ' "inputs": {"region": "us-east-1"}}]}'
    )
    rates.write_text("discounts: [{name: EDP, percent: 50}]")
    assert run(["cost", str(program), "--rates", str(rates), "--format", "json"]) == 0
    assert '"monthly": 16.425' in capsys.readouterr().out
    rates.write_text("discounts: [{name: EDP}]")
    assert run(["cost", str(program), "--rates", str(rates)]) == 2
    assert "is required" in capsys.readouterr().err


def test_an_own_price_makes_a_total_of_what_nobody_publishes(make):
    config = {"machineType": "g4-standard-48", "flexStart": True, "diskType": "hyperdisk-balanced"}
    pool = make("gcp:container/nodePool:NodePool", location="us-central1-a", nodeCount=1, nodeConfig=config)
    (line,) = price_resources([pool]).unknown
    assert (line.component, _known(line.quantity).expected) == ("g4-standard-48 flex_start", MONTH)
    rates = parse_rates({"prices": [{"component": "g4-standard-48 flex_start", "usd": 2.5}]})
    report = price_resources([pool], rates=rates)
    assert not report.unknown
    assert report.by_group["GPU nodes"].expected == Decimal("2.5") * MONTH
