"""`gpuyard explain` as a user types it."""

import json

from gpuyard.cli.main import run


def test_a_message_is_explained_with_its_remedy(capsys):
    assert (
        run(
            [
                "explain",
                "VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 8",
            ]
        )
        == 0
    )
    out = capsys.readouterr().out
    assert out.startswith("quota: ")
    assert "next rung" in out
    assert "--forget quota" in out


def test_a_file_of_lines_is_explained_line_by_line(tmp_path, capsys):
    log = tmp_path / "errors.log"
    log.write_text("InsufficientInstanceCapacity: none\n\nUnauthorizedOperation: no\n", encoding="utf-8")
    assert run(["explain", str(log), "--each-line", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == "gpuyard.explain/v1"
    assert [result["class"] for result in answer["results"]] == ["stockout", "permission"]
    assert set(answer["results"][0]) >= {"class", "scope", "reaction", "rule", "evidence", "remedy", "zones"}


def test_an_unknown_message_exits_1(capsys):
    assert run(["explain", "nobody has seen this before"]) == 1
    assert capsys.readouterr().out.startswith("unknown: ")
