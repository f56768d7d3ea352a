"""The provider protocol's generated messages, loaded without the rest of the Pulumi SDK.

`pulumi.runtime.proto` needs protobuf and gRPC only, but importing it by name runs `pulumi` first: half a
second, in each of the six or more plugin processes of one `pulumi up`. So empty packages of the right paths
stand where `pulumi` and `pulumi.runtime` would, for as long as the messages load. Nothing of it is left: a
later `import pulumi` loads the SDK as ever. Where the SDK is loaded already, its own messages are taken.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any


@contextmanager
def _bare_packages() -> Iterator[None]:
    spec = None if "pulumi" in sys.modules else find_spec("pulumi")
    if spec is None or spec.origin is None:
        yield
        return
    folder = Path(spec.origin).parent
    for name, place in (("pulumi", folder), ("pulumi.runtime", folder / "runtime")):
        package = ModuleType(name)
        package.__path__ = [str(place)]
        sys.modules[name] = package
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "pulumi"]:
            del sys.modules[name]


with _bare_packages():
    plugin_pb2: Any = import_module("pulumi.runtime.proto.plugin_pb2")
    provider_pb2: Any = import_module("pulumi.runtime.proto.provider_pb2")
    provider_pb2_grpc: Any = import_module("pulumi.runtime.proto.provider_pb2_grpc")
