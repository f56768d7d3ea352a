"""Demand to memory fit to offerings to a ranked ladder; the lock file."""
