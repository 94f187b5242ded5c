"""New ids for new objects: UUIDs of version 7 (RFC 9562 §5.7). They grow with time, so that rows of one load lie together."""

import secrets
from uuid import UUID


def new_id(stamp: int) -> str:
    """Return an id that was never given before; `stamp` is the time in milliseconds since 1970."""
    random = secrets.randbits(74)
    value = stamp << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return str(UUID(int=value))
