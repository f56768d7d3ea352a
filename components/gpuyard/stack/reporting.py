"""The report of a stack: its plan as rows, its resources as costs, its endpoints as ways to serving."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from gpuyard.capacity.lock import LockedRung
from gpuyard.catalog.hardware import find_machine_type
from gpuyard.costs.pricing import REFERENCE_DATE, price_resources
from gpuyard.costs.rates import Rates
from gpuyard.errors import Finding
from gpuyard.leadtime.measured import Measurement
from gpuyard.report.limits import Limits
from gpuyard.report.model import PoolRow, Report, RungRow, build_report
from gpuyard.report.words import usd
from gpuyard.resources import Resource
from gpuyard.stack.capacity_spec import CPU
from gpuyard.stack.economics import ownership_of, price_usage, tokens_section, usage_of
from gpuyard.stack.plan import PoolPlan, StackPlan
from gpuyard.stack.reading import PlanWithFindings
from gpuyard.stack.timing import lead_time_of


def build_stack_report(
    stack: str,
    resources: Sequence[Resource],
    plans: Sequence[PlanWithFindings] = (),
    findings: Sequence[Finding] = (),
    measured: Sequence[Measurement] = (),
    rates: Rates | None = None,
) -> Report:
    """The report of ``resources``; with the plans that they came from, also ladders, lead time and risk.

    ``findings`` are more of them, beside the plans' own; ``measured`` durations replace published ones;
    ``rates`` are what is paid instead of list prices.
    """
    dates = [plan.as_of for plan, _ in plans if plan.as_of]
    reference = date.fromisoformat(max(dates)) if dates else REFERENCE_DATE
    derived = [usage_of(plan, resources) for plan, _ in plans]
    costs = price_resources(resources, usage=price_usage(derived), reference_date=reference, rates=rates)
    tokens = {
        name: found for plan, _ in plans for name, found in tokens_section(plan, costs, resources).items()
    }
    return build_report(
        stack=stack,
        costs=costs,
        tokens=tokens,
        ownership=next((owned for plan, _ in plans if (owned := ownership_of(plan, costs, tokens))), None),
        assumptions=[note for found in derived for note in found.assumptions],
        findings=[*(item for _, found in plans for item in found), *findings],
        pools=[row for plan, _ in plans for row in _pool_rows(plan)],
        rungs=[row for plan, _ in plans for row in _rung_rows(plan)],
        lead_times={
            placed.endpoint.name: lead_time_of(plan, placed, measured)
            for plan, _ in plans
            for placed in plan.endpoints
        },
        notes=[f"rates: {text}" for text in rates.unused(costs.items)] if rates else (),
        gates=next((limits for plan, _ in plans if (limits := _limits(plan))), None),
    )


def _limits(plan: StackPlan) -> Limits:
    return Limits(**plan.deployment.gates.model_dump())


def summarize(report: Report) -> dict[str, Any]:
    """The report in a few numbers: USD per month, seconds, counts."""
    costs = report.costs
    return {
        "currency": "USD",
        "monthly": {
            "idle": float(costs.monthly.idle),
            "expected": float(costs.monthly.expected),
            "peak": float(costs.monthly.peak),
        },
        "one_time": float(costs.one_time),
        "unknown_prices": len(costs.unknown),
        "lead_time_seconds": {
            name: {
                journey.name: {"p50": journey.p50_s, "p90": journey.p90_s, "unknown": list(journey.unknown)}
                for journey in time.journeys
            }
            for name, time in report.lead_times.items()
        },
        "errors": report.errors,
        "warnings": report.warnings,
        "price_dates": list(costs.price_dates) if costs.price_dates else [],
        "reference_date": report.reference_date,
    }


def _pool_rows(plan: StackPlan) -> Iterator[PoolRow]:
    for placed in plan.endpoints:
        serves = f"{placed.endpoint.name}: {placed.endpoint.model}"
        if placed.pool:
            yield _pool_row(plan.pool(placed.pool), serves)
            continue
        machine = CPU if placed.accelerator == CPU else f"{placed.gpus_per_replica} x {placed.accelerator}"
        cluster = plan.cluster(placed.cluster)
        yield PoolRow(
            name=placed.endpoint.name,
            place=f"context {cluster.context}",
            machine=machine,
            purchase="existing",
            nodes="as the cluster has",
            serves=serves,
        )


def _pool_row(pool: PoolPlan, serves: str) -> PoolRow:
    rung = pool.rung
    return PoolRow(
        name=pool.name,
        place=f"{rung.cloud} {rung.region}",
        machine=_machine(rung),
        purchase=rung.purchase,
        nodes=_span(rung.nodes_min, rung.nodes_max),
        serves=serves,
    )


def _rung_rows(plan: StackPlan) -> Iterator[RungRow]:
    for endpoint, rungs in plan.ladders.items():
        placed = next(item for item in plan.endpoints if item.endpoint.name == endpoint)
        active = plan.pool(placed.pool).rung
        for number, rung in enumerate(rungs, start=1):
            yield RungRow(
                endpoint=endpoint,
                number=number,
                place=f"{rung.cloud} {rung.region}",
                machine=_machine(rung),
                purchase=rung.purchase,
                price=_price(rung),
                is_active=rung is active,
                reason=rung.reason,
            )


def _machine(rung: LockedRung) -> str:
    try:
        found = find_machine_type(rung.machine_type)
    except ValueError:
        return rung.machine_type
    return f"{rung.machine_type} ({found.gpu_count:g} x {rung.accelerator})"


def _price(rung: LockedRung) -> str:
    if rung.rate.usd is None:
        return "unknown"
    words = f"{usd(rung.rate.usd)}/h"
    if rung.rate.usd_low is not None and rung.rate.usd_high is not None:
        words += f" ({usd(rung.rate.usd_low)} to {usd(rung.rate.usd_high)})"
    return words


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"
