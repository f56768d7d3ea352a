"""The oldest GPU that an engine supports."""

from collections.abc import Iterator, Mapping

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_runtimes import RuntimeRelease, find_release, runtime_releases
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import TURING, VOLTA
from gpuyard.compat.machine_code import OWN_ARCHITECTURES, covers
from gpuyard.compat.problem import Fix, Problem, set_gpu, set_release, use_vllm
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import dotted
from gpuyard.errors import Severity

SGLANG_WITH_TURING = Sourced((0, 2, 15, 0), "sgl-project/sglang#1058 and PR#1233")
"""SGLang before fails on Turing even without FlashInfer."""
SGLANG_LEFT_TURING = (0, 5, 2, 0)
"""First SGLang without machine code for 7.5: sgl-kernel has it in 0.1.7, 0.2.8 and 0.3.5 and lacks it from
0.3.9.post2 on (wheels inspected 2026-11-26). Before, Triton's attention may run."""
REFUSES: Mapping[str, str] = {
    "tensorrt-llm": "NVIDIA/TensorRT-LLM#2400",
    "tensorrt": "",
    "tgi": "huggingface/text-generation-inference#533",
}
"""Engines that look at the GPU first, and who says so: TensorRT when it builds, TGI when it loads its
attention."""
TGI_OLDER_CODE = Sourced((6, 0), "huggingface/text-generation-inference#211 (6.1), #866 (7.0)")
"""GPUs that its code without FlashAttention runs on, as far as its torch has code for them."""
TGI_FALLS_BACK = Sourced(
    ((0, 9, 0, 0), (2, 1, 0, 0)),
    "huggingface/text-generation-inference#398; get_model of its releases 0.9.0 to 2.0.4",
)
"""Releases of text-generation-inference that were read to do without FlashAttention where they have to."""
SGLANG_REFUSES = "sgl-project/sglang#831"
"""What is older than Turing."""
MONTHLY = "triton"
"""Whose rows of the catalog are months of NVIDIA's containers."""
CONTAINERS_SAY = "boson-ai/higgs-audio#36; NVIDIA PyTorch release notes 19.03 to 22.12 (6.0 and newer)"
SHIPS_FROM_ITS_FLOOR = (
    *("vllm", "sglang", "lmdeploy", "ollama", "docker-model-runner", "koboldcpp"),
    *("llama-box", "xformers", "flashmla"),
)
"""Engines whose builds have machine code for their oldest supported GPU and newer ones only."""
NEWEST_IF_UNSTATED = ("tensorrt-llm",)
"""Engines judged by their newest release where none is stated: its floor has not moved since 2025-06."""
TRT_LLM_EARLY = Sourced(
    ("--use_gpt_attention_plugin", "--use_gemm_plugin", "--use_inflight_batching"),
    "NVIDIA/TensorRT-LLM#246; examples/llama/build.py of 0.5 to 0.7",
)
"""Flags of TensorRT-LLM's build scripts of 2023: no release beside them is a recent one."""
TRT_LLM_WITH_TURING = Sourced((0, 10, 0, 0), "NVIDIA/TensorRT-LLM#278, #199, #1515")
"""TensorRT-LLM before left compute capability 7.5 out."""

TRT_LLM_LEFT_TURING = Sourced((0, 14, 0, 0), "NVIDIA/TensorRT-LLM#2619, #2620 (2024-12-24)")
"""First that its developers say leaves Turing out; a build of 0.15 still built engines there (#2400)."""


def floor_problems(facts: Facts) -> Iterator[Problem]:
    """The oldest GPU that the release supports."""
    yield from _of_container(facts)
    release = facts.release
    row = release or _floor_of_unknown(facts)
    floor = row.min_sm if row else ()
    if facts.install == "source" and facts.runtime in OWN_ARCHITECTURES:
        return
    if floor and facts.sm >= floor:
        yield from _left_out(facts)
    if row is None or not floor or facts.sm >= floor:
        return
    early = (
        facts.runtime == "sglang"
        and facts.version
        and SGLANG_WITH_TURING <= facts.version < SGLANG_LEFT_TURING
        and facts.sm >= (7, 5)
    )
    without_flash = facts.is_without_flash and facts.sm >= TURING
    without_flash = without_flash or (facts.sm >= TGI_OLDER_CODE and facts.has_older_code)
    without_flash = without_flash or (facts.sm >= VOLTA and _falls_back(facts))
    early = early or facts.is_for_older_gpus or without_flash
    fixes = (*older_release(facts), *other_engine(facts), set_gpu(facts, _gpu_from(floor)))
    refuses = facts.runtime in REFUSES and not without_flash
    if refuses or (facts.runtime == "sglang" and facts.sm < TURING):
        yield Problem(
            "ENGINE_MIN_SM",
            "gpu",
            f"{facts.runtime} refuses {facts.card} before any kernel runs; it starts with {dotted(floor)}",
            fixes,
            source=join_sources(REFUSES.get(facts.runtime, SGLANG_REFUSES), row.source),
        )
    yield Problem(
        "SM_BELOW_MIN",
        "gpu",
        f"{facts.runtime} {release.version if release else ''} supports compute capability {dotted(floor)} "
        f"and newer, {facts.who} has {dotted(facts.sm)}".replace("  ", " "),
        fixes,
        Severity.WARNING if early else Severity.ERROR,
        source=row.source,
    )
    known = release is not None and bool(release.sass)  # told from that, below
    known = known or (facts.cuda >= (13, 0) and facts.sm < TURING)
    if facts.runtime in SHIPS_FROM_ITS_FLOOR and not known and not early:
        yield Problem(
            "SM_NOT_IN_BINARY",
            "gpu",
            f"no build of {facts.runtime} has machine code for {facts.card}",
            fixes,
            source=row.source,
        )


