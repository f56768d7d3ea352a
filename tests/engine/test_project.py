"""Projects and stacks are read as Pulumi reads them, and everything wrong is said at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gpuyard.engine.project import find_project, load_project, load_stack
from gpuyard.engine.stack_config import read_config
from gpuyard.errors import SpecError

PROJECT = """\
name: demo
runtime: python
main: stacks
stackConfigDir: stacks
config:
  demo:deployment: {type: object, description: what it needs}
  size: {type: integer, default: 3}
  aws:region: us-east-1
"""
STACK = "config: {demo:deployment: {a: 1}}\n"


@pytest.fixture
def project(tmp_path):
    """Writes a project and returns its root."""

    def write(text: str = PROJECT, name: str = "Pulumi.yaml", **stacks: str) -> Path:
        (tmp_path / "stacks").mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        for stack, config in (stacks or {"dev": STACK}).items():
            (tmp_path / "stacks" / f"Pulumi.{stack}{Path(name).suffix}").write_text(config)
        return tmp_path

    return write


def problems(call, *arguments):
    with pytest.raises(SpecError) as caught:
        call(*arguments)
    assert "Traceback" not in str(caught.value)
    return [(item.code, item.path, item.message, item.fix) for item in caught.value.findings]


def test_a_project_is_found_from_any_folder_below(project):
    root = project()
    deep = root / "stacks" / "deep"
    deep.mkdir()
    found = find_project(deep)
    assert (found.root, found.name, found.main, found.stack_config) == (
        root,
        "demo",
        root / "stacks",
        root / "stacks",
    )
    assert found.stacks() == ("dev",)


def test_without_a_project_the_remedy_is_named(tmp_path):
    ((code, path, message, fix),) = problems(find_project, tmp_path)
    assert (code, path) == ("NO_PROJECT", "Pulumi.yaml")
    assert "folder above" in message
    assert "--directory" in fix


def test_stack_files_have_the_suffix_of_the_project_file(project):
    root = project(name="Pulumi.yml", prod=STACK)
    assert load_stack(load_project(root), "prod").values["demo:deployment"] == '{"a":1}'


def test_the_config_is_in_pulumis_wire_form(project):
    text = """\
config:
  demo:deployment: {z: 1, a: [true, null, 1.5, text], m: {}}
  demo:flag: true
  demo:number: 12
  demo:share: 0.5
  demo:text: "12"
  gcp:project: example-llm
"""
    found = load_stack(load_project(project(dev=text)), "dev")
    assert found.values == {
        "aws:region": "us-east-1",
        "demo:deployment": '{"a":[true,null,1.5,"text"],"m":{},"z":1}',
        "demo:flag": "true",
        "demo:number": "12",
        "demo:share": "0.5",
        "demo:size": "3",
        "demo:text": "12",
        "gcp:project": "example-llm",
    }
    assert list(found.values) == sorted(found.values)
    assert found.plain["demo:deployment"] == {"z": 1, "a": [True, None, 1.5, "text"], "m": {}}
    assert found.secret_keys == ()


def test_keys_without_a_namespace_are_the_projects(project):
    found = load_stack(load_project(project(dev="config: {deployment: {a: 1}, size: 4}\n")), "dev")
    assert (found.values["demo:deployment"], found.values["demo:size"]) == ('{"a":1}', "4")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-24", "2026-11-24 00:00:00 +0000 UTC"),
        ("2026-1-2", "2026-01-02 00:00:00 +0000 UTC"),
        ("2026-12-20T11:30:00Z", "2026-12-20 11:30:00 +0000 UTC"),
        ("2026-12-20T11:30:00.50Z", "2026-12-20 11:30:00.5 +0000 UTC"),
        ("2026-12-20T11:30:00+02:00", "2026-12-20 11:30:00 +0200 +0200"),
        ("2026-12-20 11:30:00", "2026-12-20 11:30:00 +0000 UTC"),
        ("'2026-11-24'", "2026-11-24"),
        ("2001-13-45", "2001-13-45"),
        ("1:30", "1:30"),
        ("on", "on"),
        ("no", "no"),
        ("0x10", "16"),
        ("1e3", "1000.0"),
        ("TRUE", "true"),
    ],
)
def test_words_of_yaml_1_1_and_times_are_text_as_for_pulumi(project, written, read):
    found = load_stack(
        load_project(project(dev=f"config: {{demo:deployment: {{}}, demo:x: {written}}}\n")), "dev"
    )
    assert found.values["demo:x"] == read


def test_encrypted_values_are_unknown_secrets(project):
    text = """\
