"""The Pulumi command line as a process that can be interrupted without ending this one."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import Any

from pulumi import automation
from pulumi.automation import errors as automation_errors

from gpuyard.errors import EngineError

HOW_TO_GET_PULUMI = (
    "`pulumi` is not on PATH: install it (https://www.pulumi.com/docs/install/) or run where it is. "
    "`gpuyard plan`, `capacity`, `report` and `drill` need none."
)


class InterruptibleCommand(automation.PulumiCommand):
    """The Pulumi CLI in a session of its own, so that an interrupt reaches it when we pass it on."""

    def __init__(self) -> None:
        if shutil.which("pulumi") is None:
            raise EngineError(HOW_TO_GET_PULUMI)
        try:
            super().__init__()
        except (OSError, subprocess.CalledProcessError) as error:
            raise EngineError(f"`pulumi version` fails: {error}") from None
        except automation_errors.InvalidVersionError as error:
            raise EngineError(str(error)) from None
        self._process: subprocess.Popen[str] | None = None

    def interrupt(self) -> None:
        """Pass an interrupt to the running command: once to cancel, twice to end it."""
        process = self._process
        if process is not None and process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], Any] | None = None,
        on_error: Callable[[str], Any] | None = None,
    ) -> Any:
        """As the SDK's, in its own session.

        Raises:
            CommandError: the command failed.
        """
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        with subprocess.Popen(  # noqa: S603 (the CLI that was found on PATH)
            [self.command, "--non-interactive", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as process:
            self._process = process
            out, err = list[str](), list[str]()
            readers = [
                threading.Thread(target=_drain, args=(process.stdout, on_output, out), daemon=True),
                threading.Thread(target=_drain, args=(process.stderr, on_error, err), daemon=True),
            ]
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join()
            code = process.wait()
        self._process = None
        result = automation.CommandResult(stdout="\n".join(out), stderr="\n".join(err), code=code)
        if code != 0:
            raise automation_errors.create_command_error(result)
        return result


def _drain(stream: Any, callback: Callable[[str], Any] | None, lines: list[str]) -> None:
    for line in iter(stream.readline, ""):
        text = line.rstrip()
        lines.append(text)
        if callback:
            callback(text)
    stream.close()
