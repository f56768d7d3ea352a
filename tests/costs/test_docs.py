"""The pages about the two files say what the readers read."""

import re
from pathlib import Path

import yaml

from gpuyard.cli.cost import command
from gpuyard.costs.families import PRICED
from gpuyard.costs.rates_file import KINDS, parse_rates
from gpuyard.costs.usage_file import parse_usage
from gpuyard.resources import Resource

DOCS = Path(__file__).parents[2] / "docs" / "reference"


def example(page):
    text = (DOCS / page).read_text()
    return yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1]), text


def test_the_example_of_the_usage_page_is_a_usage_file():
    data, _ = example("usage-file.md")
    kinds = {
        "nat-0": "aws:ec2/natGateway:NatGateway",
        "app": "aws:cloudwatch/logGroup:LogGroup",
        "weights": "aws:s3/bucket:Bucket",
    }
    resources = [Resource(urn=f"u::{kind}::{name}", type=kind, name=name) for name, kind in kinds.items()]
    usage = parse_usage(data, resources)
    amounts = [
        usage.amount(resources[0], "monthly_data_processed_gb"),
        usage.amount(resources[1], "monthly_data_ingested_gb"),
        usage.amount(resources[2], "intelligent_tiering.frequent_access_storage_gb"),
    ]
    assert amounts == [500, 20, 400]


def test_the_example_of_the_rates_page_is_a_rates_file():
    data, text = example("rates-file.md")
    rates = parse_rates(data)
    assert (len(rates.prices), len(rates.discounts), len(rates.commitments)) == (2, 1, 3)
    assert all(f"`{kind}`" in text for kind in KINDS)


def test_the_page_of_the_command_lists_every_type_with_a_price_model():
    text = (DOCS / "cost-command.md").read_text()
    assert [token for token in PRICED if f"`{token}`" not in text] == []
    assert [token for token in re.findall(r"`([\w.-]+:[\w./-]+:\w+)`", text) if token not in PRICED] == []


def test_the_page_of_the_command_lists_every_option():
    text = (DOCS / "cost-command.md").read_text()
    options = [option.opts[0] for option in command.params if option.opts[0].startswith("--")]
    assert [option for option in options if f"`{option}" not in text] == []
