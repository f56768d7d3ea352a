"""Replicas that follow the load: KEDA on normalised metrics."""
