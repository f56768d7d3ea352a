"""Ids, numbers and names as the clouds make them, derived from a seed: equal runs give equal ids."""

import base64
import hashlib
import uuid


def hex_id(seed: str, length: int = 17) -> str:
    """Hexadecimal digits, as in ``vpc-0a1b2c3d4e5f67890``: EC2's long ids start with 0."""
    return "0" + hashlib.sha256(seed.encode()).hexdigest()[: length - 1]


def number_id(seed: str, digits: int) -> str:
    """Decimal digits, the first not 0, as in a GCP project number."""
    value = int(hashlib.sha256(seed.encode()).hexdigest(), 16)
    return str(value % (9 * 10 ** (digits - 1)) + 10 ** (digits - 1))


def letters_id(seed: str, length: int) -> str:
    """Capital letters and digits, as in an IAM id."""
    return base64.b32encode(hashlib.sha256(seed.encode()).digest()).decode()[:length]


def uuid_id(seed: str) -> str:
    """A UUID."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, seed))


def certificate(seed: str) -> str:
    """Something of the shape of a cluster's certificate authority: PEM in base64, no real key behind it."""
    body = base64.b64encode(hashlib.sha512(seed.encode()).digest() * 8).decode()
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    text = "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))
    return base64.b64encode(text.encode()).decode()
