"""`gpuyard simulate`: plugins for one's own pulumi, and how to use them."""

import json
import os
import subprocess
from pathlib import Path

from gpuyard.cli.main import run


def test_the_printed_lines_put_the_plugins_on_path(tmp_path, capsys):
    folder = tmp_path / "my clouds"
    assert run(["simulate", str(folder)]) == 0
    script = capsys.readouterr().out + "\ncommand -v pulumi-resource-aws; echo $GPUYARD_SIMULATE_STATE"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    found, state = done.stdout.splitlines()
    assert Path(found) == folder / "pulumi-resource-aws"
    assert os.access(found, os.X_OK)
    assert state == str(folder / "state")


def test_json_names_everything_once(tmp_path, capsys):
    scenario = tmp_path / "sold-out.yaml"
    scenario.write_text("rules: [{fail: throttled, times: 1}]\n", encoding="utf-8")
    assert run(["simulate", str(tmp_path), "--scenario", str(scenario), "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == "gpuyard.simulate/v1"
    assert len(answer["plugins"]) == 3
    assert answer["environment"]["GPUYARD_SIMULATE_SCENARIO"] == str(scenario)


def test_a_broken_scenario_is_told_and_nothing_is_written(tmp_path, capsys):
    scenario = tmp_path / "broken.yaml"
    scenario.write_text("rules: [{fail: stockout}]\n", encoding="utf-8")
    assert run(["simulate", str(tmp_path / "out"), "--scenario", str(scenario)]) == 2
    assert "rules[0].fail" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_unwritable_place_is_told(capsys):
    assert run(["simulate", "/dev/null/x"]) == 2
    assert "cannot be written" in capsys.readouterr().err
