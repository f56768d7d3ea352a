"""The provider protocol over the simulated clouds: what the Pulumi engine asks, in its own message types.

Protocol: pulumi/proto/provider.proto, SDK 3.272 and engine 3.260 (read 2026-11). Secrets are not accepted, so
the engine unwraps them before a call and marks them again after it. Values of assets stay as they were sent.
"""

import threading
import time
from collections.abc import Callable, Mapping
from functools import wraps
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2
from google.protobuf.struct_pb2 import ListValue, Struct, Value

from gpuyard.engine.wire import decode_struct, encode
from gpuyard.errors import GpuyardError
from gpuyard.simulate.changes import Change, ChangeKind, compare
from gpuyard.simulate.clouds import Clouds
from gpuyard.simulate.place import Place, make_place, read_settings
from gpuyard.simulate.protocol import plugin_pb2, provider_pb2, provider_pb2_grpc
from gpuyard.simulate.scenario import Scenario
from gpuyard.simulate.store import Store, state_file

_DIFFERS = provider_pb2.DiffResponse
_KIND = provider_pb2.PropertyDiff
_KINDS = {
    (ChangeKind.ADD, False): _KIND.ADD,
    (ChangeKind.ADD, True): _KIND.ADD_REPLACE,
    (ChangeKind.DELETE, False): _KIND.DELETE,
    (ChangeKind.DELETE, True): _KIND.DELETE_REPLACE,
    (ChangeKind.UPDATE, False): _KIND.UPDATE,
    (ChangeKind.UPDATE, True): _KIND.UPDATE_REPLACE,
}
_MOVES = {"aws": ("region",), "gcp": ("project",)}
"""Settings of a provider that mean another place: everything of it must be made anew."""


class _CancelledError(Exception):
    """The engine ended the wait for an operation."""


