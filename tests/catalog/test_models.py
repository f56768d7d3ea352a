"""Names of models: what people type resolves to a shape, with the quantization that the name says."""

import re

import pytest

from gpuyard.catalog.model_layers import Dimensions, LayerKinds, count_parameters
from gpuyard.catalog.models import find_model, models, split_quantization
from gpuyard.catalog.names import UnknownName
from gpuyard.catalog.tables import read_csv


@pytest.mark.parametrize(
    ("name", "heads", "context", "quantization"),
    [
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", 64, 131072, ""),
        ("deepseek-ai/DeepSeek-R1-0528", 128, 163840, "fp8"),
        ("meta-llama/Llama-2-70b-chat-hf", 64, 4096, ""),
        ("meta-llama/Meta-Llama-3-8B-Instruct", 32, 8192, ""),
        ("meta-llama/Llama-3.1-8B-Instruct", 32, 131072, ""),
        ("Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", 64, 262144, "fp8"),
        ("Qwen/Qwen3-14B-AWQ", 40, 40960, "awq"),
        ("Qwen/Qwen2.5-72B-Instruct-GPTQ-Int8", 64, 32768, "int8"),
        ("bartowski/Meta-Llama-3.1-8B-Instruct-GGUF", 32, 131072, "gguf"),
        ("bartowski/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", 32, 131072, "q4_k_m"),
        ("unsloth/Qwen3-14B-GGUF:UD-Q4_K_XL", 40, 40960, "q4_k_m"),
        ("Meta-Llama-3.1-8B-Instruct-IQ4_XS", 32, 131072, "iq4_xs"),
        ("hugging-quants/Meta-Llama-3.1-70B-Instruct-AWQ-INT4", 64, 131072, "awq"),
        ("RedHatAI/Llama-3.3-70B-Instruct-quantized.w8a8", 64, 131072, "w8a8"),
        ("nvidia/DeepSeek-R1-0528-FP4-v2", 128, 163840, "nvfp4"),
        ("unsloth/Llama-3.3-70B-Instruct-bnb-4bit", 64, 131072, "bitsandbytes"),
        ("moonshotai/Kimi-K2-Thinking", 64, 262144, "int4"),
        ("moonshotai/Kimi-K2.5", 64, 262144, "int4"),
        ("moonshotai/Kimi-K2.6", 64, 262144, "int4"),
        ("llama-3.1-8b", 32, 131072, ""),
    ],
)
def test_a_name_people_type_finds_its_shape(name: str, heads: int, context: int, quantization: str) -> None:
    model = find_model(name)
    assert (model.heads, model.quantization) == (heads, quantization)
    assert model.context in (context, 131072)


def test_every_model_is_found_under_its_own_id_and_every_alias_under_its_name():
    assert [name for name in models() if find_model(name).id != name] == []
    rows = read_csv("model_aliases")
    assert [row["name"] for row in rows if find_model(row["name"]).id != row["name"]] == []
    assert {row["id"] for row in rows} <= set(models())


@pytest.mark.parametrize("name", ["gpt-5", "Qwen/Qwen9-8B", "my/finetune", "", "-fp8"])
def test_a_name_that_means_no_model_says_so(name: str):
    with pytest.raises(UnknownName):
        find_model(name)


def test_a_name_without_words_for_a_quantization_stays_whole():
    assert split_quantization("Qwen/Qwen3-8B") == ("Qwen/Qwen3-8B", "")
    assert split_quantization("org/Model-8B-FP8-dynamic") == ("org/Model-8B", "fp8")


