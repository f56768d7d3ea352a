"""Ids of what clouds sell: in exports where public data has them, nowhere else."""

import csv
import io
import json

import pytest
from tests.report.conftest import make_report

from gpuyard.costs.pricing import price_resources
from gpuyard.report.focus import render_focus
from gpuyard.report.json_form import render_json
from gpuyard.report.reading import read_report
from gpuyard.resources import Resource


def priced(kind, **inputs):
    resource = Resource(urn=f"urn:pulumi:s::p::{kind}::it", type=kind, name="it", inputs=inputs)
    return make_report(costs=price_resources([resource]))


def focus_rows(report):
    return list(csv.DictReader(io.StringIO(render_focus(report))))


@pytest.mark.parametrize(
    ("kind", "inputs", "sku"),
    [
        ("aws:ec2/natGateway:NatGateway", {"region": "eu-west-1"}, "KFNSSCHWD43WZK2R"),
        ("aws:ec2/natGateway:NatGateway", {"region": "us-east-1"}, "M2YSHUBETB3JX4M4"),
        ("aws:ebs/volume:Volume", {"region": "eu-west-1", "type": "gp3", "size": 10}, "TXACT7E3PV6ZX2NM"),
        ("aws:ec2/natGateway:NatGateway", {"region": "us-west-2"}, ""),
        ("aws:ebs/volume:Volume", {"region": "us-east-1", "type": "gp3", "size": 10}, ""),
    ],
)
def test_a_charge_carries_the_id_that_public_data_has(kind, inputs, sku):
    row = focus_rows(priced(kind, **inputs))[0]
    assert row["SkuId"] == sku
    assert row["SkuPriceId"] == (f"{sku}.JRTCKXETXF.6YS6EN2CT7" if sku else "")


def test_prices_with_a_fee_or_a_tier_carry_no_id():
    shape = {"region": "eu-west-1", "instanceType": "m5.large", "rootBlockDevice": {"volumeSize": 8}}
    plain = focus_rows(priced("aws:ec2/instance:Instance", **shape))
    dedicated = focus_rows(priced("aws:ec2/instance:Instance", **shape, tenancy="dedicated"))
    ids = [{row["x_Component"]: row["SkuId"] for row in rows} for rows in (plain, dedicated)]
    assert ids[0]["m5.large"]
    assert ids[1]["m5.large dedicated"] == ""
    tiered = priced("aws:ebs/volume:Volume", region="eu-west-1", type="io2", size=10, iops=40000)
    assert {row["SkuId"] for row in focus_rows(tiered) if "IOPS" in row["x_Component"]} == {""}


def test_a_report_that_was_read_back_keeps_the_ids():
    report = priced("aws:ec2/natGateway:NatGateway", region="eu-west-1")
    again = read_report(json.loads(render_json(report)))
    assert [item.sku for item in again.costs.items] == [item.sku for item in report.costs.items]
    assert any(item.sku for item in again.costs.items)
