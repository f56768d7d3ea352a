"""Provider SDKs by the class: a package of 170 resources is imported one resource at a time.

The SDKs load a package such as `pulumi_aws.ec2` when it is first touched, and then all of it: each resource
has a module, and the package's ``__init__`` imports them all. Here the first touch of a name imports the
module of that name, and what no module's name tells of loads the package as the SDK does. The classes are
the same ones either way, and so is what a program can see of them.
"""

import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from gpuyard.engine.sdk_classes import execute

_GENERATED = frozenset({"outputs.py", "_inputs.py"})
"""Only packages of generated resources have these; every other package is imported as it stands."""
_INPUTS = ("ArgsDict", "Args")
_ENDINGS = (*_INPUTS, "Result", "_output")
"""What a module's own names may have after the module's."""


def import_by_the_class() -> None:
    """Let packages of provider SDKs that are imported from now on load their modules one by one."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


_LOADERS: dict[str, "_PackageLoader"] = {}
"""By package; its own spec may name the SDK's lazy loader instead."""


_BUSY = threading.local()
"""``packages``: names of those that this thread is loading."""


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of what lies below a provider SDK; None leaves it to the other finders."""
        if path is None or not fullname.startswith("pulumi_"):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        if spec.submodule_search_locations:
            spec.loader = _PackageLoader(spec.loader)
        elif _files(*path) >= _GENERATED and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _ModuleLoader(spec.loader.name, spec.loader.path)
        return spec


class _ModuleLoader(SourceFileLoader):
    """Leaves the classes for later."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module as `sdk_classes` has it."""
        code = self.get_code(self.name)
        if code is not None:
            execute(code, module)


class _PackageLoader(Loader):
    """Runs the package's ``__init__`` when it has to."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self.modules: Mapping[str, str] = {}

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the SDK's."""
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing yet, if it is a package of generated resources."""
        files = _files(*module.__path__)
        if files >= _GENERATED:
            self.modules = _by_key(files)
            _LOADERS[module.__name__] = self
            module.__class__ = _Package
        else:
            self.loader.exec_module(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)


class _Package(ModuleType):
    """A package that has imported nothing yet, or some of its modules."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":  # `import *` asks for that one
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        for module in _likely(self, name):
            found = import_module(f"{self.__name__}.{module}")
            if name == module and name not in getattr(found, "__all__", ()):
                return found
            _take_all(self, found)
            if name in self.__dict__:
                return self.__dict__[name]
        _load(self)
        return ModuleType.__getattribute__(self, name)

    def __dir__(self) -> list[str]:
        _load(self)
        return dir(self)


def _load(package: ModuleType) -> None:
    """Load the package as the SDK does.

    Until all is there it stays a `_Package`: what another thread asks for meanwhile, that one loads as well.
    """
    busy = vars(_BUSY).setdefault("packages", set())
    if package.__name__ in busy:  # its own modules ask for what is not there yet
        return
    kept = {name: value for name, value in vars(package).items() if _is_taken(package, name)}
    busy.add(package.__name__)
    try:
        _LOADERS[package.__name__].loader.exec_module(package)
    finally:
        busy.remove(package.__name__)
    vars(package).update(kept)
    package.__class__ = ModuleType


def _likely(package: ModuleType, name: str) -> list[str]:
    """Modules of the package that may define ``name``, the likeliest first."""
    modules = _LOADERS[package.__name__].modules
    stems = (name, *(name.removesuffix(ending) for ending in _ENDINGS if name.endswith(ending)))
    found = [modules[_key(stem)] for stem in stems if _key(stem) in modules]
    return [*found, "_inputs"] if name.endswith(_INPUTS) else found


def _take_all(package: ModuleType, module: ModuleType) -> None:
    """What ``from .module import *`` in the package does."""
    for name in module.__all__:
        if not _is_taken(package, name):
            setattr(package, name, getattr(module, name))


def _is_taken(package: ModuleType, name: str) -> bool:
    """Whether there is such a name, maybe one that the program set; a function takes its module's place."""
    return not name.startswith("__") and not isinstance(vars(package).get(name, package), ModuleType)


@cache
def _files(*folders: str) -> frozenset[str]:
    """Names of what lies in the folders."""
    return frozenset(
        file.name for folder in map(Path, folders) if folder.is_dir() for file in folder.iterdir()
    )


def _by_key(files: Iterable[str]) -> dict[str, str]:
    """Modules by the key of the names in them; subpackages too."""
    stems = {file.removesuffix(".py") for file in files if file.endswith(".py") or "." not in file}
    return {_key(stem): stem for stem in stems if not stem.startswith("__")}


def _key(name: str) -> str:
    """A class, its module and its function differ in capitals and underscores."""
    return name.replace("_", "").lower()
