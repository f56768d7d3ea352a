"""Secrets that stand in a deployment in plain text."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gpuyard.errors import Finding

_TOKENS = re.compile(
    r"\b(hf_[A-Za-z0-9]{16,}|AKIA[0-9A-Z]{12,}|ASIA[0-9A-Z]{12,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}"
    r"|sk-[A-Za-z0-9_-]{20,}|nvapi-[A-Za-z0-9_-]{20,}|AIza[0-9A-Za-z_-]{30,}|xox[abprs]-[A-Za-z0-9-]{10,})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_SECRET_KEYS = re.compile(
    r"(token|password|passwd|api_?key|secret_?key|access_?key|credential)s?$", re.IGNORECASE
)
_SECRET_FLAG = re.compile(r"^--(api-key|hf-token|token|password)(=|$)")


def find_secrets(value: Any, path: str = "") -> Iterator[Finding]:
    """Findings for strings that look like secrets; the value itself is never carried along."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            place = f"{path}.{key}" if path else str(key)
            if isinstance(item, str) and item and (_SECRET_KEYS.search(str(key)) or _TOKENS.search(item)):
                yield _secret(place)
            else:
                yield from find_secrets(item, place)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            if isinstance(item, str) and (_TOKENS.search(item) or _SECRET_FLAG.search(item)):
                yield _secret(f"{path}[{index}]")
            else:
                yield from find_secrets(item, f"{path}[{index}]")


def _secret(path: str) -> Finding:
    return Finding.error(
        "SECRET_IN_PLAIN_TEXT",
        path,
        "looks like a secret in plain text",
        "revoke it if it was committed; put it into a Kubernetes Secret and name that Secret, "
        "e.g. `hugging_face_secret: hf-token`",
    )
