"""String preparation for matching (RFC 4518): characters mapped to nothing, compatibility forms, case, white space.

Only pure functions from text to text; the ASCII case, which is nearly every value, is a few C calls."""

import re
import unicodedata
from collections.abc import Callable

_SPACES = re.compile(r"\s+")
_IGNORED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u06dd\u070f\u1806\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2063\u206a-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffc\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
)
"""Characters mapped to nothing (RFC 4518 §2.2)."""


def prepare_exact(text: str) -> str:
    """Prepare for the case-exact rules: compatibility normalisation, white space runs made one space, none at the ends."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _IGNORED.sub("", text))
    elif not text.isprintable():
        text = _IGNORED.sub("", text)
    if "  " in text or not text.isprintable():
        text = _SPACES.sub(" ", text)
    return text.strip()


def prepare_ignore(text: str) -> str:
    """Prepare for the case-ignore rules: as `prepare_exact`, and case folded (RFC 4518 §2.2, appendix B.2 of RFC 3454)."""
    if text.isascii():
        return prepare_exact(text.lower())
    # Folding may undo the normal form (ﬁ, ẞ), so it is normalised again.
    return unicodedata.normalize("NFKC", prepare_exact(text).casefold())


def prepare_piece(prepare: Callable[[str], str], text: str, *, at_start: bool, at_end: bool) -> str:
    """Prepare a piece of a substring assertion by the rule's `prepare`, but keep a space at an end: it stands inside the value,
    unless the piece is the start or the end of the value, where spaces are insignificant (§2.6.1). The result may be empty."""
    prepared = prepare(text)
    if not prepared:
        return "" if at_start or at_end or not text else " "
    head = " " if text[:1].isspace() and not at_start else ""
    tail = " " if text[-1:].isspace() and not at_end else ""
    return f"{head}{prepared}{tail}"


def prepare_telephone(text: str) -> str:
    """Prepare for telephoneNumberMatch (RFC 4517 §4.2.29): spaces and hyphens are insignificant."""
    return prepare_ignore(text).replace(" ", "").replace("-", "")


def prepare_numeric(text: str) -> str:
    """Prepare for numericStringMatch (RFC 4517 §4.2.22): spaces are insignificant."""
    return prepare_exact(text).replace(" ", "")
