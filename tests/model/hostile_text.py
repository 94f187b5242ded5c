"""Characters that nobody may find raw on a terminal or in a log line."""

HOSTILE = {
    "escape sequence": "\x1b]0;owned\x07",
    "NUL": "\x00",
    "line feed": "\n2026-11-30 [info] bind result=accepted",
    "carriage return": "\rforged",
    "tab": "\t",
    "DEL": "\x7f",
    "NEL": "\x85",
    "CSI": "\x9b31m",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "right-to-left override": "\u202e",
    "isolate": "\u2066",
    "Arabic letter mark": "\u061c",
    "lone surrogate": "\udc80",
    "byte order mark": "\ufeff",
    "tag": "\U000e0041",
}
"""By name: a text that has such a character."""

RAW = {character for text in HOSTILE.values() for character in text if not (character.isascii() and character.isprintable())}
"""Every such character."""
