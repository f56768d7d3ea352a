"""Ctrl-C in the middle of a plan: it ends at once, says so in a line, and leaves the handler as it was."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest

from gpuyard.engine.recorder import record
from gpuyard.simulate.preview import preview_answers

ROOT = Path(__file__).parents[2]


def interrupt(*_):
    os.kill(os.getpid(), signal.SIGINT)


def run(program):
    return record(program, project="p", stack="s", answers=preview_answers(), root=ROOT)


def test_an_interrupt_in_the_program_comes_out_of_it():
    def program():
        interrupt()
        pulumi.ComponentResource("t:index:T", "after", {})

    with pytest.raises(KeyboardInterrupt):
        run(program)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_in_an_apply_that_others_wait_for_is_not_swallowed():
    def program():
        group = pulumi.ComponentResource("t:index:T", "first", {})
        late = group.urn.apply(interrupt)
        aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", tags={"late": late.apply(str)})

    with pytest.raises(KeyboardInterrupt):
        run(program)


def test_without_one_nothing_is_raised():
    assert run(lambda: pulumi.export("a", 1)).outputs == {"a": 1}


@pytest.mark.parametrize("seconds", [0.03, 0.4, 1.5])
def test_the_command_says_one_line_whenever_it_comes(seconds):
    process = subprocess.Popen(
        [Path(sys.executable).parent / "gpuyard", "plan", "-s", "prod"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 (no threads here)
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    if process.returncode == 0:
        pytest.skip("the machine was quicker than the interrupt")
    if process.returncode != 130 and "cli/start.py" not in errors:
        pytest.skip("Python itself had not started yet")
    assert process.returncode == 130
    assert errors.strip() == "interrupted; nothing was left half-written"
