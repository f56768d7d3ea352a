"""Moved to `gpuyard.capacity.lock`."""

from gpuyard.capacity.lock import (
    LOCK_VERSION,
    Lock,
    LockedEndpoint,
    LockedRate,
    LockedRung,
    lock_file_name,
    make_lock,
    parse_lock,
    parse_lock_text,
    read_lock,
    render_lock,
)

__all__ = [
    "LOCK_VERSION",
    "Lock",
    "LockedEndpoint",
    "LockedRate",
    "LockedRung",
    "lock_file_name",
    "make_lock",
    "parse_lock",
    "parse_lock_text",
    "read_lock",
    "render_lock",
]
