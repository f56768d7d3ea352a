"""Clouds that answer, run out, refuse and lose machines: plugin servers and an in-process double."""
