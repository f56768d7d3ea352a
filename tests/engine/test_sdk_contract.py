"""Which private parts of the Pulumi SDK we rely on: a test that fails here names the part that changed.

Everything that is private is used in `gpuyard/engine/sdk.py`; the rest is published protocol, whose fields
are named here as well, because a renamed field would be an empty value and not an error.
"""

import ast
import inspect
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
from pulumi import _types, _utils
from pulumi.runtime import mocks, resource, rpc, settings, stack
from pulumi.runtime.proto import callback_pb2, engine_pb2, resource_pb2

from gpuyard.engine.monitor import ProgramMonitor
from gpuyard.engine.options import describe_options
from gpuyard.engine.transforms import _SHARED

ENGINE = Path(inspect.getfile(ProgramMonitor)).parent


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (mocks, "MockSettings"),
        (mocks, "MockEngine"),
        (settings, "configure"),
        (settings, "set_root_resource"),
        (settings, "Settings"),
        (settings, "SETTINGS"),
        (settings, "get_monitor"),
        (stack, "run_in_stack"),
        (rpc, "_RESOURCE_MODULES"),
        (_types, "input_type_py_to_pulumi_names"),
        (_types, "is_input_type"),
        (_utils, "ContextProperty"),
        (pulumi.runtime, "set_all_config"),
        (pulumi.runtime, "get_root_resource"),
        (pulumi.runtime, "register_stack_transformation"),
        (pulumi, "ConfigMissingError"),
        (pulumi, "ConfigTypeError"),
        (pulumi, "RunError"),
        (pulumi, "Asset"),
        (pulumi, "Archive"),
    ],
)
def test_the_sdk_has_it(owner, name):
    assert hasattr(owner, name), f"the SDK moved or renamed {owner.__name__}.{name}"


def test_a_program_runs_in_a_stack_as_a_coroutine_of_one_function():
    assert inspect.iscoroutinefunction(stack.run_in_stack)
    assert list(inspect.signature(stack.run_in_stack).parameters) == ["func"]


def test_the_settings_are_the_ones_we_give():
    known = {
        name for name, item in vars(settings.Settings).items() if isinstance(item, _utils.ContextProperty)
    }
    assert known == {
        "rpc_manager",
        "lock",
        "outputs",
        "monitor",
        "engine",
        "organization",
        "project",
        "root_directory",
        "stack",
        "parallel",
        "dry_run",
        "legacy_apply_enabled",
        "monitor_features",
        "package_refs",
        "base_providers_by_ref",
        "callbacks",
    }, "pulumi.runtime.settings.Settings has other fields: sdk._settings must give each a value"


def test_a_context_property_can_be_read_and_put_back():
    for method in ("fget", "fset"):
        assert callable(getattr(_utils.ContextProperty, method, None)), f"ContextProperty.{method} is gone"


def test_every_call_of_the_resource_monitor_is_answered():
    service = resource_pb2.DESCRIPTOR.services_by_name["ResourceMonitor"]
    missing = [method.name for method in service.methods if not hasattr(ProgramMonitor, method.name)]
    assert missing == [], "the protocol has new calls that ProgramMonitor must answer"


def test_every_call_of_the_engine_that_the_sdk_makes_is_answered():
    used = {"Log", "RequirePulumiVersion"}
    service = engine_pb2.DESCRIPTOR.services_by_name["Engine"]
    known = {method.name for method in service.methods}
    assert known == used | {"GetRootResource", "SetRootResource", "StartDebugging"}


def test_features_of_the_monitor_are_judged_one_by_one():
    prefix = "RESOURCE_MONITOR_FEATURE_"
    assert {name.removeprefix(prefix) for name in resource_pb2.ResourceMonitorFeature.keys()} == {  # noqa: SIM118
        "SECRETS",
        "RESOURCE_REFERENCES",
        "OUTPUT_VALUES",
        "ALIAS_SPECS",
        "REPLACEMENT_TRIGGER",
        "DELETED_WITH",
        "REPLACE_WITH",
        "TRANSFORMS",
        "INVOKE_TRANSFORMS",
        "PARAMETERIZATION",
        "RESOURCE_HOOKS",
        "ERROR_HOOKS",
        "SENDS_OPTIONS_TO_HOOKS",
        "BYTE_STRING",
        "INVOKE_DEPENDS_ON",
        "INVOKE_PARENT",
        "STATE_MIGRATIONS",
        "INVOKE_OUTPUT_VALUES",
        "CALL_OUTPUT_VALUES",
    }, "a new feature: say in monitor._LEFT_TO_THE_SDK whether the monitor has it"


