"""The only module that calls private parts of the Pulumi SDK.

Verified with SDK 3.272.0. `tests/engine/test_sdk_contract.py` names each part relied on, so that a new
SDK that moves one fails there first, with its name.
"""

import asyncio
import importlib
import os
import runpy
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf import empty_pb2
from pulumi import _types
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.proto import engine_pb2, resource_pb2
from pulumi.runtime.stack import run_in_stack

from gpuyard.engine.answers import Answers, Registration
from gpuyard.engine.wire import decode_struct, encode_struct
from gpuyard.errors import EngineError, GpuyardError
from gpuyard.resources import Resource

STACK_TYPE = "pulumi:pulumi:Stack"


class ProgramMonitor(mocks.MockMonitor):
    """Plays the engine to one run of a program: records each resource and passes the clouds' answers on."""

    def __init__(
        self, answers: Answers, *, project: str, stack: str, preview: bool, root: Path, reveal: bool = False
    ) -> None:
        super().__init__(None)  # pyright: ignore[reportArgumentType] (mocks are answered here)
        self.answers, self.preview, self.root, self.reveal = answers, preview, root, reveal
        self.prefix = f"urn:pulumi:{stack}::{project}::"
        self.recorded: dict[str, Resource] = {}
        self.stack_outputs: dict[str, Any] = {}
        self._lock = threading.Lock()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN as the engine builds it; the stack itself is no part of a child's type."""
        if parent:
            chain = parent.split("::")[2]
            if chain != STACK_TYPE:
                type_ = f"{chain}${type_}"
        return f"{self.prefix}{type_}::{name}"

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (the protocol's name)
        """Record the resource and answer for the cloud."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        resource = self._resource(urn, request)
        with self._lock:
            if urn in self.recorded:
                raise EngineError(f"two resources have the URN {urn}\n  fix: give one of them another name")
            self.recorded[urn] = resource
        if not request.custom:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        answer = self.answers.register(resource, preview=self.preview)
        return resource_pb2.RegisterResourceResponse(
            urn=urn,
            id=answer.id,
            object=self._outputs(request, answer),
            result=resource_pb2.Result.FAIL if answer.failed else resource_pb2.Result.SUCCESS,
        )

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        """Record the look-up and answer for the cloud."""
        urn = self.make_urn(request.parent, request.type, request.name)
        resource = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            id=request.id,
            parent=_parent(request.parent),
            inputs=decode_struct(request.properties, reveal=self.reveal),
            options={"read": True},
        )
        with self._lock:
            self.recorded[urn] = resource
        answer = self.answers.read(resource)
        return resource_pb2.ReadResourceResponse(urn=urn, properties=encode_struct(answer.outputs))

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        """Keep the stack's outputs; those of components are their own business."""
        if request.urn.startswith(f"{self.prefix}{STACK_TYPE}::"):
            self.stack_outputs = decode_struct(request.outputs)
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        """Answer a provider function."""
        result = self.answers.invoke(request.tok, decode_struct(request.args, reveal=True))
        return resource_pb2.ResourceInvokeResponse(**{"return": encode_struct(result)})

    def Call(self, request: Any) -> Any:  # noqa: N802
        """Provider methods have no stand-in."""
        raise EngineError(f"the provider method {request.tok} has no simulated answer")

    def _outputs(self, request: Any, answer: Registration) -> Any:
        """Outputs as the program sees them: its own inputs, secrets kept, and what the cloud added."""
        struct = type(request.object)()
        struct.CopyFrom(request.object)
        known = encode_struct({k: v for k, v in answer.outputs.items() if k not in request.object.fields})
        for key, value in known.fields.items():
            struct.fields[key].CopyFrom(value)
        return struct

    def _resource(self, urn: str, request: Any) -> Resource:
        provider, _, _ = request.provider.rpartition("::")
        return Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=_parent(request.parent),
            provider=provider or None,
            inputs=decode_struct(request.object, reveal=self.reveal),
            dependencies=tuple(sorted(request.dependencies)),
            property_dependencies={
                key: tuple(sorted(item.urns))
                for key, item in sorted(request.propertyDependencies.items())
                if item.urns
            },
            options=_options(request),
            source=self._source(request),
        )

    def _source(self, request: Any) -> str | None:
        """The innermost line of the program itself, else of the package that made the resource."""
        fallback = None
        for frame in request.stackTrace.frames:
            path = frame.pc.uri.removeprefix("file://")
            place = _relative(path, self.root)
            if place and not place.startswith(("components/gpuyard/", ".venv/")):
                return f"{place}:{frame.pc.line}"
            if fallback is None and "/gpuyard/" in path:
                fallback = f"gpuyard/{path.rsplit('/gpuyard/', 1)[1]}:{frame.pc.line}"
        return fallback


