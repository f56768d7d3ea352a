"""Moved to `gpuyard.capacity.ladder`."""

from gpuyard.capacity.ladder import Exclusion, Ladder, Rate, Rung, rank_offerings

__all__ = ["Exclusion", "Ladder", "Rate", "Rung", "rank_offerings"]
