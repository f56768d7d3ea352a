"""What a model takes of the disk of a node, on every cloud."""

from math import ceil

CACHE_PER_WEIGHT = 1.3
CACHE_BESIDE_GIB = 20
"""A cache holds the weights with a third to spare, and compiled code."""
SYSTEM_GIB = 20
_LEAST_GIB = 200


def node_data_gib(image_gib: float, weights_gib: float, system_gib: float = 0) -> float:
    """Images and cache, with the system where that lies beside them.

    Two images, because a rollout unpacks the new one beside the old.
    """
    return system_gib + 2 * image_gib + CACHE_PER_WEIGHT * weights_gib + CACHE_BESIDE_GIB


def disk_for(data_gib: float) -> int:
    """Size of a disk for that, in tens, 200 at least."""
    return max(_LEAST_GIB, 10 * ceil(data_gib / 10))
