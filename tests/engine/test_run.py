"""Running a program as Pulumi's language host does, again and again in one process, whatever it does."""

import asyncio
import os
import sys
import threading
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest
from tests.engine.conftest import Clouds, one

from gpuyard.errors import EngineError, Finding, Severity, SpecError


class Group(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("demo:index:Group", name, {}, opts)


@pytest.fixture
def program(tmp_path):
    """Writes the files of a program and returns its folder, ``tmp_path/stacks``."""

    def write(main: str, **modules: str) -> Path:
        folder = tmp_path / "stacks"
        folder.mkdir(exist_ok=True)
        (folder / "__main__.py").write_text(main)
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(text)
        return folder

    return write


def test_a_folder_runs_with_its_own_directory_path_and_name(recorded, program, tmp_path):
    folder = program(
        "import os, sys, pulumi, nearby\n"
        "pulumi.export('cwd', os.path.basename(os.getcwd()))\n"
        "pulumi.export('head', os.path.basename(sys.path[0]))\n"
        "pulumi.export('name', __name__)\n"
        "pulumi.export('argv', [os.path.basename(part) for part in sys.argv])\n"
        "pulumi.export('nearby', nearby.WORD)\n"
        "pulumi.export('names', [pulumi.get_project(), pulumi.get_stack(), pulumi.get_organization()])\n"
        "pulumi.export('preview', pulumi.runtime.is_dry_run())\n",
        nearby="WORD = 'here'\n",
    )
    assert recorded(folder, root=tmp_path).outputs == {
        "argv": ["stacks"],
        "cwd": "stacks",
        "head": "stacks",
        "name": "__main__",
        "names": ["demo", "test", "organization"],
        "nearby": "here",
        "preview": True,
    }


def test_everything_global_is_put_back(recorded, program, tmp_path, monkeypatch):
    monkeypatch.setenv("GPUYARD_TEST", "before")
    monkeypatch.setenv("PULUMI_CONFIG", '{"demo:word": "of another run"}')
    before = (Path.cwd(), list(sys.path), list(sys.argv), set(sys.modules), dict(os.environ), sys.stdout)
    main = sys.modules["__main__"]
    folder = program(
        "import os, sys, pulumi, nearby\n"
        "os.environ['GPUYARD_TEST'] = 'changed'\n"
        "sys.path.append('/nowhere')\n"
        "pulumi.export('word', pulumi.Config().get('word'))\n",
        nearby="",
    )
    assert recorded(folder, root=tmp_path).outputs == {}
    assert (Path.cwd(), list(sys.path), list(sys.argv)) == before[:3]
    assert (dict(os.environ), sys.stdout) == before[4:]
    assert "nearby" not in sys.modules
    assert sys.modules["__main__"] is main
    assert pulumi.runtime.settings.get_monitor() is None
    assert pulumi.runtime.get_root_resource() is None


def test_each_program_gets_its_own_modules(recorded, tmp_path):
    outputs = []
    for word in ("one", "two"):
        folder = tmp_path / word
        folder.mkdir()
        (folder / "__main__.py").write_text("import pulumi, nearby\npulumi.export('word', nearby.WORD)\n")
        (folder / "nearby.py").write_text(f"WORD = '{word}'\n")
        outputs.append(recorded(folder, root=tmp_path).outputs)
    assert outputs == [{"word": "one"}, {"word": "two"}]


def test_a_module_that_is_loaded_already_steps_aside(recorded, program, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    (other / "nearby.py").write_text("WORD = 'other'\n")
    monkeypatch.syspath_prepend(str(other))
    import nearby  # pyright: ignore[reportMissingImports] (made above)

    folder = program("import pulumi, nearby\npulumi.export('word', nearby.WORD)\n", nearby="WORD = 'own'\n")
    assert recorded(folder, root=tmp_path).outputs == {"word": "own"}
    assert sys.modules["nearby"] is nearby
    del sys.modules["nearby"]


def test_main_may_be_a_file(recorded, program, tmp_path):
    folder = program("")
    (folder / "infra.py").write_text("import pulumi\npulumi.export('file', True)\n")
    assert recorded(folder / "infra.py", root=tmp_path).outputs == {"file": True}


def test_an_async_program_runs(recorded):
    def program():
        async def main():
            await asyncio.sleep(0)
            return {"made": Group("g").urn}

        pulumi.run(main)

    assert recorded(program).outputs == {"made": "urn:pulumi:test::demo::demo:index:Group::g"}


def test_what_a_program_prints_is_a_message_and_not_output(recorded, capsys):
    def program():
        print("one\ntwo")  # noqa: T201 (what is tested)
        pulumi.log.warn("careful")

    messages = recorded(program).messages
    assert messages == (("info", "one"), ("info", "two"), ("warning", "careful"))
    assert capsys.readouterr().out == ""


def test_objects_of_the_config_arrive(recorded):
    def program():
        pulumi.export("got", pulumi.Config().require_object("deployment"))

    config = {"demo:deployment": '{"a":[1,{"b":true}]}'}
    assert recorded(program, config=config).outputs == {"got": {"a": [1, {"b": True}]}}


FINDING = Finding(severity=Severity.ERROR, code="X", path="here", message="is wrong")


class RefusedError(SpecError):
    """As a component's own error."""


def in_program():
    raise RefusedError([FINDING])


def in_apply():
    pulumi.Output.from_input(1).apply(lambda _: in_program())


def in_export():
    pulumi.export("x", pulumi.Output.from_input(1).apply(lambda _: in_program()))


def in_inputs():
    aws.ec2.Vpc("net", cidr_block=pulumi.Output.from_input("1").apply(lambda _: in_program()))


@pytest.mark.parametrize("failing", [in_program, in_apply, in_export, in_inputs])
def test_the_programs_own_error_comes_out_as_it_was_raised(recorded, failing):
    with pytest.raises(RefusedError) as caught:
        recorded(failing)
    assert caught.value.findings == (FINDING,)


def test_a_failure_names_the_innermost_line_of_the_program(recorded, program, tmp_path):
    folder = program("import nearby\n\nnearby.work()\n", nearby="def work():\n    return {}['missing']\n")
    with pytest.raises(EngineError) as caught:
        recorded(folder, root=tmp_path)
    assert str(caught.value) == "the program failed at stacks/nearby.py:2: KeyError: 'missing'"
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize(
    ("main", "code", "path", "message"),
    [
        ("x = (\n", "NOT_PYTHON", "stacks/__main__.py:1:5", "'(' was never closed"),
        (
            "import pulumi\npulumi.Config().require('size')\n",
            "CONFIG_INVALID",
            "stacks/__main__.py:2",
            "missing required configuration variable 'demo:size'",
        ),
        (
            "import pulumi\npulumi.Config().require_int('count')\n",
            "CONFIG_INVALID",
            "stacks/__main__.py:2",
            "configuration 'demo:count' value 'many' is not a valid 'int'",
        ),
    ],
)
def test_bad_input_to_a_program_is_a_finding(recorded, program, tmp_path, main, code, path, message):
    with pytest.raises(SpecError) as caught:
        recorded(program(main), root=tmp_path, config={"demo:count": "many"})
    (finding,) = caught.value.findings
    assert (finding.code, finding.path) == (code, path)
    assert message.lower() in finding.message.lower()
    assert finding.fix


@pytest.mark.parametrize("place", ["nowhere", "empty"])
def test_a_missing_program_is_a_finding(recorded, tmp_path, place):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SpecError) as caught:
        recorded(tmp_path / place, root=tmp_path)
    assert caught.value.findings[0].code == "NO_PROGRAM"


def test_a_missing_import_is_named(recorded, program, tmp_path):
    with pytest.raises(EngineError, match=r"__main__\.py:1: ModuleNotFoundError: No module named 'nowhere_'"):
        recorded(program("import nowhere_\n"), root=tmp_path)


def test_a_program_may_leave_early_without_harm(recorded):
    def program():
        Group("made")
        raise SystemExit(0)

    assert one(recorded(program), "made")


def test_a_program_that_ends_itself_with_an_error_failed(recorded):
    def program():
        raise SystemExit(4)

    with pytest.raises(EngineError, match="exit 4"):
        recorded(program)


def test_an_interrupt_goes_through_and_the_next_program_runs(recorded, program, tmp_path):
    folder = program("raise KeyboardInterrupt\n")
    before = Path.cwd()
    with pytest.raises(KeyboardInterrupt):
        recorded(folder, root=tmp_path)
    assert Path.cwd() == before
    assert one(recorded(lambda: Group("made")), "made")


def test_a_circular_dependency_is_an_error(recorded):
    def program():
        group = Group("group")
        aws.ec2.Vpc("net", tags={"of": group.urn}, opts=pulumi.ResourceOptions(parent=group))

    with pytest.raises(EngineError, match="circular dependency"):
        recorded(program)


def test_failures_leave_nothing_for_the_next_program(recorded):
    def broken():
        aws.ec2.Vpc("a", cidr_block=pulumi.Output.from_input("x").apply(lambda _: 1 / 0))
        aws.ec2.Vpc("b", cidr_block="10.0.0.0/16")

    for _ in range(3):
        with pytest.raises(EngineError, match="ZeroDivisionError"):
            recorded(broken)
        assert [item.name for item in recorded(lambda: Group("made")).resources] == ["made"]


def test_config_of_one_program_does_not_reach_the_next(recorded):
    def program():
        pulumi.export("word", pulumi.Config().get("word"))

    assert recorded(program, config={"demo:word": "first"}).outputs == {"word": "first"}
    assert recorded(program).outputs == {}


def test_programs_of_several_threads_run_one_after_the_other(recorded):
    results = {}

    def work(number):
        results[number] = recorded(lambda: Group(f"g{number}"), stack=f"s{number}").resources

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: [item.urn for item in found] for number, found in results.items()} == {
        number: [f"urn:pulumi:s{number}::demo::demo:index:Group::g{number}"] for number in range(4)
    }


