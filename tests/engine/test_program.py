"""Where a program runs: whatever else is loaded in the process."""

import sys
from types import ModuleType

from gpuyard.engine.program import program_place


class Library:
    """As cffi's, which stand among the modules and only say that they are some."""

    def __getattribute__(self, name):
        return ModuleType if name == "__class__" else object.__getattribute__(self, name)


def test_what_only_says_that_it_is_a_module_is_no_hindrance(monkeypatch, tmp_path):
    library = Library()
    assert isinstance(library, ModuleType)
    monkeypatch.setitem(sys.modules, "library.lib", library)
    with program_place(tmp_path):
        assert sys.modules["library.lib"] is library
    assert sys.modules["library.lib"] is library


def test_a_module_that_waits_for_its_first_use_still_waits(monkeypatch, tmp_path):
    class Waiting(ModuleType):
        def __getattribute__(self, name):
            raise AssertionError(f"asked for {name}")

    monkeypatch.setitem(sys.modules, "waiting", Waiting("waiting"))
    with program_place(tmp_path):
        pass
    assert "waiting" in sys.modules
