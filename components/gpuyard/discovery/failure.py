"""Why a question stayed open: one cause with the way out, whichever SDK raised it."""

import re
from dataclasses import dataclass
from enum import StrEnum

from gpuyard.catalog.evidence_items import Reason


class Scope(StrEnum):
    """How much else will fail for the same cause, and need not be asked."""

    QUESTION = "question"
    REGION = "region"
    CLOUD = "cloud"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong with one call."""

    reason: Reason
    message: str
    fix: str
    permission: str = ""
    scope: Scope = Scope.QUESTION


class KnownError(Exception):
    """An error whose cause is known where it is raised."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def masked(text: str) -> str:
    """``text`` without account numbers, identities, keys and encoded blobs, on one line."""
    text = re.sub(r"\s*Encoded authorization failure message: \S+", "", text)
    text = re.sub(r"arn:aws[\w-]*:(?:iam|sts)::\d*:[\w+=,.@/-]+", "this identity", text)
    text = re.sub(r"\b\d{8}(\d{4})\b", r"********\1", text)
    text = re.sub(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b", "an access key", text)
    text = re.sub(r"\b[\w.+-]+@[\w-]+\.[\w.]+\b", "this identity", text)
    return " ".join(text.split())
