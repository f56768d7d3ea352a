"""Vision encoders of models that see: what one step of theirs takes."""

from collections.abc import Mapping
from functools import cache

from gpuyard.catalog.config_reader import ConfigReader
from gpuyard.catalog.tables import read_csv
from gpuyard.records import record

_ITEM_TOKENS = 16384
"""Of the largest image of families that name no image size: 12,845,056 pixels (Qwen2-VL to Qwen3.5)."""
_MERGE = 2
"""Patches of a side that become one token, where a family without an image size does not say."""


@record
class Vision:
    """One vision encoder."""

    hidden: int
    ffn: int
    layers: int
    patches: int
    """That become one token of the language model."""
    item_tokens: int
    """Of the largest image that a server accepts by default."""

    @property
    def parameters(self) -> int:
        """About: four projections and two matrices a layer."""
        return self.layers * self.hidden * (4 * self.hidden + 2 * self.ffn)


def find_vision(model_id: str, architecture: str) -> Vision | None:
    """The encoder of that model, else of its architecture; None: it has none, or none is known."""
    rows = _encoders()
    return rows.get(model_id) or rows.get(architecture)


@cache
def _encoders() -> Mapping[str, Vision]:
    return {
        row["name"]: Vision(
            hidden=int(row["hidden"]),
            ffn=int(row["ffn"]),
            layers=int(row["layers"]),
            patches=int(row["patches"]),
            item_tokens=int(row["item_tokens"]),
        )
        for row in read_csv("vision_encoders")
    }


def read_vision(fields: Mapping[str, object], read: ConfigReader, architecture: str) -> Vision | None:
    """The encoder that a config.json describes; of what it leaves out, the architecture's."""
    found = fields.get("vision_config")
    known = find_vision("", architecture)
    if not isinstance(found, Mapping):
        return None
    inner = ConfigReader(found, read.file)
    hidden = inner.whole_or_none("hidden_size" if "embed_dim" not in found else "embed_dim", "width")
    if not hidden:
        return known
    layers = inner.whole("num_hidden_layers", "depth", "layers", default=24)
    ffn = inner.whole("intermediate_size", default=4 * hidden)
    size, patch = inner.whole_or_none("image_size"), inner.whole("patch_size", default=14)
    side = inner.whole_or_none("spatial_merge_size") or (0 if size else _MERGE)
    if known:
        patches, tokens = known.patches, known.item_tokens
    else:
        patches = max(side, 1) ** 2
        tokens = (size // patch) ** 2 // patches if size else _ITEM_TOKENS
    return Vision(hidden=hidden, ffn=ffn, layers=layers, patches=patches, item_tokens=max(tokens, 1))
