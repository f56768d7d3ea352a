"""What Pulumi imports for everybody is imported when it is used, and is then all there."""

import subprocess
import sys

HEAD = "from gpuyard.cli.later import import_when_used\nimport_when_used()\nimport sys, pulumi\n"
LOADED = "print(*(name for name in ('urllib.request', 'dill') if name in sys.modules))\n"


def session(program):
    ran = subprocess.run([sys.executable, "-c", HEAD + program], capture_output=True, text=True, check=True)
    return ran.stdout.split()


def test_a_plan_needs_neither():
    program = "from pathlib import Path\nfrom gpuyard.planner import plan_program\n"
    assert session(program + "assert plan_program(Path(), 'dev').report\n" + LOADED) == []


def test_both_are_there_for_a_program_that_uses_them():
    named = "print(pulumi.automation.LocalWorkspace.__name__, pulumi.dynamic.ResourceProvider.__name__)\n"
    assert session(named + LOADED) == ["LocalWorkspace", "ResourceProvider", "urllib.request", "dill"]


def test_parts_of_them_can_be_imported():
    program = (
        "from pulumi.automation.errors import CommandError\n"
        "from pulumi.dynamic import Resource\n"
        "print(CommandError.__name__, Resource.__module__)"
    )
    assert session(program) == ["CommandError", "pulumi.dynamic.dynamic"]


def test_a_part_that_is_imported_first_is_there_once():
    program = (
        "from pulumi.automation.errors import CommandError\n"
        "from pulumi.dynamic.dynamic import Resource\n"
        "import importlib, pulumi.dynamic.dynamic as part\n"
        "print(pulumi.automation.CommandError is CommandError, pulumi.dynamic.Resource is Resource)\n"
        "print(importlib.reload(part) is part, part.Resource is not Resource, part.__spec__.origin[-10:])"
    )
    assert session(program) == ["True", "True", "True", "True", "dynamic.py"]
