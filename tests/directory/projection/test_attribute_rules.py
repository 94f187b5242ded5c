"""Attribute rules: the values they make, and the inputs that have none."""

import pytest

from gateway.directory.projection.attribute_rules import Rule, constant, first_of, pieces
from gateway.model.objects import Attributes

ANNA: Attributes = {
    "display_name": ("Anna",),
    "email": ("Anna@Example.test", "a@example.test"),
    "photo": (b"\xff\xd8",),
    "object_sid": ("S-1-5-21-1-2-4294967295",),
    "object_guid": ("01020304-0506-0708-090a-0b0c0d0e0f10",),
    "username": ("shadowed",),
}
NAMED: Attributes = {"username": ("anna",), "enabled": ("false",), "id": ("00000001-0000-4000-8000-000000000000",)}


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        (first_of("nickname", "email", "display_name"), [b"Anna@Example.test", b"a@example.test"]),
        (first_of("username"), [b"anna"]),
        (first_of("photo"), [b"\xff\xd8"]),
        (first_of("nickname"), []),
        (Rule(("email",), only_first=True), [b"Anna@Example.test"]),
        (Rule(("email",), form="lower"), [b"anna@example.test", b"a@example.test"]),
        (Rule(("photo",), form="lower"), [b"\xff\xd8"]),
        (constant("a", "b"), [b"a", b"b"]),
        (Rule(template="/home/{username}"), [b"/home/anna"]),
        (Rule(template="{display_name} <{email}>"), [b"Anna <Anna@Example.test>"]),
        (Rule(template="{{{username}}}"), [b"{anna}"]),
        (Rule(template="{username}@{domain}"), []),
        (Rule(template="{photo}"), []),
        (Rule(("nickname",), template="{username}!"), [b"anna!"]),
        (Rule(("display_name",), template="{username}!"), [b"Anna"]),
        (Rule(("nickname",), template="{nickname}", constants=("nobody",)), [b"nobody"]),
        (Rule(template="{display_name}", form="lower"), [b"anna"]),
        (Rule(("object_guid", "id"), form="guid"), [bytes.fromhex("0403020106050807090a0b0c0d0e0f10")]),
        (Rule(("display_name", "id"), form="guid"), [bytes.fromhex("01000000000000408000000000000000")]),
        (
            Rule(("object_sid",), form="sid"),
            [bytes.fromhex("0104000000000005" + "15000000" + "01000000" + "02000000" + "ffffffff")],
        ),
        (Rule(("display_name",), form="sid"), []),
        (Rule(constants=("20260101000000.0000001Z",), form="filetime"), [b"134116992000000001"]),
        (Rule(constants=("134116992000000001",), form="filetime"), [b"134116992000000001"]),
        (Rule(constants=("0",), form="filetime"), [b"0"]),
        (Rule(("display_name", "photo"), constants=("16001231235959Z",), form="filetime"), []),
        (Rule(), []),
    ],
    ids=str,
)
def test_a_rule_gives_the_first_thing_that_can_be_said(rule: Rule, values: list[bytes]) -> None:
    assert rule.values(ANNA, NAMED) == values


@pytest.mark.parametrize("template", ["{", "}", "{x", "{}", "{0}", "{user!r}", "{user:5}", "{User}", "{a.b}", "{a[0]}"])
def test_a_malformed_template_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"template|attribute"):
        pieces(template)


def test_only_a_rule_that_passes_values_on_can_be_turned_round() -> None:
    assert first_of("email", "username").written_to == "email"
    others = (constant("x"), Rule(template="{email}"), Rule(("email",), template="x"), Rule(("email",), form="lower"), Rule())
    assert [rule.written_to for rule in others] == [None] * 5


def test_a_rule_names_the_attributes_that_it_reads() -> None:
    assert Rule(("email",), template="{username}@{domain}").asked == ("email", "username", "domain")
