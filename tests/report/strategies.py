"""Reports that nobody would write: any items, unknowns and findings."""

from dataclasses import replace

from hypothesis import strategies as st

from gpuyard.costs.cost_report import CostReport
from gpuyard.costs.line_item import GROUPS, LineItem, Loads, Unpriced
from gpuyard.errors import Finding, Severity
from gpuyard.report.model import PoolRow, RungRow, build_report

WORDS = st.text(max_size=12)
AMOUNTS = st.decimals(min_value=0, max_value=10**7, allow_nan=False, allow_infinity=False)
LOADS = st.builds(Loads, idle=AMOUNTS, expected=AMOUNTS, peak=AMOUNTS)
ITEMS = st.builds(
    LineItem,
    resource=WORDS,
    urn=WORDS,
    type=WORDS,
    component=WORDS,
    group=st.sampled_from(GROUPS),
    region=WORDS,
    quantity=st.none() | LOADS,
    unit=WORDS,
    list_unit_price=st.none() | AMOUNTS,
    unit_price=AMOUNTS,
    unit_price_low=st.none() | AMOUNTS,
    unit_price_high=st.none() | AMOUNTS,
    category=st.sampled_from(["Usage", "Purchase", "Credit"]),
    frequency=st.sampled_from(["One-Time", "Recurring", "Usage-Based"]),
    source=WORDS,
    as_of=st.dates().map(str),
    note=WORDS,
)
UNKNOWN = st.builds(Unpriced, resource=WORDS, urn=WORDS, type=WORDS, component=WORDS, reason=WORDS)
COSTS = st.builds(
    CostReport,
    hours_per_month=st.integers(1, 744),
    reference_date=st.dates().map(str),
    items=st.lists(ITEMS, max_size=5).map(tuple),
    unknown=st.lists(UNKNOWN, max_size=3).map(tuple),
    free=st.integers(0, 9),
    priced=st.integers(0, 9),
)
FINDINGS = st.builds(
    Finding,
    severity=st.sampled_from(Severity),
    code=WORDS,
    path=WORDS,
    value=st.none() | st.booleans() | st.integers() | WORDS,
    message=WORDS,
    fix=WORDS,
)
URNS = st.sampled_from(
    [
        f"urn:pulumi:{stack}::p::{kind}::{name}"
        for stack in "ab"
        for kind in ("t:x:A", "t:x:B")
        for name in "xyz"
    ]
)
"""Few, so that two reports share some."""
SHARED_ITEMS = st.builds(
    lambda item, urn, name: replace(item, urn=urn, resource=urn[-1], component=name),
    ITEMS,
    URNS,
    st.sampled_from(["node", "disk", "fee"]),
)
SHARED_COSTS = st.builds(
    CostReport,
    hours_per_month=st.just(730),
    reference_date=st.just("2026-11-23"),
    items=st.lists(SHARED_ITEMS, max_size=6).map(tuple),
    unknown=st.lists(
        st.builds(
            Unpriced,
            resource=st.just("x"),
            urn=URNS,
            type=st.just("t"),
            component=st.sampled_from(["node", "disk"]),
            reason=WORDS,
        ),
        max_size=2,
    ).map(tuple),
    free=st.just(0),
    priced=st.just(0),
)
POOLS = st.builds(
    PoolRow,
    name=st.sampled_from(["a", "b", "c"]),
    place=st.sampled_from(["aws us-east-1", "gcp us-central1"]),
    machine=st.sampled_from(["p5.48xlarge", "g6.xlarge"]),
    purchase=st.sampled_from(["spot", "on_demand"]),
    nodes=st.sampled_from(["1", "1 to 2"]),
    serves=st.sampled_from(["chat: m", "embed: n"]),
)
RUNGS = st.builds(
    RungRow,
    endpoint=st.sampled_from(["chat", "embed"]),
    number=st.integers(1, 3),
    place=st.sampled_from(["aws us-east-1", "gcp us-central1"]),
    machine=st.just("m"),
    purchase=st.just("spot"),
    price=st.sampled_from(["$1/h", "unknown"]),
    is_active=st.booleans(),
)
REPORTS = st.builds(
    lambda costs, findings, pools, rungs: build_report(
        stack="s", costs=costs, findings=findings, pools=pools, rungs=rungs
    ),
    SHARED_COSTS,
    st.lists(FINDINGS, max_size=4),
    st.lists(POOLS, max_size=3, unique_by=lambda pool: pool.name),
    st.lists(RUNGS, max_size=4),
)
