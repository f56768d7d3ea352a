"""The JSON form of `gpuyard capacity`; docs/reference/capacity-schema.md has every key."""

from dataclasses import asdict
from typing import Any

from gpuyard.capacity.quota import QuotaAsk, QuotaCheck
from gpuyard.capacity.ranking import usd_per_hour_unserved
from gpuyard.capacity.relaxation import explain_nothing
from gpuyard.capacity.rung import Exclusion, Ladder, Rung
from gpuyard.cli.capacity_request import Request
from gpuyard.cli.capacity_words import answers, would_ask

SCHEMA = "gpuyard.capacity/v1"


def capacity_document(request: Request) -> dict[str, Any]:
    """The whole answer, JSON-ready."""
    ladders = request.ladders
    return {
        "schema": SCHEMA,
        "stack": request.stack or None,
        "as_of": request.known.today.isoformat(),
        "live": request.known.evidence.as_of or None,
        "candidates": sum(ladder.candidates for ladder in ladders),
        "demands": [_demand(ladder) for ladder in ladders],
        "next": [
            {"endpoint": ladder.demand.endpoint, "rung": request.next_rung(ladder)} for ladder in ladders
        ],
        "rungs": [
            _rung(ladder, place, rung, request)
            for ladder in ladders
            for place, rung in enumerate(ladder.rungs, start=1)
        ],
        "excluded": [_exclusion(ladder, item) for ladder in ladders for item in ladder.excluded],
        "quota_requests": [
            {"endpoint": ladder.demand.endpoint, **_ask(ask, request)}
            for ladder in ladders
            for ask in ladder.quota_asks()
        ],
        "impossible": [
            {"endpoint": ladder.demand.endpoint, **_impossible(ladder, request)}
            for ladder in ladders
            if not ladder.rungs
        ],
        "why_not": [
            {"endpoint": ladder.demand.endpoint, "asked": words, "answers": [asdict(one) for one in found]}
            for ladder, words, found in answers(request)
        ],
        "would_ask": list(would_ask(request)),
        "gaps": [
            {
                "question": str(gap.question),
                "cloud": gap.cloud,
                "region": gap.region,
                "reason": str(gap.reason),
                "message": gap.message,
                "fix": gap.fix,
                "as_of": gap.as_of,
            }
            for gap in request.known.evidence.gaps
        ],
        "failures": [failure.as_dict() for failure in request.failures()],
        "findings": [finding.as_dict() for finding in request.notes],
    }


def _demand(ladder: Ladder) -> dict[str, Any]:
    demand = ladder.demand
    return {
        "endpoint": demand.endpoint,
        "digest": demand.digest(),
        "needs": [asdict(need) for need in demand.needs],
        "replicas_min": demand.replicas_min,
        "replicas_max": demand.replicas_max,
        "purchases": [str(purchase) for purchase in demand.purchases],
        "order": [str(key) for key in demand.order],
        "usd_per_hour_unserved": usd_per_hour_unserved(demand),
        "weights": asdict(demand.weights),
    }


def _rung(ladder: Ladder, place: int, rung: Rung, request: Request) -> dict[str, Any]:
    offering, cost, odds = rung.offering, rung.cost, rung.offering.odds
    blocked = request.blocking(ladder.demand.endpoint, rung)
    return {
        "endpoint": ladder.demand.endpoint,
        "rung": place,
        "active": request.active.get(ladder.demand.endpoint) == offering.id,
        "offering": offering.id,
        "cloud": rung.cloud,
        "region": rung.region,
        "zones": list(rung.zones),
        "machine_type": rung.machine_type,
        "accelerator": rung.accelerator,
        "gpus_per_node": rung.gpus_per_node,
        "nodes_min": rung.nodes_min,
        "nodes_max": rung.nodes_max,
        "purchase": rung.purchase,
        "reservation": offering.reservation or None,
        "placement_group": offering.placement_group or None,
        "compact": rung.is_compact,
        "starts": offering.starts or None,
        "ends": offering.ends or None,
        "rate": {**asdict(rung.rate), "expected_usd": rung.rate.expected_usd},
        "usd_per_hour": rung.usd_per_hour,
        "expected_usd_per_hour": cost.total,
        "cost": cost._asdict(),
        "odds": asdict(odds),
        "quota": {
            "verdict": str(rung.quota_verdict),
            "limits": None if rung.quota_checks is None else [_check(check) for check in rung.quota_checks],
        },
        "needs_acknowledgement": rung.is_commitment,
        "usd_committed": rung.usd_committed,
        "blocked": blocked.as_dict() if blocked else None,
        "reason": rung.reason,
    }


def _check(check: QuotaCheck) -> dict[str, Any]:
    known, bucket = check.known, check.bucket
    return {
        "code": bucket.code,
        "quota_id": bucket.quota_id,
        "gpu_family": bucket.gpu_family or None,
        "name": bucket.name,
        "region": check.region,
        "unit": bucket.unit,
        "needed": check.needed,
        "needed_peak": check.needed_peak,
        "limit": known.limit if known else None,
        "used": known.used if known else None,
        "pending": known.pending if known else None,
        "pending_state": (known.pending_state or None) if known else None,
        "new_account": bucket.new_account,
        "verdict": str(check.verdict),
        "source": known.source if known else bucket.source,
        "as_of": known.as_of if known else bucket.as_of,
    }


def _exclusion(ladder: Ladder, item: Exclusion) -> dict[str, Any]:
    return {
        "endpoint": ladder.demand.endpoint,
        "what": item.what,
        "reason": item.reason,
        "rules": list(item.rules),
        "offering": item.offering or None,
        "cloud": item.cloud or None,
        "region": item.region or None,
        "zones": list(item.zones),
        "machine_type": item.machine_type or None,
        "purchase": item.purchase or None,
        "quota": [_check(check) for check in item.quota_checks],
    }


def _ask(ask: QuotaAsk, request: Request) -> dict[str, Any]:
    project = request.project(ask.cloud, ask.region)
    return {
        "cloud": ask.cloud,
        "region": ask.region,
        "quota_id": ask.quota_id,
        "gpu_family": ask.gpu_family or None,
        "value": ask.value,
        "reason": ask.reason,
        "pending": ask.pending or None,
        "command": ask.command(project),
        "request": ask.body(project),
    }


def _impossible(ladder: Ladder, request: Request) -> dict[str, Any]:
    verdict = explain_nothing(ladder.demand, request.known)
    return {
        "constraints": [{"rule": rule, "excludes": count} for rule, count in verdict.killers],
        "relaxations": [{**asdict(item), "rules": list(item.rules)} for item in verdict.relaxations],
        "message": verdict.describe(),
    }
