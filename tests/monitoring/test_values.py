"""Chart values of kube-prometheus-stack."""

import re

import pytest
import yaml
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from gpuyard.errors import SpecError
from gpuyard.monitoring.values import RELEASE, MonitoringSpec, render_values
from gpuyard.parsing import parse_spec


class YamlFile(SingleFileSnapshotExtension):
    """One ``.yaml`` file per golden, as Helm takes it."""

    _write_mode = WriteMode.TEXT
    file_extension = "yaml"

    def serialize(self, data, **_):
        return yaml.safe_dump(data, sort_keys=False, width=110)


def parse(**args):
    return parse_spec(MonitoringSpec, args)


@pytest.mark.parametrize(
    "args",
    [{}, {"storage_class": "gp3", "grafana_admin_secret": "grafana", "external_labels": {"cluster": "one"}}],
    ids=["defaults", "chosen"],
)
def test_the_values_are_the_reviewed_ones(args, snapshot):
    assert render_values(parse(**args)) == snapshot.use_extension(YamlFile)


def test_monitors_and_rules_of_every_namespace_are_found():
    prometheus = render_values(parse())["prometheus"]["prometheusSpec"]
    selectors = {key: value for key, value in prometheus.items() if key.endswith("SelectorNilUsesHelmValues")}
    assert len(selectors) >= 3
    assert not any(selectors.values())


def test_prometheus_drops_old_data_before_its_disk_is_full():
    for size in (5, 50, 10_000):
        limit = render_values(parse(storage_gib=size))["prometheus"]["prometheusSpec"]["retentionSize"]
        number = re.fullmatch(r"(\d+)GiB", limit)
        assert number
        assert 0.5 * size < int(number[1]) < size


def test_the_address_is_that_of_the_charts_service():
    values = render_values(parse(namespace="watch"))
    assert values["fullnameOverride"] == RELEASE
    assert parse(namespace="watch").prometheus_address == (
        f"http://{RELEASE}-prometheus.watch.svc.cluster.local:9090"
    )


def test_grafana_never_gets_the_charts_well_known_password():
    assert render_values(parse())["grafana"]["adminPassword"] == ""


@pytest.mark.parametrize(
    "args", [{"retention_days": 0}, {"storage_gib": 1}, {"retention": 3}, {"grafana": "maybe"}]
)
def test_wrong_settings_are_refused(args):
    with pytest.raises(SpecError):
        parse(**args)
