"""Logical names of resources whose physical names have tight limits."""

from gpuyard.names import fit

SUFFIX_LENGTH = 8
"""Pulumi names a resource after its logical name, a hyphen and seven random characters."""


def logical_name(text: str, limit: int) -> str:
    """A logical name whose physical one is at most ``limit`` long; `names.fit` says how it is cut."""
    return fit(text, limit - SUFFIX_LENGTH)