def run_program(
    program: Callable[[], None] | Path,
    monitor: ProgramMonitor,
    *,
    project: str,
    stack: str,
    config: Mapping[str, str],
    secret_keys: Iterable[str] = (),
    organization: str = "organization",
    log: Callable[[str, str], None] | None = None,
) -> None:
    """Run a program (a callable, or the folder of a ``__main__.py``) against ``monitor``.

    The folder is the working directory and heads ``sys.path``, as Pulumi's language host arranges it.
    Everything global is put back afterwards. The program's own exception comes out as it was raised.

    Raises:
        EngineError: the program or the SDK failed in a way that is no error of gpuyard's own.
    """
    function = _runner(program) if isinstance(program, Path) else program
    pulumi.runtime.set_all_config(dict(config), list(secret_keys))
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(
        lambda _loop, _context: None
    )  # a failure is raised once, below; its echoes are noise
    settings.configure(
        mocks.MockSettings(
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(None).supportedFeatures),
            engine=_Engine(log or (lambda _severity, _message: None)),
            project=project,
            stack=stack,
            organization=organization,
            root_directory=str(monitor.root),
            dry_run=monitor.preview,
            parallel=16,
            legacy_apply_enabled=False,
            callbacks=None,
            root_resource=None,
            package_refs={},
            base_providers_by_ref={},
            lock=threading.Lock(),
            outputs=set(),
        )
    )
    try:
        with _program_place(program if isinstance(program, Path) else None):
            loop.run_until_complete(run_in_stack(function))
    except GpuyardError:
        raise
    except Exception as error:
        raise _explained(error) from error
    finally:
        _close(loop)


class _Engine(mocks.MockEngine):
    """Receives the program's log messages."""

    def __init__(self, log: Callable[[str, str], None]) -> None:
        super().__init__(None)
        self._log = log

    def Log(self, request: Any) -> None:  # noqa: N802
        names = {engine_pb2.INFO: "info", engine_pb2.WARNING: "warning", engine_pb2.ERROR: "error"}
        if request.severity in names:
            self._log(names[request.severity], request.message)


def _runner(folder: Path) -> Callable[[], None]:
    def run() -> None:
        runpy.run_path(str(folder / "__main__.py"), run_name="__main__")

    return run


@contextmanager
def _program_place(folder: Path | None) -> Iterator[None]:
    """Working directory and import path of the program; modules that it imported from there are forgotten."""
    if folder is None:
        yield
        return
    before, path, modules = Path.cwd(), list(sys.path), set(sys.modules)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            if str(getattr(sys.modules[name], "__file__", None) or "").startswith(f"{folder}{os.sep}"):
                del sys.modules[name]


def _close(loop: asyncio.AbstractEventLoop) -> None:
    pending = asyncio.all_tasks(loop)
    for task in pending:
        task.cancel()
    if pending:
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()


def _explained(error: Exception) -> GpuyardError:
    """The gpuyard error inside a wrapped one, else an engine error with the program's own words."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, GpuyardError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return EngineError(f"the program failed: {type(error).__name__}: {error}")


def _parent(urn: str) -> str | None:
    return None if not urn or urn.split("::")[2] == STACK_TYPE else urn


def _relative(path: str, root: Path) -> str:
    prefix = f"{root}{os.sep}"
    return path.removeprefix(prefix).replace(os.sep, "/") if path.startswith(prefix) else ""


def _options(request: Any) -> dict[str, Any]:
    """Resource options that were set, by their wire names."""
    timeouts = request.customTimeouts
    found: dict[str, Any] = {
        "protect": request.protect,
        "retainOnDelete": request.retainOnDelete,
        "deleteBeforeReplace": request.deleteBeforeReplace,
        "ignoreChanges": list(request.ignoreChanges),
        "replaceOnChanges": list(request.replaceOnChanges),
        "additionalSecretOutputs": list(request.additionalSecretOutputs),
        "deletedWith": request.deletedWith,
        "importId": request.importId,
        "version": request.version,
        "aliases": [_alias(alias) for alias in request.aliases],
        "customTimeouts": {
            key: getattr(timeouts, key) for key in ("create", "update", "delete") if getattr(timeouts, key)
        },
    }
    return {key: value for key, value in found.items() if value}


def _alias(alias: Any) -> str:
    return alias.urn or ":".join(part for part in (alias.spec.type, alias.spec.name) if part)


def resource_class(token: str) -> type | None:
    """The class of a provider SDK that a type token names; None: the installed SDKs have no such type.

    Raises:
        EngineError: the token's provider SDK is not installed.
    """
    package, module, _ = token.split(":")
    try:
        importlib.import_module(f"pulumi_{package.replace('-', '_')}")
    except ModuleNotFoundError:
        raise EngineError(f"the provider SDK pulumi-{package} is not installed") from None
    for registered in rpc._RESOURCE_MODULES.get(f"{package}:{module}", []):  # noqa: SLF001
        info = registered.mod_info  # pyright: ignore[reportAttributeAccessIssue]
        if token in info["classes"]:
            return getattr(importlib.import_module(info["fqn"]), info["classes"][token])
    return None


def wire_names(input_type: type) -> Mapping[str, str]:
    """Wire names by Python names of an input type of a provider SDK."""
    return _types.input_type_py_to_pulumi_names(input_type)


def is_input_type(candidate: Any) -> bool:
    """Whether ``candidate`` is an input type of a provider SDK."""
    return isinstance(candidate, type) and _types.is_input_type(candidate)
