"""Who owns driver, toolkit and device plugin, per platform and node image."""

import csv
import io

import pytest
import yaml
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from gpuyard.catalog.tables import read_csv
from gpuyard.errors import SpecError
from gpuyard.gpu_operator.exporter import METRICS, render_metrics_csv
from gpuyard.gpu_operator.spec import GpuOperatorSpec, newest_chart
from gpuyard.gpu_operator.values import render_values
from gpuyard.parsing import parse_spec


class YamlFile(SingleFileSnapshotExtension):
    """One ``.yaml`` file per golden, as Helm takes it."""

    _write_mode = WriteMode.TEXT
    file_extension = "yaml"

    def serialize(self, data, **_):
        return yaml.safe_dump(data, sort_keys=False, width=110)


CASES = {
    "eks-al2023": {"platform": "eks", "node_image": "al2023_nvidia"},
    "eks-bottlerocket": {"platform": "eks", "node_image": "bottlerocket_nvidia"},
    "gke-cos": {"platform": "gke", "node_image": "cos"},
    "gke-ubuntu": {"platform": "gke", "node_image": "ubuntu"},
    "eks-ubuntu": {"platform": "eks", "node_image": "ubuntu", "service_monitor": True},
    "existing-preinstalled-shared": {
        "platform": "kubernetes",
        "node_image": "preinstalled",
        "sharing": "time_slicing",
        "sharing_replicas": 4,
        "mig_strategy": "mixed",
    },
}


def parse(**args):
    return parse_spec(GpuOperatorSpec, {"platform": "eks", "node_image": "al2023_nvidia", **args})


@pytest.mark.parametrize("case", CASES)
def test_the_values_are_the_reviewed_ones(case, snapshot):
    spec = parse(**CASES[case], chart_version="v26.7.0")
    assert render_values(spec) == snapshot.use_extension(YamlFile)


@pytest.mark.parametrize(
    ("case", "driver", "toolkit", "plugin"),
    [
        ("eks-al2023", False, False, True),
        ("eks-bottlerocket", False, False, False),
        ("gke-cos", False, True, False),
        ("gke-ubuntu", True, True, True),
        ("eks-ubuntu", True, True, True),
        ("existing-preinstalled-shared", False, False, True),
    ],
)
def test_the_operator_owns_what_the_node_image_does_not_bring(case, driver, toolkit, plugin):
    values = render_values(parse(**CASES[case]))
    owned = tuple(values[part]["enabled"] for part in ("driver", "toolkit", "devicePlugin"))
    assert owned == (driver, toolkit, plugin)


@pytest.mark.parametrize(
    ("kubernetes", "chart"),
    [
        ("1.36", "v26.7.0"),
        ("1.33", "v26.7.0"),
        ("1.32", "v26.3.3"),
        ("1.30", "v25.10.1"),
        ("1.99", "v26.7.0"),
    ],
)
def test_the_chart_is_the_newest_that_supports_the_kubernetes_version(kubernetes, chart):
    assert newest_chart(kubernetes) == chart


@pytest.mark.parametrize(
    ("args", "driver"),
    [
        ({}, "580.173.02"),
        ({"kubernetes_version": "1.32"}, "580.126.20"),
        ({"driver_version": "595.91.07"}, "595.91.07"),
        ({"chart_version": "v99.1.0"}, "580.173.02"),
    ],
)
def test_the_driver_is_of_the_lts_branch_unless_said_otherwise(args, driver):
    assert parse(node_image="ubuntu", **args).driver == driver


def test_every_default_driver_is_one_that_its_chart_lists():
    for row in read_csv("gpu_operator_releases")[-4:]:
        spec = parse(node_image="ubuntu", chart_version=row["version"])
        assert spec.driver in row["supported_drivers"] + row["default_driver"]


def test_the_operator_never_upgrades_drivers_by_itself():
    assert render_values(parse(node_image="ubuntu"))["driver"]["upgradePolicy"] == {"autoUpgrade": False}


@pytest.mark.parametrize(("version", "needed"), [("1.32", False), ("1.33", True), ("1.36", True)])
def test_containerd_2_on_gke_needs_its_config_from_the_file(version, needed):
    toolkit = render_values(parse(platform="gke", node_image="cos", kubernetes_version=version))["toolkit"]
    assert ("env" in toolkit) is needed


def test_a_gke_pool_without_googles_plugin_gets_the_operators():
    values = render_values(parse(platform="gke", node_image="cos", device_plugin_enabled=True))
    assert values["devicePlugin"]["enabled"]


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({"node_image": "cos"}, "does not exist on eks"),
        ({"platform": "kubernetes"}, "does not exist on kubernetes"),
        ({"driver_enabled": True}, "no driver container for al2023_nvidia"),
        ({"driver_version": "580.126.20"}, "has no effect"),
        ({"sharing": "mps"}, "sharing_replicas of 2 or more"),
        ({"sharing_replicas": 4}, "needs `sharing`"),
        (
            {"node_image": "bottlerocket_nvidia", "sharing": "mps", "sharing_replicas": 2},
            "cannot set sharing",
        ),
        ({"node_image": "al2023"}, "did you mean"),
        ({"kubernetes_version": "35"}, "kubernetes_version"),
    ],
)
def test_contradictions_are_refused(args, text):
    with pytest.raises(SpecError, match=text):
        parse(**args)


def test_sharing_reaches_the_plugin_as_its_own_config_file():
    plugin = render_values(parse(sharing="mps", sharing_replicas=3))["devicePlugin"]
    config = yaml.safe_load(plugin["config"]["data"][plugin["config"]["default"]])
    assert config["sharing"]["mps"]["resources"] == [{"name": "nvidia.com/gpu", "replicas": 3}]


def test_the_csv_has_three_columns_and_the_fields_that_tell_of_faults():
    rows = list(csv.reader(io.StringIO(render_metrics_csv()), skipinitialspace=True))
    assert all(len(row) == 3 and row[1] in ("gauge", "counter", "label") for row in rows)
    for needed in (
        "DCGM_EXP_XID_ERRORS_COUNT",
        "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL",
        "DCGM_FI_DEV_THERMAL_VIOLATION",
        "DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL",
        "DCGM_FI_DEV_ROW_REMAP_FAILURE",
    ):
        assert needed in METRICS


@pytest.mark.parametrize("case", CASES)
def test_the_exporter_is_pinned_to_one_that_speaks_the_csvs_names(case):
    version = render_values(parse(**CASES[case]))["dcgmExporter"]["version"]
    exporter = tuple(int(part) for part in version.split("-")[1].split("."))
    assert (4, 5) <= exporter < (4, 9)
