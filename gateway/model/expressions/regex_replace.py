"""The function replace() of expressions: regular expressions of RE2, which need time in proportion to the text for any pattern,
and replacements that may name groups. Pure."""

from collections.abc import Callable
from typing import Final

MAX_REGEX_BYTES: Final = 1 << 20  # the memory of one regular expression; RE2 refuses those that need more

_LONGEST_CHARACTER_OCTETS: Final = 4  # in UTF-8
_BACKSLASH: Final = "\\"


def compile_replace(regex: str, replacement: str, max_characters: int) -> Callable[[str], str]:
    """Return a function that replaces every match that is not empty; its result is "" when it would be far longer than
    `max_characters`. Raises ValueError with a sentence."""
    import re2  # start-up time: most installations have no expression that needs it

    options = re2.Options()
    options.max_mem = MAX_REGEX_BYTES
    options.log_errors = False
    try:
        pattern = re2.compile(regex.encode(), options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args else "unknown"
        raise ValueError(f"{regex!r} is not a regular expression of RE2: {reason}") from None
    pieces = _pieces(replacement, pattern.groups)
    max_octets = max_characters * _LONGEST_CHARACTER_OCTETS

    def replaced(octets: bytes) -> bytes:
        done: list[bytes] = []
        end = size = 0
        for match in pattern.finditer(octets):
            start = match.start()
            if start == match.end():
                continue
            new = b"".join([piece if isinstance(piece, bytes) else match.group(piece) or b"" for piece in pieces])
            done += (octets[end:start], new)
            end = match.end()
            size += len(new)
            if size > max_octets:
                return b""
        return b"".join((*done, octets[end:]))

    def replace(text: str) -> str:
        try:
            return replaced(text.encode()).decode()
        except UnicodeError:  # half of a surrogate pair, or a regular expression that cuts characters (\C)
            return ""

    return replace


def _pieces(replacement: str, groups: int) -> list[bytes | int]:
    """Return the replacement as octets and numbers of groups. Raises ValueError."""
    before, *rest = replacement.split(_BACKSLASH)
    pieces: list[bytes | int] = [before.encode()]
    following = iter(rest)
    for piece in following:
        if not piece:  # two in a row
            pieces.append((_BACKSLASH + next(following, "")).encode())
            continue
        digit = piece[0]
        if digit not in "0123456789":
            raise ValueError(f"\\{digit} means nothing in a replacement; \\1 is the first group, \\\\ a backslash")
        if int(digit) > groups:
            raise ValueError(f"\\{digit} is a group that the regular expression does not have; its groups stand in ( )")
        pieces += (int(digit), piece[1:].encode())
    return [piece for piece in pieces if piece != b""]
