"""Provider SDKs by the class: what a program sees of them is what it sees without us."""

import abc
import inspect
import subprocess
import sys
import threading
import types
import typing
from importlib import import_module
from importlib.machinery import PathFinder, SourceFileLoader
from importlib.util import module_from_spec

import pulumi
import pytest
from pulumi import _types

from gpuyard.engine import sdk_classes, sdk_packages

PACKAGES = [
    "pulumi_aws.ec2",
    "pulumi_gcp.container",
    "pulumi_kubernetes.core.v1",
    "pulumi_kubernetes.helm.v3",
]
MODULES = [
    "pulumi_aws.eks._inputs",
    "pulumi_aws.eks.outputs",
    "pulumi_aws.eks.get_cluster",
    "pulumi_gcp.container.cluster",
    "pulumi_kubernetes.networking.v1._inputs",
    "pulumi_kubernetes.networking.v1.outputs",
    "pulumi_kubernetes.helm.v3.helm",
]


def load(package):
    """The package with all that is in it, whoever loads it."""
    whole = import_module(package)
    assert not hasattr(whole, "__all__")
    assert type(whole) is types.ModuleType
    return whole


def fresh(package):
    """A package of which nothing was touched yet."""
    parent = import_module(package.rpartition(".")[0])
    spec = sdk_packages._Finder().find_spec(package, list(parent.__path__))
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    assert type(made) is sdk_packages._Package
    return made


def run(module, execute):
    """The module once more, beside the one that programs use."""
    path = list(import_module(module.rpartition(".")[0]).__path__)
    spec = PathFinder.find_spec(module, path)
    assert spec is not None
    assert isinstance(spec.loader, SourceFileLoader)
    made = types.ModuleType(module)
    made.__spec__, made.__package__, made.__file__ = spec, module.rpartition(".")[0], spec.origin
    execute(spec.loader.get_code(module), made)
    return made


def plainly(code, module):
    exec(code, module.__dict__)


