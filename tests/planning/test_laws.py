"""What must hold for every model, GPU and question."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gpuyard.catalog.models import models
from gpuyard.catalog.quantizations import SCHEMES
from gpuyard.planning.engine import find_engine
from gpuyard.planning.fit import fit_model, smallest_fit
from gpuyard.planning.kv_cache import kv_bytes_per_token, sequence_bytes
from gpuyard.planning.parallel import Split, choose_split
from gpuyard.planning.quantization import KV_BYTES
from gpuyard.planning.weights import count_parts, weight_bytes, weight_bytes_per_gpu

from .conftest import gpu_with

MODELS = st.sampled_from(list(models().values()))
MEMORY = st.integers(min_value=8 * 1024, max_value=300 * 1024)
RUNTIMES = st.sampled_from(["vllm", "sglang", "tgi", "tensorrt-llm", "lmdeploy"])
VERSIONS = st.sampled_from([None, "0.6.4", "0.9.2", "0.11.0", "0.24.0", "0.30.0"])
CONTEXTS = st.integers(min_value=1, max_value=200_000)
GPUS = st.sampled_from([1, 2, 4, 8])
SCHEME = st.sampled_from([None, *SCHEMES])
CACHE = st.sampled_from([None, "fp8"])
FITTED = settings(max_examples=200, deadline=None)


@FITTED
@given(MODELS, MEMORY, st.integers(0, 64 * 1024), GPUS, RUNTIMES, VERSIONS, SCHEME, CACHE, CONTEXTS)
def test_more_memory_never_worsens_a_fit(model, memory, more, gpus, runtime, version, scheme, cache, context):
    asked = {
        "gpus": gpus,
        "runtime": runtime,
        "runtime_version": version,
        "quantization": scheme,
        "kv_cache_dtype": cache,
        "context_tokens": min(context, model.context or context),
    }
    small = fit_model(model, gpu_with(memory), **asked)
    large = fit_model(model, gpu_with(memory + more), **asked)
    assert large.kv_bytes_available >= small.kv_bytes_available - 1  # rounded
    assert large.fits or not small.fits
    assert large.max_context >= small.max_context


@FITTED
@given(MODELS, MEMORY, GPUS, RUNTIMES, VERSIONS, CACHE, CONTEXTS, CONTEXTS)
def test_longer_context_never_raises_concurrency(model, memory, gpus, runtime, version, cache, one, other):
    short, long = sorted((one, other))
    asked = {"gpus": gpus, "runtime": runtime, "runtime_version": version, "kv_cache_dtype": cache}
    gpu = gpu_with(memory)
    less = fit_model(model, gpu, context_tokens=short, **asked)
    more = fit_model(model, gpu, context_tokens=long, **asked)
    assert more.max_concurrency <= less.max_concurrency
    assert less.fits or not more.fits


@FITTED
@given(MODELS, SCHEME, st.integers(1, 6), st.integers(1, 4), st.booleans())
def test_more_tensor_parallel_never_raises_weights_per_gpu(model, scheme, doublings, stages, whole):
    experts = whole and model.moe is not None
    narrow = Split(2 ** (doublings - 1), stages, experts=experts)
    wide = Split(2**doublings, stages, experts=experts)
    assert weight_bytes_per_gpu(model, wide, scheme) <= weight_bytes_per_gpu(model, narrow, scheme)


@FITTED
@given(MODELS, SCHEME, st.sampled_from([1, 2, 4, 8]), st.sampled_from([1, 2, 4]))
def test_the_gpus_of_a_split_hold_all_weights_together(model, scheme, tensor, stages):
    split = Split(tensor, stages)
    assert weight_bytes_per_gpu(model, split, scheme) * split.gpus >= weight_bytes(model, scheme) * 0.999


@given(MODELS)
def test_parts_add_up_to_all_parameters(model):
    parts = count_parts(model)
    whole = parts.tables * parts.heads + parts.experts + parts.keys + parts.copied
    whole += parts.seeing + parts.rest
    if model.verified or model.moe is None:
        # published figures of trillions are round
        assert abs(whole - model.params) < (0.05 * model.params if model.params >= 1e12 else 1)
    assert min(parts.tables, parts.experts, parts.keys, parts.copied, parts.seeing, parts.rest) >= 0


@FITTED
@given(MODELS, CONTEXTS, st.integers(0, 50_000), st.sampled_from([0.0, 0.8, 1.0]))
def test_a_longer_sequence_never_takes_less_cache(model, context, more, sliding):
    split = Split(2)
    assert sequence_bytes(model, split, context, sliding_share=sliding) <= sequence_bytes(
        model, split, context + more, sliding_share=sliding
    )


@given(MODELS, st.sampled_from([1, 2, 4, 8]))
def test_an_8_bit_cache_takes_at_most_as_much_as_a_16_bit_one(model, tensor):
    split = Split(tensor)
    assert kv_bytes_per_token(model, split, "fp8") <= kv_bytes_per_token(model, split, "auto")


@FITTED
@given(MODELS, MEMORY, RUNTIMES)
def test_the_smallest_fit_is_the_first_that_fits(model, memory, runtime):
    gpu = gpu_with(memory)
    found = smallest_fit(model, gpu, runtime=runtime)
    sizes = (1, 2, 4, 8)
    first = next((n for n in sizes if fit_model(model, gpu, gpus=n, runtime=runtime).fits), None)
    assert (found.gpus if found else None) == first


@FITTED
@given(
    MODELS, MEMORY, GPUS, st.integers(1, 3), RUNTIMES, VERSIONS, SCHEME, CACHE, CONTEXTS, st.integers(1, 300)
)
def test_a_fit_keeps_its_promises(
    model, memory, gpus, nodes, runtime, version, scheme, cache, context, wanted
):
    fitted = fit_model(
        model,
        gpu_with(memory),
        gpus=gpus,
        nodes=nodes,
        runtime=runtime,
        runtime_version=version,
        quantization=scheme,
        kv_cache_dtype=cache,
        context_tokens=context,
        concurrency=wanted,
    )
    assert fitted.reason
    assert 0 <= fitted.memory_share <= 1
    if not fitted.fits:
        return
    assert fitted.gpus == gpus * nodes
    assert fitted.max_concurrency >= wanted
    assert fitted.max_context >= fitted.context_tokens or fitted.concurrency == 1
    assert (
        fitted.weights_bytes_per_gpu + fitted.working_bytes_per_gpu + fitted.kv_bytes_available
        <= memory * 2**20
    )
    assert fitted.max_context <= model.context


@given(
    MODELS, st.sampled_from([1, 2, 3, 4, 6, 8, 16]), st.integers(1, 4), st.sampled_from(["bfloat16", "fp8"])
)
def test_a_chosen_split_uses_every_gpu_and_divides_the_heads(model, gpus, nodes, kind):
    split, reason = choose_split(model, gpus, nodes, kind)
    if split is None:
        assert reason
        return
    assert split.gpus == gpus * nodes
    assert not model.heads or model.heads % split.tensor == 0


@given(
    st.sampled_from(["vllm", "sglang", "tgi", "tensorrt-llm", "lmdeploy", "custom", "else"]),
    st.text(max_size=12),
)
def test_any_version_finds_an_engine(runtime, version):
    engine = find_engine(runtime, version)
    assert 0 < engine.share <= 1
    assert replace(engine, share=engine.share) == engine


def test_caches_known_to_the_planner_have_a_size():
    assert set(KV_BYTES.values()) == {1.0, 2.0}
