"""Secrets that stand in plain text where a name belongs."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gpuyard.errors import Finding

_TOKENS = re.compile(
    r"\b(hf_[A-Za-z0-9]{16,}|A[KS]IA[0-9A-Z]{12,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}"
    r"|sk-[A-Za-z0-9_-]{20,}|nvapi-[A-Za-z0-9_-]{20,}|AIza[0-9A-Za-z_-]{30,}|xox[abprs]-[A-Za-z0-9-]{10,})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_SECRET_KEYS = re.compile(
    r"(token|password|passwd|api_?key|secret_?key|access_?key|credential)s?$", re.IGNORECASE
)
_NUMBER = re.compile(r"[-+]?[\d_.,]{1,12}[kKmM]?")
"""What a count is, such as ``MAX_INPUT_TOKENS``."""
_SECRET_FLAG = re.compile(
    r"^--(([a-z]+[-_])*(api[-_]keys?|password)|((hf|auth|access)[-_](api[-_])?)?token)(=|\s|$)(?!\$\()",
    re.IGNORECASE,
)
"""Flags whose value is one, unless a variable gives it: ``--admin-api-key x``, not ``--api-key=$(KEY)``."""


def find_secrets(value: Any, path: str = "") -> Iterator[Finding]:
    """Findings for strings that look like secrets; the value itself is never carried along."""
    for place in secret_places(value, path):
        yield Finding.error(
            "SECRET_IN_PLAIN_TEXT",
            place,
            "looks like a secret in plain text",
            "revoke it if it was committed; put it into a Kubernetes Secret and name that Secret, "
            "e.g. `hugging_face_secret: hf-token`",
        )


def secret_places(value: Any, path: str = "", *, by_key: bool = True) -> Iterator[str]:
    """Where in nested mappings and lists such strings stand; ``by_key``: their keys count too."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            place = f"{path}.{key}" if path else str(key)
            if by_key and _is_secret_of(str(key), item):
                yield place
            else:
                yield from secret_places(item, place, by_key=by_key)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from secret_places(item, f"{path}[{index}]", by_key=by_key)
    elif isinstance(value, str) and (_TOKENS.search(value) or _SECRET_FLAG.search(value)):
        yield path


def _is_secret_of(key: str, item: Any) -> bool:
    if isinstance(item, bool) or not isinstance(item, str | int) or item == "":
        return False
    is_number = isinstance(item, int) or _NUMBER.fullmatch(item)
    is_count = key.lower().endswith("tokens") and is_number
    return bool(_SECRET_KEYS.search(key)) and not is_count and not str(item).startswith("$(")
