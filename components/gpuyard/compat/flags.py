"""Flags against the engine: of another one, of one of its commands, misspelt; by release in `flag_spans`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from typing import Any

from gpuyard.catalog.engine_flags import own_flag
from gpuyard.catalog.software import Version
from gpuyard.catalog.software_support import WHOLE_PARSERS, runtime_flags
from gpuyard.compat.build import is_other_build, is_own_image
from gpuyard.compat.facts import Facts
from gpuyard.compat.flag_problem import unknown
from gpuyard.compat.flag_spans import (
    WHOLE_NAMES,
    argument_problems,
    begins_another,
    command_line_only,
    span_problems,
)
from gpuyard.compat.problem import Fix, Problem, with_env, without_flags
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.tool_flags import is_of_a_tool
from gpuyard.compat.variables import variable_problems
from gpuyard.errors import Severity

_FOREIGN: Mapping[str, tuple[str, ...]] = {
    "vllm": (
        *("--tp-size", "--mem-fraction-static", "--context-length", "--model-path", "--max-running-requests"),
        *("--max-total-tokens", "--num-shard", "--model-id"),
    ),
    "sglang": (
        *("--max-model-len", "--gpu-memory-utilization", "--max-num-seqs", "--max-num-batched-tokens"),
        *("--model-id", "--enforce-eager", "--num-shard"),
    ),
    "llama.cpp": (
        *("--max-model-len", "--gpu-memory-utilization", "--tensor-parallel-size", "--served-model-name"),
        "--model-path",
    ),
    "tensorrt-llm": (
        *("--max-model-len", "--gpu-memory-utilization", "--max-num-seqs", "--max-num-batched-tokens"),
        *("--mem-fraction-static", "--context-length"),
    ),
    "tgi": (
        *("--max-model-len", "--gpu-memory-utilization", "--tensor-parallel-size", "--served-model-name"),
        *("--enforce-eager", "--max-num-seqs", "--tp-size", "--model-path"),
    ),
    "tei": (
        *(
            "--max-model-len",
            "--gpu-memory-utilization",
            "--tensor-parallel-size",
            "--max-num-batched-tokens",
        ),
        *("--enforce-eager", "--max-num-seqs", "--tp-size", "--model-path", "--num-shard", "--quantize"),
    ),
    "lmdeploy": (
        *("--max-model-len", "--gpu-memory-utilization", "--tensor-parallel-size", "--served-model-name"),
        *("--max-num-seqs", "--max-num-batched-tokens", "--enforce-eager", "--tp-size", "--num-shard"),
        *("--mem-fraction-static", "--context-length", "--model-id"),
    ),
}
"""Flags of other engines that this one is sure not to take, not even as the beginning of one of its own."""
_UNMATCHED: Mapping[str, Mapping[str, str]] = {
    "vllm": {
        "--max-input-length": "--max-model-len",
        "--max-input-tokens": "--max-model-len",
        "--temperature": "",
        "--omni": "",
        "--n-gpu-layers": "",
    },
    "llama.cpp": {"--ngl": "--n-gpu-layers"},
}
"""The same for flags that say what no other engine's does, with the nearest; empty: none is near."""
FOREIGN_FLAGS: Mapping[str, Mapping[str, str]] = {
    engine: {**{flag: own_flag(engine, flag) for flag in flags}, **_UNMATCHED.get(engine, {})}
    for engine, flags in _FOREIGN.items()
}
"""Flags of another engine, with this engine's name for them."""
FOREIGN_UNTIL: Mapping[str, Mapping[str, str]] = {
    "tensorrt-llm": {
        flag: own_flag("tensorrt-llm", flag)
        for flag in ("--tensor-parallel-size", "--pipeline-parallel-size")
    }
    | {"--free-gpu-memory-fraction": "--kv_cache_free_gpu_memory_fraction"},
}
UNDERSCORED: Mapping[str, frozenset[str]] = {
    "tensorrt-llm": frozenset(
        {
            *("--tp-size", "--pp-size", "--ep-size", "--max-batch-size", "--max-num-tokens", "--max-seq-len"),
            *("--max-beam-width", "--kv-cache-free-gpu-memory-fraction", "--trust-remote-code"),
            *("--extra-llm-api-options", "--gpus-per-node", "--num-postprocess-workers"),
        }
    ),
}
UNDERSCORED_UNTIL: Mapping[str, Sourced[int]] = {
    "tensorrt-llm": Sourced(
        (1, 1, 0, 0), "tensorrt_llm/commands/serve.py of 0.15 to 1.0; NVIDIA/TensorRT-LLM#5872"
    )
}
"""Release from which it is not known; before, flags of other engines that the engine does not take, with its
own name for them, and flags that it takes with ``_`` only."""
_WORKERS = "dynamo"
"""What has flags of its own for the same."""
EXTENSION_FLAGS = frozenset({"--omni"})
"""Flags that a package on top of the engine adds: unknown to a plain release only."""
COMMAND_LACKS: Mapping[str, tuple[frozenset[str], str, str]] = {
    "vllm.entrypoints.api_server": (
        frozenset(
            {
                *("--api-key", "--served-model-name", "--chat-template", "--response-role", "--lora-modules"),
                *("--enable-auto-tool-choice", "--tool-call-parser", "--reasoning-parser"),
            }
        ),
        "`vllm serve` has",
        "vllm-project/vllm#3651",
    ),
    "trtllm-serve": (
        frozenset({"--model"}),
        "it takes the model without a flag",
        "NVIDIA/TensorRT-LLM#18582",
    ),
}
"""Flags of an engine that one of its commands lacks, what to do, and who says so."""
_SERVE_AGAIN = re.compile(r"\s*serve\s+(?=[\w./-]+)(?!-)")
ENTRYPOINT_SAYS = "vllm-project/vllm#22072, #27389; docker/Dockerfile of 0.6.6 to 0.16.0"
FLASH_VALUE_SINCE = Sourced((0, 0, 6341, 0), "mostlygeek/llama-swap#283 (2025-09-04)")
"""Build of llama.cpp whose ``--flash-attn`` wants ``on``, ``off`` or ``auto`` after it; b6303 took none."""
FLASH_BARE_UNTIL = (0, 0, 6303, 0)
_FLASH = ("--flash-attn", "-fa")
_WORKER_FLAGS = "--dyn-"
"""Flags that Dynamo's worker takes beside the engine's (ai-dynamo/dynamo, components/src/dynamo/common)."""
MISSPELT = 0.88
"""How alike an unknown flag is to a known one to be its misspelling."""
_SCRIPT = re.compile(r"&&|;|\bbash\b|\.sh\b")
"""A script: flags may be of its other commands."""
_HYPHENS_ONLY = frozenset({"sglang", "tgi", "tei", "lmdeploy"})
"""Engines whose parser does not take ``_`` for ``-``."""
_EXTENDED = frozenset({"vllm", "sglang"})
"""Engines that packages for models of other kinds are built on."""
OLDEST_READ: Mapping[str, Version] = {"llama.cpp": (0, 0, 1900, 0)}
"""The release from which a parser was read, where the table does not say so."""


