"""Text from outside as people may see it: on a terminal, in a log line. Pure.

A name or a value of a client or a source may hold characters that a terminal obeys, that end a line, or that turn what follows
around (Unicode Technical Report 36 §2.10); they are shown as escapes, such as \\x1b."""

import json
import re
from collections.abc import Callable
from typing import Final

_HOSTILE: Final = (
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: ESC, NUL, line ends, CSI, NEL
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029"  # line and paragraph separator
    "\ud800-\udfff"  # lone surrogates: no encoding has them
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # byte order mark, interlinear annotation, tags: unseen
)
_ANY: Final = re.compile(f"[{_HOSTILE}]")
_ANY_IN_LINES: Final = re.compile(f"(?!\n)[{_HOSTILE}]")
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """Return the text in one line, with escapes for what a terminal or a reader of lines must not get."""
    return text if text.isascii() and text.isprintable() else _ANY.sub(_escape, text)


def printable_lines(text: str) -> str:
    """Return text of several lines of ours, such as a traceback: as `printable`, but for the line ends."""
    return _ANY_IN_LINES.sub(_escape, text)


def printable_json(value: object, *, indent: int | None = None, default: Callable[[object], object] | None = None) -> str:
    """Return JSON that is the value, and safe on a terminal: what `printable` escapes is escaped as JSON does."""
    return _ANY_IN_LINES.sub(_escape_json, json.dumps(value, ensure_ascii=False, indent=indent, default=default))


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    short = _SHORT.get(character)
    return short or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")


def _escape_json(found: re.Match[str]) -> str:
    """Return \\uXXXX; above the basic plane two of them (RFC 8259 §7). JSON has such characters in strings only."""
    octets = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{octets[at]:02x}{octets[at + 1]:02x}" for at in range(0, len(octets), 2))
