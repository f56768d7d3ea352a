import json
from pathlib import Path

import pytest
import yaml

from gpuyard.errors import Severity
from gpuyard.kubernetes.kubeconfig import (
    check_context,
    is_contents,
    kubeconfig_path,
    kubeconfig_paths,
    render_kubeconfig,
)

TOKEN = "not-a-real-token-just-a-marker"


def write(path: Path, *contexts: str) -> Path:
    data = {
        "apiVersion": "v1",
        "kind": "Config",
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in contexts],
        "users": [{"name": name, "user": {"token": TOKEN}} for name in contexts],
    }
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A machine of its own: no kubeconfig in the environment, an empty home."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def told(context: str, given: str = "") -> list[tuple[str, str, str]]:
    return [(item.severity, item.code, item.path) for item in check_context(context, given)]


def test_files_are_looked_for_where_kubectl_does(home, monkeypatch):
    assert kubeconfig_path() == home / ".kube" / "config"
    assert kubeconfig_path("~/clusters.yaml") == home / "clusters.yaml"
    monkeypatch.setenv("KUBECONFIG", "/one:/two")
    assert kubeconfig_paths() == (Path("/one"), Path("/two"))
    assert kubeconfig_path("/three") == Path("/three")


def test_a_context_that_is_there_raises_nothing(home):
    given = write(home / "config", "kind-gpuyard")
    assert check_context("kind-gpuyard", str(given)) == []


def test_contexts_of_every_file_in_the_variable_count(home, monkeypatch):
    first, second = write(home / "a", "one"), write(home / "b", "two")
    monkeypatch.setenv("KUBECONFIG", f"{first}:{second}:{home / 'absent'}")
    assert check_context("two") == []


def test_a_missing_context_names_those_that_there_are(home):
    given = write(home / "config", "kind-gpuyard", "prod")
    (finding,) = check_context("kind-gpuyrad", str(given))
    assert (finding.code, finding.path, finding.value) == ("KUBE_CONTEXT_MISSING", "context", "kind-gpuyrad")
    assert finding.fix == 'did you mean "kind-gpuyard"? contexts: kind-gpuyard, prod'


def test_a_kubeconfig_without_contexts_says_so(home):
    (finding,) = check_context("prod", str(write(home / "config")))
    assert finding.fix == "it has no contexts at all"


def test_a_file_that_was_named_must_exist_but_the_usual_one_may_be_missing(home):
    assert told("prod", str(home / "absent")) == [(Severity.ERROR, "KUBECONFIG_MISSING", "kubeconfig")]
    assert told("prod") == [(Severity.WARNING, "KUBECONFIG_MISSING", "kubeconfig")]


@pytest.mark.parametrize("text", ["{", "contexts: 7", "[1, 2]", "contexts: [{}]", "\x00"])
def test_a_file_that_is_no_kubeconfig_is_told_by_its_path(home, text):
    given = home / "config"
    given.write_text(text, encoding="utf-8")
    assert told("prod", str(given)) == [(Severity.ERROR, "KUBECONFIG_INVALID", "kubeconfig")]


def test_contents_in_place_of_a_path_are_refused_and_never_repeated(home):
    contents = write(home / "config", "prod").read_text(encoding="utf-8")
    assert is_contents(contents)
    (finding,) = check_context("prod", contents)
    assert finding.code == "SECRET_IN_PLAIN_TEXT"
    assert TOKEN not in repr(finding)


def test_no_finding_repeats_what_a_file_holds(home):
    given = write(home / "config", "prod")
    assert all(TOKEN not in repr(finding) for finding in check_context("absent", str(given)))


@pytest.mark.parametrize(
    ("given", "verdict"),
    [("~/.kube/config", False), ("", False), ('{"apiVersion": "v1"}', True), ("apiVersion: v1\n", True)],
)
def test_a_path_is_told_from_contents(given, verdict):
    assert is_contents(given) is verdict


def test_a_new_clusters_kubeconfig_has_one_context_and_a_command_for_tokens(home):
    text = render_kubeconfig("main", "https://example.test", "Q0E=", {"command": "aws", "args": ["eks"]})
    config = json.loads(text)
    assert config["users"] == [
        {
            "name": "main",
            "user": {
                "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1beta1",
                    "command": "aws",
                    "args": ["eks"],
                }
            },
        }
    ]
    (home / "config").write_text(text, encoding="utf-8")
    assert check_context(config["current-context"], str(home / "config")) == []
