"""A report out of its own JSON (`gpuyard.report/v1`), equal to the one that was written.

Amounts survive because they carry at most 15 significant digits (`costs.line_item`), which every JSON
number keeps; everything that can be computed (totals, groups, costs of lines) is computed again, and the
written totals must agree.
"""

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, get_type_hints

from gpuyard.costs.cost_report import CostReport
from gpuyard.costs.line_item import GROUPS, LineItem
from gpuyard.costs.program_file import load_json
from gpuyard.errors import Finding, SpecError
from gpuyard.leadtime.lead_time import Journey, LeadTime
from gpuyard.report.decoding import Decoder, join
from gpuyard.report.model import SCHEMA, Report

_KIND = "gpuyard.report"
_LINE_KEYS = {"unit_price_low": "unit_price_p10", "unit_price_high": "unit_price_p90"}
_REPORT_KEYS = {"rungs": "ladder"}
_AGREE = Decimal("0.000001")
"""Written totals may differ from computed ones by this share: other writers keep fewer digits."""


def read_report(data: Mapping[str, Any]) -> Report:
    """The report that ``data``, parsed JSON, holds.

    Raises:
        SpecError: every problem; among them another document, and a newer version of this one.
    """
    problem = _other_document(data)
    if problem is not None:
        raise SpecError([problem])
    decoder = Decoder()
    report = decoder.record(
        Report,
        data,
        "",
        renamed=_REPORT_KEYS,
        given={
            "costs": _costs(decoder, data.get("cost"), "cost"),
            "lead_times": {
                str(name): _lead_time(decoder, value, join("lead_time", str(name)))
                for name, value in sorted(decoder.mapping(data.get("lead_time", {}), "lead_time").items())
            },
        },
    )
    if decoder.problems:
        raise SpecError(decoder.problems)
    return report


def read_costs(data: Mapping[str, Any]) -> CostReport:
    """The costs that ``data`` holds: the answer of ``gpuyard cost --format json``.

    Raises:
        SpecError: every problem.
    """
    decoder = Decoder()
    costs = _costs(decoder, data, "")
    if decoder.problems:
        raise SpecError(decoder.problems)
    return costs


def load_report(path: Path) -> Report:
    """The report in a file.

    Raises:
        SpecError: the file cannot be read, is not whole JSON, or holds something else; paths name the file.
    """
    data = load_json(path)
    try:
        return read_report(data)
    except SpecError as error:
        raise in_file(error, path) from None


def in_file(error: SpecError, path: Path) -> SpecError:
    """The same problems with the file before each place."""
    named = [
        replace(found, path=f"{path}: {found.path}" if found.path else str(path)) for found in error.findings
    ]
    return SpecError(named)


def is_report(data: Any) -> bool:
    """Whether ``data`` says that it is a report, of whatever version."""
    return isinstance(data, Mapping) and str(data.get("schema", "")).partition("/")[0] == _KIND


def is_costs(data: Any) -> bool:
    """Whether ``data`` looks like the answer of ``gpuyard cost --format json``."""
    return isinstance(data, Mapping) and {"currency", "totals", "line_items"} <= set(data)


def _other_document(data: Any) -> Finding | None:
    """Why ``data`` is no report of this version."""
    code, message, fix = (
        "NOT_A_REPORT",
        "is JSON, but no gpuyard report",
        "give `gpuyard report --format json`",
    )
    if is_report(data):
        written = str(data["schema"]).partition("/")[2]
        if written == SCHEMA.partition("/")[2]:
            return None
        known = SCHEMA.partition("/")[2]
        if re.fullmatch(r"v\d+", written) and int(written[1:]) > int(known[1:]):
            code = "NEWER_SCHEMA"
            message = f"is a report of schema {written}, written by a newer gpuyard; this one reads {known}"
            fix = "update gpuyard, or write the report again with this version"
        else:
            message = f"names no known version of {_KIND}"
    path = "schema" if isinstance(data, Mapping) and "schema" in data else ""
    return Finding.error(code, path, message, fix)


