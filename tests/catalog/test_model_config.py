"""Any config.json becomes a shape, or every problem of it is reported. Numbers are of published models."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpuyard.catalog.model_config import read_config
from gpuyard.catalog.models import find_model, models
from gpuyard.errors import SpecError
from gpuyard.planning.weights import count_parts

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
DEEPSEEK = {
    "model_type": "deepseek_v3",
    "num_hidden_layers": 61,
    "hidden_size": 7168,
    "num_attention_heads": 128,
    "num_key_value_heads": 128,
    "intermediate_size": 18432,
    "moe_intermediate_size": 2048,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "num_experts_per_tok": 8,
    "first_k_dense_replace": 3,
    "kv_lora_rank": 512,
    "q_lora_rank": 1536,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "vocab_size": 129280,
    "max_position_embeddings": 163840,
    "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
}
MIXTRAL = {
    **LLAMA,
    "model_type": "mixtral",
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "vocab_size": 32000,
    "max_position_embeddings": 32768,
    "sliding_window": None,
}


@pytest.fixture
def config(tmp_path):
    def write(fields):
        text = fields if isinstance(fields, str) else json.dumps(fields)
        (tmp_path / "config.json").write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("fields", "billions", "active"),
    [
        (LLAMA, 8.03, 8.03),
        (MIXTRAL, 46.7, 12.9),
        (DEEPSEEK, 671, 37),
        (
            {
                **LLAMA,
                "model_type": "qwen3_moe",
                "num_hidden_layers": 48,
                "hidden_size": 2048,
                "head_dim": 128,
            }
            | {"num_key_value_heads": 4, "num_experts": 128, "num_experts_per_tok": 8, "vocab_size": 151936}
            | {"moe_intermediate_size": 768},
            30.5,
            3.3,
        ),
        (
            {"model_type": "gpt2", "n_layer": 48, "n_embd": 1600, "n_head": 25, "vocab_size": 50257},
            1.56,
            1.56,
        ),
        (
            {"model_type": "falcon", "num_hidden_layers": 32, "hidden_size": 4544, "num_attention_heads": 71}
            | {"multi_query": True, "vocab_size": 65024},
            6.9,
            6.9,
        ),
    ],
)
def test_parameters_are_counted_within_three_percent(config, fields, billions, active):
    shape = read_config(config(fields))
    assert shape.params / 1e9 == pytest.approx(billions, rel=0.03)
    assert shape.active_params / 1e9 == pytest.approx(active, rel=0.05)


def test_a_config_gives_the_shape_that_the_catalog_has(config):
    known, read = find_model("meta-llama/Meta-Llama-3.1-8B"), read_config(config(LLAMA))
    for field in (
        "layers",
        "hidden",
        "heads",
        "kv_heads",
        "head_dim",
        "ffn",
        "vocab",
        "context",
        "tied",
        "dtype",
    ):
        assert getattr(read, field) == getattr(known, field), field
    assert read.full_attention_layers == known.full_attention_layers


def test_mla_and_experts_are_read(config):
    shape = read_config(config(DEEPSEEK))
    assert shape.mla is not None
    assert (shape.mla.kv_lora_rank, shape.mla.qk_rope) == (512, 64)
    assert shape.moe is not None
    assert (shape.moe.experts, shape.moe.layers, shape.moe.shared_ffn) == (256, 58, 2048)
    assert shape.quantization == "fp8"


@pytest.mark.parametrize(
    ("fields", "full", "sliding", "linear"),
    [
        ({"sliding_window": 4096, "model_type": "mistral"}, 0, 32, 0),
        ({"sliding_window": 4096, "model_type": "qwen2", "use_sliding_window": False}, 32, 0, 0),
        (
            {
                "sliding_window": 4096,
                "model_type": "qwen2",
                "use_sliding_window": True,
                "max_window_layers": 28,
            },
            28,
            4,
            0,
        ),
        ({"sliding_window": 4096, "model_type": "gemma2"}, 16, 16, 0),
        ({"sliding_window": 1024, "sliding_window_pattern": 6, "model_type": "gemma3"}, 5, 27, 0),
        ({"sliding_window": 128, "layer_types": ["sliding_attention", "full_attention"] * 16}, 16, 16, 0),
        ({"layer_types": (["linear_attention"] * 3 + ["full_attention"]) * 8}, 8, 0, 24),
        ({"full_attention_interval": 4}, 8, 0, 24),
        ({"attn_layer_period": 8}, 4, 0, 28),
        ({"hybrid_override_pattern": "M-M*" * 8}, 8, 0, 16),
        ({"attention_chunk_size": 8192, "model_type": "llama4_text"}, 8, 24, 0),
    ],
)
def test_layers_are_told_apart(config, fields, full, sliding, linear):
    shape = read_config(config({**LLAMA, **fields}))
    assert (shape.full_attention_layers, shape.sliding_layers, shape.linear_layers) == (full, sliding, linear)
    assert bool(shape.sliding_window) == bool(sliding)


def test_models_that_see_keep_their_text_part_in_a_nested_config(config):
    nested = {"architectures": ["Some"], "text_config": LLAMA, "vision_config": {"hidden_size": 1152}}
    deeper = {"thinker_config": {"text_config": LLAMA}}
    assert read_config(config(nested)).hidden == 4096
    assert read_config(config(deeper)).layers == 32


@pytest.mark.parametrize(
    ("quantization", "kind"),
    [
        ({"quant_method": "awq", "bits": 4}, "awq"),
        ({"quant_method": "gptq", "bits": 8}, "int8"),
        ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "bitsandbytes"),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}}},
            },
            "fp8",
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "int"}}},
            },
            "w4a16",
        ),
    ],
)
def test_the_quantization_of_the_checkpoint_is_read(config, quantization, kind):
    assert read_config(config({**LLAMA, "quantization_config": quantization})).quantization == kind


def test_every_problem_is_reported_at_once(config):
    broken = {
        **LLAMA,
        "num_hidden_layers": -3,
        "hidden_size": "big",
        "num_attention_heads": 10**9,
        "vocab_size": None,
        "torch_dtype": "bfloat17",
        "quantization_config": {"quant_method": "fp9"},
    }
    with pytest.raises(SpecError) as error:
        read_config(config(broken))
    fields = {finding.path.rpartition(": ")[2] for finding in error.value.findings}
    assert fields >= {
        "num_hidden_layers",
        "hidden_size",
        "num_attention_heads",
        "vocab_size",
        "torch_dtype",
        "quantization_config.quant_method",
    }
    quantization = next(finding for finding in error.value.findings if "quant_method" in finding.path)
    assert "fp8" in quantization.fix


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_key_value_heads": 5}, "does not divide the 32 attention heads"),
        ({"num_local_experts": 4, "num_experts_per_tok": 9}, "more than the 4 experts"),
        ({"layer_types": ["full_attention"]}, "lists 1 layers"),
        ({"sliding_window": "wide"}, "must be a whole number"),
        ({"kv_lora_rank": {}}, "must be a whole number"),
        ({"quantization_config": "fp8"}, "must be an object"),
    ],
)
def test_fields_that_contradict_each_other_are_reported(config, fields, message):
    with pytest.raises(SpecError, match=message):
        read_config(config({**LLAMA, **fields}))


@pytest.mark.parametrize("cut", [1, 20, 200, -2])
def test_a_truncated_file_is_a_finding_with_its_place(config, cut):
    with pytest.raises(SpecError, match="is not JSON, perhaps cut off") as error:
        read_config(config(json.dumps(LLAMA, indent=1)[:cut]))
    assert "config.json:" in error.value.findings[0].path


def test_a_byte_order_mark_is_read_over(config):
    assert read_config(config("\ufeff" + json.dumps(LLAMA))) == read_config(config(json.dumps(LLAMA)))


@pytest.mark.parametrize("text", ["[]", "3", '"x"', "null", "[" * 100_000, "9" * 5000])
def test_json_that_is_no_config_is_a_finding(config, text):
    with pytest.raises(SpecError):
        read_config(config(text))


def test_a_missing_file_is_a_finding(tmp_path):
    with pytest.raises(SpecError, match="cannot be read") as error:
        read_config(tmp_path / "nothing")
    assert "path of a config.json" in error.value.findings[0].fix


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3)
    ),
    max_leaves=5,
)


FIELDS = (
    *LLAMA,
    "text_config",
    "layer_types",
    "quantization_config",
    "sliding_window",
    "kv_lora_rank",
    "num_experts",
    "n_shared_experts",
    "full_attention_interval",
    "mlp_only_layers",
    "no_rope_layers",
)


def read_or_findings(folder):
    try:
        return read_config(folder), ()
    except SpecError as error:
        return None, error.findings


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_whatever_a_field_holds_the_answer_is_a_shape_or_findings(config, changes):
    shape, findings = read_or_findings(config({**LLAMA, **changes}))
    if shape is None:
        assert findings
    else:
        assert shape.params > 0
        assert shape.full_attention_layers + shape.sliding_layers + shape.linear_layers <= shape.layers


NEMOTRON_H = {
    "architectures": ["NemotronHForCausalLM"], "model_type": "nemotron_h", "hidden_size": 2688,
    "head_dim": 128, "num_attention_heads": 32, "num_key_value_heads": 2,
    "vocab_size": 131072, "intermediate_size": 1856,
    "moe_intermediate_size": 1856, "moe_shared_expert_intermediate_size": 3712, "n_routed_experts": 128,
    "n_shared_experts": 1, "num_experts_per_tok": 6, "mamba_num_heads": 64, "mamba_head_dim": 64,
    "n_groups": 8,    "ssm_state_size": 128, "max_position_embeddings": 262144, "tie_word_embeddings": False,
}  # fmt: skip
"""NVIDIA-Nemotron-3-Nano-30B-A3B, published as 31.6 billion parameters, 3.6 active."""
PATTERN = "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME"


@pytest.mark.parametrize(
    "fields",
    [
        {"num_hidden_layers": 52, "hybrid_override_pattern": PATTERN},
        {"layers_block_type": [{"M": "mamba", "E": "moe", "*": "attention"}[part] for part in PATTERN]},
    ],
    ids=["pattern", "list without a count"],
)
def test_layers_of_one_part_each_are_counted_by_kind(config, fields):
    shape = read_config(config({**NEMOTRON_H, **fields}))
    assert (shape.layers, shape.full_attention_layers, shape.linear_layers) == (52, 6, 23)
    assert shape.params == pytest.approx(31.6e9, rel=0.01)
    assert shape.active_params == pytest.approx(3.6e9, rel=0.02)
    assert shape.state_values == 64 * 64 * 128


def test_experts_of_a_latent_width_are_smaller(config):
    """NVIDIA-Nemotron-3-Super-120B-A12B: experts read and write 1,024 numbers instead of 4,096."""
    pattern = "MEMEMEM*EMEMEMEM*EMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEM*EMEMEMEME"
    fields = {
        "hybrid_override_pattern": pattern, "hidden_size": 4096, "intermediate_size": 2688,
        "moe_intermediate_size": 2688, "moe_latent_size": 1024, "moe_shared_expert_intermediate_size": 5376,
        "n_routed_experts": 512, "num_experts_per_tok": 22, "mamba_num_heads": 128,
    }  # fmt: skip
    shape = read_config(config({**NEMOTRON_H, **fields}))
    assert shape.params == pytest.approx(120e9, rel=0.01)
    assert shape.active_params == pytest.approx(12.7e9, rel=0.02)


def test_a_searched_architecture_is_read_block_by_block(config):
    block = {"attention": {"n_heads_in_group": 8, "no_op": False}, "ffn": {"ffn_mult": 5.25, "no_op": False}}
    empty = {"attention": {"n_heads_in_group": None, "no_op": True}, "ffn": {"ffn_mult": 1.0, "no_op": False}}
    fields = {
        key: value for key, value in LLAMA.items() if key not in ("num_key_value_heads", "intermediate_size")
    }
    shape = read_config(
        config({**fields, "num_hidden_layers": 4, "block_configs": [block, empty, empty, block]})
    )
    assert (shape.full_attention_layers, shape.kv_heads) == (2, 4)
    assert shape.ffn == (2 * 14336 + 2 * 2816) // 4


def test_windows_listed_layer_by_layer_and_linear_layers_listed_apart(config):
    slides = read_config(config({**LLAMA, "sliding_window": 128, "hybrid_layer_pattern": [0, 1] * 16}))
    assert (slides.full_attention_layers, slides.sliding_layers) == (16, 16)
    listed = {"linear_attn_config": {"full_attn_layers": [4, 8], "num_heads": 32, "head_dim": 128}}
    linear = read_config(config({**LLAMA, **listed}))
    assert (linear.full_attention_layers, linear.linear_layers) == (2, 30)
    assert linear.state_values == 32 * 128 * 128


def test_an_export_beside_the_config_says_how_it_is_quantised(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA), encoding="utf-8")
    export = {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "NVFP4", "group_size": 16}}
    (tmp_path / "hf_quant_config.json").write_text(json.dumps(export), encoding="utf-8")
    assert read_config(tmp_path).quantization == "nvfp4"


def test_four_bits_in_groups_of_32_are_mxfp4(config):
    weights = {"num_bits": 4, "type": "float", "group_size": 32}
    found = {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": weights}}}
    assert read_config(config({**LLAMA, "quantization_config": found})).quantization == "mxfp4"


def test_a_vision_encoder_and_draft_layers_are_read(config):
    seeing = {"hidden_size": 1152, "num_hidden_layers": 27, "intermediate_size": 4304, "image_size": 896}
    shape = read_config(config({**LLAMA, "vision_config": {**seeing, "patch_size": 14}}))
    assert shape.vision is not None
    assert (shape.vision.hidden, shape.vision.patches, shape.vision.item_tokens) == (1152, 1, 4096)
    assert shape.params > read_config(config(LLAMA)).params + 4e8
    assert read_config(config({**LLAMA, "num_nextn_predict_layers": 1})).draft_layers == 1


def test_no_model_of_the_catalog_has_more_in_its_parts_than_in_all():
    """Rounded counts below the experts alone would leave nothing for attention."""
    for model in models().values():
        parts = count_parts(model)
        if model.moe and model.moe.expert_ffn:
            width = model.moe.width or model.hidden
            layers = model.layers if model.moe.layers is None else model.moe.layers
            whole = model.moe.matrices * layers * model.moe.experts * model.moe.expert_ffn * width
            assert parts.experts == whole, model.id


MAMBA = {
    "mamba_d_conv": 4, "mamba_d_head": 64, "mamba_d_state": 128, "mamba_expand": 2, "mamba_n_groups": 1,
}  # fmt: skip
GRANITE_LAYERS = [
    "attention" if place in (5, 15, 25, 35) else "mamba" for place in range(40)
]  # granite-4.0-h-tiny and -micro
LFM2 = {
    "model_type": "lfm2", "num_attention_heads": 32, "num_key_value_heads": 8, "hidden_size": 2048,
    "conv_L_cache": 3, "vocab_size": 65536,
}  # fmt: skip
LFM2_MOE_LAYERS = ["full_attention" if at in (2, 6, 10, 14, 18, 21) else "conv" for at in range(24)]


@pytest.mark.parametrize(
    ("fields", "billions", "layers", "state"),
    [
        pytest.param(
            LFM2
            | {"num_hidden_layers": 16, "full_attn_idxs": [2, 5, 8, 10, 12, 14], "block_ff_dim": 12288}
            | {"block_auto_adjust_ff_dim": True, "block_multiple_of": 256},
            1.17,
            (6, 10),
            2 * 2048,
            id="LFM2-1.2B",
        ),
        pytest.param(
            LFM2
            | {"model_type": "lfm2_moe", "num_hidden_layers": 24, "layer_types": LFM2_MOE_LAYERS}
            | {"intermediate_size": 7168, "num_dense_layers": 2, "num_experts": 32, "num_experts_per_tok": 4}
            | {"moe_intermediate_size": 1792},
            8.34,
            (6, 18),
            2 * 2048,
            id="LFM2-8B-A1B",
        ),
        pytest.param(
            MAMBA
            | {"model_type": "granitemoehybrid", "layer_types": GRANITE_LAYERS, "num_hidden_layers": 40}
            | {"hidden_size": 1536, "intermediate_size": 512, "shared_intermediate_size": 1024}
            | {"num_local_experts": 64, "num_experts_per_tok": 6, "mamba_n_heads": 48, "vocab_size": 100352}
            | {"num_attention_heads": 12, "num_key_value_heads": 4, "tie_word_embeddings": True},
            6.94,
            (4, 36),
            48 * 64 * 128,
            id="granite-4.0-h-tiny",
        ),
        pytest.param(
            MAMBA
            | {"model_type": "granitemoehybrid", "layer_types": GRANITE_LAYERS, "num_hidden_layers": 40}
            | {"hidden_size": 2048, "intermediate_size": 512, "shared_intermediate_size": 8192}
            | {"num_local_experts": 0, "mamba_n_heads": 64, "vocab_size": 100352, "mamba_d_head": "auto"}
            | {"num_attention_heads": 32, "num_key_value_heads": 8, "tie_word_embeddings": True},
            3.19,
            (4, 36),
            64 * 64 * 128,
            id="granite-4.0-h-micro",
        ),
        pytest.param(
            MAMBA
            | {"model_type": "bamba", "attn_layer_indices": [9, 18, 27], "num_hidden_layers": 32}
            | {"hidden_size": 4096, "intermediate_size": 14336, "mamba_n_heads": 128, "vocab_size": 128256}
            | {"num_attention_heads": 32, "num_key_value_heads": 8},
            9.78,
            (3, 29),
            128 * 64 * 128,
            id="Bamba-9B",
        ),
        pytest.param(
            MAMBA
            | {"model_type": "falcon_h1", "num_hidden_layers": 44, "hidden_size": 3072, "head_dim": 128}
            | {"intermediate_size": 12288, "mamba_d_ssm": 3072, "mamba_n_heads": 24, "mamba_d_head": 128}
            | {"mamba_d_state": 256, "num_attention_heads": 12, "num_key_value_heads": 2}
            | {"vocab_size": 130048},
            7.59,
            (44, 44),
            24 * 128 * 256,
            id="Falcon-H1-7B, attention and state side by side",
        ),
        pytest.param(
            {"model_type": "deepseek_v4", "num_hidden_layers": 43, "hidden_size": 4096, "head_dim": 512}
            | {"compress_ratios": [0, 0, *[4, 128] * 20, 4, 0], "moe_intermediate_size": 2048}
            | {"n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 6}
            | {"num_attention_heads": 64, "num_key_value_heads": 1, "q_lora_rank": 1024, "o_groups": 8}
            | {"o_lora_rank": 1024, "sliding_window": 128, "vocab_size": 129280},
            284,
            (43, 0),
            0,
            id="DeepSeek-V4-Flash, output of low rank",
        ),
    ],
)
def test_layers_of_newer_kinds_are_counted_within_one_percent(config, fields, billions, layers, state):
    """Parameters as published."""
    shape = read_config(config(fields))
    assert shape.params / 1e9 == pytest.approx(billions, rel=0.01)
    assert (shape.full_attention_layers, shape.linear_layers) == layers
    assert shape.state_values == state


def test_heads_listed_layer_by_layer_count_in_the_mean(config):
    """Laguna-XS.2: 48 where a layer sees everything, 64 where it slides."""
    listed = read_config(config({**LLAMA, "num_attention_heads_per_layer": [32, 64, 64, 64] * 8}))
    plain = read_config(config(LLAMA))
    assert listed.heads == plain.heads
    assert listed.params - plain.params == 24 * 32 * 2 * 4096 * 128


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"num_attention_heads": None, "state_size": 16, "model_type": "falcon_mamba"}, "has no attention"),
        ({"mamba_d_state": 64, "num_mem_blocks": 2, "model_type": "zamba2"}, "which layers are Mamba"),
    ],
)
def test_layers_that_cannot_be_counted_are_refused(config, fields, words):
    shape, findings = read_or_findings(config({**LLAMA, **fields}))
    assert shape is None
    assert any(words in finding.message for finding in findings)


def test_a_name_says_the_quantization_that_its_config_does_not(config):
    assert read_config(config(LLAMA), model_id="acme/Small-NVFP4").quantization == "nvfp4"
    assert read_config(config(LLAMA), model_id="acme/Small-Q8_0.gguf").quantization == "q8_0"
    own = {**LLAMA, "quantization_config": {"quant_method": "fp8"}}
    assert read_config(config(own), model_id="acme/Small-AWQ").quantization == "fp8"


DBRX = {
    "model_type": "dbrx", "d_model": 6144, "n_heads": 48, "n_layers": 40, "max_seq_len": 32768,
    "attn_config": {"kv_n_heads": 8, "model_type": ""}, "vocab_size": 100352, "tie_word_embeddings": False,
    "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4, "model_type": ""},
}  # fmt: skip
CHATGLM3 = {
    "model_type": "chatglm", "num_layers": 28, "hidden_size": 4096, "num_attention_heads": 32,
    "multi_query_attention": True, "multi_query_group_num": 2, "kv_channels": 128, "ffn_hidden_size": 13696,
    "padded_vocab_size": 65024, "seq_length": 8192, "tie_word_embeddings": False,
}  # fmt: skip
LLAMA_4_SCOUT = {
    "model_type": "llama4_text", "num_hidden_layers": 48, "hidden_size": 5120, "num_attention_heads": 40,
    "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 8192, "intermediate_size_mlp": 16384,
    "num_local_experts": 16, "num_experts_per_tok": 1, "interleave_moe_layer_step": 1,
    "attention_chunk_size": 8192, "vocab_size": 202048, "max_position_embeddings": 10485760,
}  # fmt: skip
GEMMA_3_4B = {
    "model_type": "gemma3",
    "text_config": {
        "model_type": "gemma3_text", "hidden_size": 2560, "intermediate_size": 10240,
        "num_hidden_layers": 34, "sliding_window": 1024,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        (DBRX, "databricks/dbrx-instruct"),
        (CHATGLM3, "zai-org/chatglm3-6b"),
        (LLAMA_4_SCOUT, "meta-llama/Llama-4-Scout-17B-16E-Instruct"),
        (GEMMA_3_4B, "google/gemma-3-4b-it"),
    ],
    ids=["parts apart", "older names", "an expert unsaid", "defaults left out"],
)
def test_published_files_give_what_the_catalog_has(config, fields, name):
    read, known = read_config(config(fields)), find_model(name)
    for field in ("layers", "hidden", "heads", "kv_heads", "head_dim", "moe", "context", "sliding_layers"):
        assert getattr(read, field) == getattr(known, field), field
    assert read.params == pytest.approx(known.params, rel=0.1)  # the catalog's see, too


def test_a_nested_part_without_fields_has_the_defaults_of_its_family(config):
    shape = read_config(config({"text_config": {"model_type": "llama", "vocab_size": 32064}}))
    assert (shape.layers, shape.hidden, shape.heads, shape.ffn) == (32, 4096, 32, 11008)
    with pytest.raises(SpecError, match="num_hidden_layers"):
        read_config(config({"model_type": "llama", "vocab_size": 32064}))


@pytest.mark.parametrize("window", [131072, 262144])
def test_a_window_that_no_context_outgrows_is_none(config, window):
    """Phi-3.5-MoE and Phi-3-mini-128k state theirs."""
    shape = read_config(config({**LLAMA, "model_type": "phimoe", "sliding_window": window}))
    assert (shape.full_attention_layers, shape.sliding_layers, shape.sliding_window) == (32, 0, 0)


def test_models_of_two_halves_are_refused_by_what_they_are(config):
    with pytest.raises(SpecError, match="encoder") as error:
        read_config(config({"model_type": "t5", "d_model": 2048, "is_encoder_decoder": True}))
    assert len(error.value.findings) == 1


HUNYUAN_A13B = {
    "model_type": "hunyuan_v1_moe", "hidden_size": 4096, "intermediate_size": 3072, "num_experts": 64,
    "moe_intermediate_size": [3072] * 32, "moe_topk": [8] * 32, "num_shared_expert": [1] * 32,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "attention_head_dim": 128,
    "vocab_size": 128167, "tie_word_embeddings": True,
}  # fmt: skip
ERNIE_21B = {
    "model_type": "ernie4_5_moe", "hidden_size": 2560, "intermediate_size": 12288, "num_hidden_layers": 28,
    "moe_intermediate_size": 1536, "moe_k": 6, "moe_num_experts": 64, "moe_num_shared_experts": 2,
    "moe_layer_start_index": 1, "num_attention_heads": 20, "num_key_value_heads": 4, "vocab_size": 103424,
    "tie_word_embeddings": True,
}  # fmt: skip
QWEN_7B = {
    "model_type": "qwen", "hidden_size": 4096, "intermediate_size": 22016, "num_hidden_layers": 32,
    "num_attention_heads": 32, "kv_channels": 128, "vocab_size": 151936, "tie_word_embeddings": False,
}  # fmt: skip
PHI_3_SMALL = {
    "model_type": "phi3small", "hidden_size": 4096, "ff_intermediate_size": 14336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 100352,
}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "billions", "active"),
    [(HUNYUAN_A13B, 80.4, 13), (ERNIE_21B, 21.8, 3.3), (QWEN_7B, 7.72, 7.72), (PHI_3_SMALL, 7.39, 7.39)],
    ids=["lists by layer", "names of ernie", "both halves of a gate", "names of phi-3-small"],
)
def test_names_of_other_families_are_read(config, fields, billions, active):
    """Sizes as the model cards have them; ERNIE's card leaves the embedding out of what is active."""
    shape = read_config(config(fields))
    assert shape.params / 1e9 == pytest.approx(billions, rel=0.02)
    assert shape.active_params / 1e9 == pytest.approx(active, rel=0.1)


def test_lists_that_differ_by_layer_are_a_finding(config):
    with pytest.raises(SpecError, match="must be a whole number, not list"):
        read_config(config({**HUNYUAN_A13B, "moe_intermediate_size": [3072, 1536] * 16}))


def test_lightning_attention_keeps_states(config):
    """MiniMax-Text-01: one layer of eight has a cache, the others a square of the head for each head."""
    shape = read_config(config({**LLAMA, "attn_type_list": ([0] * 7 + [1]) * 4, "head_dim": 128}))
    assert (shape.full_attention_layers, shape.linear_layers) == (4, 28)
    assert shape.state_values == 32 * 128 * 128


def test_the_context_may_be_called_the_tokenizers(config):
    fields = {key: value for key, value in LLAMA.items() if key != "max_position_embeddings"}
    assert read_config(config({**fields, "model_max_length": 1048576})).context == 1048576
