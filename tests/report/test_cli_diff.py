"""`gpuyard diff`: files and revisions in every format; what cannot be compared is named, nothing stays."""

import json
import subprocess
import tempfile

import pytest
from tests.report.conftest import make_report

from gpuyard.cli.diff import FORMATS
from gpuyard.cli.main import run
from gpuyard.report import diff_rendering
from gpuyard.report.json_form import render_json

PROGRAM = """
import pulumi


class NodeGroup(pulumi.CustomResource):
    def __init__(self, name, size):
        scaling = {"minSize": size, "desiredSize": size, "maxSize": size}
        inputs = {
            "clusterName": "c",
            "nodeRoleArn": "arn:aws:iam::123456789012:role/r",
            "subnetIds": ["subnet-1"],
            "region": "us-east-1",
            "instanceTypes": ["g6.xlarge"],
            "scalingConfig": scaling,
        }
        super().__init__("aws:eks/nodeGroup:NodeGroup", name, inputs)


NodeGroup("pool", pulumi.Config("app").require_int("size"))
"""


@pytest.fixture
def files(report, tmp_path):
    base, head = tmp_path / "base.json", tmp_path / "head.json"
    base.write_text(render_json(report))
    head.write_text(render_json(make_report(findings=[], pools=[])))
    return str(base), str(head)


