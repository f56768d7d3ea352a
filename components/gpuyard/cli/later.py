"""Modules that Pulumi's SDK imports for everybody and that few programs use: imported when they are used."""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

_LATER = frozenset({"pulumi.automation", "pulumi.dynamic"})
"""The Automation API brings an HTTP client along, dynamic providers a pickler of code."""


def import_when_used() -> None:
    """From now on; what is imported already stays as it is."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec with a loader that waits; None leaves a module to the other finders."""
        if target is None and fullname in sys.modules and fullname.rpartition(".")[0] in _LATER:
            return ModuleSpec(fullname, _Known(sys.modules[fullname]))
        spec = PathFinder.find_spec(fullname, path, target) if fullname in _LATER else None
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


class _Known(Loader):
    """For a module that is there already.

    An import of ``pulumi.dynamic.dynamic`` looks for it, asks the package for its folder, and goes on to load
    what it was asked for; the package loads it meanwhile, and every class in it would be there twice.
    """

    def __init__(self, module: ModuleType) -> None:
        self.module, self.spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002
        """The one that is there."""
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing but what the import changed."""
        module.__spec__ = self.spec