def test_a_registration_has_the_fields_that_are_recorded():
    fields = set(resource_pb2.RegisterResourceRequest.DESCRIPTOR.fields_by_name)
    recorded = {
        "type", "name", "parent", "custom", "object", "provider", "dependencies", "propertyDependencies",
        "protect", "retainOnDelete", "deleteBeforeReplace", "deletedWith", "importId", "pluginDownloadURL",
        "version", "packageRef", "remote", "ignoreChanges", "replaceOnChanges", "additionalSecretOutputs",
        "hideDiffs", "replace_with", "aliases", "aliasURNs", "customTimeouts", "providers", "envVarMappings",
        "hooks", "state_migrations", "replacement_trigger", "stackTrace", "transforms",
        "deleteBeforeReplaceDefined",
    }  # fmt: skip
    beside_the_point = {
        "acceptSecrets", "supportsPartialValues", "acceptResources", "pluginChecksums", "aliasSpecs",
        "sourcePosition", "parentStackTraceHandle", "supportsResultReporting", "snippetId",
        "accepts_byte_string",
    }  # fmt: skip
    assert recorded <= fields, f"fields are gone: {sorted(recorded - fields)}"
    assert fields <= recorded | beside_the_point, (
        f"new options that options.py does not record: {sorted(fields - recorded - beside_the_point)}"
    )


def test_an_empty_registration_has_no_options():
    assert describe_options(resource_pb2.RegisterResourceRequest(), {}) == {}


def test_options_of_transforms_have_their_names():
    options = set(resource_pb2.TransformResourceOptions.DESCRIPTOR.fields_by_name)
    assert set(_SHARED.values()) <= options
    assert options - set(_SHARED.values()) == {"delete_before_replace", "plugin_checksums"}
    assert set(_SHARED) <= set(resource_pb2.RegisterResourceRequest.DESCRIPTOR.fields_by_name)
    assert {"token", "target"} <= set(callback_pb2.Callback.DESCRIPTOR.fields_by_name)


def test_stack_traces_start_at_the_caller_of_a_resource():
    assert list(inspect.signature(resource._get_stack_trace).parameters) == []
    frame = resource_pb2.RegisterResourceRequest().stackTrace.frames.add()
    assert {"uri", "line"} <= set(frame.pc.DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize("name", ["rpc_wrapper", "do_rpc"])
def test_function_calls_start_in_coroutines_of_known_names(name):
    modules = (settings.RPCManager, pulumi.runtime.invoke)
    sources = [inspect.getsource(inspect.getmodule(module)) for module in modules]
    assert any(f"async def {name}(" in source for source in sources), (
        f"no coroutine {name} any more: sdk._CALLS must name the ones that start function calls"
    )


def test_resource_classes_are_found_by_their_token():
    modules = rpc._RESOURCE_MODULES["kubernetes:core/v1"]
    assert modules[0].mod_info["classes"]["kubernetes:core/v1:Pod"] == "Pod"
    assert modules[0].mod_info["fqn"] == "pulumi_kubernetes.core.v1"


def test_input_types_tell_their_wire_names():
    names = _types.input_type_py_to_pulumi_names(kubernetes.core.v1.PodSpecArgs)
    assert names["service_account_name"] == "serviceAccountName"
    assert _types.is_input_type(kubernetes.core.v1.PodSpecArgs)
    assert not _types.is_input_type(dict)


def test_only_sdk_py_uses_private_parts():
    found = []
    for file in sorted(ENGINE.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            names = [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            if module.startswith("pulumi") and module != "pulumi.runtime.proto":
                found.append((file.name, module, names))
    assert {name for name, _, _ in found} <= {"sdk.py"}, found


def test_the_monitor_that_is_set_is_the_one_that_the_sdk_asks():
    """`watch_program` puts itself before it; a report from inside a program rests on this."""
    before, ours = settings.get_monitor(), object()
    settings.SETTINGS.monitor = ours
    try:
        assert settings.get_monitor() is ours
    finally:
        settings.SETTINGS.monitor = before
    assert "monitor.RegisterResource(" in inspect.getsource(resource.register_resource)
