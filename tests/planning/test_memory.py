"""Sizes by hand: weights, caches and splits of published shapes."""

from dataclasses import replace

import pytest

from gpuyard.catalog.models import find_model
from gpuyard.planning.draft import draft_bytes, with_draft
from gpuyard.planning.encoder import encoder_bytes
from gpuyard.planning.kv_cache import (
    COMPRESSED_CHUNK,
    COMPRESSED_PAGE,
    block_tokens,
    kv_bytes_fixed,
    kv_bytes_per_token,
    sequence_bytes,
)
from gpuyard.planning.memory import forward_bytes, graph_bytes, visible_bytes
from gpuyard.planning.parallel import Split, choose_split, tensor_parallel_problem
from gpuyard.planning.quantization import quantization_of, scheme_of
from gpuyard.planning.weights import count_parts, weight_bytes, weight_bytes_per_gpu
from gpuyard.units import GIB, MIB


@pytest.mark.parametrize(
    ("model", "tensor", "dtype", "per_gpu"),
    [
        # published or arithmetic: 2 x layers x KV heads x head size x bytes
        ("Llama-3.1-8B", 1, None, 131_072),
        ("Llama-3.1-8B", 8, None, 16_384),
        ("Llama-3.1-8B", 16, None, 16_384),  # eight heads are copied over sixteen ranks
        ("Llama-3.1-70B", 1, "fp8", 163_840),
        ("Qwen3-235B-A22B", 8, None, 48_128),
        ("DeepSeek-V3", 1, None, 70_272),
        ("DeepSeek-V3", 8, None, 70_272),  # the latent cache is whole on every rank
        ("DeepSeek-V3.2", 1, None, 70_272 + 61 * 132),  # and its indexer
        # sparse attention in 8 bit: 512 values, their scales, 64 in 16 bit, the indexer
        ("GLM-5.2", 1, "fp8", 78 * (512 + 16 + 128 + 132)),
        # sliding layers have other heads than the rest, and values are narrower than keys
        ("MiMo-V2-Flash", 1, None, 9 * 4 * (192 + 128) * 2),
        ("gpt-oss-120b", 1, None, 36_864),
        ("Qwen3.5-27B", 1, None, 65_536),
        # 44.25 GiB for 1,048,576 tokens (vllm-project/recipes#653)
        ("MiniMaxAI/MiniMax-M3", 8, "auto", 45_312),
    ],
)
def test_cache_of_a_token(model, tensor, dtype, per_gpu):
    assert kv_bytes_per_token(find_model(model), Split(tensor), dtype) == per_gpu


def test_pipeline_stages_hold_the_cache_of_their_own_layers():
    model = find_model("Llama-3.1-405B")
    assert kv_bytes_per_token(model, Split(8, 2)) == kv_bytes_per_token(model, Split(8, 1)) / 2
    assert kv_bytes_per_token(model, Split(8, 4)) == 32 * 2 * 128 * 2  # 126 layers: the fullest stage has 32


def test_sliding_layers_hold_their_window_or_everything():
    model = find_model("gpt-oss-120b")
    known = kv_bytes_fixed(model, Split())
    assert known == 18 * (128 + 16) * 2 * 8 * 64 * 2
    assert kv_bytes_fixed(model, Split(), sliding_share=1.0) == 0
    assert kv_bytes_per_token(model, Split(), sliding_share=1.0) == 2 * 36_864


def test_layers_of_two_kinds_are_filled_up_to_whole_groups():
    """vLLM: "Add 2 padding layers, may waste at most 6.67% KV cache memory"."""
    model = find_model("google/gemma-3-27b-it")  # 10 full and 52 sliding layers: 60 in groups of ten
    per_layer = 2 * 16 * 128 * 2
    assert kv_bytes_fixed(model, Split()) == 60 * (1024 + 16) * per_layer
    assert kv_bytes_per_token(model, Split()) == 10 * per_layer


