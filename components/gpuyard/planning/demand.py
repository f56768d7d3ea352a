"""Moved to `gpuyard.capacity.demand`."""

from gpuyard.capacity.demand import AllowedRegion, Demand, GpuNeed, Purchase

__all__ = ["AllowedRegion", "Demand", "GpuNeed", "Purchase"]
