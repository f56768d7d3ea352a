"""SkyPilot v8 catalogs as a source of prices. Rows follow the published files' format; prices are synthetic
where not said otherwise."""

import pytest

from gpuyard.catalog.skypilot import find_files, read_skypilot
from gpuyard.errors import SpecError

_GPU = "AcceleratorName,AcceleratorCount"
AWS = f"InstanceType,{_GPU},vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,AvailabilityZone,Arch"
GCP = f"InstanceType,vCPUs,MemoryGiB,{_GPU},GpuInfo,Region,AvailabilityZone,Price,SpotPrice"


@pytest.fixture
def vms(tmp_path):
    def write(*lines):
        path = tmp_path / "vms.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def test_aws_rows_become_offers_by_zone_id(vms):
    path = vms(
        AWS,
        "p5.48xlarge,H100,8.0,192.0,2048.0,{},55.04,17.25,us-east-1,use1-az6,x86_64",
        "p5e.48xlarge,H200,8.0,192.0,2048.0,{},,19.2,us-east-2,use2-az3,x86_64",
        "i7i.4xlarge,,,16.0,128.0,,1.7714,0.596100,ap-northeast-1,apne1-az4,x86_64",
        "g6.xlarge,L4,1.0,4.0,16.0,{},0.8048,,us-east-1,us-east-1a,x86_64",
    )
    found = read_skypilot(path, "aws", "2026-11-01")
    assert [(offer.machine_type, offer.zone, offer.on_demand, offer.spot) for offer in found.offers] == [
        ("p5.48xlarge", "use1-az6", 55.04, 17.25),
        ("p5e.48xlarge", "use2-az3", None, 19.2),
    ]
    assert {offer.as_of for offer in found.offers} == {"2026-11-01"}
    assert found.skipped == {
        "not a GPU machine type of the catalog": 1,
        "zone is a name, not an id: names differ by account": 1,
    }


def test_a_google_machine_is_its_host_plus_its_accelerators(vms):
    """Host row as published in July 2026; the accelerator price is the SKU of us-central1."""
    path = vms(
        GCP,
        "a2-highgpu-1g,12.0,85.0,,,,us-central1,us-central1-a,0.73948,0.36975",
        "a2-highgpu-2g,24.0,170.0,,,,us-central1,us-central1-a,1.47895,0.7395",
        ",,,A100,1.0,{},us-central1,us-central1-a,2.93391,1.17",
        ",,,A100,16.0,{},us-central1,us-central1-a,46.94256,18.72",
    )
    found = read_skypilot(path, "gcp", "2026-11-01")
    (offer,) = found.offers
    assert offer.machine_type == "a2-highgpu-1g"
    assert offer.on_demand == pytest.approx(3.67339)
    assert offer.spot == pytest.approx(1.53975)
    assert found.rejections == ()
    assert found.skipped == {"host without its GPUs": 1}


def test_mega_accelerators_go_to_a3_mega_only(vms):
    hosts = [
        f"{name},208.0,1872.0,,,,us-central1,us-central1-a,9.46006,2.88933"
        for name in ("a3-highgpu-8g", "a3-megagpu-8g")
    ]
    path = vms(GCP, *hosts, ",,,H100-MEGA,8.0,{},us-central1,us-central1-a,80.0,30.0")
    assert [offer.machine_type for offer in read_skypilot(path, "gcp", "2026-11-01").offers] == [
        "a3-megagpu-8g"
    ]


def test_a_wrong_accelerator_price_leaves_the_machine_without_an_on_demand_price(vms):
    """The H100 rows of July 2026: one price in every region, below spot, where the true one is 9.79655."""
    places = ("us-central1,us-central1-a", "us-west1,us-west1-a", "europe-west4,europe-west4-b")
    lines = [f"a3-highgpu-8g,208.0,1872.0,,,,{place},9.46006,2.88933" for place in places]
    lines += [f",,,H100,8.0,{{}},{place},33.60608,42.7096" for place in places]
    found = read_skypilot(vms(GCP, *lines), "gcp", "2026-11-01")
    assert [offer.on_demand for offer in found.offers] == [None] * 3
    assert {rejection.rule for rejection in found.rejections} == {"SPOT_ABOVE_ON_DEMAND"}


