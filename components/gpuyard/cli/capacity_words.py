"""What text and JSON of `gpuyard capacity` share: answers to --why-not, and what --live would ask."""

from collections.abc import Iterator

import click

from gpuyard.capacity.rung import Ladder
from gpuyard.capacity.why_not import Answer, UnknownPlace, why_not
from gpuyard.cli.capacity_request import Request


def answers(request: Request) -> Iterator[tuple[Ladder, str, tuple[Answer, ...]]]:
    """What was asked with --why-not, answered for every ladder.

    Raises:
        click.UsageError: words that name nothing.
    """
    for words in request.why_nots:
        for ladder in request.ladders:
            try:
                yield ladder, words, why_not(ladder, words, request.known)
            except UnknownPlace as error:
                raise click.UsageError(str(error)) from None


def would_ask(request: Request) -> tuple[str, ...]:
    """What --live would ask the clouds; empty: it has been asked."""
    if request.known.evidence.as_of:
        return ()
    from gpuyard.discovery.actions import actions_for

    clouds = {place.cloud for ladder in request.ladders for place in ladder.demand.regions}
    calls = [
        action.permission or f"{action.service}.{action.operation}"
        for cloud in sorted(clouds)
        for action in actions_for(cloud)
    ]
    return tuple(dict.fromkeys(calls))
