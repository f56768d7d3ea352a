"""Reading fields of a model's config.json: every problem is collected, none is raised."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpuyard.errors import Finding

LIMITS = {
    "num_hidden_layers": 1_000,
    "hidden_size": 1_000_000,
    "num_attention_heads": 10_000,
    "num_key_value_heads": 10_000,
    "head_dim": 65_536,
    "vocab_size": 10_000_000,
    "intermediate_size": 10_000_000,
    "max_position_embeddings": 1_000_000_000,
    "num_experts": 100_000,
}
"""Beyond these a number is a mistake, not a model."""
_LIMIT = 10_000_000


class ConfigReader:
    """The fields of one file. A bad field becomes a problem and reads as its default, or 1."""

    def __init__(self, fields: Mapping[str, Any], file: Path) -> None:
        self.fields = fields
        self.file = file
        self.problems: list[Finding] = []

    def whole(self, key: str, *others: str, default: int | None = None, least: int = 1) -> int:
        """A whole number under ``key`` or one of its older names; a problem if absent without default."""
        name = next((name for name in (key, *others) if self.fields.get(name) is not None), key)
        value = self.fields.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, list) and value and value.count(value[0]) == len(value):
            value = value[0]  # said once for each layer
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            message = "is missing" if value is None else f"must be a whole number, not {_shown(value)}"
            self.report(name, value, message)
            return default or 1
        limit = LIMITS.get(key, _LIMIT)
        if not least <= value <= limit:
            self.report(name, value, f"{value:,} is out of bounds: models have {least:,} to {limit:,}")
            return default or 1
        return value

    def whole_or_none(self, key: str, *others: str) -> int:
        """A whole number, 0 where the field is absent, null or 0."""
        return self.whole(key, *others, default=0, least=0)

    def text(self, *keys: str, default: str) -> str:
        """The first of ``keys`` that holds text."""
        for key in keys:
            value = self.fields.get(key)
            if isinstance(value, str) and value:
                return value
            if value is not None:
                self.report(key, value, f"must be text, not {_shown(value)}")
        return default

    def report(self, key: str, value: Any, message: str, fix: str = "") -> None:
        """Add a problem at a field."""
        self.problems.append(config_problem(f"{self.file}: {key}", value, message, fix))


def _shown(value: Any) -> str:
    """A word or number as JSON; of anything larger its kind."""
    short = isinstance(value, str | int | float) and len(str(value)) < 40
    return json.dumps(value) if short else type(value).__name__


def config_problem(path: str, value: Any, message: str, fix: str = "") -> Finding:
    """A problem of a config.json. Values that are not one number or word are left out."""
    return Finding.error(
        "MODEL_CONFIG",
        path,
        message,
        fix or "take config.json from the model's repository",
        value=value if isinstance(value, str | int | float) else None,
    )
