"""One combination in, findings out: driver, CUDA, GPU, image, runtime, flags, memory.

The one package whose initialiser re-exports, so that `gpuyard.compat.check` is callable: nothing here
imports Pulumi.
"""

from gpuyard.compat.check import check as check
from gpuyard.compat.check import propose as propose
from gpuyard.compat.combination import Combination as Combination
