"""Models that embed text instead of writing it."""

import re

from gpuyard.catalog.models import ModelShape

EMBEDS: str = "--is-embedding"
"""Makes SGLang serve ``/v1/embeddings`` from a model whose architecture also writes
(docs.sglang.io supported_models/embedding_models, read 2026-11-27). vLLM reads it from the checkpoint."""
_NAMED = re.compile(r"embed(?!ded)|(?:^|/)(?:gte|e5|gme|bge)-", re.IGNORECASE)
_ENCODERS = re.compile(r"bert|roberta", re.IGNORECASE)


def embeds(model: ModelShape) -> bool:
    """Whether the model is known to embed, by its name or as an encoder alone."""
    return is_encoder(model) or bool(_NAMED.search(model.id))


def is_encoder(model: ModelShape) -> bool:
    """Whether the architecture has no way to write."""
    return bool(_ENCODERS.search(model.architecture))
