"""Flags and variables against the release: removed, not yet there, of another engine, misspelt."""

from collections.abc import Iterator, Mapping

from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Fix, Problem, set_release, without_flags
from gpuyard.compat.spelling import dotted
from gpuyard.errors import Severity, did_you_mean

REMOVED_FLAGS: Mapping[str, Mapping[str, tuple[Version, str]]] = {
    "vllm": {
        "--enable-reasoning": ((0, 10, 0), "drop it; --reasoning-parser is enough"),
        "--swap-space": ((0, 18, 0), "drop it"),
        "--task": ((0, 13, 0), "use --runner and --convert"),
        "--num-scheduler-steps": ((0, 11, 0), "drop it"),
        "--multi-step-stream-outputs": ((0, 11, 0), "drop it"),
        "--scheduler-delay-factor": ((0, 11, 0), "drop it"),
        "--preemption-mode": ((0, 11, 0), "drop it"),
        "--num-lookahead-slots": ((0, 11, 0), "drop it"),
        "--enable-prompt-adapter": ((0, 11, 0), "use LoRA"),
        "--use-v2-block-manager": ((0, 12, 0), "drop it"),
        "--worker-use-ray": ((0, 10, 0), "use --distributed-executor-backend ray"),
        "--speculative-model": ((0, 10, 0), "use --speculative-config"),
        "--num-speculative-tokens": ((0, 10, 0), "use --speculative-config"),
        "--guided-decoding-backend": ((0, 12, 0), "use --structured-outputs-config.backend"),
        "--device": ((0, 11, 0), "drop it"),
        "--disable-log-requests": ((0, 15, 0), "drop it; requests are not logged by default"),
        "--rope-scaling": ((0, 15, 0), "use --hf-overrides"),
    },
    "sglang": {
        "--enable-ep-moe": ((0, 5, 3), "use --ep-size"),
        "--enable-deepep-moe": ((0, 5, 3), "use --moe-a2a-backend deepep"),
    },
}
"""Flags by the first release without them, with the successor. Sources: vllm-project/vllm#18538 and PR#36216,
gpustack/gpustack#3991, unslothai/unsloth-zoo#1210, vLLM 0.11 removal of the V0 engine."""
UNSURE_REMOVALS = frozenset(
    {"--disable-log-requests", "--rope-scaling", "--enable-ep-moe", "--enable-deepep-moe"}
)
"""Removed or deprecated; which, is not verified: a warning."""
ADDED_FLAGS: Mapping[str, Mapping[str, Version]] = {
    "vllm": {
        "--shutdown-timeout": (0, 18, 0),
        "--disable-access-log-for-endpoints": (0, 16, 0),
        "--kv-cache-memory-bytes": (0, 11, 0),
        "--structured-outputs-config": (0, 11, 0),
        "--async-scheduling": (0, 10, 0),
        "--enable-log-requests": (0, 10, 0),
        "--decode-context-parallel-size": (0, 10, 2),
        "--enable-expert-parallel": (0, 7, 3),
        "--reasoning-parser": (0, 7, 0),
        "--enable-sleep-mode": (0, 7, 0),
        "--all2all-backend": (0, 11, 1),
        "--runner": (0, 10, 0),
        "--convert": (0, 10, 0),
    },
}
FOREIGN_FLAGS: Mapping[str, Mapping[str, str]] = {
    "vllm": {
        "--tp-size": "--tensor-parallel-size",
        "--mem-fraction-static": "--gpu-memory-utilization",
        "--context-length": "--max-model-len",
        "--model-path": "--model",
        "--max-running-requests": "--max-num-seqs",
        "--max-total-tokens": "--max-model-len",
        "--max-input-length": "--max-model-len",
        "--num-shard": "--tensor-parallel-size",
        "--model-id": "--model",
        "--temperature": "",
        "--omni": "",
        "--n-gpu-layers": "",
    },
    "sglang": {
        "--max-model-len": "--context-length",
        "--gpu-memory-utilization": "--mem-fraction-static",
        "--max-num-seqs": "--max-running-requests",
        "--max-num-batched-tokens": "--chunked-prefill-size",
        "--model-id": "--model-path",
        "--enforce-eager": "--disable-cuda-graph",
    },
    "tgi": {
        "--max-model-len": "--max-total-tokens",
        "--gpu-memory-utilization": "--cuda-memory-fraction",
        "--tensor-parallel-size": "--num-shard",
        "--served-model-name": "",
        "--enforce-eager": "",
    },
}
"""Flags of another engine, with this engine's name for them."""