def test_every_broken_row_is_reported_with_its_line(vms):
    path = vms(GCP, "a2-highgpu-1g,12.0,85.0,,,,us-central1,us-central1-a,cheap,0.3", "a2-highgpu-1g,12.0")
    with pytest.raises(SpecError) as error:
        read_skypilot(path, "gcp", "2026-11-01")
    assert [finding.path for finding in error.value.findings] == [f"{path}:2:Price", f"{path}:3"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["InstanceType,Price", "p5.48xlarge,55"], "columns are missing: AcceleratorName"),
        ([AWS, "m7i.large,,,2.0,8.0,,0.1,,us-east-1,use1-az1,x86_64"], "prices no GPU machine of aws"),
    ],
)
def test_a_file_that_is_no_such_catalog_says_so(vms, lines, message):
    with pytest.raises(SpecError, match=message):
        read_skypilot(vms(*lines), "aws", "2026-11-01")


def test_a_missing_file_is_a_finding(tmp_path):
    with pytest.raises(SpecError, match="cannot be read"):
        read_skypilot(tmp_path / "none.csv", "aws", "2026-11-01")


def test_a_directory_gives_the_files_of_both_clouds(tmp_path):
    for cloud in ("aws", "gcp"):
        (tmp_path / "v8" / cloud).mkdir(parents=True)
        (tmp_path / "v8" / cloud / "vms.csv").touch()
    root = tmp_path / "v8"
    both = {cloud: root / cloud / "vms.csv" for cloud in ("aws", "gcp")}
    assert find_files(root) == both
    assert find_files(root, "gcp") == {"gcp": both["gcp"]}
    assert find_files(root / "aws") == {"aws": both["aws"]}
    assert find_files(both["gcp"]) == {"gcp": both["gcp"]}
    (root / "aws" / "vms.csv").unlink()
    assert find_files(root) == {"gcp": both["gcp"]}


@pytest.mark.parametrize(
    ("path", "words"),
    [("", "aws/vms.csv or gcp/vms.csv"), ("vms.csv", "--cloud aws"), ("gone/vms.csv", "it is not there")],
)
def test_a_path_without_a_catalog_says_what_to_give(tmp_path, path, words):
    (tmp_path / "vms.csv").touch()
    with pytest.raises(SpecError) as raised:
        find_files(tmp_path / path)
    (problem,) = raised.value.findings
    assert words in f"{problem.message} {problem.fix}"


P5 = "p5.48xlarge,H100,8.0,192.0,2048.0,{}"


def test_rows_that_contradict_the_catalog_are_left_out_by_reason(vms):
    path = vms(
        AWS,
        f"{P5},55.04,17.2,us-east-1,use1-az4,x86_64",
        f"{P5},55.04,17.3,us-east-1,use1-az4,x86_64",
        f"{P5},55.04,17.2,us-east-1,use2-az4,x86_64",
        f"{P5.replace('8.0', '16.0')},55.04,17.2,us-east-1,use1-az6,x86_64",
    )
    found = read_skypilot(path, "aws", "2026-11-01")
    assert [(offer.zone, offer.spot) for offer in found.offers] == [("use1-az4", 17.2)]
    assert found.skipped == {
        "counts more or fewer GPUs than the machine type has": 1,
        "not a zone of its region": 1,
        "the zone stands there again with other prices; the first count": 1,
    }


def test_a_price_of_twice_or_half_the_list_price_is_another_one(vms):
    path = vms(
        AWS,
        f"{P5},110.08,17.2,us-east-1,use1-az4,x86_64",
        f"{P5},27.52,17.2,us-east-2,use2-az1,x86_64",
    )
    rules = [rejection.rule for rejection in read_skypilot(path, "aws", "2026-11-01").rejections]
    assert rules == ["GPU_TWICE", "OFF_LIST"]


def test_nothing_usable_says_why(vms):
    with pytest.raises(
        SpecError, match="rows left out: zone is a name, not an id: names differ by account: 1"
    ):
        read_skypilot(vms(AWS, f"{P5},55.04,17.2,us-east-1,us-east-1a,x86_64"), "aws", "2026-11-01")


def test_renamed_columns_are_told_with_what_may_be_meant(vms):
    with pytest.raises(SpecError, match=r'SpotPrice: did you mean "spot_price"\?'):
        read_skypilot(vms(AWS.replace("SpotPrice", "spot_price")), "aws", "2026-11-01")