def _costs(decoder: Decoder, data: Any, place: str) -> CostReport:
    found = decoder.mapping(data, place)
    currency = found.get("currency")
    if found and currency != "USD":
        message = "is not USD" if isinstance(currency, str) else "is no currency"
        decoder.refuse(join(place, "currency"), message, "write the report in USD, gpuyard's only currency")
    where = join(place, "line_items")
    items = tuple(
        decoder.record(LineItem, item, f"{where}[{index}]", renamed=_LINE_KEYS)
        for index, item in enumerate(decoder.sequence(found.get("line_items", []), where))
    )
    counts = decoder.mapping(found.get("resources", {}), join(place, "resources"))
    where = join(place, "resources")
    costs = decoder.record(
        CostReport,
        found,
        place,
        given={
            "items": items,
            "free": decoder.value(int, counts.get("free", 0), join(where, "free")),
            "priced": decoder.value(int, counts.get("priced", 0), join(where, "priced")),
        },
    )
    if not decoder.problems:
        _check(decoder, costs, found, place)
    return costs


def _check(decoder: Decoder, costs: CostReport, data: Mapping[str, Any], place: str) -> None:
    """What the types cannot say: known groups, a possible month, totals that add up."""
    if not 1 <= costs.hours_per_month <= 744:
        decoder.refuse(join(place, "hours_per_month"), "is not between 1 and 744", "write the report again")
    for index, item in enumerate(costs.items):
        if item.group not in GROUPS:
            fix = "known: " + ", ".join(GROUPS)
            decoder.refuse(f"{join(place, 'line_items')}[{index}].group", "is not a known group", fix)
    written = decoder.mapping(data.get("totals", {}), join(place, "totals"))
    computed = costs.totals_dict()
    for load in ("idle", "expected", "peak"):
        inside = decoder.mapping(written.get(load, {}), join(place, f"totals.{load}"))
        _compare(
            decoder, inside.get("monthly"), computed[load]["monthly"], join(place, f"totals.{load}.monthly")
        )
    for key in ("one_time", "credits"):
        _compare(decoder, written.get(key), computed[key], join(place, f"totals.{key}"))


def _compare(decoder: Decoder, written: Any, computed: float, place: str) -> None:
    """A written total must be the computed one; one that is not written is fine."""
    amount = None if written is None else decoder.value(Decimal, written, place)
    if amount is not None and abs(amount - Decimal(str(computed))) > max(_AGREE, abs(amount) * _AGREE):
        decoder.refuse(
            place,
            f"says {amount} where the line items add up to {computed}",
            "write the report again; this one was edited or cut",
            code="TOTALS_DISAGREE",
        )


def _lead_time(decoder: Decoder, data: Any, place: str) -> LeadTime:
    found = decoder.mapping(data, place)
    journeys = decoder.mapping(found.get("journeys", {}), join(place, "journeys"))
    hints = get_type_hints(LeadTime)
    names = [field.name for field in fields(LeadTime) if hints[field.name] is Journey]
    given = {
        name: _journey(decoder, name, journeys[name], join(place, f"journeys.{name}"))
        for name in names
        if name in journeys
    }
    return decoder.record(
        LeadTime, found, place, given=given, renamed={name: f"journeys.{name}" for name in names}
    )


def _journey(decoder: Decoder, name: str, data: Any, place: str) -> Journey:
    found = decoder.mapping(data, place)
    where = join(place, "phases")
    phases = [
        (
            str(phase.get("name")),
            decoder.value(float, phase.get("start_s"), f"{where}[{index}].start_s"),
        )
        for index, phase in enumerate(decoder.sequence(found.get("phases", []), where))
        if isinstance(phase, Mapping)
    ]
    journey = decoder.record(Journey, found, place, given={"name": name, "starts": tuple(phases)})
    if not decoder.problems and journey.p90_s < journey.p50_s:
        decoder.refuse(
            join(place, "p90_s"), "is below the median", "write the report again", value=journey.p90_s
        )
    return journey
