"""Every way of storing weights that is known: its names, what it takes, what hardware it needs.

Sizes are arithmetic on the formats (bits plus scales per group); `planning.weights` says how well they match
logs. Smallest compute capabilities: facts on compatibility of 2026-11-23. Methods: what Hugging Face
transformers reads, 2026-11.
"""

from collections.abc import Mapping
from dataclasses import field

from gpuyard.catalog.gguf import GGUF, USUAL, gguf_types
from gpuyard.records import record


@record
class Scheme:
    """One way of storing weights."""

    linear: float
    """Bytes per parameter of attention and feed-forward matrices, scales included."""
    experts: float
    """The same for experts."""
    tables: float = 2.0
    """The same for embeddings and heads."""
    block: int = 1
    """Shards of a feed-forward must be whole multiples of this, where the checkpoint is stored so."""
    sm_min: tuple[int, int] = (7, 0)
    on_load: Mapping[str, str] = field(default_factory=dict)
    """Runtimes that make it of 16-bit weights while loading, with the word of their flag."""
    methods: tuple[str, ...] = ()
    """What the config.json of a checkpoint calls it (``quant_method``)."""
    aliases: tuple[str, ...] = ()
    """What else people and runtimes call it."""
    experts_only: bool = False
    """Its checkpoints leave everything but the experts of a mixture in 16 bit."""
    is_container: bool = False
    """Its name says who quantised a checkpoint, not how."""


HALF = 2.0
"""Bytes of bfloat16 and float16: embeddings, heads, norms and routers are kept so whatever the scheme."""

DTYPES: Mapping[str, Scheme] = {
    "float32": Scheme(linear=4.0, experts=4.0, tables=4.0, aliases=("fp32", "float")),
    "bfloat16": Scheme(linear=HALF, experts=HALF, aliases=("bf16",)),
    "float16": Scheme(linear=HALF, experts=HALF, aliases=("fp16", "half")),
}
"""Weights that are not quantised."""
QUANTIZED: Mapping[str, Scheme] = {
    # one scale per 128 x 128 block or per channel; weight-only kernels run it on Ampere
    "fp8": Scheme(
        linear=1.0005,
        experts=1.0005,
        block=128,
        sm_min=(8, 0),
        on_load={"vllm": "fp8", "sglang": "fp8", "tgi": "fp8"},
        methods=("fp8", "fbgemm_fp8", "finegrained_fp8"),
        aliases=("fp8_e4m3", "w8a8_fp8"),
    ),
    "int8": Scheme(linear=1.001, experts=1.001, sm_min=(7, 5), on_load={"tgi": "eetq"}, methods=("eetq",)),
    "w8a8": Scheme(linear=1.001, experts=1.001, sm_min=(7, 5), aliases=("w8a8_int8",)),
    "compressed-tensors": Scheme(
        linear=1.001, experts=1.001, sm_min=(7, 5), methods=("compressed-tensors",), is_container=True
    ),
    "modelopt": Scheme(
        linear=1.0005, experts=1.0005, sm_min=(8, 0), methods=("modelopt",), is_container=True
    ),
    # groups of 128, some of 64, with a 16-bit scale and a 4-bit zero, and what the packing adds
    "awq": Scheme(linear=0.53, experts=0.53, block=64, sm_min=(7, 5), methods=("awq", "awq_marlin")),
    "gptq": Scheme(linear=0.53, experts=0.53, block=64, sm_min=(7, 0), methods=("gptq", "gptq_marlin")),
    "w4a16": Scheme(linear=0.53, experts=0.53, sm_min=(8, 0)),
    # as its vendors publish it: experts in groups of 32, the rest of a mixture untouched
    "int4": Scheme(linear=0.53, experts=0.5625, sm_min=(8, 0), experts_only=True),
    "bitsandbytes": Scheme(
        linear=0.53,
        experts=0.53,
        sm_min=(7, 0),
        on_load={"vllm": "bitsandbytes", "tgi": "bitsandbytes-nf4"},
        methods=("bitsandbytes",),
        aliases=("bnb", "bitsandbytes-nf4"),
    ),
    "nvfp4": Scheme(
        linear=0.5625,
        experts=0.5625,
        sm_min=(8, 0),
        methods=("nvfp4", "modelopt_fp4"),
        aliases=("fp4",),
        experts_only=True,
    ),
    "mxfp4": Scheme(linear=0.53125, experts=0.53125, sm_min=(8, 0), methods=("mxfp4",), experts_only=True),
}
_FILES: Mapping[str, Scheme] = {
    name: Scheme(linear=bits / 8, experts=bits / 8, tables=bits / 8, sm_min=(6, 0))
    for name, bits in gguf_types().items()
}
SCHEMES: Mapping[str, Scheme] = {**DTYPES, **QUANTIZED, **_FILES, GGUF: _FILES[USUAL]}
"""By our name; types of GGUF files among them."""
NAMED = (*DTYPES, *QUANTIZED, GGUF, USUAL, "q8_0")
"""Those to propose: a few of many types of GGUF files."""
_UNSIZED = (
    *("auto-round", "quark", "torchao", "hqq", "aqlm", "vptq", "bitnet", "higgs", "spqr", "quanto"),
    GGUF,
)
"""Methods that do not say how much a weight takes."""
METHODS: Mapping[str, str] = {
    **{method: name for name, scheme in SCHEMES.items() for method in scheme.methods},
    **{name: name for name in _UNSIZED},
}
"""Our name of each method that a config.json may give."""
_ALIASES: Mapping[str, str] = {
    **{alias: name for name, scheme in SCHEMES.items() for alias in scheme.aliases},
    **METHODS,
}
EXPERTS_ONLY = frozenset(name for name, scheme in SCHEMES.items() if scheme.experts_only)
CONTAINERS = frozenset(name for name, scheme in SCHEMES.items() if scheme.is_container)


def normal_name(name: str) -> str:
    """Our name of what people, runtimes and checkpoints say; an unknown one as it is, in lower case."""
    key = name.strip().lower()
    return "bfloat16" if key == "none" else _ALIASES.get(key, key)


def dtype_name(name: str) -> str:
    """The dtype by its full name; any other word as it is."""
    found = _ALIASES.get(name, name)
    return found if found in DTYPES else name