def flag_problems(facts: Facts) -> Iterator[Problem]:
    """Every flag and variable that the release does not take."""
    if facts.runtime == "llama.cpp" and facts.version[:2] not in ((), (0, 0)):
        return  # a binding's release, not a build
    yield from _flags(facts)
    yield from argument_problems(facts)
    yield from _command(facts)
    yield from _entrypoint(facts)
    yield from _flash_attention(facts)
    yield from variable_problems(facts)


def _flags(facts: Facts) -> Iterator[Problem]:
    """Each flag; the last that is wrong has the way out of all together.

    A command line of another engine has more of them than a search takes steps.
    """
    names = dict.fromkeys(flag for flag, _ in facts.flags)
    told = [(name, item) for name in names for item in _flag(facts, name)]
    wrong = [(name, item) for name, item in told if item.severity is Severity.ERROR]
    if len(wrong) > 1:
        words = "; and ".join(item.fixes[0].text for _, item in wrong)
        every = Fix(words, _together(facts, [item.fixes[0] for _, item in wrong]))
        last = wrong[-1][1]
        told[told.index(wrong[-1])] = wrong[-1][0], replace(last, fixes=(*last.fixes, every))
    yield from (item for _, item in told)


def _together(facts: Facts, fixes: Sequence[Fix]) -> dict[str, Any]:
    """The environment after fixes that were each made from the same one."""
    before = without_flags(facts)["env"]
    after = [fix.changes["env"] for fix in fixes]
    kept = {name: text for name, text in before.items() if all(name in env for env in after)}
    return {"env": kept | {name: text for env in after for name, text in env.items() if name not in before}}