def test_mocks_of_a_test_before_do_not_matter(recorded):
    class Mocks(pulumi.runtime.Mocks):
        def new_resource(self, args):
            return args.name, args.inputs

        def call(self, args):
            return {}

    def with_mocks():
        asyncio.set_event_loop(asyncio.new_event_loop())
        pulumi.runtime.set_mocks(Mocks())
        try:
            return recorded(lambda: Group("made"))
        finally:
            pulumi.runtime.settings.reset_options()

    assert one(with_mocks(), "made").urn == "urn:pulumi:test::demo::demo:index:Group::made"


def call_plain():
    aws.ec2.get_ami(owners=["amazon"])


def call_output():
    pulumi.export("ami", aws.ec2.get_ami_output(owners=["amazon"]).id)


@pytest.mark.parametrize("call", [call_plain, call_output])
def test_an_unknown_function_is_loud_and_names_the_place(recorded, call):
    with pytest.raises(EngineError) as caught:
        recorded(call)
    message, place = str(caught.value).split("\n  called at ")
    assert message == "no answer is known for the function aws:ec2/getAmi:getAmi"
    name, line = place.split(":")
    assert name == "test_run.py"
    assert int(line) == call.__code__.co_firstlineno + 1


def test_function_calls_are_answered_with_their_arguments(recorded):
    clouds = Clouds(functions={"aws:ec2/getAmi:getAmi": {"id": "ami-1", "architecture": "x86_64"}})

    def program():
        plain = aws.ec2.get_ami(owners=["amazon"], most_recent=True)
        pulumi.export("plain", plain.architecture)

    assert recorded(program, answers=clouds).outputs == {"plain": "x86_64"}
    assert clouds.asked == [("aws:ec2/getAmi:getAmi", {"mostRecent": True, "owners": ["amazon"]})]
