"""Pulumi components that get scarce GPUs, make them serve LLMs, and say beforehand what it costs."""
