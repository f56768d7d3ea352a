"""A stack on simulated clouds, in-process: preview, up, refresh and destroy of a real Pulumi program.

Plays the part of the Pulumi engine that a stack needs: create, update in place, replace (delete first where
two cannot coexist), keep what did not change, delete what the program no longer asks for, all in the order
of dependencies. Resources that do not depend on a failed one go on, as with `pulumi up --continue-on-error`;
what was made stays, so the next `up` resumes.

Times are simulated: a resource begins when all that it depends on is there, however long the program runs.

    stack = SimulatedStack(Path("stacks"), project="gpuyard", stack="dev", root=Path(), config=config)
    outcome = stack.up(at=0.0)
    outcome.failures, outcome.seconds
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gpuyard.engine.answers import Registration, calling_provider
from gpuyard.engine.monitor import ProgramMonitor
from gpuyard.engine.sdk import run_program
from gpuyard.errors import EngineError
from gpuyard.resources import UNKNOWN, Resource
from gpuyard.simulate.changes import Change, ChangeKind, compare, is_covered
from gpuyard.simulate.clouds import Clouds
from gpuyard.simulate.place import Place, ProviderBook
from gpuyard.simulate.steps import Action, Outcome, Step

PROVIDER_TYPE = "pulumi:providers:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A resource that a stack has."""

    resource: Resource
    id: str
    inputs: Mapping[str, Any]
    """As checked: named."""
    outputs: Mapping[str, Any]
    place: Place


