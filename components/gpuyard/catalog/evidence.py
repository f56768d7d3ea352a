"""Evidence: what the clouds answered about capacity, when, and what they did not answer.

`gpuyard capacity --live` collects it, `evidence_file` keeps it in one file, and every other command
reads that file: nothing here touches a network. An answer lists its subjects (machine types, or requests
in words), so that what it does not list is known to be absent; a gap says why a question stayed open.

A later survey is laid over an earlier one with `merge`: it replaces what it answered, adds to what it
answered in part, and never erases what it could not ask.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, product
from typing import Any, TypeVar

from gpuyard.catalog.evidence_items import Item, Question, Reason
from gpuyard.records import record

ItemT = TypeVar("ItemT", bound=Item)


@record
class Answer:
    """One question, answered for one place."""

    question: Question
    cloud: str
    account: str = ""
    """AWS account id with all but its last four digits masked, or Google project. Empty: public facts."""
    region: str
    """``global`` for questions without a region."""
    subjects: tuple[str, ...] = ()
    """Machine types or requests that were asked about, see `subject_of`. Empty: everything there."""
    is_complete: bool = True
    """False: some of it failed, and a gap says what. Then absence proves nothing."""
    as_of: str
    items: tuple[Item, ...] = ()


@record
class Gap:
    """A question that stayed open, why, and what to do about it."""

    question: Question
    cloud: str
    account: str = ""
    region: str
    subjects: tuple[str, ...] = ()
    reason: Reason
    message: str
    """What the cloud said. Never a secret."""
    fix: str
    permission: str = ""
    """The IAM action or Google permission that is missing; empty: another reason."""
    as_of: str


PlacedT = TypeVar("PlacedT", Answer, Gap)


@dataclass(frozen=True)
class Evidence:
    """All answers and open questions of one file, sorted by question and place."""

    answers: tuple[Answer, ...] = ()
    gaps: tuple[Gap, ...] = ()

    def find(
        self, kind: type[ItemT], *, cloud: str = "", region: str = "", machine_type: str = ""
    ) -> tuple[ItemT, ...]:
        """Records of one kind, in file order; an empty argument does not restrict.

        A reservation or quota of every account in the file is among them: see `accounts`.
        """
        found = self._by_place.get((kind.kind, cloud, region), ())
        if not machine_type:
            return found
        return tuple(item for item in found if machine_type in _machine_types(item))

    def answered(self, question: Question, cloud: str, region: str, subject: str = "") -> str:
        """When the question was last answered in full for the subject; empty: it was not.

        With a date, what `find` does not return is not there. Without one, nobody knows.
        """
        dates = [
            answer.as_of
            for answer in self._answers_by_place.get((question, cloud, region), ())
            if answer.is_complete and (not answer.subjects or subject in answer.subjects)
        ]
        return max(dates, default="")

    def accounts(self, cloud: str) -> tuple[str, ...]:
        """Accounts that account-bound answers are about, the one asked last first."""
        latest: dict[str, str] = {}
        for answer in self.answers:
            if answer.cloud == cloud and answer.account:
                latest[answer.account] = max(answer.as_of, latest.get(answer.account, ""))
        return tuple(sorted(latest, key=lambda account: latest[account], reverse=True))

    @property
    def as_of(self) -> str:
        """When the newest answer was given; empty: there is none."""
        return max((answer.as_of for answer in self.answers), default="")

    @cached_property
    def _by_place(self) -> dict[tuple[str, str, str], tuple[Any, ...]]:
        lists: dict[tuple[str, str, str], list[Item]] = {}
        for answer in self.answers:
            for item in answer.items:
                for cloud, region in product({item.cloud, ""}, {item.region, ""}):
                    lists.setdefault((answer.question, cloud, region), []).append(item)
        return {key: tuple(items) for key, items in lists.items()}

    @cached_property
    def _answers_by_place(self) -> dict[tuple[str, str, str], list[Answer]]:
        places: dict[tuple[str, str, str], list[Answer]] = {}
        for answer in self.answers:
            places.setdefault((answer.question, answer.cloud, answer.region), []).append(answer)
        return places


def subject_of(item: Item) -> str:
    """What the record is about, as `Answer.subjects` lists it.

    The machine type; with the size and kind of the request where the answer depends on them:
    ``8 x p5.48xlarge``, ``2 x a3-highgpu-8g spot``. Empty: the region as a whole.
    """
    machines = "+".join(_machine_types(item))
    instances = getattr(item, "instances", 0)
    if item.kind in (Question.RESERVATIONS, Question.QUOTAS) or not machines:
        return ""
    if item.kind is Question.ADVICE:
        return request_subject(instances, machines, getattr(item, "purchase", ""))
    return request_subject(instances, machines) if instances else machines


def request_subject(instances: int, machines: str, purchase: str = "") -> str:
    """The subject of a question about so many machines at once."""
    return f"{instances} x {machines} {purchase}".rstrip()


def group_gaps(gaps: Iterable[Gap]) -> list[list[Gap]]:
    """Gaps with the same cause and the same way out together, in the order of their first."""
    groups: dict[tuple[str, ...], list[Gap]] = {}
    for gap in gaps:
        fix = gap.fix.replace(gap.region, "REGION")
        groups.setdefault((gap.cloud, gap.reason, gap.permission, fix), []).append(gap)
    return list(groups.values())


def describe_gaps(group: Sequence[Gap]) -> str:
    """What stayed open, and where: ``aws: spot prices, quotas in us-east-1, us-west-2 and 3 more``."""
    questions = sorted({gap.question.replace("_", " ") for gap in group})
    regions = sorted({gap.region for gap in group})
    shown = ", ".join(regions[:3]) + (f" and {len(regions) - 3} more" if len(regions) > 3 else "")
    return f"{group[0].cloud}: {', '.join(questions)} in {shown}"


def merge(old: Evidence, new: Evidence) -> Evidence:
    """``old`` with ``new`` laid over it.

    Complete answers take the place of what they cover, incomplete ones that of the records they bring;
    gaps are closed by complete answers and renewed by gaps. What ``new`` does not mention stays.
    """
    answers = _by_place(old.answers)
    for answer in new.answers:
        kept = [left for one in answers.get(_place(answer), ()) for left in _without(one, answer)]
        answers[_place(answer)] = [*kept, answer]
    gaps = _by_place(old.gaps)
    for closing in (*(answer for answer in new.answers if answer.is_complete), *new.gaps):
        open_ = (_still_open(gap, closing) for gap in gaps.get(_place(closing), ()))
        gaps[_place(closing)] = [gap for gap in open_ if gap is not None]
        if isinstance(closing, Gap):
            gaps[_place(closing)].append(closing)
    return sort_evidence(chain(*answers.values()), chain(*gaps.values()))


def sort_evidence(answers: Iterable[Answer], gaps: Iterable[Gap]) -> Evidence:
    """Evidence in the order of its file."""

    def place(one: Answer | Gap) -> tuple[Any, ...]:
        return (one.question, one.cloud, one.account, one.region, one.subjects, one.as_of)

    def identity(item: Item) -> tuple[str, ...]:
        return tuple(str(getattr(item, name)) for name in item.identity)

    ordered = (replace(answer, items=tuple(sorted(answer.items, key=identity))) for answer in answers)
    return Evidence(tuple(sorted(ordered, key=place)), tuple(sorted(gaps, key=place)))


def _without(old: Answer, new: Answer) -> Iterator[Answer]:
    """What is left of ``old`` once ``new`` has been said of the same place."""
    if not new.is_complete:
        brought = {(item.region, *_identity(item)) for item in new.items}
        kept = [item for item in old.items if (item.region, *_identity(item)) not in brought]
        if kept or old.is_complete:
            yield replace(old, items=tuple(kept))
        return
    left = _left(old.subjects, new.subjects)
    if left is None:
        return
    kept = [item for item in old.items if subject_of(item) not in new.subjects]
    yield replace(old, subjects=left, items=tuple(kept))


def _still_open(gap: Gap, closing: Answer | Gap) -> Gap | None:
    left = _left(gap.subjects, closing.subjects)
    return None if left is None else replace(gap, subjects=left)


def _left(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...] | None:
    """Subjects of ``old`` that ``new`` does not cover; None: it covers all."""
    if not new:
        return None
    if not old:
        return ()
    return tuple(subject for subject in old if subject not in new) or None


def _place(one: Answer | Gap) -> tuple[str, ...]:
    return (one.question, one.cloud, one.account, one.region)


def _by_place(ones: Iterable[PlacedT]) -> dict[tuple[str, ...], list[PlacedT]]:
    places: dict[tuple[str, ...], list[PlacedT]] = {}
    for one in ones:
        places.setdefault(_place(one), []).append(one)
    return places


def _identity(item: Item) -> tuple[Any, ...]:
    return tuple(getattr(item, name) for name in item.identity)


def _machine_types(item: Any) -> tuple[str, ...]:
    if hasattr(item, "machine_types"):
        return item.machine_types
    name = getattr(item, "machine_type", "")
    return (name,) if name else ()
