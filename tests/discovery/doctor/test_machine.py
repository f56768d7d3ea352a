"""What doctor says of a machine, with stand-ins for the commands on PATH. All names are synthetic."""

import json
import os
from datetime import date
from importlib.metadata import version

import pytest

from gpuyard.discovery.doctor import machine
from gpuyard.discovery.doctor.check import Status

SDK = version("pulumi")


@pytest.fixture
def path(tmp_path, monkeypatch):
    """An empty PATH; call it with a name and a script to put a command there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)

    def put(name, script):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
        return folder / name

    return put


def test_the_interpreter_that_runs_this_is_fine():
    verdict = machine.look_at_python()
    assert verdict.status is Status.OK
    assert version("gpuyard") in verdict.message


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (f"echo v{SDK}", Status.OK),
        ("echo v3.1.0", Status.WARNING),
        ("echo v2.9.0", Status.FAILED),
        ("echo hello", Status.WARNING),
        ("exit 1", Status.WARNING),
    ],
)
def test_pulumi_is_compared_with_the_sdk(path, said, status):
    path("pulumi", said)
    assert machine.look_at_pulumi().status is status


def test_without_pulumi_one_check_fails_and_the_others_wait_for_it(path):
    assert machine.look_at_pulumi().status is Status.FAILED
    for look in (machine.look_at_language_host, machine.look_at_plugins, machine.look_at_backend):
        assert look() == machine.NEEDS_PULUMI


def test_the_language_host_is_looked_for_beside_pulumi(path):
    path("pulumi", "true")
    assert machine.look_at_language_host().status is Status.FAILED
    path("pulumi-language-python", "true")
    assert machine.look_at_language_host().status is Status.OK


def test_missing_plugins_come_with_the_command_that_gets_them(path):
    listed = json.dumps([{"name": "aws", "kind": "resource"}, {"name": "gcp", "kind": "language"}])
    path("pulumi", f"echo '{listed}'")
    verdict = machine.look_at_plugins()
    assert verdict.status is Status.WARNING
    assert f"pulumi plugin install resource gcp v{version('pulumi-gcp')}" in verdict.fix
    assert "resource aws" not in verdict.fix


def test_a_backend_is_named_without_who_logs_in(path):
    path("pulumi", """echo '{"user": "jane", "url": "https://jane:secret@state.example?token=secret"}'""")
    verdict = machine.look_at_backend()
    assert verdict.message == "state is kept at https://state.example"
    path("pulumi", "echo error: not logged in >&2; exit 255")
    assert machine.look_at_backend().status is Status.FAILED


def test_kubectl_states_its_version(path):
    assert machine.look_at_kubectl().status is Status.WARNING
    path("kubectl", """echo '{"clientVersion": {"gitVersion": "v1.34.1"}}'""")
    assert machine.look_at_kubectl().message == "kubectl v1.34.1"


CONFIG = """
contexts:
- {name: prod, context: {cluster: prod, user: prod}}
- {name: dev, context: {cluster: dev, user: dev}}
users:
- name: prod
  user: {token: very-secret}
- name: dev
  user: {exec: {command: gke-gcloud-auth-plugin}}
"""


def test_a_kubeconfig_is_read_for_its_login_commands_alone(path, tmp_path, monkeypatch):
    assert machine.look_at_kubeconfig().status is Status.OK
    config = tmp_path / "config"
    config.write_text(CONFIG)
    monkeypatch.setenv("KUBECONFIG", str(config))
    verdict = machine.look_at_kubeconfig()
    assert verdict.status is Status.WARNING
    assert "gke-gcloud-auth-plugin" in verdict.message
    path("gke-gcloud-auth-plugin", "true")
    verdict = machine.look_at_kubeconfig()
    assert verdict.message == "2 contexts: prod, dev"
    assert "secret" not in str(verdict)


@pytest.mark.parametrize("text", ["[", "- a", "contexts: 7\nusers: {a: b}"])
def test_a_strange_kubeconfig_is_no_traceback(path, tmp_path, monkeypatch, text):
    config = tmp_path / "config"
    config.write_text(text)
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(config), str(tmp_path / "absent")]))
    assert machine.look_at_kubeconfig().status in (Status.OK, Status.WARNING)


def test_a_login_command_must_be_there_and_run(path):
    assert "the login needs it" in machine.look_at_command("aws", "the login", "install it").message
    path("aws", "exit 1")
    assert machine.look_at_command("aws", "the login", "install it").status is Status.FAILED
    path("aws", "echo aws-cli/2.31.0 Python/3.13")
    assert machine.look_at_command("aws", "the login", "install it").message.startswith("aws-cli/2.31.0")


def test_a_command_that_hangs_is_given_up(path, monkeypatch):
    monkeypatch.setattr(machine, "COMMAND_SECONDS", 0.2)
    path("pulumi", "exec /bin/sleep 30")
    assert machine.run(["pulumi", "version"]) is None


def test_an_old_catalog_is_a_warning():
    assert machine.look_at_catalog(date(2040, 1, 1)).status is Status.WARNING
    assert machine.look_at_catalog(date(2024, 1, 1)).status is Status.OK
