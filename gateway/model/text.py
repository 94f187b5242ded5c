"""String preparation for matching (RFC 4518), as far as it changes an answer: compatibility forms, case, white space.

Only pure functions from text to text; the ASCII case, which is nearly every value, is a few C calls."""

import re
import unicodedata

_SPACES = re.compile(r"\s+")
_IGNORED = re.compile(
    "[\u00ad\u034f\u1806\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\ufff9-\ufffc]"
)
"""Characters mapped to nothing (RFC 4518 §2.2)."""


def prepare_exact(text: str) -> str:
    """For the case-exact rules: compatibility normalisation, white space runs made one space, none at the ends."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _IGNORED.sub("", text))
    if "  " in text or not text.isprintable():
        text = _SPACES.sub(" ", text)
    return text.strip()


def prepare_ignore(text: str) -> str:
    """For the case-ignore rules: as `prepare_exact`, and case folded (RFC 4518 §2.2, appendix B.2 of RFC 3454)."""
    if text.isascii():
        text = text.lower()
        if "  " in text or not text.isprintable():
            text = _SPACES.sub(" ", text)
        return text.strip()
    # Folding may undo the normal form (ﬁ, ẞ), so it is normalised again.
    return unicodedata.normalize("NFKC", prepare_exact(text).casefold())


def prepare_substring(text: str, *, fold: bool) -> str:
    """A piece of a substring assertion: as the rule says, but a space at an end is kept: it stands inside the value."""
    prepare = prepare_ignore if fold else prepare_exact
    prepared = prepare(text)
    if not prepared:
        return " " if text else ""
    head = " " if text[:1].isspace() else ""
    tail = " " if text[-1:].isspace() else ""
    return f"{head}{prepared}{tail}"


def prepare_telephone(text: str) -> str:
    """telephoneNumberMatch (RFC 4517 §4.2.29): spaces and hyphens do not count."""
    return prepare_ignore(text).replace(" ", "").replace("-", "")


def prepare_numeric(text: str) -> str:
    """numericStringMatch (RFC 4517 §4.2.22): spaces do not count."""
    return prepare_exact(text).replace(" ", "")
