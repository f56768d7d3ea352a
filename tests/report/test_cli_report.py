"""`gpuyard report`: every format, files written whole, every bad input named with exit 2."""

import json

import pytest

from gpuyard.cli.main import run
from gpuyard.cli.report import FORMATS
from gpuyard.report import rendering
from gpuyard.report.json_form import render_json
from gpuyard.report.rendering import render


@pytest.fixture
def saved(report, tmp_path):
    path = tmp_path / "report.json"
    path.write_text(render_json(report))
    return path


def test_the_command_offers_the_formats_that_exist():
    assert FORMATS == rendering.FORMATS


@pytest.mark.parametrize("form", FORMATS)
def test_a_saved_report_comes_in_every_format(form, saved, report, capsys):
    assert run(["report", "--from", str(saved), "--format", form, "--width", "90"]) == 0
    assert capsys.readouterr().out == render(report, form, width=90).replace("\r\n", "\n") or form in (
        "csv",
        "focus",
    )


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("r.json", "{"),
        ("r.md", "<!-- gpuyard-report:prod -->"),
        ("r.html", "<!doctype html>"),
        ("r.csv", "resource,"),
    ],
)
def test_the_suffix_of_the_output_chooses_the_format(name, start, saved, tmp_path, capsys):
    target = tmp_path / "new" / name
    assert run(["report", "--from", str(saved), "--output", str(target)]) == 0
    assert target.read_text().startswith(start)
    assert "written" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_leaves_nothing(saved, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run(["report", "--from", str(saved), "--output", str(tmp_path / "file" / "r.html")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "report.json"]


def test_every_format_can_be_written_at_once(saved, report, tmp_path, capsys):
    folder = tmp_path / "all" / "of them"
    assert run(["report", "--from", str(saved), "--all", str(folder), "--width", "90"]) == 0
    assert {path.name for path in folder.iterdir()} == set(rendering.FILES.values())
    assert set(rendering.FILES) == set(FORMATS)
    assert (folder / "report.gitlab.md").read_text() == render(report, "gitlab")
    assert (folder / "report.txt").read_text() == render(report, "text", width=90)
    assert run(["report", "--from", str(saved), "--all", str(folder), "--format", "json"]) == 2


def test_focus_says_how_many_charges_have_no_row(saved, capsys):
    assert run(["report", "--from", str(saved), "--format", "focus"]) == 0
    assert "FOCUS: 2 charges of unknown amount or price have no row" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"schema": "gpuyard.report/v1", "sta', "not whole JSON"),
        ('{"schema": "gpuyard.report/v9"}', "newer gpuyard"),
        ('{"planned_values": {}}', "looks like the output of `terraform show -json`"),
        ("[]", "neither report, plan, preview nor state"),
        ('{"schema": "gpuyard.plan/v1", "resources": [], "report": null}', "stopped by errors"),
    ],
)
def test_other_files_are_refused_by_name(content, said, tmp_path, capsys):
    path = tmp_path / "odd.json"
    path.write_text(content)
    assert run(["report", "--from", str(path)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "odd.json" in error
    assert "Traceback" not in error


def test_a_state_with_secrets_is_priced_without_repeating_them(tmp_path, capsys):
    secret = {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "plaintext": '"hunter2"',
    }
    inputs = {"region": "us-east-1", "instanceType": "m7i.large", "userData": secret}
    state = {
        "version": 3,
        "deployment": {
            "manifest": {},
            "resources": [
                {
                    "urn": "urn:pulumi:dev::app::aws:ec2/instance:Instance::box",
                    "type": "aws:ec2/instance:Instance",
                    "custom": True,
                    "inputs": inputs,
                    "outputs": inputs,
                }
            ],
        },
    }
    path = tmp_path / "state.json"
    path.write_text(json.dumps(state))
    for form in FORMATS:
        assert run(["report", "--from", str(path), "--format", form]) == 0
        out = capsys.readouterr()
        assert "hunter2" not in out.out + out.err
        assert "box" in out.out


def test_a_report_with_errors_exits_one(report, tmp_path, capsys):
    data = json.loads(render_json(report))
    data["findings"][0]["severity"] = "error"
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(data))
    assert run(["report", "--from", str(path)]) == 1
    assert "1 error" in capsys.readouterr().out


def test_no_colour_when_piped(saved, capsys):
    run(["report", "--from", str(saved)])
    assert "\033[" not in capsys.readouterr().out
