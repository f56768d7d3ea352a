"""Phases and gates to P50 and P90."""
