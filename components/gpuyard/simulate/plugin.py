"""A provider plugin process: `python -m gpuyard.simulate.plugin aws`, as the Pulumi engine starts it.

The first line on standard output is the port; the engine then speaks the provider protocol to it. Where
state and scenario lie comes from the environment, because the engine hands no flags of ours on:

    GPUYARD_SIMULATE_STATE      folder of the state files, <folder>/<project>/<stack>.json
    GPUYARD_SIMULATE_SCENARIO   scenario file; unset: everything works at once
"""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from gpuyard.errors import GpuyardError
from gpuyard.simulate.protocol import provider_pb2_grpc
from gpuyard.simulate.scenario import Scenario, read_scenario
from gpuyard.simulate.servicer import CloudServicer

STATE_VARIABLE, SCENARIO_VARIABLE = "GPUYARD_SIMULATE_STATE", "GPUYARD_SIMULATE_SCENARIO"
PACKAGES = ("aws", "gcp", "kubernetes")
_MAX_BYTES = 400 * 1024 * 1024
"""The engine's own limit of one message."""
_LOOK_SECONDS = 2.0


def start(package: str, *, state: Path, scenario: Scenario | None = None) -> tuple[grpc.Server, int]:
    """Serve ``package`` on a free port of this machine; returns server and port."""
    size = [("grpc.max_receive_message_length", _MAX_BYTES), ("grpc.max_send_message_length", _MAX_BYTES)]
    server = grpc.server(ThreadPoolExecutor(max_workers=64), options=size)
    servicer = CloudServicer(package, state=state, scenario=scenario or Scenario())
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def main(arguments: list[str]) -> int:
    """Serve until the engine ends this process."""
    package = arguments[0] if arguments else ""
    folder = os.environ.get(STATE_VARIABLE, "")
    if package not in PACKAGES or not folder:
        sys.stderr.write(f"usage: {STATE_VARIABLE}=DIR plugin {'|'.join(PACKAGES)}\n")
        return 2
    try:
        file = os.environ.get(SCENARIO_VARIABLE)
        scenario = read_scenario(Path(file)) if file else None
    except GpuyardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    # the engine interrupts its whole process group: nothing to tidy up, and a traceback would only alarm
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    server, port = start(package, state=Path(folder), scenario=scenario)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    engine = os.getppid()
    while server.wait_for_termination(timeout=_LOOK_SECONDS):
        if os.getppid() != engine:  # it was killed, and nobody else would end this process
            break
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