def git(where, *arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(where), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    """Two commits of a project below the top of its repository: one node, then two."""
    project = tmp_path / "repo" / "infra"
    project.mkdir(parents=True)
    (project / "Pulumi.yaml").write_text("name: app\nruntime: python\n")
    (project / "__main__.py").write_text(PROGRAM)
    git(project.parent, "init", "--quiet", "--initial-branch=main")
    hook = project.parent / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hook-ran\n")
    hook.chmod(0o755)
    for size in (1, 2):
        (project / "Pulumi.dev.yaml").write_text(f"config:\n  app:size: {size}\n")
        git(project, "add", "--all")
        git(project, "commit", "--quiet", "--message", f"size {size}")
    return project


def test_the_command_offers_the_formats_that_exist():
    assert FORMATS == diff_rendering.FORMATS


@pytest.mark.parametrize("form", FORMATS)
def test_two_reports_in_every_format(form, files, capsys):
    assert run(["diff", *files, "--format", form]) == 0
    assert capsys.readouterr().out


def test_a_file_against_itself_says_no_change(files, capsys):
    assert run(["diff", files[0], files[0]]) == 0
    assert "No change" in capsys.readouterr().out
    assert run(["diff", files[0], files[0], "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "gpuyard.diff/v1"
    assert data["is_empty"] is True


def test_the_output_is_written_whole_or_not_at_all(files, tmp_path, capsys):
    target = tmp_path / "comment.md"
    assert run(["diff", *files, "--format", "markdown", "--output", str(target)]) == 0
    assert target.read_text().startswith("<!-- gpuyard-diff:prod -->")
    assert run(["diff", *files, "--output", str(target / "below")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_two_revisions_are_planned_and_nothing_is_left_behind(repository, tmp_path, capsys, monkeypatch):
    folder = tmp_path / "temporary"  # of its own: other tests write into the common one meanwhile
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    assert run(["diff", "HEAD~1", "HEAD", "--directory", str(repository), "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    (change,) = data["money"]["changes"]
    assert change["resource"] == "pool"
    assert {effect["reason"] for effect in change["effects"]} == {"quantity changed"}
    assert data["money"]["head"]["expected"] == pytest.approx(2 * data["money"]["base"]["expected"])
    worktrees = subprocess.run(
        ["git", "-C", str(repository), "worktree", "list"], check=True, capture_output=True, text=True
    ).stdout
    assert len(worktrees.splitlines()) == 1
    assert list(folder.iterdir()) == []
    assert not (tmp_path / "hook-ran").exists()


def test_the_working_tree_is_the_head_when_none_is_named(repository, capsys):
    (repository / "Pulumi.dev.yaml").write_text("config:\n  app:size: 5\n")
    assert run(["diff", "HEAD", "-s", "dev", "--directory", str(repository)]) == 0
    out = capsys.readouterr().out
    assert "HEAD → the working tree" in out
    assert "quantity changed" in out


def test_a_revision_that_fails_leaves_nothing_behind_and_says_which(repository, capsys):
    (repository / "__main__.py").write_text("raise SystemExit(1)\n")
    git(repository, "commit", "--all", "--quiet", "--message", "broken")
    assert run(["diff", "HEAD~1", "HEAD", "-s", "dev", "--directory", str(repository)]) in (1, 2, 3)
    worktrees = subprocess.run(
        ["git", "-C", str(repository), "worktree", "list"], check=True, capture_output=True, text=True
    ).stdout
    assert len(worktrees.splitlines()) == 1


def test_a_stack_that_did_not_exist_before_is_all_new(repository, capsys):
    (repository / "Pulumi.new.yaml").write_text("config:\n  app:size: 3\n")
    assert run(["diff", "HEAD", "-s", "new", "--directory", str(repository), "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert "no such stack" in data["base"]["name"]
    assert data["money"]["base"]["expected"] == 0
    assert [change["kind"] for change in data["money"]["changes"]] == ["added"]


@pytest.mark.parametrize("revision", ["no-such-branch", "--help", "-x", "HEAD^{tree}"])
def test_what_is_neither_file_nor_revision_is_refused(revision, repository, capsys):
    assert run(["diff", "--directory", str(repository), "-s", "dev", "--", revision]) == 2
    assert "neither a file nor a git revision" in capsys.readouterr().err


def test_outside_of_a_repository_it_says_so(tmp_path, capsys):
    (tmp_path / "Pulumi.yaml").write_text("name: app\nruntime: python\n")
    assert run(["diff", "HEAD", "-s", "dev", "--directory", str(tmp_path)]) == 3
    assert "not a git repository" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": "gpuyard.report/v2"}', '{"resources": {}}'])
def test_a_broken_side_is_named(content, files, tmp_path, capsys):
    bad = tmp_path / "bad.json"
    bad.write_text(content)
    for sides in ([str(bad), files[1]], [files[0], str(bad)]):
        assert run(["diff", *sides]) == 2
        assert "bad.json" in capsys.readouterr().err


def test_a_missing_file_is_not_taken_for_a_revision(files, tmp_path, capsys):
    assert run(["diff", files[0], str(tmp_path / "gone.json")]) == 2
    assert "gone.json" in capsys.readouterr().err


def preview(op, instance, reasons=None):
    urn = "urn:pulumi:dev::app::aws:eks/nodeGroup:NodeGroup::pool"
    state = {
        "urn": urn,
        "type": "aws:eks/nodeGroup:NodeGroup",
        "custom": True,
        "inputs": {"region": "us-east-1", "instanceTypes": [instance], "scalingConfig": {"desiredSize": 1}},
    }
    return {"steps": [{"op": op, "urn": urn, "newState": state, "replaceReasons": reasons}]}


def test_previews_compare_and_say_what_they_replace(tmp_path, capsys):
    base, head = tmp_path / "base.json", tmp_path / "head.json"
    base.write_text(json.dumps(preview("same", "g6.xlarge")))
    head.write_text(json.dumps(preview("replace", "g6.2xlarge", ["instanceTypes"])))
    assert run(["diff", str(base), str(head), "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    (replacement,) = data["replacements"]
    assert replacement["basis"] == "preview"
    assert replacement["is_gpu_pool"] is True
    assert replacement["why"] == ["instanceTypes"]


def test_a_preview_compared_with_itself_changes_nothing_even_where_it_replaces(tmp_path, capsys):
    path = tmp_path / "preview.json"
    path.write_text(json.dumps(preview("replace", "g6.2xlarge", ["instanceTypes"])))
    assert run(["diff", str(path), str(path), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["replacements"] == []
