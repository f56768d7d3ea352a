"""The simulated clouds: AWS, Google Cloud and Kubernetes as plain functions over plain data.

One set of rules serves three users: provider plugins under the real Pulumi engine (`plugin`), the in-process
engine of `gpuyard demo` (`deployment`), and `gpuyard plan` (`preview`). Nothing here imports Pulumi.

Time is an argument: ``at`` counts simulated seconds since the scenario's beginning, and every operation says
how long it takes; nothing here waits. So a caller with its own clock decides what passes:

    sold_out = {"when": {"machine_type": "p5.*"}, "fail": "insufficient_capacity", "takes": "35m"}
    clouds = Clouds(Store(), parse_scenario({"rules": [sold_out]}))
    place = make_place("aws", {"region": "us-east-1"})
    checked = clouds.check("aws:ec2/vpc:Vpc", "net", {"cidrBlock": "10.0.0.0/16"}, place)
    made = clouds.create("aws:ec2/vpc:Vpc", "net", checked.inputs, place, at=0.0)
    made.id, made.outputs, made.took

A cloud that says no raises `Refusal`, whose text is the cloud's own, with ``kind``, ``rule`` and ``after``
(simulated seconds). Whole programs, with dependencies, replacements and deletions, run through
`gpuyard.simulate.deployment.SimulatedStack`.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gpuyard.resources import UNKNOWN
from gpuyard.simulate.changes import Change, compare, replacing_paths
from gpuyard.simulate.cluster_state import missing_in_cluster
from gpuyard.simulate.demand import MachineDemand, machine_demand
from gpuyard.simulate.functions import answer_function
from gpuyard.simulate.generic import generic_kind
from gpuyard.simulate.in_use import CLUSTERS, in_use_by, is_ours
from gpuyard.simulate.kind import Kind, Request, lay_over
from gpuyard.simulate.kinds import find_kind
from gpuyard.simulate.naming import Checked, check_inputs, is_autonamed
from gpuyard.simulate.place import Place
from gpuyard.simulate.scenario import Operation, Refusing, Scenario
from gpuyard.simulate.script import Ask, Refusal, judge
from gpuyard.simulate.store import Book, Record, Store, record_key

__all__ = ["Clouds", "Difference", "Made", "Refusal", "Seen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A resource that was made or changed."""

    id: str
    outputs: Mapping[str, Any]
    """Inputs among them."""
    took: float
    """Simulated seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A resource as the cloud has it."""

    outputs: Mapping[str, Any]
    inputs: Mapping[str, Any]
    """The inputs asked with, each with the value that the cloud has now."""
    took: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What an update would change."""

    changes: tuple[Change, ...]
    delete_first: bool
    """A replacement must delete before it creates: both would have one name."""

    @property
    def replaces(self) -> bool:
        """Whether the resource must be made anew."""
        return any(change.replaces for change in self.changes)


class Clouds:
    """Every simulated cloud of one stack."""

    def __init__(self, store: Store | None = None, scenario: Scenario | None = None) -> None:
        self.store, self.scenario = store or Store(), scenario or Scenario()

    def check(
        self,
        type_: str,
        name: str,
        inputs: Mapping[str, Any],
        place: Place,
        *,
        old: Mapping[str, Any] | None = None,
        seed: str = "",
    ) -> Checked:
        """The inputs with a physical name where the program gave none; ``old``: those of the last update."""
        return check_inputs(type_, name, inputs, place, self._kind(type_), old=old or {}, seed=seed or name)

    def differ(
        self, type_: str, old: Mapping[str, Any], new: Mapping[str, Any], ignored: tuple[str, ...] = ()
    ) -> Difference:
        """What updating from ``old`` inputs to ``new`` ones changes."""
        changes = compare(old, new, replacing_paths(type_, new), ignored)
        return Difference(changes=changes, delete_first=_same_fixed_name(type_, self._kind(type_), old, new))

    def foresee(
        self, type_: str, inputs: Mapping[str, Any], before: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Outputs that a preview knows: the inputs, and what an update of ``before`` leaves as it is."""
        outputs = lay_over(before or {}, {key: value for key, value in inputs.items() if key[:2] != "__"})
        return outputs | {key: UNKNOWN for key in self._kind(type_).unsettled if key in outputs}

    def create(
        self, type_: str, name: str, inputs: Mapping[str, Any], place: Place, *, at: float, urn: str = ""
    ) -> Made:
        """Make a resource.

        Raises:
            Refusal: the scenario or the cluster says no; nothing was made.
            EngineError: a type that no provider has, or a place that names no region or project.
        """
        with self.store.opened() as book:
            demand = machine_demand(type_, inputs, place, _Shelf(book))
            took = self._ask(book, Operation.CREATE, type_, name, inputs, place, demand, at)
            self._require_cluster_has(book, type_, inputs, place)
            maker = urn or f"{type_} {name}"
            book.made[maker] = book.made.get(maker, 0) + 1
            seed = f"{maker} {book.made[maker]}"
            outputs = self._compute(type_, name, inputs, place, book, seed=seed, at=at + took, before=None)
            id_ = str(outputs.pop("id"))
            key = record_key(place.scope, type_, id_)
            if key in book.resources:
                raise Refusal(_exists(type_, id_), kind=Refusing.BAD_CONFIGURATION, rule="", after=0.0)
            book.resources[key] = Record(
                type=type_,
                id=id_,
                name=name,
                urn=urn,
                scope=place.scope,
                seed=seed,
                created=at + took,
                properties=outputs,
            )
        return Made(id=id_, outputs=deepcopy(outputs), took=took)

    def take_back(self, type_: str, id_: str, place: Place) -> None:
        """Forget a resource whose making was cancelled."""
        with self.store.opened() as book:
            book.resources.pop(record_key(place.scope, type_, id_), None)

    def update(
        self, type_: str, id_: str, name: str, inputs: Mapping[str, Any], place: Place, *, at: float
    ) -> Made:
        """Change a resource in place.

        Raises:
            Refusal: the scenario says no, or the resource is gone.
        """
        with self.store.opened() as book:
            record = book.resources.get(record_key(place.scope, type_, id_))
            if record is None:
                text = f"{type_.rpartition(':')[2]} ({id_}): couldn't find resource"
                raise Refusal(text, kind=Refusing.BAD_CONFIGURATION, rule="", after=0.0)
            demand = machine_demand(type_, inputs, place, _Shelf(book), record.properties)
            took = self._ask(book, Operation.UPDATE, type_, name, inputs, place, demand, at)
            outputs = self._compute(
                type_, name, inputs, place, book, seed=record.seed, at=at + took, before=record.properties
            )
            outputs.pop("id")
            record.properties = outputs
        return Made(id=id_, outputs=deepcopy(outputs), took=took)

    def read(
        self, type_: str, id_: str, name: str, inputs: Mapping[str, Any], place: Place, *, at: float
    ) -> Seen | None:
        """A resource as it is now; None: it is gone.

        Raises:
            Refusal: the scenario says no.
        """
        with self.store.opened() as book:
            took = self._ask(book, Operation.READ, type_, name, inputs, place, MachineDemand(), at)
            record = book.resources.get(record_key(place.scope, type_, id_))
            if record is None:
                return None
            asked = self._compute(
                type_, name, inputs, place, book, seed=record.seed, at=at, before=record.properties
            )
            found = record.properties
            return Seen(outputs=deepcopy(found), inputs=_as_found(inputs, asked, found), took=took)

    def delete(
        self, type_: str, id_: str, name: str, inputs: Mapping[str, Any], place: Place, *, at: float
    ) -> float:
        """Remove a resource and return the simulated seconds; one that is gone already takes none.

        With a Kubernetes cluster goes everything in it.

        Raises:
            Refusal: the scenario says no, or something else still needs the resource.
        """
        with self.store.opened() as book:
            took = self._ask(book, Operation.DELETE, type_, name, inputs, place, MachineDemand(), at)
            record = book.resources.get(record_key(place.scope, type_, id_))
            if record is None:
                return 0.0
            needing = in_use_by(book, record)
            if needing:
                raise Refusal(needing, kind=Refusing.BAD_CONFIGURATION, rule="", after=0.0)
            del book.resources[record_key(place.scope, type_, id_)]
            endpoint = str(record.properties.get("endpoint") or "").removeprefix("https://")
            if record.type in CLUSTERS and endpoint:
                for key in [key for key, item in book.resources.items() if item.scope == endpoint]:
                    del book.resources[key]
        return took

    def invoke(self, token: str, args: Mapping[str, Any], place: Place, *, at: float) -> dict[str, Any]:
        """The result of a provider function.

        Raises:
            EngineError: no answer is known, or the cloud says no.
        """
        for answer in self.scenario.answers:
            if answer.answers(token, args):
                return dict(answer.result)
        with self.store.opened() as book:
            self._ask(book, Operation.INVOKE, token, "", args, place, MachineDemand(), at)
            return answer_function(token, args, place, _Shelf(book))

    def _kind(self, type_: str) -> Kind:
        return find_kind(type_) or generic_kind(type_)

    def _compute(
        self,
        type_: str,
        name: str,
        inputs: Mapping[str, Any],
        place: Place,
        book: Book,
        *,
        seed: str,
        at: float,
        before: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        plain = {key: value for key, value in inputs.items() if not key.startswith("__")}
        request = Request(
            type=type_,
            name=name,
            inputs=plain,
            place=place,
            lookup=_Shelf(book),
            seed=seed,
            now=self.scenario.start + timedelta(seconds=at),
            before=before,
        )
        return lay_over(plain, self._kind(type_).compute(request))

    def _ask(
        self,
        book: Book,
        operation: Operation,
        type_: str,
        name: str,
        inputs: Mapping[str, Any],
        place: Place,
        demand: MachineDemand,
        at: float,
    ) -> float:
        """Seconds that the operation takes; refusals are counted and raised."""
        if not self.scenario.rules:
            return 0.0
        ask = Ask(operation=operation, type=type_, name=name, place=place, inputs=inputs, demand=demand)
        ruling = judge(self.scenario, ask, at, book.struck)
        for key in ruling.struck:
            book.struck[key] = book.struck.get(key, 0) + 1
        if ruling.refusal:
            raise ruling.refusal
        return ruling.takes

    def _require_cluster_has(self, book: Book, type_: str, inputs: Mapping[str, Any], place: Place) -> None:
        if place.package != "kubernetes" or not is_ours(book, place.scope):
            return
        held = [(record.type, record.properties) for record in book.in_scope(place.scope)]
        missing = missing_in_cluster(type_, inputs, place.settings, held)
        if missing:
            raise Refusal(missing, kind=Refusing.BAD_CONFIGURATION, rule="", after=0.0)


class _Shelf:
    """The look-ups of kinds and functions, in an open book."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def find(self, type_: str, place: Place, **properties: Any) -> Mapping[str, Any] | None:
        record = self._book.find(type_, place.scope, **properties)
        return {**record.properties, "id": record.id} if record else None

    def find_all(self, type_: str, place: Place) -> list[Mapping[str, Any]]:
        held = [record for record in self._book.in_scope(place.scope) if record.type == type_]
        return [{**record.properties, "id": record.id} for record in sorted(held, key=lambda item: item.id)]


def _exists(type_: str, id_: str) -> str:
    package, kind = type_.partition(":")[0], type_.rpartition(":")[2]
    if package == "gcp":
        return f"googleapi: Error 409: Already exists: {id_}., alreadyExists"
    if package == "kubernetes":
        return f'{kind.lower()}s "{id_.rpartition("/")[2]}" already exists'
    return f"{kind}AlreadyExists: {id_} already exists"


def _same_fixed_name(type_: str, kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether old and new would have the same name, which the program chose."""
    if type_.startswith("kubernetes:"):
        key = "metadata" if not kind.name else kind.name
        before, after = old.get(key) or {}, new.get(key) or {}
        if key == "metadata":
            same = all(before.get(part) == after.get(part) for part in ("name", "namespace"))
            return same and not is_autonamed(type_, kind, new)
        return before == after and not is_autonamed(type_, kind, new)
    if not kind.name:
        return False
    return (
        bool(new.get(kind.name))
        and old.get(kind.name) == new.get(kind.name)
        and not is_autonamed(type_, kind, new)
    )


def _as_found(
    inputs: Mapping[str, Any], asked: Mapping[str, Any], found: Mapping[str, Any]
) -> dict[str, Any]:
    """``inputs`` with the values that the cloud has now.

    ``asked`` is what the cloud would make of the inputs today: where ``found`` is the same nothing has
    drifted, and the input stays as the program wrote it, a short name instead of the cloud's full one. What
    only the cloud knows is no input.
    """
    kept = {}
    for key, value in inputs.items():
        if key.startswith("__") or (key in found and found[key] == asked.get(key)):
            kept[key] = value
        elif key in found:
            kept[key] = _project(value, asked.get(key), found[key])
    return kept


def _project(value: Any, asked: Any, found: Any) -> Any:
    if isinstance(value, Mapping) and isinstance(found, Mapping):
        return _as_found(value, asked if isinstance(asked, Mapping) else {}, found)
    if isinstance(value, list) and isinstance(found, list) and len(value) == len(found):
        known = asked if isinstance(asked, list) and len(asked) == len(found) else [None] * len(found)
        return [_project(*items) for items in zip(value, known, found, strict=True)]
    return value if found == asked else found
