"""``gpuyard up``: bring a stack up, rung by rung, until it serves or the ladder ends."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gpuyard.cli.findings_text import echo_findings
from gpuyard.cli.options import directory_option, format_option, stack_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gpuyard.failover.automation import Probing, PulumiEngine
    from gpuyard.failover.candidate import Candidate
    from gpuyard.failover.loop import State
    from gpuyard.failover.opening import OpenedStack
    from gpuyard.failover.runner import RunResult
    from gpuyard.failover.watching import Machines, Watching

SCHEMA = "gpuyard.up/v1"
_LOOK_SECONDS = 30
"""Longest look-up before a try."""


@click.command("up")
@stack_option
@directory_option
@click.option("--yes", is_flag=True, help="Do not ask; the price is printed all the same.")
@click.option(
    "--wait", metavar="MINUTES", type=click.FloatRange(0, 10_080), help="Instead of `wait_minutes`."
)
@click.option(
    "--forget", multiple=True, metavar="CLASS", help="First forget failures of CLASS, e.g. quota; or all."
)
@format_option("text", "json")
def command(
    stack: str, directory: Path, yes: bool, wait: float | None, forget: tuple[str, ...], form: str
) -> int:
    """Run `pulumi up` on the rung of the lock; when a cloud says no, remember it and try the next rung.

    The lock always names the rung that is tried or in use. Ctrl-C stops after the operation in flight; the
    next run goes on from there. Needs `pulumi` on PATH. Exit 0 serving, 1 findings, 2 bad input, 3 a cloud
    said no, 130 interrupted.
    """
    import json

    from gpuyard.failover.memory_file import update_memory
    from gpuyard.failover.opening import open_stack

    say = _narrator(form)
    _check_classes(forget)
    opened = open_stack(directory, stack)
    if opened.lock is None:
        raise click.UsageError(
            f"{opened.stack} runs on an existing cluster: there is nothing to choose; use `pulumi up`"
        )
    echo_findings(opened.warnings, err=True)
    price = _price(opened, directory, say)
    if price is None:
        return 1
    engine, state = _start(opened, say, wait, forget)
    say(price)
    if not yes and not _confirmed(opened.stack):
        say("nothing was changed")
        return 2
    if forget:
        update_memory(opened.memory_path, opened.stack, lambda there: there.forget(forget))
    result = _run(opened, engine, state, say)
    _record(opened, engine, say)
    if form == "json":
        document = {"schema": SCHEMA, "stack": opened.stack, **result.as_dict()}
        click.echo(json.dumps(document, indent=2))
    else:
        _conclude(result)
    return {"serving": 0, "interrupted": 130}.get(str(result.outcome), 3)


def _narrator(form: str) -> Any:
    """Progress as plain lines with the time; on standard error where the answer is JSON."""
    from datetime import UTC, datetime

    def say(line: str) -> None:
        click.echo(f"{datetime.now(UTC):%H:%M:%S} {line}", err=form == "json")

    return say


def _check_classes(forget: tuple[str, ...]) -> None:
    from gpuyard.errors import did_you_mean
    from gpuyard.failover.failure import FailureClass

    known = ["all", *map(str, FailureClass)]
    wrong = [name for name in forget if name not in known]
    if wrong:
        hints = "; ".join(f'"{name}" is no class{_hint(did_you_mean(name, known))}' for name in wrong)
        raise click.UsageError(f"{hints}. Classes: {', '.join(known)}")


def _hint(text: str) -> str:
    return f", {text}" if text else ""


def _price(opened: "OpenedStack", directory: Path, say: Any) -> str | None:
    """What the stack costs, from the very program that is about to run; None: its findings forbid it."""
    import time

    from gpuyard.errors import has_errors
    from gpuyard.failover.up_text import describe_price
    from gpuyard.planner import plan_program

    planned = plan_program(directory, opened.stack)
    if has_errors(planned.findings):
        echo_findings(planned.findings, err=True)
        say(f"{opened.stack} was not touched: correct the errors first")
        return None
    return describe_price(opened.ladders(time.time()), opened.active, planned.report)


def _start(
    opened: "OpenedStack", say: Any, wait: float | None, forget: tuple[str, ...]
) -> "tuple[PulumiEngine, State]":
    """The engine, and what is known before the first try."""
    import time
    from dataclasses import replace

    from gpuyard.errors import SpecError
    from gpuyard.failover.automation import PulumiEngine
    from gpuyard.failover.loop import make_state
    from gpuyard.failover.memory_file import read_memory
    from gpuyard.failover.naming import names_of, serving_rungs, standing_places
    from gpuyard.failover.settings import settings_of

    assert opened.lock is not None  # noqa: S101 (the caller looked)
    found = read_memory(opened.memory_path)
    if found.is_newer:
        raise SpecError(found.findings)
    echo_findings(found.findings, err=True)
    names = names_of(opened.stack, opened.lock)
    settings = settings_of(opened.deployment)
    if wait is not None:
        settings = replace(settings, wait_s=60 * wait)
    engine = PulumiEngine(
        directory=str(opened.project.root),
        stack=opened.stack,
        names=names,
        active=opened.read_active,
        report=say,
        probing=_looking_up(opened, say),
        watching=_listening(opened, say) if settings.watches else None,
        keeps_clusters=settings.keeps_clusters,
    )
    resources, pending = engine.resources()
    now = time.time()
    ladders = opened.ladders(now)
    state = make_state(
        ladders,
        opened.active,
        settings=settings,
        memory=found.memory.forget(forget).prune(now),
        serving=serving_rungs(names, opened.active, resources, pending),
        places=standing_places(names, ladders, resources),
    )
    return engine, state


def _looking_up(opened: "OpenedStack", say: Any) -> "Probing":
    """Read-only look-ups against rungs; a cloud that cannot be asked is told once, and nothing follows."""
    from gpuyard.discovery.request import SurveyRequest
    from gpuyard.discovery.survey import survey
    from gpuyard.failover.lookup import QUESTIONS, objections, places_of

    project = next((place.project for place in opened.deployment.places if place.project), "")
    silent: set[str] = set()

    def look(selection: "Mapping[str, Candidate]") -> dict[str, str]:
        types, regions = places_of(item for item in selection.values() if item.cloud not in silent)
        if not types:
            return {}
        request = SurveyRequest(
            machine_types=types,
            regions=regions,
            project=project,
            questions=QUESTIONS,
            timeout_seconds=_LOOK_SECONDS,
        )
        found = survey(request)
        for locked in found.locked_out:
            silent.add(locked.cloud)
            say(f"{locked.cloud} is tried without looking first: {locked.failure.message}")
        return objections(selection, found.evidence)

    return look


def _listening(opened: "OpenedStack", say: Any) -> "Watching":
    """Questions during a try; none about capacity that waits by design."""
    from gpuyard.discovery.aws.tasks import open_account
    from gpuyard.discovery.gcp.tasks import open_project
    from gpuyard.discovery.watch import CloudWatch
    from gpuyard.failover.naming import names_of
    from gpuyard.failover.settings import QUEUED

    assert opened.lock is not None  # noqa: S101 (the caller looked)
    names, lock = names_of(opened.stack, opened.lock), opened.lock
    rungs = {name: lock.endpoints[key[0]].rungs[key[1]] for key, name in names.machines.items()}
    project = next((place.project for place in opened.deployment.places if place.project), "")
    clouds = CloudWatch(say, {"aws": open_account, "gcp": open_project})

    def listen(machines: "Machines") -> list[str]:
        rung = rungs.get(machines.urn.rpartition("::")[2])
        if rung is None or rung.purchase in QUEUED or not machines.name or not machines.cluster:
            return []
        if machines.cloud == "aws":
            return clouds.node_group(rung.region, machines.cluster, machines.name)
        location = machines.location or rung.region
        return clouds.node_pool(machines.project or project, location, machines.cluster, machines.name)

    return listen


def _confirmed(stack: str) -> bool:
    if not sys.stdin.isatty():
        raise click.UsageError("this is no terminal to ask on: say --yes if the price is right")
    return click.confirm(f"bring up {stack}?", default=False)


def _run(opened: "OpenedStack", engine: "PulumiEngine", state: "State", say: Any) -> "RunResult":
    """The loop, with Ctrl-C and SIGTERM turned into a graceful stop."""
    import signal
    import time

    from gpuyard.failover.naming import names_of
    from gpuyard.failover.runner import Clock, Runner

    assert opened.lock is not None  # noqa: S101 (the caller looked)
    runner = Runner(
        stack=opened.stack,
        lock=opened.lock,
        lock_path=opened.lock_path,
        memory_path=opened.memory_path,
        names=names_of(opened.stack, opened.lock),
        engine=engine,
        clock=Clock(now=time.time, wait=engine.wait),
        report=say,
    )
    before = {
        number: signal.signal(number, lambda *_: engine.ask_to_stop())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        return runner.run(state)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _record(opened: "OpenedStack", engine: "PulumiEngine", say: Any) -> None:
    """Durations that were seen go to `measured.<stack>.yaml`, which every report reads."""
    from gpuyard.errors import SpecError
    from gpuyard.failover.naming import subjects_of
    from gpuyard.leadtime.measured import measured_file_name, record_measurements
    from gpuyard.leadtime.observed import measure_events

    assert opened.lock is not None  # noqa: S101 (the caller looked)
    measured = measure_events(engine.events, subjects_of(opened.stack, opened.lock, engine.events))
    if not measured:
        return
    path = opened.folder / measured_file_name(opened.stack)
    try:
        record_measurements(path, opened.stack, measured)
    except SpecError as error:
        say(f"durations were not recorded: {error}")
    else:
        say(f"{len(measured)} durations recorded in {path.name}")


def _conclude(result: "RunResult") -> None:
    from gpuyard.failover.up_text import describe_result

    click.echo(describe_result(result))
