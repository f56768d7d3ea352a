"""Compute capabilities that GPU generations start with."""

from gpuyard.catalog.software import Version

VOLTA: Version = (7, 0)
TURING: Version = (7, 5)
AMPERE: Version = (8, 0)
ADA: Version = (8, 9)
HOPPER: Version = (9, 0)
BLACKWELL: Version = (10, 0)
CONSUMER_BLACKWELL: Version = (12, 0)