def test_a_state_of_linear_attention_is_logged_as_a_page_of_1568_tokens():
    """noonghunna/club-3090#1047, 2026-08-17: attention pages of 1,568 tokens in fp8."""
    model = find_model("Qwen3.5-27B")
    assert block_tokens(model, Split(), "fp8") == pytest.approx(1568, abs=32)
    assert block_tokens(model, Split(2), "fp8") == pytest.approx(1568, abs=32)
    assert kv_bytes_fixed(model, Split()) == pytest.approx(48 * 3.15e6, rel=0.01)


def test_a_sequence_takes_whole_pages():
    model = find_model("Llama-3.1-8B")
    assert sequence_bytes(model, Split(), 1) == 16 * 131_072
    assert sequence_bytes(model, Split(), 17) == 32 * 131_072
    assert block_tokens(find_model("DeepSeek-V3"), Split()) == 64


@pytest.mark.parametrize(
    ("model", "asked", "kind"),
    [
        ("Llama-3.1-8B", None, "bfloat16"),
        ("Llama-3.1-8B", "BNB", "bitsandbytes"),
        ("Qwen3-32B-FP8", None, "fp8"),
        ("gpt-oss-20b", None, "mxfp4"),
        ("Kimi-K2.5", None, "int4"),
        ("Qwen3-32B-FP8", "awq_marlin", "awq"),
    ],
)
def test_weights_are_loaded_as_asked_else_as_published(model, asked, kind):
    assert quantization_of(find_model(model), asked) == kind


def test_float32_checkpoints_are_loaded_as_16_bit():
    model = replace(find_model("Llama-3.1-8B"), dtype="float32")
    assert quantization_of(model, None) == "bfloat16"
    assert weight_bytes(model, "float32") == pytest.approx(2 * weight_bytes(model), rel=0.001)


def test_embeddings_and_heads_stay_16_bit():
    model = find_model("Llama-3.1-8B")
    tables = 2 * 128_256 * 4096 * 2
    linear = (model.params - 2 * 128_256 * 4096) * scheme_of(model, "fp8").linear
    assert weight_bytes(model, "fp8") == pytest.approx(tables + linear, rel=1e-6)


def test_tied_heads_count_once():
    tied = find_model("meta-llama/Llama-3.2-1B")
    assert count_parts(tied).heads == 1
    assert weight_bytes(tied) == pytest.approx(tied.params * 2, rel=0.001)


def test_only_the_experts_of_an_mxfp4_mixture_are_small():
    model = find_model("gpt-oss-120b")
    parts = count_parts(model)
    assert parts.experts == 36 * 128 * 3 * 2880 * 2880
    rest = model.params - parts.experts
    assert weight_bytes(model) == pytest.approx(parts.experts * 0.53125 + rest * 2, rel=1e-6)


def test_experts_are_padded_for_the_kernel_on_one_gpu_and_on_many():
    model = find_model("gpt-oss-120b")
    assert weight_bytes_per_gpu(model, Split()) > 1.08 * weight_bytes(model)
    assert 8 * weight_bytes_per_gpu(model, Split(8)) > 8 * weight_bytes_per_gpu(model, Split()) / 8


def test_whole_experts_are_rounded_up_per_gpu():
    model = find_model("Qwen3-Coder-480B-A35B-Instruct")  # 160 experts
    sliced = weight_bytes_per_gpu(model, Split(16))
    whole = weight_bytes_per_gpu(model, Split(16, experts=True))
    assert whole == pytest.approx(sliced, rel=0.01)  # ten each
    assert weight_bytes_per_gpu(model, Split(32, experts=True)) == pytest.approx(
        weight_bytes_per_gpu(model, Split(32)), rel=0.01
    )


def test_the_first_and_last_stage_hold_one_table_each():
    model = find_model("Llama-3.1-70B")
    half = weight_bytes_per_gpu(model, Split(1, 2))
    assert half == pytest.approx(weight_bytes(model) / 2, rel=0.001)


