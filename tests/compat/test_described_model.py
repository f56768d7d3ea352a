"""Models in people's words: the shape they mean, or none."""

import pytest

from gpuyard.compat.checkpoint import read_model


@pytest.mark.parametrize(
    ("text", "heads", "billions"),
    [
        ("a finetuned Qwen2-72B", 64, 72.7),
        ("a 70B llama", 64, 69.0),
        ("deepseek-r1 70b", 64, 70.5),
        ("Qwen2.5-7B-type model", 28, 7.6),
        ("LLaMa 33B", 52, 32.5),
        ("my-org/my-llama-3.1-8b-merge", 32, 8.0),
        ("mixtral 8x7b", 32, 46.7),
        ("qwen3 coder 480b", 96, 480.0),
        ("huihui-ai/DeepSeek-R1-Distill-Qwen-32B-abliterated", 40, 32.8),
        ("deepseek r1 (671B)", 128, 671.0),
        ("GLM-4.6 FP8", 96, 355.0),
        ("Qwen3.5 397B FP8", 32, 397.0),
        ("Llama4 Scout", 40, 109.0),
        ("Nemotron 3 Super", 32, 120.7),
    ],
)
def test_a_known_name_or_a_family_and_its_size_mean_one_shape(text: str, heads: int, billions: float):
    model = read_model(text)
    assert model is not None
    assert (model.heads, round(model.params / 1e9, 1)) == (heads, billions)


@pytest.mark.parametrize(
    "text",
    [
        "a 7B model",
        "gemma 27b",  # two generations, two shapes
        "Tengyunw/qwen3_8b_eagle3",
        "phi-4-mini-flash-reasoning",
        "my/finetune",
        "llama",
        "Llama 3.1",  # three sizes
    ],
)
def test_words_that_fit_several_shapes_or_another_model_mean_none(text: str):
    assert read_model(text) is None


def test_a_quantization_in_the_words_is_kept():
    model = read_model("somebody/my-Qwen2-72B-merge-AWQ")
    assert model is not None
    assert model.quantization == "awq"
