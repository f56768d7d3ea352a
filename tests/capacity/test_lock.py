"""The lock file: what is kept, what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from gpuyard.capacity.demand import AllowedRegion, Demand, GpuNeed, Purchase
from gpuyard.capacity.ladder import Ladder, rank_offerings
from gpuyard.capacity.lock_file import parse_lock, parse_lock_text, read_lock, render_lock
from gpuyard.capacity.lock_making import make_lock
from gpuyard.errors import SpecError

DEMAND = Demand(
    endpoint="chat",
    needs=(GpuNeed(accelerator="l4", gpus_per_replica=1, reason="fits"),),
    replicas_min=1,
    replicas_max=2,
    purchases=(Purchase.ON_DEMAND, Purchase.SPOT),
    regions=(
        AllowedRegion(cloud="aws", region="us-east-1"),
        AllowedRegion(cloud="gcp", region="us-central1"),
    ),
)


@pytest.fixture(scope="module")
def ladder() -> Ladder:
    return rank_offerings(DEMAND)


def codes(error: SpecError) -> list[str]:
    return [finding.code for finding in error.findings]


def test_a_lock_reads_back_as_it_was_written(ladder: Ladder, tmp_path: Path) -> None:
    lock = make_lock("dev", [ladder], "2026-11-24")
    path = tmp_path / "capacity.dev.lock.yaml"
    path.write_text(render_lock(lock), encoding="utf-8")
    assert read_lock(path) == lock
    assert render_lock(read_lock(path)) == render_lock(lock)


def test_the_active_rung_stays_while_the_ladder_has_it(ladder: Ladder) -> None:
    lock = make_lock("dev", [ladder], "2026-11-24")
    chat = lock.endpoints["chat"].model_copy(update={"active": 3})
    previous = lock.model_copy(update={"endpoints": {"chat": chat}})
    moved = replace(ladder, rungs=tuple(reversed(ladder.rungs)))
    again = make_lock("dev", [moved], "2026-11-24", previous).endpoints["chat"]
    assert again.rungs[again.active].key == chat.rungs[3].key
    assert again.active == len(ladder.rungs) - 4


def test_without_its_rung_the_best_one_is_active(ladder: Ladder) -> None:
    previous = make_lock("dev", [ladder], "2026-11-24")
    shorter = replace(ladder, rungs=ladder.rungs[1:])
    again = make_lock("dev", [shorter], "2026-11-24", previous).endpoints["chat"]
    assert again.active == 0
    assert again.rungs[0].key != previous.endpoints["chat"].rungs[0].key


def test_a_price_change_touches_its_own_lines_only(ladder: Ladder) -> None:
    before = render_lock(make_lock("dev", [ladder], "2026-11-24")).splitlines()
    first = ladder.rungs[0]
    rate = replace(first.rate, usd=(first.rate.usd or 0) + 0.001)
    dearer = first._replace(offering=replace(first.offering, rate=rate))
    changed = replace(ladder, rungs=(dearer, *ladder.rungs[1:]))
    after = render_lock(make_lock("dev", [changed], "2026-11-24")).splitlines()
    assert len(before) == len(after)
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


def test_a_lock_by_a_newer_gpuyard_is_left_alone() -> None:
    with pytest.raises(SpecError) as caught:
        parse_lock({"version": 99, "stack": "dev", "what": "ever"}, "capacity.dev.lock.yaml")
    assert codes(caught.value) == ["LOCK_NEWER"]
    assert "upgrade gpuyard" in caught.value.findings[0].fix


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version: [", "is not YAML"),
        ("", "capacity.dev.lock.yaml"),
        ("version: 1\nstack: dev\nas_of: yesterday\nendpoints: {}\n", "as_of"),
        (
            "{version: 1, stack: dev, as_of: '2026-11-24', endpoints: {chat: {active: 0, rungs: []}}}",
            "rungs",
        ),
    ],
)
def test_a_broken_lock_says_where_it_is_broken(text: str, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        parse_lock_text(text, "capacity.dev.lock.yaml")


def test_an_active_rung_beyond_the_ladder_is_refused(ladder: Ladder) -> None:
    data = make_lock("dev", [ladder], "2026-11-24").model_dump(mode="json")
    data["endpoints"]["chat"]["active"] = 999
    with pytest.raises(SpecError, match="there is no rung 999"):
        parse_lock(data)
