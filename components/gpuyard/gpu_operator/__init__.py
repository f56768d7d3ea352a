"""The NVIDIA GPU Operator: who owns driver, toolkit and device plugin on which node image."""