secretsprovider: awskms://alias/demo
encryptedkey: QUJD
config:
  demo:token: {secure: "v1:AAAA:BBBB"}
  demo:deployment: {user: me, login: {password: {secure: "v1:CCCC:DDDD"}}}
"""
    found = load_stack(load_project(project(dev=text)), "dev")
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    assert found.secret_keys == ("demo:deployment", "demo:token")
    assert found.values["demo:token"] == unknown
    assert json.loads(found.values["demo:deployment"]) == {"user": "me", "login": {"password": unknown}}
    assert found.plain["demo:deployment"] == {"user": "me", "login": {"password": "[secret]"}}
    assert "demo:token" not in found.plain
    assert "v1:" not in repr(found)


def test_an_unknown_stack_lists_the_known_ones(project):
    root = project(dev=STACK, prod=STACK)
    ((code, path, message, fix),) = problems(load_stack, load_project(root), "pord")
    assert (code, path) == ("UNKNOWN_STACK", "stack")
    assert message == 'there is no stack "pord"'
    assert fix == 'did you mean "prod"?  stacks: dev, prod'


@pytest.mark.parametrize("name", ["", "../dev", "acme/demo/dev", "..\\dev"])
def test_a_stack_is_a_name_and_no_path(project, name):
    assert problems(load_stack, load_project(project()), name)[0][0] == "UNKNOWN_STACK"


@pytest.mark.parametrize(
    ("text", "code", "path", "words"),
    [
        ("config:\n  a: [1, 2\n  b: 3\n", "NOT_YAML", "stacks/Pulumi.dev.yaml:3:4", "is not YAML"),
        ("config:\n\ta: 1\n", "NOT_YAML", "stacks/Pulumi.dev.yaml:2:1", "a tab where YAML wants spaces"),
        ("a: 1\nb: 2\na: 3\n", "NOT_YAML", "stacks/Pulumi.dev.yaml:3:1", 'the key "a" is there twice'),
        ("a: 1\n---\nb: 2\n", "NOT_YAML", "stacks/Pulumi.dev.yaml:2:1", "another document"),
        ("a: &x [*x]\n", "NOT_YAML", "stacks/Pulumi.dev.yaml", "Circular reference"),
        ("a: .nan\n", "NOT_YAML", "stacks/Pulumi.dev.yaml", "JSON cannot"),
        ("a: !!python/object:os.system x\n", "NOT_YAML", "stacks/Pulumi.dev.yaml:1:4", "could not determine"),
        ("- a\n", "INVALID", "stacks/Pulumi.dev.yaml", "must hold a mapping, not a list"),
        ("config: [a]\n", "INVALID", "stacks/Pulumi.dev.yaml: config", "must be a mapping, not a list"),
        ("confg: {a: 1}\n", "UNKNOWN_KEY", "stacks/Pulumi.dev.yaml: confg", 'no key "confg"'),
        ("config: {a:b:c: 1}\n", "INVALID", "stacks/Pulumi.dev.yaml: config.a:b:c", "is no config key"),
        ("config: {size: }\n", "INVALID", "stacks/Pulumi.dev.yaml: config.demo:size", "has no value"),
        ("config: {size: many}\n", "INVALID", "stacks/Pulumi.dev.yaml: config.demo:size", "not text"),
        ("config: {}\n", "REQUIRED", "stacks/Pulumi.dev.yaml: config.demo:deployment", "without a default"),
    ],
)  # fmt: skip
def test_a_broken_stack_file_says_where_and_why(project, text, code, path, words):
    found = problems(load_stack, load_project(project(dev=text)), "dev")
    assert [(item[0], item[1]) for item in found if words in item[2]] == [(code, path)], found
    assert all(item[3] for item in found)


def test_all_problems_come_at_once(project):
    text = "confg: {}\nconfig: {size: many, a:b:c: 1}\n"
    found = problems(load_stack, load_project(project(dev=text)), "dev")
    assert [item[0] for item in found] == ["UNKNOWN_KEY", "INVALID", "REQUIRED", "INVALID"]


def test_a_declared_secret_in_plain_text_is_refused_and_not_repeated(project):
    text = PROJECT + "  token: {type: string, secret: true}\n"
    root = project(text, dev="config: {deployment: {}, token: correct-horse}\n")
    ((code, path, message, fix),) = problems(load_stack, load_project(root), "dev")
    assert (code, path) == ("SECRET_IN_PLAIN_TEXT", "stacks/Pulumi.dev.yaml: config.demo:token")
    assert fix == "remove it and run: pulumi config set --secret demo:token"
    assert "correct-horse" not in message


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("runtime: python\n", "Pulumi.yaml: name", "must be the project's name"),
        ("name: demo\n", "Pulumi.yaml: runtime", "is required"),
        ("name: demo\nruntime: nodejs\n", "Pulumi.yaml: runtime", 'must be python, not "nodejs"'),
        ("name: demo\nruntime: python\nmain: nowhere\n", "Pulumi.yaml: main", "is not there"),
        ("name: demo\nruntime: python\nmain: ..\n", "Pulumi.yaml: main", "outside the project"),
        ("name: demo\nruntime: python\nmain: 3\n", "Pulumi.yaml: main", "must be a path, not a whole number"),
        ("name: demo\nruntime: python\nconfig: [a]\n", "Pulumi.yaml: config", "mapping, not a list"),
        ("name: demo\nruntime: python\nstackConfigDirs: x\n", "Pulumi.yaml: stackConfigDirs", "no key"),
        ("name: [demo\n", "Pulumi.yaml:2:1", "is not YAML"),
    ],
)  # fmt: skip
def test_a_broken_project_file_says_where_and_why(project, text, path, words):
    found = problems(load_project, project(text))
    assert [item[1] for item in found if words in item[2]] == [path], found


def test_files_that_are_no_text_are_refused(project):
    root = project()
    (root / "stacks" / "Pulumi.dev.yaml").write_bytes(b"config: \xff\xfe\n")
    ((code, path, message, _),) = problems(load_stack, load_project(root), "dev")
    assert (code, path, message) == ("NOT_YAML", "stacks/Pulumi.dev.yaml", "is not UTF-8 text (byte 8)")


def test_a_folder_in_place_of_a_file_is_refused(project):
    root = project()
    (root / "Pulumi.yaml").unlink()
    (root / "Pulumi.yaml").mkdir()
    assert problems(load_project, root)[0][0] == "UNREADABLE"


def test_reading_a_project_imports_neither_pulumi_nor_protobuf():
    code = "import sys, gpuyard.engine.project; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"pulumi", "grpc", "google"}.isdisjoint(done.stdout.split())


@pytest.mark.parametrize("stack", ["dev", "staging", "prod", "local"])
def test_the_stacks_of_this_repository_can_be_read(stack):
    found = load_stack(find_project(Path(__file__).parent), stack)
    assert json.loads(found.values["gpuyard:deployment"]) == found.plain["gpuyard:deployment"]


VALUES = some.recursive(
    some.booleans() | some.integers() | some.text() | some.floats(allow_nan=False, allow_infinity=False),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(some.dictionaries(some.sampled_from(["a", "b", "other:c"]), VALUES))
def test_what_is_no_text_can_be_read_back_from_the_wire(config):
    found, wrong = read_config("demo", {}, config, "file")
    assert wrong == []
    for key, value in config.items():
        text = found.values[key if ":" in key else f"demo:{key}"]
        assert (text if isinstance(value, str) else json.loads(text)) == value
