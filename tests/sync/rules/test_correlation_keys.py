"""The keys by which values are compared: one for what a person would call the same."""

import pytest

from gateway.sync.rules.correlation_keys import keys_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna@Example.test", "anna@example.TEST"),
        ("anna@xn--mnchen-3ya.test", "Anna@M\u00fcnchen.test"),
        ("ANNA@XN--MNCHEN-3YA.TEST", "anna@m\u00fcnchen.test"),
        ("a@mail.xn--mnchen-3ya.test", "a@mail.xn--mnchen-3ya.test"),
    ],
)
def test_spellings_of_one_mail_address_have_a_key_in_common(one: str, other: str) -> None:
    assert keys_of([one]) & keys_of([other])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna@xn--mnchen-3ya.test", "anna@munchen.test"),
        ("xn--mnchen-3ya@x.test", "m\u00fcnchen@x.test"),  # left of the @ it is no domain
        ("anna@xn--.test", "anna@.test"),
        ("xn--mnchen-3ya", "m\u00fcnchen"),
    ],
)
def test_addresses_that_only_look_alike_have_none(one: str, other: str) -> None:
    assert not keys_of([one]) & keys_of([other])


def test_the_key_under_which_an_address_in_ascii_was_stored_stays() -> None:
    assert "anna@xn--mnchen-3ya.test" in keys_of(["anna@xn--mnchen-3ya.test"])
