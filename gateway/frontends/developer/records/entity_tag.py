"""Entity tags: a digest of a record as its caller sees it (RFC 9110 §8.8.3), so that a change is refused when what it was made
from has changed."""

import hashlib
from typing import Final

TAG_CHARACTERS: Final = 32


def entity_tag(body: bytes) -> str:
    """Return the strong entity tag of a record's JSON."""
    return f'"{hashlib.sha256(body).hexdigest()[:TAG_CHARACTERS]}"'


def matches(field: str, tag: str, *, weakly: bool = False) -> bool:
    """Return whether an If-Match (or, `weakly`, an If-None-Match) names the tag. `*` names any (RFC 9110 §13.1)."""
    given = [one.strip() for one in field.split(",")]
    return "*" in given or tag in [one.removeprefix("W/") if weakly else one for one in given]
