"""Gates on the command line: those of the config, overridden option by option."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gpuyard.report.limits import Limits, Verdict

gate_option = click.option(
    "--gate",
    "gates",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a gate, or change that of the config; `off` removes it. May be given more than once.",
)
no_gates_option = click.option(
    "--no-gates", is_flag=True, help="Judge no gate, not even those of the config."
)
today_option = click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Judge the age of prices as of this day.  [default: today]",
)


def read_limits(config: "Limits", gates: Sequence[str], *, no_gates: bool) -> "Limits":
    """The limits of the config with what ``--gate`` says.

    Raises:
        SpecError: every option that names no gate, or gives it an impossible value.
    """
    from gpuyard.parsing import parse_spec
    from gpuyard.report.limits import Limits
    from gpuyard.stack.spec import Gates

    if no_gates:
        return Limits()
    values: dict[str, Any] = config.as_dict()
    for given in gates:
        name, _, value = given.partition("=")
        gate, _, journey = name.strip().partition(".")
        holder, key = (values.setdefault(gate, {}), journey) if journey else (values, gate)
        if value.strip() == "off" and (holder is not values or key in Gates.model_fields):
            holder.pop(key, None)
        else:
            holder[key] = value.strip()
    return Limits(**parse_spec(Gates, values, "--gate").model_dump(mode="json"))


def day(today: Any) -> date:
    """The day of ``--today``."""
    return today.date() if today is not None else date.today()


def say_broken(verdicts: "Sequence[Verdict]") -> int:
    """Print every broken gate on standard error; the exit code."""
    broken = [verdict for verdict in verdicts if not verdict.is_met]
    for verdict in broken:
        click.echo(f"gate {verdict.gate} ({verdict.subject}): {verdict.reason}", err=True)
    return 1 if broken else 0
