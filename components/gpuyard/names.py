"""Names within limits: every builder says the shape, the limit and which end is trimmed.

Pulumi adds seven random characters (``-1a2b3c4``) to physical names that it makes itself; limits here
leave room for them where it does.
"""

import hashlib
import re

KUBERNETES_LABEL_LENGTH = 63
"""RFC 1123 label: names of Services, label values."""
GCP_NAME_LENGTH = 63
GKE_CLUSTER_NAME_LENGTH = 40
GKE_NODE_POOL_NAME_LENGTH = 40
EKS_NODE_GROUP_NAME_LENGTH = 63
AWS_ROLE_NAME_LENGTH = 64
EC2_RESERVATION_ID = re.compile(r"cr-[0-9a-f]{8,17}")
"""Ids of capacity reservations, blocks among them."""
GCP_PROJECT = r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]"
"""Ids of Google projects, of old ones with their domain."""
KEDA_WORKLOAD_NAME_LENGTH = 54
"""KEDA names its HPA ``keda-hpa-<name>``, 63 characters in all."""


def slug(text: str) -> str:
    """Lower-case letters, digits and single hyphens, as a DNS label allows, without a length limit.

    Raises:
        ValueError: nothing is left.
    """
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not name:
        raise ValueError(f'"{text}" has no letter or digit to make a name of')
    return name


def fit(text: str, length: int = KUBERNETES_LABEL_LENGTH) -> str:
    """A DNS label of at most ``length`` characters.

    A longer text loses its end and gains six characters of its own hash, so that two long texts
    never meet in one name.
    """
    name = slug(text)
    if len(name) <= length:
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{name[: length - 7].rstrip('-')}-{digest}"