def test_a_forward_pass_of_llama_takes_what_was_measured():
    """2.07 GiB at 20,000 tokens and 2.99 GiB at 29,000 (vllm-project/vllm#10517, 2024-12-02)."""
    model = find_model("Llama-3.1-8B")
    assert forward_bytes(model, Split(), 20_000) / GIB == pytest.approx(2.07, rel=0.01)
    assert forward_bytes(model, Split(), 29_000) / GIB == pytest.approx(2.99, rel=0.01)
    assert forward_bytes(model, Split(2), 40_000) / GIB == pytest.approx(2.53, rel=0.01)  # #11251


@pytest.mark.parametrize(
    ("model", "tensor", "tokens", "logged_gib"),
    [
        ("Qwen2.5-VL-3B-Instruct", 1, 32_768, 4.06),  # start with images, 2025-03-13
        ("Qwen3.8-27B", 2, 8192, 1.59),  # noonghunna/club-3090#1087
        ("gemma-4-26B-A4B-it", 1, 8192, 2.0),  # start log of 2026-04-19, less what libraries take
    ],
)
def test_the_largest_images_take_what_was_profiled(model, tensor, tokens, logged_gib):
    planned = encoder_bytes(find_model(model), Split(tensor), tokens) / GIB
    assert planned == pytest.approx(logged_gib, rel=0.15)


def test_one_image_is_profiled_even_where_it_is_larger_than_a_step():
    model = find_model("Qwen2.5-VL-7B-Instruct")
    assert encoder_bytes(model, Split(), 512) == encoder_bytes(model, Split(), 16_384)
    assert encoder_bytes(model, Split(), 65_536) == 4 * encoder_bytes(model, Split(), 512)
    assert encoder_bytes(find_model("Qwen3-8B"), Split(), 8192) == 0


def test_a_draft_is_one_layer_more_in_16_bit_beside_4_bit_weights():
    """75.17 GiB with it and 70.47 without (Qwen3.5-122B-A10B in NVFP4, 2026-04-08)."""
    model = find_model("Qwen3.5-122B-A10B")
    assert draft_bytes(model, Split(), "nvfp4") / GIB == pytest.approx(75.17 - 70.47, rel=0.02)
    assert draft_bytes(model, Split(), "fp8") == pytest.approx(draft_bytes(model, Split()) / 2, rel=0.01)
    assert draft_bytes(find_model("Qwen3-8B"), Split()) == 0
    token = kv_bytes_per_token(with_draft(model), Split())
    assert token == kv_bytes_per_token(model, Split()) * 13 / 12


def test_hybrids_that_share_prefixes_hold_two_states_for_a_sequence():
    model = find_model("Qwen3.5-27B")
    one = kv_bytes_fixed(model, Split())
    assert kv_bytes_fixed(model, Split(), states=2) == 2 * one
    assert sequence_bytes(model, Split(), 1, states=2) == sequence_bytes(model, Split(), 1) + one


@pytest.mark.parametrize(
    ("mib", "seen_gib"),
    # total_gpu_memory of logs in tests/planning/measurements.yaml, and vllm-project/vllm#21489 for B200
    [(24_576, 23.58), (24_564, 23.55), (40_960, 39.5), (81_920, 79.22), (183_359, 178.36), (16_384, 15.77)],
)
def test_a_process_sees_less_than_the_driver_reports(mib, seen_gib):
    assert visible_bytes(mib) / GIB == pytest.approx(seen_gib, rel=0.01)
    assert visible_bytes(mib) < mib * MIB