def _of_container(facts: Facts) -> Iterator[Problem]:
    """The oldest GPU of NVIDIA's framework containers of a month, whatever they carry, as that of Triton's.

    (A P100 with PyTorch's of 25.02: boson-ai/higgs-audio#36.)
    """
    row, _ = find_release(MONTHLY, (*facts.month, 0, 0)) if facts.month else (None, False)
    if row is None or facts.runtime == MONTHLY or facts.sm >= row.min_sm:
        return
    month = f"{facts.month[0]}.{facts.month[1]:02d}"
    told = (
        f"NVIDIA's containers of {month} start with compute capability {dotted(row.min_sm)}, {facts.who} has "
    )
    fixes = (set_gpu(facts, "t4"), set_gpu(facts, "a10g"))
    for code in ("SM_BELOW_MIN", "SM_NOT_IN_BINARY"):
        source = join_sources(row.source, CONTAINERS_SAY)
        yield Problem(code, "image", f"{told}{dotted(facts.sm)}", fixes, source=source)


def _falls_back(facts: Facts) -> bool:
    """Whether text-generation-inference computes the model by transformers' code, whole and in 16 bit."""
    since, before = TGI_FALLS_BACK
    whole = facts.count == 1 or facts.given.tensor_parallel == 1
    named = bool(facts.model_name) and not (facts.model and facts.model.vision)
    known = facts.runtime == "tgi" and since <= facts.version < before
    return known and whole and named and not facts.quantization


def _left_out(facts: Facts) -> Iterator[Problem]:
    """Early TensorRT-LLM: Turing is between its oldest and its newer GPUs, and not in its builds."""
    if facts.runtime != "tensorrt-llm" or facts.sm != TURING or facts.install == "source":
        return
    if facts.version >= TRT_LLM_LEFT_TURING:
        yield Problem(
            "SM_BELOW_MIN",
            "gpu",
            f"TensorRT-LLM is not tested on {facts.card} since 0.14, though some of it runs",
            (set_release(facts, "0.13.0"), set_gpu(facts, "a10g"), set_gpu(facts, "l4")),
            Severity.WARNING,
            source=TRT_LLM_LEFT_TURING.source,
        )
    if not () < facts.version < TRT_LLM_WITH_TURING:
        return
    fixes = (set_release(facts, "0.15.0"), set_gpu(facts, "a10g"), set_gpu(facts, "l4"))
    yield Problem(
        "ENGINE_MIN_SM",
        "gpu",
        f"TensorRT-LLM {dotted(facts.version[:3])} stops with an unsupported architecture on {facts.card}",
        fixes,
        source=TRT_LLM_WITH_TURING.source,
    )
    yield Problem(
        "SM_BELOW_MIN",
        "gpu",
        f"TensorRT-LLM {dotted(facts.version[:3])} supports Ampere and newer, not {facts.card}",
        fixes,
        source=TRT_LLM_WITH_TURING.source,
    )
    yield Problem(
        "SM_NOT_IN_BINARY",
        "runtime_version",
        f"builds of TensorRT-LLM {dotted(facts.version[:3])} leave {facts.card} out",
        fixes,
        source=TRT_LLM_WITH_TURING.source,
    )


def _floor_of_unknown(facts: Facts) -> RuntimeRelease | None:
    """The release that wants least, or the first one where this is older; None: not known."""
    rows = [row for row in runtime_releases(facts.runtime) if row.min_sm] if facts.runtime else []
    if not rows or facts.version:
        return rows[0] if rows else None
    newest = facts.runtime in NEWEST_IF_UNSTATED and not facts.flag_values(*TRT_LLM_EARLY)
    least = max if newest else min
    return least(rows, key=lambda row: row.min_sm)


def other_engine(facts: Facts) -> tuple[Fix, ...]:
    """vLLM, where it still supports the GPU."""
    if facts.runtime == "vllm" or facts.sm < (7, 0):
        return ()
    version = "0.20.0" if facts.sm >= TURING else "0.19.1"
    why = f", which supports compute capability {dotted(facts.sm)}"
    return use_vllm(version, why), use_vllm("0.19.1", why)


def older_release(facts: Facts) -> tuple[Fix, ...]:
    """The newest older release that supports the GPU."""
    for release in reversed(runtime_releases(facts.runtime)):
        if (
            release.key < (facts.version or release.key)
            and facts.sm >= release.min_sm
            and (not release.sass or covers(release.sass, facts.sm))
        ):
            return (set_release(facts, release.version),)
    return ()


def _gpu_from(floor: Version) -> str:
    return {"7.5": "t4", "8.0": "a10g", "8.9": "l4", "9.0": "h100-sxm"}.get(dotted(floor), "l4")