class SimulatedStack:
    """One stack: its program, its clouds and what it has deployed."""

    def __init__(
        self,
        program: Callable[[], None] | Path,
        *,
        project: str,
        stack: str,
        root: Path,
        config: Mapping[str, str] | None = None,
        secret_keys: Iterable[str] = (),
        clouds: Clouds | None = None,
        progress: Callable[[Step], None] | None = None,
    ) -> None:
        self.program, self.project, self.stack, self.root = program, project, stack, root
        self.config, self.secret_keys = dict(config or {}), tuple(secret_keys)
        self.clouds = clouds or Clouds()
        self.progress = progress
        """Told of every step as it ends."""
        self.deployed: dict[str, Deployed] = {}
        """By URN."""

    def preview(self, *, at: float = 0.0) -> Outcome:
        """What `up` would do; ids and outputs of what is not there yet are unknown to the program.

        Raises:
            GpuyardError: the program failed, or asked for something that no cloud knows.
        """
        return self._run("preview", at)

    def up(self, *, at: float = 0.0) -> Outcome:
        """Make the clouds as the program wants them. Refusals are in the outcome; nothing is rolled back.

        Raises:
            GpuyardError: the program itself failed; what was made until then stays.
        """
        return self._run("up", at)

    def refresh(self, *, at: float = 0.0) -> Outcome:
        """Take over what the clouds have; the next `up` then sets right what others changed."""
        steps = []
        for urn, item in sorted(self.deployed.items()):
            resource = item.resource
            if not resource.custom or resource.type.startswith(PROVIDER_TYPE):
                continue
            try:
                seen = self.clouds.read(resource.type, item.id, resource.name, item.inputs, item.place, at=at)
            except EngineError as error:
                steps.append(self._step(resource, Action.READ, at, at, error=error))
                continue
            if seen is None:
                del self.deployed[urn]
                steps.append(self._step(resource, Action.GONE, at, at, id_=item.id))
                continue
            changes = compare(item.outputs, seen.outputs)
            self.deployed[urn] = replace(item, inputs=seen.inputs, outputs=seen.outputs)
            action = Action.REFRESH if changes else Action.SAME
            steps.append(self._step(resource, action, at, at + seen.took, id_=item.id, changes=changes))
        return _outcome("refresh", steps, at)

    def destroy(self, *, at: float = 0.0) -> Outcome:
        """Delete everything, dependents first. What is protected, or needed by what is left, stays."""
        steps = self._delete(dict(self.deployed), at)
        return _outcome("destroy", steps, at)

    def _run(self, operation: str, at: float) -> Outcome:
        messages: list[tuple[str, str]] = []
        is_preview = operation == "preview"
        run = _Run(self, at=at, preview=is_preview)
        monitor = ProgramMonitor(
            run, project=self.project, stack=self.stack, preview=is_preview, root=self.root, reveal=True
        )
        run.recorded = monitor.recorded
        run_program(
            self.program,
            monitor,
            project=self.project,
            stack=self.stack,
            config=self.config,
            secret_keys=self.secret_keys,
            log=lambda severity, text: messages.append((severity, text)),
        )
        steps = [*run.steps.values(), *self._plain_steps(run, monitor.recorded, at)]
        end = max([at, *(step.end for step in steps)])
        if not any(step.error for step in steps):
            steps += self._clean_up(run, end)
        if not is_preview:
            for urn in monitor.recorded.keys() & run.plain:
                self.deployed[urn] = run.plain[urn]
        return _outcome(operation, steps, at, monitor.stack_outputs, messages)

    def _plain_steps(self, run: "_Run", recorded: Mapping[str, Resource], at: float) -> list[Step]:
        """Components and providers: made with the program, nothing of the cloud."""
        steps = []
        for urn, resource in recorded.items():
            if urn in run.steps:
                continue
            run.plain[urn] = Deployed(
                resource=resource,
                id=f"{resource.name}-id" if resource.custom else "",
                inputs=resource.inputs,
                outputs=resource.inputs,
                place=run.book.place(resource.type, resource.urn, {}),
            )
            action = Action.SAME if urn in self.deployed else Action.CREATE
            steps.append(self._step(resource, action, at, at))
        return steps

    def _clean_up(self, run: "_Run", at: float) -> list[Step]:
        """After a program that did not fail: what was replaced, and what is no longer asked for."""
        gone = {urn: item for urn, item in self.deployed.items() if urn not in run.recorded}
        if run.preview:
            return [self._step(item.resource, Action.DELETE, at, at, id_=item.id) for item in gone.values()]
        return self._delete({**gone, **run.replaced}, at)

    def _delete(self, items: Mapping[str, Deployed], at: float) -> list[Step]:
        """Delete in reverse order of dependencies; each begins when all that depended on it is gone."""
        needs = {urn: _needs(item.resource) & items.keys() for urn, item in items.items()}
        users = {urn: {other for other in items if urn in needs[other]} for urn in items}
        ends: dict[str, float] = {}
        kept: set[str] = set()
        steps: list[Step] = []
        while users:
            ready = sorted(urn for urn, others in users.items() if not others - ends.keys())
            if not ready:
                raise EngineError(
                    "the dependencies of the simulated stack form a cycle: please report this bug"
                )
            for urn in ready:
                begin = max([at, *(ends[other] for other in users.pop(urn))])
                made = self._skip(items[urn], begin) if urn in kept else self._remove(items[urn], begin)
                steps.append(made)
                ends[urn] = made.end
                if made.error or made.action is Action.SKIP:
                    kept |= needs[urn]
                elif self.deployed.get(urn) is items[urn]:
                    del self.deployed[urn]
        return steps

    def _skip(self, item: Deployed, at: float) -> Step:
        return self._step(item.resource, Action.SKIP, at, at, id_=item.id)

    def _remove(self, item: Deployed, at: float) -> Step:
        """Delete one resource of the cloud, unless it is to be kept."""
        resource = item.resource
        if not resource.custom or resource.type.startswith(PROVIDER_TYPE) or resource.options.get("read"):
            return self._step(resource, Action.DELETE, at, at, id_=item.id)
        if resource.options.get("protect"):
            error = EngineError(f"{resource.urn} is protected: set protect to false first")
            return self._step(resource, Action.DELETE, at, at, id_=item.id, error=error)
        if resource.options.get("retainOnDelete"):
            return self._step(resource, Action.DELETE, at, at, id_=item.id)
        try:
            took = self.clouds.delete(resource.type, item.id, resource.name, item.inputs, item.place, at=at)
        except EngineError as error:
            end = at + float(getattr(error, "after", 0.0))
            return self._step(resource, Action.DELETE, at, end, id_=item.id, error=error)
        return self._step(resource, Action.DELETE, at, at + took, id_=item.id)

    def _step(
        self,
        resource: Resource,
        action: Action,
        begin: float,
        end: float,
        *,
        id_: str = "",
        changes: tuple[Change, ...] = (),
        error: EngineError | None = None,
    ) -> Step:
        step = Step(
            urn=resource.urn,
            type=resource.type,
            name=resource.name,
            action=action,
            begin=begin,
            end=end,
            id=id_,
            custom=resource.custom,
            changes=changes,
            error=error,
        )
        if self.progress:
            self.progress(step)
        return step