def _flag(facts: Facts, name: str) -> Iterator[Problem]:
    short = runtime_flags(facts.runtime).get(name)
    if not name.startswith("--") and short is not None:
        yield from span_problems(facts, name, short)
        return
    if not name.startswith("--"):
        yield from _one_hyphen(facts, name)
        return
    key = name.replace("_", "-").partition(".")[0]
    foreign = FOREIGN_FLAGS.get(facts.runtime, {})
    if key.startswith(_WORKER_FLAGS):
        return
    if key in foreign and not (key in EXTENSION_FLAGS and _is_extended(facts)):
        yield _foreign(facts, name, foreign[key])
        return
    if earlier := _spelt_otherwise(facts, name, key):
        yield earlier
        return
    known = runtime_flags(facts.runtime)
    span = known.get(key) or known.get("--" + key.removeprefix("--no-"))
    if span is not None and "_" in name.partition("=")[0] and facts.runtime in _HYPHENS_ONLY:
        message = f"{facts.runtime} has no {name}; did you mean {span.name}?"
        yield unknown(facts, name, message, span.name)
    elif span is not None and not begins_another(facts, span):
        yield from span_problems(facts, name, span)
        yield from command_line_only(facts, name, span)
    elif span is not None or is_of_a_tool(facts, key):
        return
    elif facts.runtime in WHOLE_PARSERS and (
        facts.runtime in WHOLE_NAMES or not any(flag.startswith(key) for flag in known)
    ):
        yield _unknown(facts, name, key)


def _spelt_otherwise(facts: Facts, name: str, key: str) -> Problem | None:
    """A flag that later releases may take, and earlier ones have under another name or with ``_``."""
    until = UNDERSCORED_UNTIL.get(facts.runtime)
    worker = _WORKERS in f"{facts.runtime_text} {facts.image} {facts.given.env}"
    if until is None or worker or not () < facts.version < until:
        return None
    own = FOREIGN_UNTIL[facts.runtime].get(key, "")
    if not own and key == name and key in UNDERSCORED[facts.runtime]:
        own = "--" + key.removeprefix("--").replace("-", "_")
    if not own:
        return None
    return unknown(facts, name, f"{facts.engine} has no {name}; it calls it {own}", own, source=until.source)


def _command(facts: Facts) -> Iterator[Problem]:
    """Flags that the engine has, but not the command that is started."""
    text = str(facts.given.env)
    for command, (lacking, instead, source) in COMMAND_LACKS.items():
        if command not in text:
            continue
        for name in dict.fromkeys(flag for flag, _ in facts.flags if flag.replace("_", "-") in lacking):
            yield unknown(facts, name, f"{command} has no {name}; {instead}", source=source)


def _entrypoint(facts: Facts) -> Iterator[Problem]:
    """``serve MODEL`` behind the image of vLLM, whose entrypoint starts the server already."""
    text = facts.given.env
    told = isinstance(text, str) and _SERVE_AGAIN.match(text)
    if not told or facts.runtime != "vllm" or not is_own_image("vllm", facts.image):
        return
    yield Problem(
        "FLAG_UNKNOWN",
        "env",
        "the image starts the server itself and takes flags; `serve` and the model behind it are no flags",
        (Fix("write --model in place of serve", {"env": _SERVE_AGAIN.sub("--model ", str(text))}),),
        source=ENTRYPOINT_SAYS,
    )