TOWERS = {
    "Qwen/Qwen2.5-VL-3B-Instruct",
    "Qwen/Qwen2.5-VL-7B-Instruct",
    "Qwen/Qwen3-VL-2B-Instruct",
    "Qwen/Qwen3-VL-4B-Instruct",
    "Qwen/Qwen3-VL-8B-Instruct",
    "google/gemma-3-4b-it",
    "google/gemma-3-12b-it",
    "meta-llama/Llama-3.2-11B-Vision",
    "Qwen/Qwen3.5-4B",
    "Qwen/Qwen3.5-2B",
    "mistralai/Ministral-3-3B-Instruct-2512",
    "zai-org/GLM-4.1V-9B-Thinking",
    "openbmb/MiniCPM-V-2_6",
    "Qwen/Qwen3-Omni-30B-A3B-Instruct",
    "Qwen/Qwen2-Audio-7B-Instruct",
    "OpenGVLab/InternVL2-40B",
}
"""Small models with a large vision tower."""
BESIDE = {
    "Qwen/Qwen3.5-0.8B",
    "Qwen/Qwen2.5-Omni-7B",
    "Qwen/Qwen3.8-Flash-Next",
    "microsoft/Phi-4-multimodal-instruct",
    "google/gemma-3n-E4B-it",
    "google/gemma-3n-E2B-it",
    "google/gemma-4-E4B-it",
    "google/gemma-4-E2B-it",
    "BAAI/bge-m3",
    "BAAI/bge-large-en-v1.5",
    "openai/whisper-large-v3",
}
"""Models with more beside the decoder than a tower: talkers, embeddings per layer, or no decoder at all."""
FAMILIES = {
    "FalconForCausalLM": "falcon",
    "PhiForCausalLM": "phi",
    "OPTForCausalLM": "opt",
    "GPTNeoXForCausalLM": "gpt_neox",
    "Starcoder2ForCausalLM": "starcoder2",
    "BloomForCausalLM": "bloom",
    "GPT2LMHeadModel": "gpt2",
    "GPTJForCausalLM": "gptj",
    "MPTForCausalLM": "mpt",
    "GPTBigCodeForCausalLM": "gpt_bigcode",
    "NemotronForCausalLM": "nemotron",
    "ApertusForCausalLM": "opt",
}
"""Architectures whose feed-forward has two matrices, with a model type that has."""


@pytest.mark.parametrize("model", models().values(), ids=lambda model: model.id)
def test_published_parameters_agree_with_the_shape(model):
    """Vision towers are not in the shape, and linear layers are counted by rule of thumb."""
    kinds = LayerKinds(
        sliding=model.sliding_layers,
        linear=model.linear_layers,
    )
    if model.architecture == "NemotronHForCausalLM" or "Nemotron-Super" in model.id:
        pytest.skip("layers with one part each are counted by the reader of config.json")
    if model.id in BESIDE:
        pytest.skip("its shape is a part of it")
    size = Dimensions(
        layers=model.layers, hidden=model.hidden, heads=model.heads, kv_heads=model.kv_heads,
        head_dim=model.head_dim, ffn=model.ffn, vocab=model.vocab, tied=model.tied,
        family=FAMILIES.get(model.architecture, ""), kinds=kinds,
    )  # fmt: skip
    counted, _ = count_parameters(size, model.moe, model.mla)
    assert counted == pytest.approx(model.params, rel=0.2 if model.id in TOWERS else 0.06)


def test_every_architecture_is_a_class_of_transformers_or_of_the_models_own():
    """Not the name of a checkpoint, as some sources write it."""
    named = r".*(For\w+|Model|LMHeadModel|MiniCPMV)"
    assert [model.id for model in models().values() if not re.fullmatch(named, model.architecture)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("facebook/opt-1.3b", "facebook/opt-1.3b"),
        ("opt 13B", "facebook/opt-13b"),
        ("qwen25-7b", "Qwen/Qwen2.5-7B"),
    ],
)
def test_the_point_in_a_number_of_parameters_counts(text: str, found: str) -> None:
    assert find_model(text).id == found


def test_a_size_with_a_point_is_none_without_it() -> None:
    with pytest.raises(UnknownName):
        find_model("google/gemma-2.7b")
