"""The only module that calls private parts of the Pulumi SDK.

Verified with SDK 3.272.0. `tests/engine/test_sdk_contract.py` names each part relied on, so that a new
SDK that moves one fails there first, with its name.
"""

import asyncio
import importlib
import sys
import threading
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
from pulumi import _types
from pulumi._utils import ContextProperty
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.proto import engine_pb2
from pulumi.runtime.stack import run_in_stack

from gpuyard.engine.failure import explain, mask_secrets
from gpuyard.engine.interrupt import interruptible
from gpuyard.engine.monitor import ProgramMonitor, calling_place
from gpuyard.engine.place import call_frames, find_place
from gpuyard.engine.program import find_main, load_main, program_place
from gpuyard.engine.sdk_packages import import_by_the_class
from gpuyard.errors import EngineError, GpuyardError

_PARALLEL = 16
_CALLS = frozenset({"rpc_wrapper", "do_rpc"})
"""Coroutines in which the SDK calls provider functions; they start in the frame of the program's call."""
_RUNNING = threading.RLock()
"""Working directory, import path and standard output belong to the process: one program at a time."""


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
    Everything global is put back afterwards. ``log`` gets severity and text of what the program logs or
    prints, secrets of the config left out.

    Raises:
        GpuyardError: the program's own, as it was raised.
        SpecError: the program is missing, does not compile, or refuses its config.
        EngineError: the program or the SDK failed in another way; the message names the line.
    """
    secrets = [config[key] for key in secret_keys if config.get(key)]

    def say(severity: str, text: str) -> None:
        if log is not None and text:
            log(severity, mask_secrets(text, secrets))

    import_by_the_class()
    main = find_main(program) if isinstance(program, Path) else None
    function = load_main(main) if main else program
    pulumi_settings = partial(
        _settings, monitor, say, project=project, stack=stack, organization=organization
    )
    with _RUNNING, _kept_settings(), program_place(main.parent if main else None) as printed:
        try:
            copy_context().run(_run, function, pulumi_settings, dict(config), list(secret_keys), monitor)
        except (GpuyardError, KeyboardInterrupt):
            raise
        except BaseException as error:
            reason = explain(error, monitor.root, secrets)
            if reason is not None:
                raise reason from error
        finally:
            monitor.transforms.close()
            for line in printed.getvalue().splitlines():
                say("info", line)


def _run(
    function: Any,
    make_settings: Callable[[], settings.Settings],
    config: dict[str, str],
    secret_keys: list[str],
    monitor: ProgramMonitor,
) -> None:
    """Run ``function`` on a loop of its own; called in a context of its own, which takes the SDK's state."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_task_factory(partial(_start_task, root=monitor.root))
    # a failure is raised once, by run_program; what the loop says of its echoes is noise
    loop.set_exception_handler(lambda _loop, _context: None)
    try:
        settings.set_root_resource(None)  # pyright: ignore[reportArgumentType] (None: no stack yet)
        pulumi.runtime.set_all_config(config, secret_keys)
        settings.configure(make_settings())
        with interruptible(loop):
            loop.run_until_complete(run_in_stack(function))
    finally:
        _close(loop)


def _settings(
    monitor: ProgramMonitor, log: Callable[[str, str], None], *, project: str, stack: str, organization: str
) -> settings.Settings:
    return mocks.MockSettings(
        monitor=monitor,
        monitor_features=monitor.features(),
        engine=_Engine(log),
        project=project,
        stack=stack,
        organization=organization,
        root_directory=str(monitor.root),
        dry_run=monitor.preview,
        parallel=_PARALLEL,
        legacy_apply_enabled=False,
        callbacks=None,
        package_refs={},
        base_providers_by_ref={},
        lock=threading.Lock(),
        outputs=set(),
    )


@contextmanager
def _kept_settings() -> Iterator[None]:
    """Put the SDK's settings back: a value set where none was becomes their default in every context."""
    kept = {
        item: item.fget() for item in vars(settings.Settings).values() if isinstance(item, ContextProperty)
    }
    try:
        yield
    finally:
        for item, value in kept.items():
            item.fset(value)


class Watch:
    """What the running program makes; one per program, however many ask for it."""

    def __init__(self) -> None:
        self.made: list[pulumi.Resource] = []
        """In the order of their construction; whoever watches adds them."""
        self.requests: dict[str, Any] = {}
        """The RegisterResourceRequest by URN; grows on the SDK's threads."""


def watch_program() -> Watch:
    """Watch every registration from now on; the monitor, of whatever kind, notices nothing."""
    monitor: Any = settings.get_monitor()
    if not isinstance(monitor, _Watched):
        monitor = _Watched(monitor)
        settings.SETTINGS.monitor = monitor  # pyright: ignore[reportAttributeAccessIssue]
    return monitor.watch


class _Watched:
    """A monitor that passes everything on."""

    def __init__(self, monitor: Any) -> None:
        self._monitor, self.watch = monitor, Watch()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._monitor, name)

    def RegisterResource(self, request: Any, *more: Any, **options: Any) -> Any:  # noqa: N802
        """Pass it on, then note it: the answer has the URN."""
        answer = self._monitor.RegisterResource(request, *more, **options)
        self.watch.requests[answer.urn] = request
        return answer


class _Engine(mocks.MockEngine):
    """Receives the program's log messages."""

    def __init__(self, log: Callable[[str, str], None]) -> None:
        super().__init__(None)
        self._log = log

    def Log(self, request: Any) -> None:  # noqa: N802 (the protocol's name)
        names = {engine_pb2.INFO: "info", engine_pb2.WARNING: "warning", engine_pb2.ERROR: "error"}
        if request.severity in names:
            self._log(names[request.severity], request.message)

    def RequirePulumiVersion(self, _request: Any) -> None:  # noqa: N802
        """There is no CLI whose version could be wrong."""


def _start_task(
    loop: asyncio.AbstractEventLoop,
    coroutine: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    *,
    root: Path,
    **options: Any,
) -> asyncio.Task[Any]:
    """A task that remembers where in the program its provider function was called."""
    if getattr(coroutine, "__name__", "") not in _CALLS or calling_place.get():
        return asyncio.Task(coroutine, loop=loop, **options)
    token = calling_place.set(find_place(call_frames(sys._getframe(1)), root))  # noqa: SLF001 (documented)
    try:
        return asyncio.Task(coroutine, loop=loop, **options)
    finally:
        calling_place.reset(token)


def _close(loop: asyncio.AbstractEventLoop) -> None:
    pending = asyncio.all_tasks(loop)
    for task in pending:
        task.cancel()
    if pending:
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()


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


def known_tokens(package: str) -> frozenset[str]:
    """Type tokens of a provider SDK that has been imported."""
    prefix = f"{package}:"
    return frozenset(
        token
        for module, registered in rpc._RESOURCE_MODULES.items()  # noqa: SLF001
        if module.startswith(prefix)
        for item in registered
        for token in item.mod_info["classes"]  # pyright: ignore[reportAttributeAccessIssue]
    )


def wire_names(input_type: type) -> Mapping[str, str]:
    """Wire names by Python names of an input type of a provider SDK."""
    return _types.input_type_py_to_pulumi_names(input_type)


def is_input_type(candidate: Any) -> bool:
    """Whether ``candidate`` is an input type of a provider SDK."""
    return isinstance(candidate, type) and _types.is_input_type(candidate)