class _Run:
    """One run of the program: the clouds' `Answers`, called from several threads."""

    def __init__(self, stack: SimulatedStack, *, at: float, preview: bool) -> None:
        self.stack, self.at, self.preview = stack, at, preview
        self.book = ProviderBook(stack.config)
        self.recorded: Mapping[str, Resource] = {}
        self.steps: dict[str, Step] = {}
        self.plain: dict[str, Deployed] = {}
        self.replaced: dict[str, Deployed] = {}
        self._broken: set[str] = set()
        self._lock = threading.RLock()

    def register(self, resource: Resource, *, preview: bool) -> Registration:  # noqa: ARG002 (the run knows)
        if resource.type.startswith(PROVIDER_TYPE):
            self.book.note(resource)
            return Registration(id=f"{resource.name}-id")
        with self._lock:
            begin = self._begin(resource)
            if self._waits_for_broken(resource):
                self._broken.add(resource.urn)
                return self._done(resource, Action.SKIP, begin, begin, Registration(failed=True))
            try:
                return self._settle(resource, begin)
            except EngineError as error:
                self._broken.add(resource.urn)
                end = begin + float(getattr(error, "after", 0.0))
                action = Action.UPDATE if resource.urn in self.stack.deployed else Action.CREATE
                return self._done(resource, action, begin, end, Registration(failed=True), error=error)

    def read(self, resource: Resource) -> Registration:
        with self._lock:
            begin = self._begin(resource)
            place = self._place(resource)
            id_ = str(resource.id)
            found = self.stack.clouds.read(resource.type, id_, resource.name, {}, place, at=begin)
            if found is None:
                raise EngineError(
                    f"{resource.type} {id_} is not in the simulated clouds, which begin empty\n"
                    "  fix: let the program make it, or look it up by a function that the scenario answers"
                )
            self._keep(resource, id_, resource.inputs, found.outputs, place)
            return self._done(
                resource, Action.READ, begin, begin + found.took, Registration(id=id_, outputs=found.outputs)
            )

    def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        place = self.book.place(token, calling_provider.get(), args)
        return self.stack.clouds.invoke(token, args, place, at=self.at)

    def _settle(self, resource: Resource, begin: float) -> Registration:
        """Create, update, replace or keep one resource."""
        clouds, old = self.stack.clouds, self.stack.deployed.get(resource.urn)
        place = self._place(resource)
        type_, name = resource.type, resource.name
        checked = clouds.check(
            type_, name, resource.inputs, place, old=old.inputs if old else None, seed=resource.urn
        )
        if checked.failures:
            raise EngineError("; ".join(f"{key}: {reason}" for key, reason in checked.failures))
        inputs = checked.inputs
        if old is None:
            return self._create(resource, inputs, place, begin)
        inputs = keep_ignored(old.inputs, inputs, resource.options.get("ignoreChanges", ()))
        difference = clouds.differ(type_, old.inputs, inputs)
        forced = resource.options.get("replaceOnChanges", ())
        moved = old.place.scope != place.scope and not (self.preview and place.is_unknown)
        replaces = (
            difference.replaces
            or moved
            or any(is_covered(change.path, forced) for change in difference.changes)
        )
        if not difference.changes and not moved:
            self._keep(resource, old.id, inputs, old.outputs, place)
            return self._done(
                resource, Action.SAME, begin, begin, Registration(id=old.id, outputs=old.outputs)
            )
        if not replaces:
            return self._update(resource, old, inputs, place, begin, difference.changes)
        if resource.options.get("protect") or old.resource.options.get("protect"):
            raise EngineError(
                f"unable to replace {resource.urn}: it is protected; set protect to false first"
            )
        changes = difference.changes or (Change("provider", ChangeKind.UPDATE, replaces=True),)
        inputs = clouds.check(type_, name, resource.inputs, place, seed=f"{resource.urn} {old.id}").inputs
        first = difference.delete_first or bool(resource.options.get("deleteBeforeReplace"))
        return self._replace(resource, old, inputs, place, begin, changes, delete_first=first)

    def _create(
        self, resource: Resource, inputs: Mapping[str, Any], place: Place, begin: float
    ) -> Registration:
        if self.preview:
            answer = Registration(outputs=self.stack.clouds.foresee(resource.type, inputs))
            return self._done(resource, Action.CREATE, begin, begin, answer)
        made = self.stack.clouds.create(
            resource.type, resource.name, inputs, place, at=begin, urn=resource.urn
        )
        self._keep(resource, made.id, inputs, made.outputs, place)
        answer = Registration(id=made.id, outputs=made.outputs)
        return self._done(resource, Action.CREATE, begin, begin + made.took, answer)

    def _update(
        self,
        resource: Resource,
        old: Deployed,
        inputs: Mapping[str, Any],
        place: Place,
        begin: float,
        changes: tuple[Change, ...],
    ) -> Registration:
        clouds = self.stack.clouds
        if self.preview:
            answer = Registration(id=old.id, outputs=clouds.foresee(resource.type, inputs, old.outputs))
            return self._done(resource, Action.UPDATE, begin, begin, answer, changes=changes)
        made = clouds.update(resource.type, old.id, resource.name, inputs, place, at=begin)
        self._keep(resource, made.id, inputs, made.outputs, place)
        answer = Registration(id=made.id, outputs=made.outputs)
        return self._done(resource, Action.UPDATE, begin, begin + made.took, answer, changes=changes)

    def _replace(
        self,
        resource: Resource,
        old: Deployed,
        inputs: Mapping[str, Any],
        place: Place,
        begin: float,
        changes: tuple[Change, ...],
        *,
        delete_first: bool,
    ) -> Registration:
        if self.preview:
            answer = Registration(outputs=self.stack.clouds.foresee(resource.type, inputs))
            return self._done(resource, Action.REPLACE, begin, begin, answer, changes=changes)
        clouds, name = self.stack.clouds, resource.name
        took = 0.0
        if delete_first:
            took = clouds.delete(resource.type, old.id, name, old.inputs, old.place, at=begin)
            del self.stack.deployed[resource.urn]
        made = clouds.create(resource.type, name, inputs, place, at=begin + took, urn=resource.urn)
        if not delete_first:
            self.replaced[resource.urn] = old
        self._keep(resource, made.id, inputs, made.outputs, place)
        answer = Registration(id=made.id, outputs=made.outputs)
        end = begin + took + made.took
        return self._done(resource, Action.REPLACE, begin, end, answer, changes=changes)

    def _keep(
        self,
        resource: Resource,
        id_: str,
        inputs: Mapping[str, Any],
        outputs: Mapping[str, Any],
        place: Place,
    ) -> None:
        if not self.preview:
            self.stack.deployed[resource.urn] = Deployed(
                resource=resource, id=id_, inputs=inputs, outputs=outputs, place=place
            )

    def _done(
        self,
        resource: Resource,
        action: Action,
        begin: float,
        end: float,
        answer: Registration,
        *,
        changes: tuple[Change, ...] = (),
        error: EngineError | None = None,
    ) -> Registration:
        self.steps[resource.urn] = self.stack._step(  # noqa: SLF001 (one class in two parts)
            resource, action, begin, end, id_=answer.id, changes=changes, error=error
        )
        return answer

    def _place(self, resource: Resource) -> Place:
        return self.book.place(resource.type, resource.provider, resource.inputs)

    def _needed(self, resource: Resource) -> set[str]:
        """What a resource waits for: dependencies of its own, of its ancestors and of its provider."""
        found = set(resource.dependencies)
        for urn in filter(None, (resource.parent, resource.provider)):
            above = self.recorded.get(urn)
            if above is not None:
                found |= self._needed(above)
        return found

    def _begin(self, resource: Resource) -> float:
        return max([self.at, *(self.steps[urn].end for urn in self._needed(resource) if urn in self.steps)])

    def _waits_for_broken(self, resource: Resource) -> bool:
        return bool(self._needed(resource) & self._broken) or _has_unknown(resource.inputs, self.preview)


