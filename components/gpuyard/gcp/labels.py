"""Google Cloud labels out of free-form tags."""

import re
from collections.abc import Mapping

LABELS_MAX = 64
"""Labels that one resource takes."""
LABEL_LENGTH = 63


def to_labels(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as labels: lower case, hyphens for other signs, cut at 63 characters; an empty value stays.

    Raises:
        ValueError: a key that starts with no letter, two keys that become one, or too many.
    """
    labels: dict[str, str] = {}
    for key, value in tags.items():
        label = _clean(key)
        if not label[:1].isalpha():
            raise ValueError(f'"{key}" is no label of Google Cloud: a key starts with a letter')
        if label in labels:
            raise ValueError(f'"{key}" and another tag both become the label "{label}"; rename one')
        labels[label] = _clean(value)
    if len(labels) > LABELS_MAX:
        raise ValueError(f"{len(labels)} tags; a resource takes {LABELS_MAX} labels")
    return labels


def _clean(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:LABEL_LENGTH]
