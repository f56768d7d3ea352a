"""Transforms: functions of the program that the engine calls to change a resource before it is made.

The program's SDK serves them over gRPC under published protocol (callback.proto, resource.proto); this is
the engine's side of it. A resource's own transforms run first, then its ancestors', then the stack's.
"""

from typing import Any

import grpc
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc, resource_pb2

from gpuyard.errors import EngineError

_SHARED = {
    "dependencies": "depends_on",
    "protect": "protect",
    "ignoreChanges": "ignore_changes",
    "replaceOnChanges": "replace_on_changes",
    "version": "version",
    "aliases": "aliases",
    "provider": "provider",
    "customTimeouts": "custom_timeouts",
    "pluginDownloadURL": "plugin_download_url",
    "retainOnDelete": "retain_on_delete",
    "deletedWith": "deleted_with",
    "additionalSecretOutputs": "additional_secret_outputs",
    "providers": "providers",
    "hooks": "hooks",
    "importId": "import",
    "hideDiffs": "hide_diff",
    "replace_with": "replace_with",
    "replacement_trigger": "replacement_trigger",
}
"""Options by their name in a registration and in a transform's request."""


class Transforms:
    """The transforms that a program has registered, and how to call them."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._stack_invokes: list[Any] = []
        self._resources: dict[str, tuple[Any, ...]] = {}
        self._channels: dict[str, grpc.Channel] = {}

    def add_for_stack(self, callback: Any) -> None:
        """A transform of every resource."""
        self._stack.append(callback)

    def add_for_invokes(self, callback: Any) -> None:
        """A transform of every provider function call."""
        self._stack_invokes.append(callback)

    def transform_resource(self, urn: str, request: Any) -> None:
        """Run what applies to a registration and change it in place."""
        chain = (*request.transforms, *self._resources.get(request.parent, ()))
        if chain:
            self._resources[urn] = chain
        for callback in (*chain, *self._stack):
            asked = resource_pb2.TransformRequest(
                type=request.type,
                name=request.name,
                custom=request.custom,
                parent=request.parent,
                properties=request.object,
                options=_options_of(request),
            )
            answer = resource_pb2.TransformResponse.FromString(self._call(callback, asked))
            request.object.CopyFrom(answer.properties)
            if answer.HasField("options"):
                _set_options(request, answer.options)

    def transform_invoke(self, request: Any) -> None:
        """Run the stack's transforms of provider function calls and change the request in place."""
        for callback in self._stack_invokes:
            asked = resource_pb2.TransformInvokeRequest(
                token=request.tok,
                args=request.args,
                options=resource_pb2.TransformInvokeOptions(
                    provider=request.provider,
                    plugin_download_url=request.pluginDownloadURL,
                    version=request.version,
                ),
            )
            answer = resource_pb2.TransformInvokeResponse.FromString(self._call(callback, asked))
            request.args.CopyFrom(answer.args)
            if answer.HasField("options"):
                request.provider = answer.options.provider

    def close(self) -> None:
        """Let go of the connections to the program."""
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()

    def _call(self, callback: Any, request: Any) -> bytes:
        channel = self._channels.get(callback.target)
        if channel is None:
            # the target is this process; a proxy of the environment must not come between
            channel = grpc.insecure_channel(callback.target, options=[("grpc.enable_http_proxy", 0)])
            self._channels[callback.target] = channel
        message = callback_pb2.CallbackInvokeRequest(
            token=callback.token, request=request.SerializeToString()
        )
        try:
            return callback_pb2_grpc.CallbacksStub(channel).Invoke(message).response
        except grpc.RpcError as error:
            details = str(getattr(error, "details", lambda: "")()).partition(":\n")[0]
            reason = details.partition(" error: ")[2] or details
            name = getattr(request, "name", None) or request.token
            raise EngineError(f'a transform failed on "{name}": {reason}') from error


def _options_of(request: Any) -> Any:
    options = resource_pb2.TransformResourceOptions()
    for name, other in _SHARED.items():
        _copy(request, name, options, other)
    if request.deleteBeforeReplaceDefined:
        options.delete_before_replace = request.deleteBeforeReplace
    return options


def _set_options(request: Any, options: Any) -> None:
    for name, other in _SHARED.items():
        request.ClearField(name)
        _copy(options, other, request, name)
    request.deleteBeforeReplaceDefined = options.HasField("delete_before_replace")
    request.deleteBeforeReplace = options.delete_before_replace


def _copy(source: Any, name: str, target: Any, other: str) -> None:
    field = source.DESCRIPTOR.fields_by_name[name]
    if field.has_presence and not source.HasField(name):
        return
    value = getattr(source, name)
    if hasattr(value, "MergeFrom"):  # a message, a list or a map
        getattr(target, other).MergeFrom(value)
    else:
        setattr(target, other, value)
