"""The `gpuyard` command: one module per verb, each imported only when it is used."""

import errno
import gc
import os
import sys
from importlib import import_module
from typing import Any

import click

from gpuyard.cli.later import import_when_used
from gpuyard.errors import GpuyardError

VERBS = {
    "demo": "everything below on simulated clouds, the report at the end",
    "plan": "resources, findings, ladder, cost and lead time of a stack, offline",
    "check": "findings of a stack only; exit 1 on errors",
    "report": "the cost and lead-time report of a stack",
    "diff": "what a change does to money, time, risk and capacity",
    "lock": "write the stack's capacity lock: where it runs, and where next",
    "capacity": "the ranked ladder of places and purchase kinds",
    "fit": "which GPUs hold a model, with what flags, at what price",
    "compat": "verdicts for combinations of GPU, driver, image and runtime",
    "up": "pulumi up, rung by rung, until the stack serves or the ladder ends",
    "drill": "rehearse stockouts, quota refusals, reclaims and slow boots on simulated clouds",
    "simulate": "provider plugins that stand in for the clouds under your own pulumi",
    "explain": "what a cloud's refusal means, and what to do about it",
    "cost": "price any Pulumi preview or state, gpuyard's or not",
    "catalog": "show, search, age, refresh and import the dated facts",
    "doctor": "what this machine and these credentials can do",
}


class Verbs(click.Group):
    """A group whose commands are modules of `gpuyard.cli`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """The verbs, in the order in which people meet them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a verb; imports its module."""
        if cmd_name not in VERBS:
            return None
        return import_module(f"gpuyard.cli.{cmd_name}").command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """As click does, with a did-you-mean."""
        from gpuyard.errors import did_you_mean

        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            hint = did_you_mean(args[0], VERBS)
            raise click.UsageError(error.message.rstrip(".") + (f"; {hint}" if hint else "."), ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Verbs with their one-line help, without importing any of them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="gpuyard", prog_name="gpuyard")
def cli() -> None:
    """GPU clusters that serve LLMs: planned, priced and deployed.

    Exit codes: 0 fine, 1 findings or a gate, 2 bad usage or input, 3 a cloud or engine said no.
    """


def main() -> None:
    """Run the command line and leave at once: interpreter teardown costs half a second with Pulumi loaded."""
    gc.disable()  # a run is short and keeps nearly everything that it makes
    import_when_used()
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = code or 0
    except OSError as error:
        code = _not_written(error)
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run with ``arguments`` and return the exit code; every expected error becomes text on stderr."""
    try:
        result = cli.main(arguments, prog_name="gpuyard", standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; nothing was left half-written", err=True)
        return 130
    except GpuyardError as error:
        click.echo(str(error), err=True)
        return error.exit_code
    except (BrokenPipeError, SystemExit):  # the reader went away, as `head` does; click exits with 1 then
        _let_go_of_stdout()
        return READER_GONE
    except OSError as error:
        if error.errno not in _FULL:
            raise
        return _not_written(error)
    return result if isinstance(result, int) else 0


READER_GONE = 141
"""What a shell reports of a program that a closed pipe ended: neither fine nor findings."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says when there is no room for the output."""


def _not_written(error: OSError) -> int:
    click.echo(f"error: the output cannot be written: {error.strerror}", err=True)
    _let_go_of_stdout()
    return 2


def _let_go_of_stdout() -> None:
    """What is left in its buffer goes nowhere, so that leaving does not fail on it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