def session(program):
    """What a program prints in an interpreter of its own."""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return ran.stdout.split()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_is_what_the_whole_package_has(package):
    whole = load(package)
    names = [name for name in dir(whole) if not name.startswith("_") and not _is_resource_module(whole, name)]
    assert len(names) > 10
    part = fresh(package)
    assert [name for name in names if getattr(part, name) is not getattr(whole, name)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_resource_and_its_arguments_do_without_the_rest(package):
    whole = load(package)
    resources = [name for name, value in vars(whole).items() if _is_resource(value)]
    for name in resources:
        part = fresh(package)
        getattr(part, name)
        assert type(part) is sdk_packages._Package, name


def _is_resource_module(package, name):
    """Importing one makes it an attribute of the package in `sys.modules`, which a fresh one is not."""
    return isinstance(getattr(package, name), types.ModuleType) and name != "outputs"


def _is_resource(value):
    made_here = isinstance(value, type) and issubclass(value, pulumi.CustomResource)
    return made_here and value is not pulumi.CustomResource


def test_a_name_that_no_module_tells_of_loads_the_package():
    part = fresh("pulumi_aws.ec2")
    assert inspect.isclass(part.AwaitableGetVpcResult)
    assert type(part) is types.ModuleType


def test_a_name_that_is_nowhere_is_an_attribute_error():
    with pytest.raises(AttributeError, match="NoSuchThing"):
        _ = fresh("pulumi_aws.eks").NoSuchThing


def test_another_thread_has_the_package_while_it_loads(monkeypatch):
    part = fresh("pulumi_aws.eks")
    loader = sdk_packages._LOADERS["pulumi_aws.eks"]
    load_all, seen = loader.loader.exec_module, []

    def slow(package):
        monkeypatch.setattr(loader.loader, "exec_module", load_all)
        other = threading.Thread(target=lambda: seen.append(part.AwaitableGetClustersResult))
        other.start()
        other.join()
        load_all(package)

    monkeypatch.setattr(loader.loader, "exec_module", slow)
    assert seen == [part.AwaitableGetClustersResult]
    assert type(part) is types.ModuleType


def test_a_module_that_asks_for_what_is_not_there_yet_is_told_so(monkeypatch):
    part = fresh("pulumi_aws.eks")
    loader = sdk_packages._LOADERS["pulumi_aws.eks"]
    monkeypatch.setattr(loader.loader, "exec_module", lambda package: package.NoSuchThing)
    with pytest.raises(AttributeError, match="NoSuchThing"):
        dir(part)


def test_touching_one_resource_imports_no_other():
    loaded = session(
        "import sys\n"
        "from gpuyard.engine.sdk_packages import import_by_the_class\n"
        "import_by_the_class()\n"
        "import pulumi_aws as aws\n"
        "aws.ec2.Vpc\n"
        "print(*(name for name in sys.modules if name.startswith('pulumi_aws.ec2.')))"
    )
    assert loaded == ["pulumi_aws.ec2.vpc"]


def test_a_star_takes_everything():
    program = "from pulumi_aws.eks import *\nprint(*sorted(name for name in globals() if name[0] != '_'))"
    ours = "from gpuyard.engine.sdk_packages import import_by_the_class as start\nstart()\ndel start\n"
    assert session(ours + program) == session(program)


@pytest.mark.parametrize("module", MODULES)
def test_a_class_that_waited_is_the_class_that_python_makes(module):
    ours, theirs = run(module, sdk_classes.execute), run(module, plainly)
    assert list(vars(ours)) == list(vars(theirs))
    classes = {name: kind for name, kind in vars(theirs).items() if getattr(kind, "__module__", "") == module}
    for name, kind in classes.items():
        made = getattr(ours, name)
        if not isinstance(kind, type):
            continue
        assert [base.__name__ for base in made.__mro__] == [base.__name__ for base in kind.__mro__]
        assert typing.is_typeddict(made) == typing.is_typeddict(kind), name
        assert set(vars(made)) == set(vars(kind)), name
        assert (made.__doc__, made.__qualname__) == (kind.__doc__, kind.__qualname__)
        assert repr(inspect.get_annotations(made)) == repr(inspect.get_annotations(kind))
        assert made.__hash__ is None or kind.__hash__ is not None
        if _types.is_input_type(kind):
            assert _types.input_type_py_to_pulumi_names(made) == _types.input_type_py_to_pulumi_names(kind)
        if typing.is_typeddict(kind):
            assert made.__required_keys__ == kind.__required_keys__
            assert type(made) is type(kind)
        elif "__init__" in vars(kind):
            assert str(inspect.signature(made.__init__)) == str(inspect.signature(kind.__init__)), name


def test_a_class_waits_until_it_is_used():
    module = run("pulumi_aws.eks._inputs", sdk_classes.execute)
    kind = module.ClusterVpcConfigArgs
    assert kind in sdk_classes._WAITING
    made = kind(subnet_ids=["a"])
    assert kind not in sdk_classes._WAITING
    assert made.subnet_ids == ["a"]
    assert isinstance(made, kind)
    assert module.ClusterVpcConfigArgsDict in sdk_classes._WAITING


def test_output_types_find_their_base():
    kind = run("pulumi_aws.eks.outputs", sdk_classes.execute).ClusterVpcConfig
    made = kind(subnet_ids=["a"])
    assert made.subnet_ids == ["a"]
    assert made.get("subnetIds", "not set") == "not set"
    assert kind(subnet_ids=["a"]) == made


@pytest.mark.parametrize("name", ["ClusterVpcConfigArgs", "ClusterVpcConfigArgsDict"])
def test_a_class_that_waits_can_be_a_base(name):
    base = getattr(run("pulumi_aws.eks._inputs", sdk_classes.execute), name)
    own = types.new_class("Own", (base,))
    made = own(subnet_ids=["a"])
    assert (made["subnet_ids"] if typing.is_typeddict(base) else made.subnet_ids) == ["a"]
    assert base not in sdk_classes._WAITING


def test_a_class_that_waits_can_stand_beside_abc():
    base = run("pulumi_aws.eks._inputs", sdk_classes.execute).ClusterVpcConfigArgs
    abstract = {"go": abc.abstractmethod(lambda _: 1)}
    own = types.new_class("Own", (base, abc.ABC), {}, lambda names: names.update(abstract))
    with pytest.raises(TypeError, match="abstract"):
        own(subnet_ids=["a"])
    made = types.new_class("Whole", (own,), {}, lambda names: names.update(go=1))(subnet_ids=["a"])
    assert made.subnet_ids == ["a"]
    assert isinstance(made, base)
    assert issubclass(own, base)
    assert not issubclass(base, own)


def test_no_value_is_checked_for_a_dictionary_that_waits():
    kind = run("pulumi_aws.eks._inputs", sdk_classes.execute).ClusterVpcConfigArgsDict
    with pytest.raises(TypeError, match="instance and class checks"):
        isinstance({}, kind)


def test_what_a_program_sets_in_a_class_that_waits_stays():
    module = run("pulumi_aws.eks._inputs", sdk_classes.execute)
    module.ClusterVpcConfigArgs.__init__ = lambda self: None
    assert vars(module.ClusterVpcConfigArgs()) == {}
    del module.ClusterAccessConfigArgs.authentication_mode
    assert not hasattr(module.ClusterAccessConfigArgs, "authentication_mode")


@pytest.mark.parametrize("other", ["NodeGroup", "NodeGroupArgs", "AwaitableGetClusterResult"])
def test_what_a_program_sets_in_a_package_stays(other):
    part = fresh("pulumi_aws.eks")
    mine = type("Mine", (), {})
    vars(part).update(NodeGroup=mine, Cluster=mine)
    getattr(part, other)
    assert part.NodeGroup is part.Cluster is mine


def test_another_thread_waits_for_a_class_that_is_being_made():
    kind = run("pulumi_aws.eks._inputs", sdk_classes.execute).ClusterVpcConfigArgs
    seen, begun, made = [], threading.Event(), []

    def slow(one):
        begun.set()
        other.join(0.2)
        made.append(one)
        return one

    other = threading.Thread(target=lambda: begun.wait() and (kind.subnet_ids, seen.extend(made)))
    sdk_classes._WAITING[kind].decorators.append(slow)
    other.start()
    sdk_classes.settle(kind)
    other.join()
    assert seen == [kind]


def test_what_is_no_input_or_output_type_is_run_at_once():
    code = compile("class Counted:\n    numbers.append(1)\n", "counted", "exec")
    module = types.ModuleType("counted")
    numbers = vars(module)["numbers"] = []
    sdk_classes.execute(code, module)
    assert numbers == [1]


def test_nothing_of_it_is_left_in_the_module():
    module = run("pulumi_aws.eks._inputs", sdk_classes.execute)
    assert module.pulumi is pulumi
    assert module.__builtins__ is sys.modules["builtins"]
