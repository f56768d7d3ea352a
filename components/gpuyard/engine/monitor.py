"""Plays the Pulumi engine to one run of a program: the resource monitor's side of the published protocol."""

import threading
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import resource_pb2

from gpuyard.engine.answers import Answers, Registration, calling_provider
from gpuyard.engine.options import describe_options, provider_urn
from gpuyard.engine.place import find_place, wire_frames
from gpuyard.engine.protocol import UNKNOWN_SENTINELS
from gpuyard.engine.transforms import Transforms
from gpuyard.engine.wire import decode_struct, encode_struct, merge_struct
from gpuyard.errors import EngineError
from gpuyard.resources import Resource

STACK_TYPE = "pulumi:pulumi:Stack"
GET_RESOURCE = "pulumi:pulumi:getResource"
"""The one function that the engine answers itself: a resource of this program by its URN."""

calling_place: ContextVar[str | None] = ContextVar("calling_place", default=None)
"""Where the program made the call that is being answered; requests of functions do not carry it."""

_LEFT_TO_THE_SDK = frozenset(
    {
        "OUTPUT_VALUES",  # only remote components send them; plain values are what is recorded
        "INVOKE_OUTPUT_VALUES",
        "CALL_OUTPUT_VALUES",
        "BYTE_STRING",
        "INVOKE_DEPENDS_ON",  # the SDK itself then waits for what a function call depends on
        "INVOKE_PARENT",
        "SENDS_OPTIONS_TO_HOOKS",  # hooks are recorded, never called
    }
)


class ProgramMonitor:
    """Records each resource of a program and passes the clouds' answers on.

    ``reveal`` leaves secrets readable in what is recorded and asked: for simulated clouds that store them,
    never for what is printed.
    """

    def __init__(
        self, answers: Answers, *, project: str, stack: str, preview: bool, root: Path, reveal: bool = False
    ) -> None:
        self.answers, self.preview, self.root, self.reveal = answers, preview, root.resolve(), reveal
        self.prefix = f"urn:pulumi:{stack}::{project}::"
        self.recorded: dict[str, Resource] = {}
        self.stack_outputs: dict[str, Any] = {}
        self.transforms = Transforms()
        self._lock = threading.Lock()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN as the engine builds it; the stack itself is no part of a child's type."""
        if parent:
            chain = parent.split("::")[2]
            if chain != STACK_TYPE:
                type_ = f"{chain}${type_}"
        return f"{self.prefix}{type_}::{name}"

    def features(self) -> set[int]:
        """What this engine can do, for the SDK to choose by."""
        prefix = "RESOURCE_MONITOR_FEATURE_"
        known = resource_pb2.ResourceMonitorFeature.items()
        return {number for name, number in known if name.removeprefix(prefix) not in _LEFT_TO_THE_SDK}

    def GetDeploymentInfo(self, _request: Any) -> Any:  # noqa: N802 (the protocol's name, as below)
        """Tell the SDK what this engine can do."""
        return resource_pb2.DeploymentInfo(supportedFeatures=sorted(self.features()))  # pyright: ignore[reportArgumentType] (numbers of an enum)

    def SupportsFeature(self, request: Any) -> Any:  # noqa: N802
        """The same, as older SDKs ask."""
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id != "outputValues")

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        """Record the resource and answer for the cloud."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        self.transforms.transform_resource(urn, request)
        resource = self._registered(urn, request)
        self._record(resource)
        if not request.custom and not request.remote:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        answer = self.answers.register(resource, preview=self.preview)
        return resource_pb2.RegisterResourceResponse(
            urn=urn,
            id=answer.id,
            object=_state(request.object, resource, answer),
            result=_result(answer),
        )

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        """Record the look-up and answer for the cloud."""
        resource = Resource(
            urn=self.make_urn(request.parent, request.type, request.name),
            type=request.type,
            name=request.name,
            id=None if request.id in UNKNOWN_SENTINELS else request.id,
            parent=_parent(request.parent),
            provider=provider_urn(request.provider),
            inputs=decode_struct(request.properties, reveal=self.reveal),
            dependencies=tuple(sorted(request.dependencies)),
            options={"read": True},
            source=self._place(request),
        )
        self._record(resource)
        answer = self.answers.read(resource) if resource.id else Registration()
        return resource_pb2.ReadResourceResponse(
            urn=resource.urn,
            id=answer.id or resource.id or "",
            properties=_state(request.properties, resource, answer),
            result=_result(answer),
        )

    def ExistsResource(self, request: Any) -> Any:  # noqa: N802
        """Simulated clouds are not asked whether something exists: unknown in a preview, loud otherwise."""
        if not self.preview:
            raise EngineError(f"whether {request.type} {request.id} exists has no simulated answer")
        return resource_pb2.ExistsResourceResponse(unknown=True)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        """Keep the stack's outputs; those of components are their own business."""
        if request.urn.startswith(f"{self.prefix}{STACK_TYPE}::"):
            self.stack_outputs = decode_struct(request.outputs)
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        """Answer a provider function."""
        self.transforms.transform_invoke(request)
        args = decode_struct(request.args, reveal=True)
        calling_provider.set(provider_urn(request.provider))
        try:
            result = self._own_resource(args) if request.tok == GET_RESOURCE else None
            result = result or self.answers.invoke(request.tok, args)
        except EngineError as error:
            error.args = (_located(str(error), request.tok),)
            raise
        fields: Any = {"return": encode_struct(result)}  # a word of Python's, so no keyword argument
        return resource_pb2.ResourceInvokeResponse(**fields)

    def Call(self, request: Any) -> Any:  # noqa: N802
        """Provider methods have no stand-in."""
        raise EngineError(_located("provider methods have no simulated answer", request.tok))

    def RegisterStackTransform(self, request: Any) -> Any:  # noqa: N802
        """Transform every resource from now on."""
        self.transforms.add_for_stack(request)
        return empty_pb2.Empty()

    def RegisterStackInvokeTransform(self, request: Any) -> Any:  # noqa: N802
        """Transform every provider function call from now on."""
        self.transforms.add_for_invokes(request)
        return empty_pb2.Empty()

    def RegisterResourceHook(self, _request: Any) -> Any:  # noqa: N802
        """Hooks run when a cloud acts; here their names are recorded with the resources that bind them."""
        return empty_pb2.Empty()

    def RegisterErrorHook(self, _request: Any) -> Any:  # noqa: N802
        """As `RegisterResourceHook`."""
        return empty_pb2.Empty()

    def RegisterPackage(self, request: Any) -> Any:  # noqa: N802
        """Name a parameterized provider; equal packages have equal names."""
        part = request.parameterization if request.HasField("parameterization") else request.extension
        name = "@".join((part.name or request.name, part.version or request.version))
        return resource_pb2.RegisterPackageResponse(ref=name)

    def SignalAndWaitForShutdown(self, _request: Any) -> Any:  # noqa: N802
        """Nothing outlives the program."""
        return empty_pb2.Empty()

    def _record(self, resource: Resource) -> None:
        with self._lock:
            first = self.recorded.setdefault(resource.urn, resource)
        if first is not resource:
            places = sorted({item.source for item in (first, resource) if item.source})
            raise EngineError(
                f"two resources have the URN {resource.urn}"
                + (f"\n  made at {' and '.join(places)}" if places else "")
                + "\n  fix: give one of them another name"
            )

    def _registered(self, urn: str, request: Any) -> Resource:
        parent = _parent(request.parent)
        with self._lock:
            inherited = self.recorded[parent].options if parent in self.recorded else {}
        return describe_registration(urn, request, inherited, self.root, reveal=self.reveal)

    def _place(self, request: Any) -> str | None:
        return find_place(wire_frames(request.stackTrace.frames), self.root)

    def _own_resource(self, args: dict[str, Any]) -> dict[str, Any] | None:
        with self._lock:
            resource = self.recorded.get(args.get("urn", ""))
        if resource is None:
            return None
        return {"urn": resource.urn, "id": resource.id or "", "state": dict(resource.inputs)}