def _flash_attention(facts: Facts) -> Iterator[Problem]:
    """The flag of llama.cpp that was bare once, and wants a value by now."""
    if facts.runtime != "llama.cpp" or not facts.version:
        return
    if facts.version <= FLASH_BARE_UNTIL:
        told = [name for name, value in facts.flags if name in _FLASH and value in ("on", "off", "auto")]
        for name in told:
            yield Problem(
                "FLAG_UNKNOWN",
                "env",
                f"{facts.engine} takes {name} alone, without a value",
                (Fix(f"write {name} alone", with_env(facts, name, "")),),
                source=FLASH_VALUE_SINCE.source,
            )
        return
    if facts.version < FLASH_VALUE_SINCE:
        return
    for name, value in facts.flags:
        if name in _FLASH and not value:
            yield Problem(
                "FLAG_REMOVED",
                "env",
                f"{facts.engine} wants on, off or auto after {name}",
                (Fix(f"write {name} on", with_env(facts, name, "on")),),
                source=FLASH_VALUE_SINCE.source,
            )


def _is_extended(facts: Facts) -> bool:
    """Whether another package may add flags: one is named, or nothing says that it is the plain engine."""
    named = "omni" in f"{facts.runtime_text} {facts.image}"
    plain = bool(facts.version) or is_own_image(facts.runtime, facts.image)
    return named or not plain


def _is_plain_release(facts: Facts) -> bool:
    """Whether the engine is a release between those whose parsers were read."""
    spans = runtime_flags(facts.runtime).values()
    newest = max(span.first_seen for span in spans)
    oldest = OLDEST_READ.get(facts.runtime) or min(span.first_seen for span in spans)
    if facts.model_name and facts.model is None and facts.runtime in _EXTENDED:
        return False  # image and video models run in packages on top, with flags of their own
    if any(flag.startswith(_WORKER_FLAGS) for flag, _ in facts.flags):
        return False
    if "omni" in f"{facts.runtime_text} {facts.image}" or _SCRIPT.search(str(facts.given.env)):
        return False
    if is_other_build(facts.image):
        return False
    own = not facts.image or is_own_image(facts.runtime, facts.image)
    return own and bool(facts.version) and oldest <= facts.version <= newest


def _foreign(facts: Facts, name: str, own: str) -> Problem:
    called = f"; it calls it {own}" if own else ""
    return unknown(facts, name, f"{facts.runtime} has no {name}{called}", own)


def _unknown(facts: Facts, name: str, key: str) -> Problem:
    """A misspelling of a known flag is one, and so is a flag that no release up to a stated one ever had.

    Without a release, or with an image of somebody else's, the flag may be of a plug-in or newer.
    """
    near = _nearest(facts.runtime, key)
    is_other = any(key in runtime_flags(other) for other in WHOLE_PARSERS if other != facts.runtime)
    is_sure = bool(near) or is_other or _is_plain_release(facts)
    severity = Severity.ERROR if is_sure and not facts.is_newer else Severity.WARNING
    if near:
        message = f"{facts.runtime} has no {name}; did you mean {near}?"
        return unknown(facts, name, message, near, severity)
    return unknown(facts, name, f"{facts.runtime} has no {name} that the catalog knows", severity=severity)


def _one_hyphen(facts: Facts, name: str) -> Iterator[Problem]:
    """Long flags with one hyphen; short ones have values glued to them or are one of a few."""
    if not re.fullmatch(r"-[a-z]+[-_][a-z_-]+", name) or "-" + name not in runtime_flags(facts.runtime):
        return
    message = f"{facts.runtime} has no {name}: long flags begin with two hyphens"
    yield unknown(facts, name, message, f"-{name}")


@cache
def _nearest(runtime: str, key: str) -> str:
    """The known flag that is a slip away; empty: none."""
    flags = [flag for flag in runtime_flags(runtime) if abs(len(flag) - len(key)) <= 2]
    return next(iter(get_close_matches(key, flags, n=1, cutoff=MISSPELT)), "")