def _told(method: Callable[..., Any]) -> Callable[..., Any]:
    """Errors of gpuyard's own become the call's error, in their own words."""

    @wraps(method)
    def call(self: "CloudServicer", request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except GpuyardError as error:
            self.pass_time(float(getattr(error, "after", 0.0)))
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except _CancelledError as error:
            context.abort(grpc.StatusCode.CANCELLED, str(error))

    return call


class CloudServicer(provider_pb2_grpc.ResourceProviderServicer):
    """One provider process: a package, configured once."""

    def __init__(self, package: str, *, state: Path, scenario: Scenario) -> None:
        self.package, self.state, self.scenario = package, state, scenario
        self.settings: Mapping[str, Any] = {}
        self._clouds: dict[tuple[str, str], Clouds] = {}
        self._stack = ("project", "stack")
        self._cancelled = threading.Event()
        self._lock = threading.Lock()

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 (the protocol's name, as below)
        """What this provider understands."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=False, accept_resources=False)

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """An engine connects to a provider that runs already."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """The version of the provider SDK that is stood in for."""
        try:
            number = version(f"pulumi-{self.package}")
        except PackageNotFoundError:
            number = "0.0.0"
        return plugin_pb2.PluginInfo(version=number)

    def GetSchema(self, request: Any, context: Any) -> NoReturn:  # noqa: N802, ARG002
        """The real provider's schema is not simulated."""
        _refuse(context, "the simulated providers have no schema: generate SDKs with the real ones")

    def Parameterize(self, request: Any, context: Any) -> NoReturn:  # noqa: N802, ARG002
        """None of the three providers takes parameters."""
        _refuse(context, f"the {self.package} provider takes no parameters")

    def GetMapping(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """No mapping to another provider."""
        return provider_pb2.GetMappingResponse()

    def GetMappings(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """No mappings either."""
        return provider_pb2.GetMappingsResponse()

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Every setting is accepted."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Another region, project or cluster means new resources."""
        old, new = (read_settings(decode_struct(item)) for item in (request.olds, request.news))
        changes = compare(old, new, _MOVES.get(self.package, ()))
        if self.package == "kubernetes":
            moved = make_place("kubernetes", old).scope != make_place("kubernetes", new).scope
            known = not make_place("kubernetes", new).is_unknown
            changes = tuple(Change(item.path, item.kind, replaces=moved and known) for item in changes)
        return _answer_diff(changes, delete_first=False)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Take the settings; they say where calls go."""
        self.settings = read_settings(decode_struct(request.args, reveal=True))
        if request.urn:
            self._stack = _stack_of(request.urn)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=False
        )

    @_told
    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Answer a function."""
        args = decode_struct(request.args, reveal=True)
        clouds = self._of(self._stack)
        result = clouds.invoke(request.tok, args, self._place(args), at=self.now(clouds))
        return provider_pb2.InvokeResponse(
            **{"return": _restate(Struct(), {}, result)}
        )  # a word of Python's, so no keyword

    def Call(self, request: Any, context: Any) -> NoReturn:  # noqa: N802
        """Methods have no stand-in."""
        _refuse(context, f"{request.tok}: methods of resources have no simulated answer")

    def Construct(self, request: Any, context: Any) -> NoReturn:  # noqa: N802
        """Components of the provider's own are not simulated."""
        _refuse(
            context,
            f"{request.type} is taken apart by the provider itself, which the simulated one cannot do; "
            "use kubernetes.helm.v3.Release for charts, and kubernetes.yaml.ConfigGroup for manifests",
        )

    @_told
    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Name what the program did not name."""
        type_, name, clouds = self._resource(request)
        news = decode_struct(request.news)
        old = decode_struct(request.olds) or None
        checked = clouds.check(type_, name, news, self._place(news), old=old, seed=request.randomSeed.hex())
        failures = [
            provider_pb2.CheckFailure(property=key, reason=reason) for key, reason in checked.failures
        ]
        return provider_pb2.CheckResponse(
            inputs=_restate(request.news, news, checked.inputs), failures=failures
        )

    @_told
    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Compare the inputs of the last update with the new ones."""
        type_, _, clouds = self._resource(request)
        old = decode_struct(request.old_inputs) or decode_struct(request.olds)
        difference = clouds.differ(type_, old, decode_struct(request.news), tuple(request.ignoreChanges))
        return _answer_diff(difference.changes, delete_first=difference.replaces and difference.delete_first)

    @_told
    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Make a resource, or say what of it a preview knows."""
        type_, name, clouds = self._resource(request)
        inputs = decode_struct(request.properties)
        if request.preview:
            known = clouds.foresee(type_, inputs)
            return provider_pb2.CreateResponse(properties=_restate(request.properties, inputs, known))
        at = self.now(clouds)
        place = self._place(inputs)
        made = clouds.create(type_, name, inputs, place, at=at, urn=request.urn)
        if not self.pass_time(made.took):
            clouds.take_back(type_, made.id, place)
            raise _CancelledError(f"{name}: cancelled while it was created; nothing of it is left")
        return provider_pb2.CreateResponse(
            id=made.id, properties=_restate(request.properties, inputs, made.outputs)
        )

    @_told
    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """A resource as the cloud has it; without an id it is gone."""
        type_, name, clouds = self._resource(request)
        properties, inputs = decode_struct(request.properties), decode_struct(request.inputs)
        place = self._place(inputs or properties)
        seen = clouds.read(type_, request.id, name, inputs, place, at=self.now(clouds))
        if seen is None:
            return provider_pb2.ReadResponse()
        if not self.pass_time(seen.took):
            raise _CancelledError(f"{name}: cancelled while it was read")
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=_restate(request.properties, properties, _keep_assets(seen.outputs, properties)),
            inputs=_restate(request.inputs, inputs, _keep_assets(seen.inputs, inputs)),
        )

    @_told
    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Change a resource in place, or say what of it a preview knows."""
        type_, name, clouds = self._resource(request)
        inputs = decode_struct(request.news)
        if request.preview:
            known = clouds.foresee(type_, inputs, decode_struct(request.olds))
            return provider_pb2.UpdateResponse(properties=_restate(request.news, inputs, known))
        made = clouds.update(type_, request.id, name, inputs, self._place(inputs), at=self.now(clouds))
        if not self.pass_time(made.took):
            raise _CancelledError(
                f"{name}: cancelled while it was updated; the cloud goes on with the update"
            )
        return provider_pb2.UpdateResponse(properties=_restate(request.news, inputs, made.outputs))

    @_told
    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Remove a resource."""
        type_, name, clouds = self._resource(request)
        inputs = decode_struct(request.old_inputs) or decode_struct(request.properties)
        took = clouds.delete(type_, request.id, name, inputs, self._place(inputs), at=self.now(clouds))
        if not self.pass_time(took):
            raise _CancelledError(f"{name}: cancelled while it was deleted; the cloud goes on deleting it")
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Stop waiting: what was waited for fails."""
        self._cancelled.set()
        return empty_pb2.Empty()

    def now(self, clouds: Clouds) -> float:
        """Simulated seconds since this stack's clouds began."""
        with clouds.store.opened() as book:
            if book.began is None:
                book.began = time.time()
            return max(0.0, time.time() - book.began) * self.scenario.speed

    def pass_time(self, seconds: float) -> bool:
        """Let that many simulated seconds pass; False: the engine cancelled before their end."""
        return seconds <= 0 or not self._cancelled.wait(seconds / self.scenario.speed)

    def _resource(self, request: Any) -> tuple[str, str, Clouds]:
        """Type, logical name and clouds of the resource that a request is about."""
        self._stack = _stack_of(request.urn)
        type_, name = request.urn.split("::", 3)[2:]
        return type_.rpartition("$")[2], name, self._of(self._stack)

    def _of(self, stack: tuple[str, str]) -> Clouds:
        with self._lock:
            if stack not in self._clouds:
                self._clouds[stack] = Clouds(Store(state_file(self.state, *stack)), self.scenario)
            return self._clouds[stack]

    def _place(self, args: Mapping[str, Any]) -> Place:
        return make_place(self.package, self.settings, args=args)


def _stack_of(urn: str) -> tuple[str, str]:
    """Project and stack in a URN ``urn:pulumi:<stack>::<project>::…``."""
    head, project, *_ = urn.split("::")
    return project, head.removeprefix("urn:pulumi:")


def _restate(sent: Struct, known: Mapping[str, Any], values: Mapping[str, Any]) -> Struct:
    """``values`` on the wire; what is as ``sent``, which reads ``known``, stays as it was, assets too."""
    result = Struct()
    for key, value in values.items():
        same = key in known and known[key] == value and key in sent.fields
        result.fields[key].CopyFrom(_whole(sent.fields[key]) if same else encode(value))
    return result


def _whole(value: Value) -> Value:
    """``value`` without members of no kind at all.

    Engine 3.260 sends those in an archive of which it kept the hash only, and panics to get one back.
    """
    if value.HasField("struct_value"):
        kept = Value(struct_value=Struct())
        for key, item in value.struct_value.fields.items():
            if item.WhichOneof("kind"):
                kept.struct_value.fields[key].CopyFrom(_whole(item))
        return kept
    if value.HasField("list_value"):
        return Value(list_value=ListValue(values=[_whole(item) for item in value.list_value.values]))
    return value


def _keep_assets(found: Any, known: Any) -> Any:
    """``found`` with the assets and archives that ``known`` has.

    The engine sends no more than their hash when it reads, so they cannot be compared and count as unchanged.
    """
    if isinstance(known, str) and known.startswith(("[asset ", "[archive ")):
        return known
    if isinstance(found, Mapping) and isinstance(known, Mapping):
        return {key: _keep_assets(value, known.get(key)) for key, value in found.items()}
    if isinstance(found, list) and isinstance(known, list) and len(found) == len(known):
        return [_keep_assets(one, other) for one, other in zip(found, known, strict=True)]
    return found


def _answer_diff(changes: tuple[Change, ...], *, delete_first: bool) -> Any:
    return provider_pb2.DiffResponse(
        changes=_DIFFERS.DIFF_SOME if changes else _DIFFERS.DIFF_NONE,
        diffs=sorted({change.path for change in changes}),
        replaces=sorted({change.path for change in changes if change.replaces}),
        detailedDiff={
            item.path: _KIND(kind=_KINDS[item.kind, item.replaces], inputDiff=True) for item in changes
        },
        hasDetailedDiff=True,
        deleteBeforeReplace=delete_first,
    )


def _refuse(context: grpc.ServicerContext, message: str) -> NoReturn:
    context.abort(grpc.StatusCode.UNIMPLEMENTED, message)
    raise AssertionError("abort always raises")
