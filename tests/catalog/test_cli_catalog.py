"""`gpuyard catalog` as people use it: exit codes, text, JSON, files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gpuyard.catalog.freshness import registered_tables
from gpuyard.catalog.offers import Offer
from gpuyard.catalog.overlay import read_overlay
from gpuyard.catalog.tables import DATA
from gpuyard.cli.main import READER_GONE, run
from gpuyard.discovery import prices as live

HEADER = (
    "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,"
    "Price,SpotPrice,Region,AvailabilityZone"
)
ROW = "p5.48xlarge,H100,8.0,192.0,2048.0,{{}},55.04,{spot},us-east-1,{zone}"


@pytest.fixture
def vms(tmp_path):
    path = tmp_path / "vms.csv"
    rows = [ROW.format(spot="17.25", zone="use1-az6"), ROW.format(spot="60.1", zone="use1-az4")]
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def gpuyard(capsys):
    """Run the command; its exit code, output and errors."""

    def call(*arguments):
        code = run(["catalog", *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_show_gives_facts_with_source_and_date(gpuyard):
    code, text, _ = gpuyard("show", "H100")
    assert code == 0
    assert text.startswith("gpu h100-sxm\n")
    assert "81559" in text
    assert "as_of" in text


def test_show_prices_a_machine_type_by_region(gpuyard):
    code, text, _ = gpuyard("show", "p5.48xlarge", "--region", "us-east-1", "--format", "json")
    assert code == 0
    (place,) = json.loads(text)["places"]
    assert place["on_demand"]["usd"] == 55.04
    assert place["zones"][0] == "use1-az1"
    assert place["spot"]["samples"] == 4


def test_show_says_unknown_where_no_price_is_known(gpuyard):
    _, text, _ = gpuyard("show", "a4-highgpu-8g", "--region", "us-central1")
    assert "on demand unknown" in text
    assert "$0" not in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["show", "h10x-sxm"], "did you mean"),
        (["show", "p5", "--region", "us-east-1"], "prices one machine type"),
        (["show", "trn2.48xlarge"], "Trainium, Inferentia, Gaudi and TPUs are not in the catalog"),
        (["show", "quotas"], "show the table aws_quotas or gcp_gpu_quotas or gcp_quotas"),
        (["show", "mixtral"], 'did you mean "mistralai/Mixtral-8x7B-v0.1"'),
        (["show", "p5.48xlarge", "--region", "us-esat-1"], "is not a region of aws"),
        (["age", "--today", "soon"], '"soon" is not a date'),
        (["import", "none.csv", "--cloud", "aws", "--as-of", "2026-11-01"], "cannot be read"),
        (
            ["refresh", "--cloud", "gcp", "--region", "us-central1", "--machine-type", "g2-standard-4"],
            "--project",
        ),
    ],
)
def test_bad_input_is_a_finding_with_exit_code_two(gpuyard, arguments, expected):
    code, _, errors = gpuyard(*arguments)
    assert code == 2
    assert expected in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("words", "kind", "entries"),
    [
        (["p5"], "family", {"p5.48xlarge", "p5.4xlarge"}),
        (["8xH100"], "machine types", {"p5.48xlarge", "a3-highgpu-8g", "a3-edgegpu-8g", "a3-megagpu-8g"}),
        (["H100:4"], "machine types", {"a3-highgpu-4g"}),
        (["RTX", "6000", "Ada"], "GPU", {"rtx-6000-ada"}),
        (["A10"], "GPU", {"a10"}),
        (["A6000"], "GPU", {"rtx-a6000"}),
        (["V100-SXM2-16GB"], "GPU", {"v100-16gb"}),
        (["Standard_ND96isr_H100_v5"], "machine type", {"Standard_ND96isr_H100_v5"}),
        (["vllm", "0.11.0"], "rows", {"0.11.0 2025-10-04"}),
        (["vllm-0.11.0"], "rows", {"0.11.0 2025-10-04"}),
        (["driver", "580"], "rows", {"580 LTS"}),
        (["cuda12.8"], "rows", {"12.8 570.86.10"}),
        (["v25.3.0"], "rows", {"v25.3.0 2025-03-26"}),
        (["eks", "1.33"], "rows", {"eks 1.33"}),
        (["L-417A185B"], "rows", {"L-417A185B Running On-Demand P instances"}),
    ],
)
def test_show_lists_what_a_name_of_several_stands_for(gpuyard, words, kind, entries):
    code, text, _ = gpuyard("show", *words, "--format", "json")
    found = json.loads(text)
    assert code == 0
    assert found["kind"] == kind
    assert {entry.get("title") or entry["id"] for entry in found["entries"]} == entries
    assert all(entry["source"] and entry["as_of"] for entry in found["entries"])
    assert gpuyard("show", *words)[0] == 0


@pytest.mark.parametrize("place", ["us-east-1", "use1-az4", "europe-west4", "us-central1-a"])
def test_show_of_a_place_lists_what_it_sells(gpuyard, place):
    found = json.loads(gpuyard("show", place, "--format", "json")[1])
    assert {"p5.48xlarge", "a3-highgpu-8g"} & {entry["id"] for entry in found["entries"]}
    assert all(found["kind"] == "region" or place in entry["zones"] for entry in found["entries"])
    assert f"{place}: {len(found['entries'])}" in gpuyard("show", place)[1]


@pytest.mark.parametrize(
    ("name", "region", "usd"),
    [("m7i.xlarge", "us-east-1", 0.2016), ("N2-standard-4", "us-central1", 0.194236)],
)
def test_show_of_a_machine_type_without_gpus_says_what_it_costs_where(gpuyard, name, region, usd):
    found = json.loads(gpuyard("show", name, "--format", "json")[1])
    assert {entry["id"]: entry["usd"] for entry in found["entries"]}[region] == pytest.approx(usd, rel=0.01)
    assert f"{region} " in gpuyard("show", name)[1]


@pytest.mark.parametrize("typed", ["L4 24GB", "T4 16GB", "HGX H200", "DGX B200"])
def test_show_reads_a_gpu_with_its_memory_or_its_board(gpuyard, typed):
    assert gpuyard("show", typed)[1].startswith("gpu ")


def test_show_takes_what_is_released_for_its_table(gpuyard):
    assert gpuyard("show", "vllm")[1].startswith("table vllm_releases.csv")
    assert gpuyard("show", "gpu-operator")[1].startswith("table gpu_operator_releases.csv")


def test_search_knows_places_and_puts_whole_names_first(gpuyard):
    first = gpuyard("search", "vllm", "0.11.0")[1].splitlines()[0]
    assert first.split() == ["vllm_releases", "0.11.0", "2025-10-04"]
    assert gpuyard("search", "h100")[1].splitlines()[0].split() == ["gpu", "h100-sxm"]
    hits = json.loads(gpuyard("search", "h100", "us-east-1", "--format", "json")[1])
    assert {hit["id"] for hit in hits} == {"p5.48xlarge", "p5.4xlarge"}
    assert "no-such-word stands nowhere" in gpuyard("search", "h100", "no-such-word")[1]


def test_show_lists_a_whole_table_with_its_date(gpuyard):
    code, text, _ = gpuyard("show", "aws_quotas")
    assert code == 0
    assert "L-417A185B" in text
    assert "(2026-07-27)" in text
    assert json.loads(gpuyard("show", "lead_times.yaml", "--format", "json")[1])["content"]["quota"]


@pytest.mark.parametrize("row", registered_tables(), ids=lambda row: row["file"])
def test_every_table_can_be_shown(gpuyard, row):
    code, text, _ = gpuyard("show", row["file"], "--format", "json")
    assert code == 0
    assert json.loads(text)["content"]


def test_show_of_a_gpu_lists_machines_and_measurements(gpuyard):
    facts = json.loads(gpuyard("show", "h200", "--format", "json")[1])
    assert {"p5en.48xlarge", "a3-ultragpu-8g"} <= set(facts["machine_types"])
    assert all(row["source"] and row["as_of"] for row in facts["throughputs"])


def test_search_reaches_releases_and_versions(gpuyard):
    hits = json.loads(gpuyard("search", "eks", "1.33", "--format", "json")[1])
    assert any(hit["kind"] == "kubernetes_versions" and hit["id"] == "eks 1.33" for hit in hits)


def test_search_lists_entries_in_a_line_each(gpuyard):
    code, text, _ = gpuyard("search", "rtx", "pro", "4500", "--format", "json")
    assert code == 0
    assert {hit["id"] for hit in json.loads(text)} >= {"rtx-pro-4500", "g7.2xlarge"}
    assert "nothing holds" in gpuyard("search", "no-such-word")[1]


def test_age_lists_stale_tables_first_and_strict_fails_on_them(gpuyard):
    code, text, _ = gpuyard("age", "--today", "2026-11-24")
    assert code == 0
    assert text.startswith("STALE")
    assert "prices rejected" in text
    assert gpuyard("age", "--today", "2026-11-24", "--strict")[0] == 1


def test_age_as_json_holds_every_rejected_price_with_its_rule(gpuyard):
    found = json.loads(gpuyard("age", "--today", "2026-11-24", "--format", "json")[1])
    assert {"file", "as_of", "fresh_days", "age_days", "is_stale"} <= set(found["tables"][0])
    assert {"GPU_ONLY", "SPOT_EQUALS_ON_DEMAND"} <= {entry["rule"] for entry in found["rejected_prices"]}


def test_import_writes_sane_prices_and_reports_the_others(gpuyard, vms, tmp_path):
    output = tmp_path / "overlay.csv"
    code, text, _ = gpuyard("import", vms, "--cloud", "aws", "--as-of", "2026-11-01", "--output", output)
    assert code == 0
    assert "SPOT_ABOVE_ON_DEMAND: p5.48xlarge use1-az4" in text
    assert [(offer.zone, offer.on_demand, offer.spot) for offer in read_overlay(output)] == [
        ("use1-az4", None, None),
        ("use1-az6", 55.04, 17.25),
    ], "a zone sells the machine even where its price cannot be used"


def test_import_keeps_what_the_overlay_held_for_other_zones(gpuyard, vms, tmp_path):
    output = tmp_path / "overlay.csv"
    command = ("import", vms, "--cloud", "aws", "--as-of", "2026-11-01", "--output", output)
    gpuyard(*command)
    first = output.read_text(encoding="utf-8")
    gpuyard(*command)
    assert output.read_text(encoding="utf-8") == first
    output.write_text(first + "aws,g6.xlarge,us-east-1,,0.7,,contract,2026-11-01\n", encoding="utf-8")
    gpuyard(*command)
    assert {offer.machine_type for offer in read_overlay(output)} == {"p5.48xlarge", "g6.xlarge"}


def test_a_broken_file_changes_nothing(gpuyard, vms, tmp_path):
    output = tmp_path / "overlay.csv"
    vms.write_text(HEADER + "\np5.48xlarge,H100\n", encoding="utf-8")
    assert gpuyard("import", vms, "--cloud", "aws", "--as-of", "2026-11-01", "--output", output)[0] == 2
    assert not output.exists()


def test_refresh_reports_every_wrong_name_at_once(gpuyard):
    code, _, errors = gpuyard(
        "refresh",
        "--cloud",
        "aws",
        "--region",
        "us-esat-1",
        "--machine-type",
        "p5",
        "--machine-type",
        "g2-standard-4",
    )
    assert code == 2
    assert "us-esat-1" in errors
    assert "it is a family" in errors
    assert "is a machine type of gcp" in errors


def test_refresh_writes_what_the_cloud_said_into_the_overlay(gpuyard, tmp_path, monkeypatch):
    def ask(machines, regions, today):
        return [
            Offer(
                cloud="aws",
                machine_type=machine,
                region=region,
                zone="use1-az1",
                on_demand=0.81,
                spot=0.3,
                source="stub",
                as_of=today,
            )
            for machine in machines
            for region in regions
        ]

    monkeypatch.setattr(live, "ask_aws", ask)
    output = tmp_path / "overlay.csv"
    names = ("--cloud", "aws", "--region", "us-east-1", "--machine-type", "g6.xlarge", "--output", output)
    assert gpuyard("refresh", *names)[0] == 0
    (offer,) = read_overlay(output)
    assert (offer.machine_type, offer.on_demand, offer.spot) == ("g6.xlarge", 0.81, 0.3)


def test_refresh_that_finds_nothing_writes_nothing(gpuyard, tmp_path, monkeypatch):
    monkeypatch.setattr(live, "ask_aws", lambda *_: [])
    output = tmp_path / "overlay.csv"
    names = ("--cloud", "aws", "--region", "us-east-1", "--machine-type", "g6.xlarge", "--output", output)
    code, _, errors = gpuyard("refresh", *names)
    assert code == 3
    assert "nothing usable" in errors
    assert not output.exists()


def test_no_command_writes_into_the_shipped_catalog(gpuyard, vms, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(DATA)
    for folder in (DATA, link):
        output = folder / "new.csv"
        code, _, errors = gpuyard(
            "import", vms, "--cloud", "aws", "--as-of", "2026-11-01", "--output", output
        )
        assert code == 2
        assert "lies in the shipped catalog" in errors
        assert not output.exists()


def test_a_broken_overlay_is_told_before_a_cloud_is_asked(gpuyard, tmp_path, monkeypatch):
    monkeypatch.setattr(live, "ask_aws", lambda *_: pytest.fail("asked"))
    output = tmp_path / "overlay.csv"
    output.write_text("cloud\n", encoding="utf-8")
    names = ("--cloud", "aws", "--region", "us-east-1", "--machine-type", "g6.xlarge", "--output", output)
    assert gpuyard("refresh", *names)[0] == 2
    assert output.read_text(encoding="utf-8") == "cloud\n"


def test_a_reader_that_goes_away_is_neither_fine_nor_a_finding():
    """`gpuyard catalog show … | head -1`: what a shell says of any program that a closed pipe ended."""
    call = [Path(sys.executable).with_name("gpuyard"), "catalog", "show", "gpu_prices.csv"]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait() == READER_GONE


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("vllm 0.11", ["vllm_releases.csv 0.11.0", "vllm_releases.csv 0.11.2"]),
        ("vllm 0.11.0", ["vllm_releases.csv 0.11.0"]),
        ("cuda 12", ["rows cuda 12: 9", "12.8 570.86.10"]),
        ("580.95.05", ["driver_branches.csv 580"]),
        ("driver 570.124.06", ["driver_branches.csv 570"]),
    ],
)
def test_beginnings_of_versions_and_whole_drivers_are_found(gpuyard, name, said):
    code, text, _ = gpuyard("show", name)
    assert code == 0
    for words in said:
        assert words in text


def test_a_table_wide_source_is_no_match(gpuyard):
    """Every flag's row shares one source that names releases: it says nothing of the flag."""
    _, text, _ = gpuyard("search", "vllm", "0.11")
    assert "vllm_releases 0.11.0" in text
    assert "--api-key" not in text


def test_prices_of_a_day_to_come_are_refused(gpuyard, vms, tmp_path):
    code, _, err = gpuyard(
        "import", vms, "--cloud", "aws", "--as-of", "2999-01-01", "--output", tmp_path / "o.csv"
    )
    assert code == 2
    assert "2999-01-01 is yet to come" in err
    assert not (tmp_path / "o.csv").exists()


def test_a_model_says_which_releases_of_the_engines_know_it(gpuyard):
    facts = json.loads(gpuyard("show", "meta-llama/Llama-3.2-11B-Vision", "--format", "json")[1])
    assert facts["engines"]["vllm"] == "from 0.6.2 until 0.11.0"
    assert "engines                vllm from 0.10.1, sglang" in gpuyard("show", "openai/gpt-oss-20b")[1]