def _needs(resource: Resource) -> set[str]:
    """URNs that must be there for ``resource``: its dependencies, its provider, its parent."""
    return {*resource.dependencies, *filter(None, (resource.provider, resource.parent))} - {resource.urn}


def keep_ignored(old: Mapping[str, Any], new: Mapping[str, Any], ignored: Iterable[str]) -> dict[str, Any]:
    """``new`` with the old value of every ignored path, as the engine hands it to a provider."""
    kept = dict(new)
    for path in ignored:
        head, _, rest = str(path).partition(".")
        if not rest:
            if head in old:
                kept[head] = old[head]
            else:
                kept.pop(head, None)
        elif isinstance(kept.get(head), Mapping) and isinstance(old.get(head), Mapping):
            kept[head] = keep_ignored(old[head], kept[head], (rest,))
    return kept


def _has_unknown(value: Any, preview: bool) -> bool:
    """Whether an input is unknown although nothing is previewed: what it comes from failed."""
    if preview:
        return False
    if isinstance(value, Mapping):
        return any(_has_unknown(item, preview) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_has_unknown(item, preview) for item in value)
    return value is UNKNOWN


def _outcome(
    operation: str,
    steps: list[Step],
    at: float,
    outputs: Mapping[str, Any] | None = None,
    messages: Iterable[tuple[str, str]] = (),
) -> Outcome:
    return Outcome(
        operation=operation,
        steps=tuple(sorted(steps, key=lambda step: (step.begin, step.urn, step.action))),
        begin=at,
        end=max([at, *(step.end for step in steps)]),
        outputs=dict(sorted((outputs or {}).items())),
        messages=tuple(sorted(messages)),
    )