@pytest.mark.parametrize(
    ("model", "tensor", "kind", "problem"),
    [
        ("Llama-3.1-8B", 8, "bfloat16", ""),
        ("Llama-3.1-8B", 3, "bfloat16", "attention heads"),
        ("Qwen2.5-0.5B", 4, "bfloat16", "14 attention heads do not divide by 4"),
        ("Qwen3-235B-A22B-FP8", 4, "fp8", ""),
        ("Qwen3-235B-A22B-FP8", 8, "fp8", "1536/8 is not a multiple of 128"),
        ("Qwen3-235B-A22B", 8, "fp8", ""),  # quantised while loading: no blocks
    ],
)
def test_ranks_that_cannot_share_a_model(model, tensor, kind, problem):
    found = tensor_parallel_problem(find_model(model), tensor, kind)
    assert (problem in found) if problem else not found


def test_more_stages_than_layers_are_refused():
    split, reason = choose_split(find_model("meta-llama/Llama-3.2-1B"), 1, 17, "bfloat16")
    assert split is None
    assert "16 layers" in reason


@pytest.mark.parametrize(
    ("name", "gigabytes"),
    [
        ("bartowski/Meta-Llama-3.1-8B-Instruct-Q2_K.gguf", 3.18),
        ("bartowski/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", 4.92),
        ("bartowski/Meta-Llama-3.1-8B-Instruct-Q8_0.gguf", 8.54),
        ("bartowski/Llama-3.3-70B-Instruct-Q4_K_M.gguf", 42.52),
        ("bartowski/Llama-3.3-70B-Instruct-Q5_K_M.gguf", 49.95),
    ],
)
def test_files_of_llama_cpp_weigh_what_their_publisher_lists(name, gigabytes):
    """Sizes as listed on each repository's page."""
    weights = weight_bytes_per_gpu(find_model(name), Split(1), None)
    assert weights / 1e9 == pytest.approx(gigabytes, rel=0.02)


def test_compressed_attention_grows_by_rows_that_tokens_share():
    """Logged for DeepSeek-V4-Flash: pages of 256 tokens (vllm-project/vllm#54703), and 6.33 GiB for one
    sequence of 912,128 tokens with a chunk of 8,192 in prefill (vllm-project/vllm#51041)."""
    model = find_model("DeepSeek-V4-Flash")
    token = kv_bytes_per_token(model, Split(2))
    assert token * COMPRESSED_PAGE == pytest.approx(1_002_240, rel=0.001)
    assert token == kv_bytes_per_token(model, Split(8), "fp8")
    one = sequence_bytes(model, Split(2), 912_128) + 8192 * COMPRESSED_CHUNK * token
    assert one / GIB == pytest.approx(6.33, rel=0.03)
    assert 1.3 < kv_bytes_per_token(find_model("DeepSeek-V4-Pro"), Split()) / token < 1.5


def test_a_draft_is_stored_like_the_experts_where_the_checkpoint_does_so():
    model = find_model("deepseek-ai/DeepSeek-V4-Flash")
    whole = weight_bytes(model) + draft_bytes(model, Split())
    assert whole / GIB == pytest.approx(148.66, rel=0.005)  # files, vllm-project/vllm#40802
    halves = find_model("Qwen/Qwen3.5-122B-A10B")
    assert draft_bytes(halves, Split(), "nvfp4") / GIB == pytest.approx(75.17 - 70.47, rel=0.02)


def test_hyper_connections_carry_their_streams_through_a_step():
    model = find_model("deepseek-ai/DeepSeek-V4-Flash")
    one = replace(model, streams=1)
    more = forward_bytes(model, Split(8), 8192) - forward_bytes(one, Split(8), 8192)
    assert more == 3 * 3 * model.hidden * 2 * 8192


def test_graphs_of_sparse_attention_are_large_with_whole_experts_alone():
    sparse, plain = find_model("GLM-5.2"), find_model("Qwen3-235B-A22B")
    whole = Split(8, experts=True)
    assert graph_bytes(sparse, whole, 256) / GIB == pytest.approx(4.99, abs=0.01)
    assert graph_bytes(sparse, Split(8), 256) == graph_bytes(plain, whole, 256) < GIB