def describe_registration(
    urn: str, request: Any, inherited: Mapping[str, Any], root: Path, *, reveal: bool = False
) -> Resource:
    """A RegisterResourceRequest as data; ``inherited`` are the options of its parent."""
    return Resource(
        urn=urn,
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent=_parent(request.parent),
        provider=provider_urn(request.provider),
        inputs=decode_struct(request.object, reveal=reveal),
        dependencies=tuple(sorted(request.dependencies)),
        property_dependencies={
            key: tuple(sorted(item.urns))
            for key, item in sorted(request.propertyDependencies.items())
            if item.urns
        },
        options=describe_options(request, inherited),
        source=find_place(wire_frames(request.stackTrace.frames), root),
    )


def _state(inputs: Any, resource: Resource, answer: Registration) -> Any:
    """Outputs as the program sees them: its own inputs, secrets kept, and what the cloud says."""
    struct = type(inputs)()
    struct.CopyFrom(inputs)
    merge_struct(struct, answer.outputs, resource.inputs)
    return struct


def _result(answer: Registration) -> Any:
    return resource_pb2.Result.FAIL if answer.failed else resource_pb2.Result.SUCCESS


def _parent(urn: str) -> str | None:
    return None if not urn or urn.split("::")[2] == STACK_TYPE else urn


def _located(message: str, token: str) -> str:
    """The message with the function and the place of the call, unless it names them already."""
    place = calling_place.get()
    named = message if token in message else f"{token}: {message}"
    return f"{named}\n  called at {place}" if place else named