def flag_problems(facts: Facts) -> Iterator[Problem]:
    """Every flag and variable that the release does not take."""
    names = [flag for flag, _ in facts.flags]
    for name in dict.fromkeys(names):
        yield from _flag(facts, name)
    if facts.runtime == "vllm" and facts.env.get("VLLM_USE_V1") == "0" and facts.version >= (0, 11, 0):
        yield Problem(
            "FLAG_REMOVED",
            "env",
            f"vLLM {dotted(facts.version[:3])} has no V0 engine; VLLM_USE_V1=0 asks for it",
            (Fix("drop VLLM_USE_V1", without_flags(facts, "VLLM_USE_V1")),),
        )


def _flag(facts: Facts, name: str) -> Iterator[Problem]:
    who = f"{facts.runtime} {dotted(facts.version[:3])}".strip()
    drop = Fix(f"drop {name}", without_flags(facts, name))
    removed = REMOVED_FLAGS.get(facts.runtime, {}).get(name.replace("_", "-"))
    if removed is not None and facts.version[:3] >= removed[0]:
        yield Problem(
            "FLAG_REMOVED",
            "env",
            f"{who} has no {name} (gone since {dotted(removed[0])}): {removed[1]}",
            (drop,),
            Severity.WARNING if name in UNSURE_REMOVALS else Severity.ERROR,
        )
        return
    added = ADDED_FLAGS.get(facts.runtime, {}).get(name)
    if added is not None and () < facts.version[:3] < added:
        yield Problem(
            "FLAG_UNKNOWN",
            "env",
            f"{who} does not know {name}; {dotted(added)} was the first",
            (drop, set_release(facts, dotted(added))),
        )
        return
    foreign = FOREIGN_FLAGS.get(facts.runtime, {})
    if name in foreign:
        fix = Fix(f"use {foreign[name]}", without_flags(facts, name)) if foreign[name] else drop
        yield Problem(
            "FLAG_UNKNOWN",
            "env",
            f"{facts.runtime} has no {name}" + (f"; it calls it {foreign[name]}" if foreign[name] else ""),
            (fix,),
        )
        return
    if (
        facts.runtime == "vllm"
        and len(name) > 4
        and name.startswith("-")
        and not name.startswith("--")
        and name[2:3] not in ".0123456789"
    ):
        hint = did_you_mean("-" + name, [*_VLLM_FLAGS])
        if hint:
            yield Problem(
                "FLAG_UNKNOWN",
                "env",
                f"vllm has no {name}: long flags begin with two hyphens",
                (Fix(f"write -{name}", without_flags(facts, name)),),
            )
    elif facts.runtime == "vllm" and name.startswith("--"):
        known = name.replace("_", "-")
        hint = (
            did_you_mean(known, _VLLM_FLAGS, limit=1) if known not in _VLLM_FLAGS and "." not in known else ""
        )
        if hint and _is_typo(known):
            yield Problem("FLAG_UNKNOWN", "env", f"vllm has no {name}; {hint}", (drop,))


_VLLM_FLAGS = frozenset({
    "--model", "--host", "--port", "--api-key", "--tensor-parallel-size",
    "--pipeline-parallel-size", "--max-model-len",
    "--max-num-seqs", "--max-num-batched-tokens", "--gpu-memory-utilization", "--dtype", "--quantization",
    "--kv-cache-dtype", "--enforce-eager", "--trust-remote-code", "--served-model-name",
    "--enable-prefix-caching",
    "--enable-chunked-prefill", "--language-model-only", "--tool-call-parser", "--enable-auto-tool-choice",
    "--reasoning-parser", "--shutdown-timeout", "--load-format", "--download-dir", "--tokenizer", "--seed",
    "--data-parallel-size", "--enable-expert-parallel", "--distributed-executor-backend",
    "--limit-mm-per-prompt",
})  # fmt: skip
"""Flags that people misspell, for the did-you-mean; not the whole list of any release."""


def _is_typo(name: str) -> bool:
    """Whether a flag is a letter away from a known one: other names may be flags that are not listed."""
    return any(
        len(name) in range(len(flag) - 1, len(flag) + 2)
        and sum(a != b for a, b in zip(sorted(name), sorted(flag), strict=False)) <= 1
        for flag in _VLLM_FLAGS
        if flag[:4] == name[:4] and flag != name
    )
