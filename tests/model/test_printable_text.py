"""What a terminal obeys is shown as escapes; what people write in any language is not touched."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.printable_text import printable, printable_json, printable_lines
from tests.model.hostile_text import HOSTILE, RAW

HARMLESS = ("Ada Lovelace", "Łukasz Żółć", "陶晓明", "محمد", "क्‍ष", "👩‍💻", "a\\b", "")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_hostile_is_escaped(text: str) -> None:
    assert not RAW & set(printable(f"a{text}z"))
    assert not (RAW - {"\n"}) & set(printable_lines(f"a{text}z"))
    assert not RAW & set(printable_json({text: [text]}))
    printable(text).encode()


@pytest.mark.parametrize("text", HARMLESS)
def test_what_people_write_stays(text: str) -> None:
    assert printable(text) == printable_lines(text) == text
    assert printable_json(text) == json.dumps(text, ensure_ascii=False)


def test_the_escapes_are_those_of_python() -> None:
    assert printable("\x1b\x00\n\r\t\x85\u2028\u202e\udc80\U000e0041") == r"\x1b\x00\n\r\t\x85\u2028\u202e\udc80\U000e0041"


@given(st.text() | st.dictionaries(st.text(), st.text()))
def test_json_is_the_value_that_it_was(value: object) -> None:
    assert json.loads(printable_json(value)) == json.loads(printable_json(value, indent=2)) == value


def test_lines_stay_lines() -> None:
    assert printable_lines("a\nb\x1b\n") == "a\nb\\x1b\n"
