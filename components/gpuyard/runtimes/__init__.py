"""Inference runtimes as pure data: spec in; flags, probes, metrics and limits out."""
