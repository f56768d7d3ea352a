"""Usage files: what they may say, and every way to get them wrong."""

import pytest

from gpuyard.costs.pricing import price_resources
from gpuyard.costs.usage import Usage, keys_of, usable_types
from gpuyard.costs.usage_file import parse_usage
from gpuyard.errors import SpecError
from gpuyard.resources import Resource

NAT = "aws:ec2/natGateway:NatGateway"


def resource(kind=NAT, name="nat", **inputs):
    return Resource(
        urn=f"urn:pulumi:t::t::{kind}::{name}", type=kind, name=name, inputs={"region": "us-east-1", **inputs}
    )


def problems(data, *resources):
    with pytest.raises(SpecError) as caught:
        parse_usage(data, resources or [resource()])
    return {finding.path: finding for finding in caught.value.findings}


@pytest.mark.parametrize(
    "name", ["nat", f"{NAT}::nat", f"urn:pulumi:t::t::{NAT}::nat", f"{NAT}::*", "na*", "*"]
)
def test_a_resource_is_meant_by_name_type_and_name_urn_or_wildcard(name):
    usage = parse_usage({"resource_usage": {name: {"monthly_data_processed_gb": 100}}}, [resource()])
    assert float(price_resources([resource()], usage=usage).monthly.expected) == pytest.approx(37.35)


def test_brackets_are_no_pattern():
    three = [resource(name=f"nat[{number}]") for number in range(3)]
    usage = parse_usage({"resource_usage": {"nat[*]": {"monthly_data_processed_gb": 100}}}, three)
    assert float(price_resources(three, usage=usage).monthly.expected) == pytest.approx(3 * 37.35)
    assert Usage(resources={"nat[1]": {"monthly_data_processed_gb": 1}}).amount(three[0], "x") is None


def test_the_most_exact_entry_wins_key_by_key():
    data = {
        "resource_type_default_usage": {NAT: {"monthly_data_processed_gb": 1, "monthly_hours": 10}},
        "resource_usage": {
            "*": {"monthly_data_processed_gb": 2},
            f"{NAT}::*": {"monthly_data_processed_gb": 3},
            "nat": {"monthly_data_processed_gb": 4},
        },
    }
    usage = parse_usage(data, [resource()])
    assert usage.amount(resource(), "monthly_data_processed_gb") == 4
    assert usage.amount(resource(), "monthly_hours") == 10
    assert usage.amount(resource(name="other"), "monthly_data_processed_gb") == 3


def test_infracost_spellings_are_read():
    data = {"version": 0.1, "resource_usage": {"it": {"monthly_hrs": 100}}}
    it = resource("aws:ec2/instance:Instance", "it", instanceType="t3.medium")
    assert float(price_resources([it], usage=parse_usage(data, [it])).monthly.expected) == pytest.approx(4.96)


def test_every_problem_is_named_at_once_with_its_place_and_a_way_out():
    found = problems(
        {
            "currency": "EUR",
            "hours_per_month": 0,
            "resource_usge": {},
            "resource_usage": {
                "nat": {"monthly_data_procesed_gb": 1, "monthly_hours": -1},
                "natt": {"monthly_data_processed_gb": 1},
                "flat": 3,
            },
            "resource_type_default_usage": {"aws:ec2/natGateway:NatGatway": {"monthly_data_processed_gb": 1}},
            "free_usage": [
                {"kind": "aws:data_transfr", "region": "us-east-1"},
                {"kind": "aws:data_transfer"},
            ],
        }
    )
    assert found["currency"].code == "UNKNOWN_CURRENCY"
    assert found["hours_per_month"].code == "USAGE_AMOUNT"
    assert "resource_usage" in found["resource_usge"].fix
    assert "monthly_data_processed_gb" in found["resource_usage.nat.monthly_data_procesed_gb"].fix
    assert found["resource_usage.nat.monthly_hours"].value == -1
    assert 'did you mean "nat"' in found["resource_usage.natt"].fix
    assert found["resource_usage.flat"].code == "USAGE_SHAPE"
    assert "NatGateway" in found["resource_type_default_usage.aws:ec2/natGateway:NatGatway"].fix.replace(
        "natgateway", "NatGateway"
    )
    assert "aws:data_transfer" in found["free_usage[0].kind"].fix
    assert found["free_usage[1].region"].code == "USAGE_SHAPE"


@pytest.mark.parametrize("amount", [-1, "ten", True, float("nan"), float("inf"), [1]])
def test_an_amount_that_is_none_is_refused(amount):
    found = problems({"resource_usage": {"nat": {"monthly_data_processed_gb": amount}}})
    assert [finding.code for finding in found.values()] == ["USAGE_AMOUNT"]


def test_a_key_of_another_type_is_refused_and_says_which_there_are():
    found = problems({"resource_usage": {"nat": {"storage_gb": 1}}})
    assert "monthly_data_processed_gb" in found["resource_usage.nat.storage_gb"].fix


def test_a_share_above_one_is_refused():
    it = resource("aws:ec2/capacityReservation:CapacityReservation", "it")
    found = problems({"resource_usage": {"it": {"used_share": 1.2}}}, it)
    assert "resource_usage.it.used_share" in found


def test_a_default_for_a_type_that_is_not_there_is_no_problem():
    data = {"resource_type_default_usage": {"aws:ecr/repository:Repository": {"storage_gb": 1}}}
    assert parse_usage(data, [resource()]).types


def test_every_type_with_usage_keys_has_a_price_model():
    from gpuyard.costs.families import PRICED

    assert [token for token in usable_types() if token not in PRICED] == []
    assert all(keys_of(token) for token in usable_types())


def test_every_key_says_what_it_means():
    assert [
        (token, key) for token in usable_types() for key, says in keys_of(token).items() if not says
    ] == []


def test_a_pattern_that_matches_nothing_is_a_note_and_no_problem():
    usage = parse_usage(
        {"resource_usage": {"db-*": {"monthly_hours": 1}, "na*": {"monthly_hours": 1}}}, [resource()]
    )
    assert usage.unmatched == ("db-*",)


def test_names_and_types_of_terraform_are_told_in_pulumis_words():
    kind = "aws:ec2/natGateway:NatGateway"
    nat = Resource(urn=f"u::{kind}::nat", type=kind, name="nat")
    data = {
        "resource_usage": {
            "aws_nat_gateway.nat": {"monthly_data_processed_gb": 1},
            "aws_lb.x": {"capacity_units": 1},
        },
        "resource_type_default_usage": {"aws_nat_gateway": {"monthly_data_processed_gb": 1}},
    }
    with pytest.raises(SpecError) as caught:
        parse_usage(data, [nat])
    fixes = {finding.path.partition(".")[2]: finding.fix for finding in caught.value.findings}
    assert f'"{kind}::nat"' in fixes["aws_nat_gateway.nat"]
    assert "names here are Pulumi's" in fixes["aws_lb.x"]
    assert f'"{kind}"' in fixes["aws_nat_gateway"]
