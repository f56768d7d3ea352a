"""Rehearsals as text: one with its timeline, several as a table."""

import textwrap
from collections.abc import Sequence

from gpuyard.failover.drill import Rehearsal
from gpuyard.failover.scenario import NamedScenario
from gpuyard.units import format_seconds, format_usd

_WIDTH = 100
_WORDS = {
    "try": "try",
    "refused": "refused",
    "timed_out": "timed out",
    "look_up": "look-up",
    "wait": "wait",
    "serving": "serving",
    "lost": "lost",
    "bought": "bought",
    "clean": "clean",
    "end": "end",
}
Played = tuple[NamedScenario, Rehearsal, "list[str] | None"]


def render_list(scenarios: Sequence[NamedScenario]) -> str:
    """Name and title of each."""
    width = max(len(item.name) for item in scenarios)
    return "\n".join(f"{item.name:<{width}}  {item.scenario.title}" for item in scenarios)


def render_rehearsal(item: NamedScenario, result: Rehearsal, problems: list[str] | None) -> str:
    """Title, timeline, outcome, time and money."""
    lines = [item.scenario.title]
    if item.scenario.about:
        lines += textwrap.wrap(item.scenario.about, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    lines.append("")
    for moment in result.timeline:
        head = f"  {_at(moment.at_s):>9}  {_WORDS[moment.what]:<9}  "
        lines += textwrap.wrap(
            moment.text,
            _WIDTH,
            initial_indent=head,
            subsequent_indent=" " * len(head),
            break_long_words=False,
        )
    lines += ["", _outcome(result), _money(result)]
    if problems is None:
        lines.append("played on the stack's own ladder: nothing is expected of it")
    elif problems:
        lines += ["not as expected:", *(f"  {problem}" for problem in problems)]
    else:
        lines.append("as expected")
    return "\n".join(lines)


def render_table(played: Sequence[Played]) -> str:
    """One line per rehearsal."""
    width = max(len(item.name) for item, _, _ in played)
    lines = [f"{'scenario':<{width}}  {'outcome':<11} {'tries':>5}  {'time':>11}  {'spent':>9}  refusals"]
    for item, result, problems in played:
        mark = f"   <- {'; '.join(problems)}" if problems else ""
        classes = ", ".join(dict.fromkeys(result.classes)) or "none"
        lines.append(
            f"{item.name:<{width}}  {result.outcome:<11} {result.tries:>5}  "
            f"{format_seconds(result.ended_s):>11}  {format_usd(result.usd):>9}  {classes}{mark}"
        )
    judged = [problems for _, _, problems in played if problems is not None]
    tally = f"{sum(not problems for problems in judged)} of {len(judged)} as expected"
    if not judged:
        tally = "played on the stack's own ladder: nothing is expected of them"
    lines += ["", f"{tally}; `gpuyard drill NAME` shows the timeline of one"]
    return "\n".join(lines)


def _outcome(result: Rehearsal) -> str:
    tries = f"{result.tries} {'try' if result.tries == 1 else 'tries'}"
    if result.placed:
        where = "; ".join(f"{name} on {place}" for name, place in result.placed.items())
        first = format_seconds(result.first_served_s or 0)
        down = f", {format_seconds(result.down_s)} without service later" if result.down_s else ""
        return f"{result.outcome} after {tries}: {where}; first token after {first}{down}"
    return f"{result.outcome} after {tries} and {format_seconds(result.ended_s)}; nothing serves"


def _money(result: Rehearsal) -> str:
    unknown = ", parts without a known price left out" if result.has_unknown_price else ""
    until = format_seconds(result.ended_s)
    rate = f"{format_usd(result.usd_per_hour)}/h from then on" if result.usd_per_hour else "nothing runs on"
    return f"{format_usd(result.usd)} spent in {until}, {rate}{unknown}"


def _at(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
