"""Sealed positions: whole again with their binding, refused with anything else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.frontends.developer.records.next_token import MAX_TOKEN_CHARACTERS, Binding, seal, unseal
from gateway.model.errors import InvalidInput

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
BINDING = Binding("idaas_x", "app_y", "users", (KEY,))


@given(st.text() | st.integers())
def test_a_token_holds_its_position(position: str | int) -> None:
    assert unseal(BINDING, seal(BINDING, position), type(position)) == position


@given(st.text(max_size=20), st.data())
def test_a_token_that_was_altered_in_any_place_is_refused(position: str, data: st.DataObject) -> None:
    token = seal(BINDING, position)
    place = data.draw(st.integers(0, len(token)))
    put = data.draw(st.text(alphabet="ABCabc019-_=+/ü\x00", max_size=3))
    altered = token[:place] + put + token[place + data.draw(st.integers(0, 3)) :]
    if altered != token:
        with pytest.raises(InvalidInput):
            unseal(BINDING, altered, str)


@given(st.text(max_size=MAX_TOKEN_CHARACTERS + 10))
def test_any_text_that_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        unseal(BINDING, text, str)


@given(st.text(), st.text())
def test_a_token_opens_nothing_but_its_own_list(one: str, other: str) -> None:
    token = seal(Binding("i", "a", one, (KEY,)), "x")
    if one != other:
        with pytest.raises(InvalidInput):
            unseal(Binding("i", "a", other, (KEY,)), token, str)


def test_law_15_a_token_made_without_the_instances_key_is_refused() -> None:
    token = seal(replace(BINDING, keys=(OTHER_KEY,)), "x")
    with pytest.raises(InvalidInput):
        unseal(BINDING, token, str)


def test_a_token_made_with_the_key_before_is_accepted_after_a_rotation() -> None:
    token = seal(BINDING, "x")
    assert unseal(replace(BINDING, keys=(OTHER_KEY, KEY)), token, str) == "x"


def test_a_binding_does_not_show_its_keys() -> None:
    assert KEY.decode() not in repr(BINDING)
