"""The inverse of a view's rules: the writes that are possible, their edits, and the reasons of refusals."""

from collections.abc import Mapping
from dataclasses import replace
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.directory.projection import view_kinds
from gateway.directory.projection.attribute_rules import Rule, constant, first_of
from gateway.directory.projection.projection import Projection
from gateway.directory.projection.view_definition import View
from gateway.directory.projection.view_overrides import EntryOverrides, Posix, with_overrides, with_posix
from gateway.directory.writes.entry_to_edit import EntryEditor
from gateway.directory.writes.modifications import check_options
from gateway.directory.writes.write_errors import Violation, WriteRefused
from gateway.model.ldap import matching_rules
from gateway.model.ldap.dn import DN, RDN
from gateway.model.objects import Attributes, Kind
from gateway.wire.messages import ADD, DELETE, INCREMENT, REPLACE, Modification, PartialAttribute
from tests.directory.worlds import user

VIEW = view_kinds.openldap("main", DN.parse("dc=example,dc=test"))
LEA: Attributes = {"username": ("lea",), "enabled": ("true",), "family_name": ("Lund",), "common_name": ("Lea", "Lea Lund")}
PERSON = ("top", "person", "organizationalPerson", "inetOrgPerson")


def people(view: View = VIEW) -> EntryEditor:
    return EntryEditor(Kind.USER, view)


def with_rules(attributes: Mapping[str, Rule]) -> EntryEditor:
    return people(with_overrides(VIEW, {Kind.USER: EntryOverrides(attributes=attributes)}))


def change(operation: int, type_: str, *values: str | bytes) -> Modification:
    return Modification(operation, attribute(type_, *values))


def attribute(type_: str, *values: str | bytes) -> PartialAttribute:
    return PartialAttribute(type_, tuple(value.encode() if isinstance(value, str) else value for value in values))


def rdn(text: str) -> RDN:
    return DN.parse(text).rdns[0]


def refusal(*modifications: Modification, writing: EntryEditor | None = None, present: Attributes = LEA) -> Violation:
    with pytest.raises(WriteRefused) as refused:
        (writing or people()).changed(present, modifications)
    return refused.value.violation


# ---- modify


def test_a_value_goes_to_the_first_attribute_that_the_rule_names() -> None:
    assert people().changed(LEA, [change(REPLACE, "cn", "Lea L.")]) == {"common_name": ("Lea L.",)}
    assert people().changed({"username": ("lea",)}, [change(ADD, "mail", "a@x", "b@x")]) == {"email": ("a@x", "b@x")}


def test_names_of_attributes_may_be_any_that_the_schema_knows() -> None:
    assert people().changed(LEA, [change(REPLACE, "2.5.4.4", "Lind")]) == {"family_name": ("Lind",)}
    assert people().changed(LEA, [change(REPLACE, "SURNAME", "Lind")]) == {"family_name": ("Lind",)}


def test_modifications_are_carried_out_one_after_the_other() -> None:
    swap = [change(DELETE, "cn", "lea lund"), change(ADD, "cn", "L."), change(DELETE, "cn", "LEA")]
    assert people().changed(LEA, swap) == {"common_name": ("L.",)}
    assert people().changed(LEA, [change(ADD, "cn", "L."), change(DELETE, "cn", "L.")]) == {}


def test_a_write_replaces_the_fallback_that_was_shown_before() -> None:
    shown = {"username": ("lea",), "display_name": ("Lea Lund",), "family_name": ("Lund",)}
    assert people().changed(shown, [change(ADD, "cn", "L.")]) == {"common_name": ("Lea Lund", "L.")}
    assert people().changed(shown, [change(REPLACE, "cn", "L.")]) == {"common_name": ("L.",)}


def test_what_the_standards_say_has_several_values_is_written_with_several() -> None:
    for name, ours in (("sn", "family_name"), ("givenName", "given_name"), ("title", "title"), ("carLicense", "car_license")):
        assert people().changed({"username": ("lea",)}, [change(REPLACE, name, "a", "b")]) == {ours: ("a", "b")}
    assert people().changed(LEA, [change(ADD, "sn", "Lind")]) == {"family_name": (*LEA["family_name"], "Lind")}


def test_a_view_that_shows_one_value_keeps_the_others_until_that_one_is_taken_away() -> None:
    several = {**LEA, "email": ("a@x", "b@x", "c@x"), "title": ("Dr.", "Head")}
    editor = EntryEditor(Kind.USER, view_kinds.active_directory("ad", DN.parse("dc=x")))
    assert editor.changed(several, [change(REPLACE, "mail", "new@x")]) == {"email": ("new@x", "b@x", "c@x")}
    assert editor.changed(several, [change(REPLACE, "mail", "c@x")]) == {"email": ("c@x", "b@x")}
    assert editor.changed(several, [change(DELETE, "title", "Dr."), change(ADD, "title", "Prof.")]) == {
        "title": ("Prof.", "Head")
    }
    assert editor.changed(several, [change(REPLACE, "mail")]) == {"email": ()}


def test_binary_values_stay_octets() -> None:
    new = people().changed(LEA, [change(ADD, "userCertificate;binary", b"\x30\x00"), change(ADD, "jpegPhoto", b"\xff\xd8")])
    assert new == {"certificate": (b"\x30\x00",), "photo": (b"\xff\xd8",)}


def test_a_modification_costs_by_the_values_it_names_and_not_by_those_the_attribute_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = Mock(side_effect=matching_rules.equality_key)
    monkeypatch.setattr(matching_rules, "equality_key", compared)
    everybody = [f"{number}@x" for number in range(1_000)]
    going = [change(DELETE, "mail", value) for value in everybody[:500]]
    assert people().changed({**LEA, "email": tuple(everybody)}, going) == {"email": tuple(everybody[500:])}
    assert compared.call_count < 5_000


def test_values_of_a_source_that_follow_no_syntax_are_kept_and_can_be_taken_away() -> None:
    told = {**LEA, "email": ("", " ", "a@x")}
    assert people().changed(told, [change(ADD, "mail", "b@x")]) == {"email": ("", " ", "a@x", "b@x")}
    assert people().changed(told, [change(DELETE, "mail")]) == {"email": ()}


def test_numbers_are_incremented_in_their_place() -> None:
    numbered = {**LEA, "uid_number": ("41",), "gid_number": ("41",), "home_directory": ("/",)}
    assert people().changed(numbered, [change(INCREMENT, "uidNumber", "1")]) == {"uid_number": ("42",)}
    assert people().changed(numbered, [change(INCREMENT, "uidNumber", "-41")]) == {"uid_number": ("0",)}
    assert refusal(change(INCREMENT, "uidNumber", "1")) is Violation.NO_SUCH_ATTRIBUTE
    assert refusal(change(INCREMENT, "uidNumber", "x"), present=numbered) is Violation.SYNTAX
    assert refusal(change(INCREMENT, "uidNumber", "1", "2"), present=numbered) is Violation.PROTOCOL
    assert refusal(change(INCREMENT, "sn", "1")) is Violation.CONSTRAINT


@pytest.mark.parametrize(
    ("modification", "violation"),
    [
        (change(ADD, "noSuchType", "x"), Violation.UNDEFINED_TYPE),
        (change(ADD, "sn", "LUND"), Violation.EXISTS),
        (change(ADD, "mail", "a@x", "A@X"), Violation.EXISTS),
        (change(REPLACE, "mail", "a@x", "A@X"), Violation.EXISTS),
        (change(ADD, "mail"), Violation.PROTOCOL),
        (change(7, "mail", "x"), Violation.PROTOCOL),
        (change(DELETE, "mail"), Violation.NO_SUCH_ATTRIBUTE),
        (change(DELETE, "sn", "Lind"), Violation.NO_SUCH_ATTRIBUTE),
        (change(DELETE, "sn"), Violation.OBJECT_CLASS),
        (change(REPLACE, "cn"), Violation.OBJECT_CLASS),
        (change(REPLACE, "uid", "lia"), Violation.ON_RDN),
        (change(DELETE, "uid", "lea"), Violation.ON_RDN),
        (change(ADD, "uid", "lia"), Violation.CONSTRAINT),
        (change(ADD, "displayName", "a", "b"), Violation.CONSTRAINT),
        (change(ADD, "uidNumber", "1", "2"), Violation.CONSTRAINT),
        (change(ADD, "uidNumber", "one"), Violation.SYNTAX),
        (change(ADD, "description", b"\xff"), Violation.SYNTAX),
        (change(ADD, "description", ""), Violation.SYNTAX),
        (change(ADD, "mail", "ü@x"), Violation.SYNTAX),
        (change(ADD, "entryUUID", "x"), Violation.CONSTRAINT),
        (change(ADD, "memberOf", "cn=x"), Violation.CONSTRAINT),
        (change(ADD, "modifyTimestamp", "20260101000000Z"), Violation.CONSTRAINT),
        (change(ADD, "ou", "sales"), Violation.CONSTRAINT),
        (change(ADD, "member", "cn=x"), Violation.OBJECT_CLASS),
        (change(ADD, "teletexTerminalIdentifier", "1"), Violation.UNWILLING),
        (change(ADD, "gecos", "x"), Violation.OBJECT_CLASS),
    ],
)
def test_each_impossible_write_is_refused_for_its_own_reason(modification: Modification, violation: Violation) -> None:
    assert refusal(modification) is violation


@pytest.mark.parametrize("description", ["cn", "2.5.4.3", "userCertificate;binary", "userCertificate;Binary"])
def test_an_attribute_without_options_may_be_any_and_binary_is_none(description: str) -> None:
    check_options(description)


@pytest.mark.parametrize(
    "description", ["cn;lang-de", "userCertificate;binary;x-y", "member;range=0-1", "userPassword;x", "foo;x"]
)
def test_no_attribute_has_options(description: str) -> None:
    with pytest.raises(WriteRefused) as refused:
        check_options(description)
    assert refused.value.violation is Violation.UNDEFINED_TYPE


def test_an_empty_replacement_removes_an_optional_attribute() -> None:
    assert people().changed(LEA, [change(REPLACE, "mail")]) == {}
    assert people().changed({**LEA, "email": ("a@x",)}, [change(REPLACE, "mail")]) == {"email": ()}


def test_computed_values_are_refused() -> None:
    rules = {
        "displayName": Rule(template="{username}!"),
        "o": constant("Example"),
        "homeDirectory": Rule(("home_directory",), template="/home/{username}"),
    }
    writing = with_rules(rules)
    for name in ("displayName", "o"):
        assert refusal(change(REPLACE, name, "x"), writing=writing) is Violation.CONSTRAINT
    numbered = {**LEA, "uid_number": ("1",), "gid_number": ("1",)}
    assert writing.changed(numbered, [change(REPLACE, "homeDirectory", "/x")]) == {"home_directory": ("/x",)}


def test_law_16_values_in_lower_case_can_be_written_as_they_are_shown() -> None:
    writing = with_rules({"mail": Rule(("email",), form="lower"), "homeDirectory": Rule(("home_directory",), form="lower")})
    person = [
        attribute("objectClass", *PERSON),
        attribute("cn", "Lea"),
        attribute("sn", "Lund"),
        attribute("mail", "lea@x.test"),
    ]
    assert writing.new(rdn("uid=lea"), person)["email"] == ("lea@x.test",)
    assert writing.changed(LEA, [change(REPLACE, "mail", "Lea@X.test")]) == {"email": ("Lea@X.test",)}
    assert writing.changed({**LEA, "email": ("Lea@X.test",)}, [change(REPLACE, "mail", "lea@x.test")]) == {}
    assert writing.changed({**LEA, "email": ("Lea@X.test",)}, [change(DELETE, "mail", "lea@x.test")]) == {"email": ()}
    numbers = {**LEA, "uid_number": ("1",), "gid_number": ("1",)}
    assert refusal(change(REPLACE, "homeDirectory", "/L"), writing=writing, present=numbers) is Violation.CONSTRAINT


def test_a_value_that_would_be_followed_by_a_fallback_cannot_be_taken_away() -> None:
    writing = with_rules({"homeDirectory": Rule(("home_directory",), template="/home/{username}")})
    assert refusal(change(DELETE, "homeDirectory"), writing=writing, present={**LEA, "home_directory": ("/x",)}) is (
        Violation.CONSTRAINT
    )


def test_two_attributes_that_are_one_of_ours_must_agree() -> None:
    writing = with_rules({"displayName": first_of("title")})
    assert refusal(change(REPLACE, "title", "a"), change(REPLACE, "displayName", "b"), writing=writing) is Violation.CONSTRAINT
    both = [change(REPLACE, "title", "a"), change(REPLACE, "displayName", "a")]
    assert writing.changed(LEA, both) == {"title": ("a",)}


def test_auxiliary_classes_come_and_go_with_the_attributes_they_need() -> None:
    numbers = [change(ADD, "uidNumber", "1"), change(ADD, "gidNumber", "1"), change(ADD, "homeDirectory", "/")]
    posix = {"uid_number": ("1",), "gid_number": ("1",), "home_directory": ("/",)}
    assert people().changed(LEA, [change(ADD, "objectClass", "posixAccount"), *numbers]) == posix
    assert refusal(change(ADD, "objectClass", "posixAccount")) is Violation.OBJECT_CLASS
    assert refusal(change(DELETE, "objectClass", "posixAccount"), present={**LEA, **posix}) is Violation.OBJECT_CLASS
    assert refusal(change(DELETE, "homeDirectory"), present={**LEA, **posix}) is Violation.OBJECT_CLASS
    hidden = {**LEA, "uid_number": ("1",)}
    assert people().changed(hidden, [change(REPLACE, "title", "x")]) == {"title": ("x",)}
    gone = [change(DELETE, "objectClass", "posixAccount"), *(change(DELETE, one.attribute.type) for one in numbers)]
    assert people().changed({**LEA, **posix}, gone) == dict.fromkeys(posix, ())


@pytest.mark.parametrize(
    ("modification", "violation"),
    [
        (change(ADD, "objectClass", "person"), Violation.EXISTS),
        (change(ADD, "objectClass", "device"), Violation.OBJECT_CLASS),
        (change(DELETE, "objectClass", "posixAccount"), Violation.NO_SUCH_ATTRIBUTE),
        (change(DELETE, "objectClass"), Violation.CLASS_CHANGE),
        (change(REPLACE, "objectClass", "top"), Violation.CLASS_CHANGE),
    ],
)
def test_an_entry_stays_of_its_structural_class(modification: Modification, violation: Violation) -> None:
    assert refusal(modification) is violation


def test_law_16_the_classes_that_an_entry_has_may_be_said_again() -> None:
    assert people().changed(LEA, [change(REPLACE, "objectClass", *PERSON)]) == {}


# ---- add


def test_a_new_entry_is_named_by_its_rdn_whether_or_not_the_attribute_is_given_too() -> None:
    given = [attribute("objectClass", *PERSON), attribute("cn", "Lea"), attribute("sn", "Lund")]
    expected = {"username": ("lea",), "common_name": ("Lea",), "family_name": ("Lund",)}
    assert people().new(rdn("uid=lea"), given) == expected
    assert people().new(rdn("UserID=lea"), [*given, attribute("uid", "lea")]) == expected


@pytest.mark.parametrize(
    ("name", "attributes", "violation"),
    [
        ("uid=lea", [attribute("cn", "Lea"), attribute("sn", "L")], Violation.OBJECT_CLASS),
        ("uid=lea", [attribute("objectClass", "top"), attribute("cn", "Lea"), attribute("sn", "L")], Violation.OBJECT_CLASS),
        ("uid=lea", [attribute("objectClass", *PERSON), attribute("cn", "Lea")], Violation.OBJECT_CLASS),
        ("uid=lea", [attribute("objectClass", "posixAccount", *PERSON), attribute("sn", "L")], Violation.OBJECT_CLASS),
        ("cn=lea", [attribute("objectClass", *PERSON), attribute("sn", "L")], Violation.NAMING),
        ("uid=lea+cn=lea", [attribute("objectClass", *PERSON), attribute("sn", "L")], Violation.NAMING),
        ("uid=lea", [attribute("objectClass", *PERSON), attribute("uid", "lia")], Violation.NAMING),
        ("uid=lea", [attribute("objectClass", *PERSON), attribute("sn", "a"), attribute("SN", "b")], Violation.EXISTS),
        ("uid=lea", [attribute("objectClass", *PERSON), attribute("sn")], Violation.PROTOCOL),
    ],
)
def test_a_new_entry_that_cannot_be_is_refused(name: str, attributes: list[PartialAttribute], violation: Violation) -> None:
    with pytest.raises(WriteRefused) as refused:
        people().new(rdn(name), attributes)
    assert refused.value.violation is violation


def test_a_new_posix_account_needs_no_numbers_where_they_are_given_here() -> None:
    writing = people(with_posix(VIEW, Posix(home="/home/{username}")))
    given = [attribute("objectClass", "posixAccount", *PERSON), attribute("cn", "Lea"), attribute("sn", "Lund")]
    with pytest.raises(WriteRefused, match=r"uidNumber|uidnumber"):
        writing.new(rdn("uid=lea"), given)
    assert "username" in writing.new(rdn("uid=lea"), given, given_here=("uid_number", "gid_number"))


def test_every_kind_of_entry_of_every_kind_of_view_can_be_added() -> None:
    for make, layout in view_kinds.KINDS.values():
        view = make("main", DN.parse("dc=example,dc=test"), layout)
        for kind, rules in view.rules.items():
            writing = EntryEditor(kind, view)
            given = [attribute("objectClass", *rules.object_classes)]
            if view.kind == "ad" and kind is Kind.USER:
                given.append(attribute("sAMAccountName", "lea"))
            else:
                given += [
                    attribute(name, "x") for name in ("cn", "sn") if name in rules.attributes and name != rules.naming.lower()
                ]
            attributes = writing.new(rdn(f"{rules.naming}=lea"), given)
            assert attributes["username" if kind is Kind.USER else "name"] == ("lea",)


# ---- rename


def test_another_rdn_is_another_name() -> None:
    assert people().renamed(LEA, rdn("uid=lia"), delete_old=True) == {"username": ("lia",)}
    assert people().renamed(LEA, rdn("uid=lea"), delete_old=False) == {}
    assert people().renamed(LEA, rdn("uid=Lea"), delete_old=True) == {"username": ("Lea",)}
    with pytest.raises(WriteRefused) as refused:
        people().renamed(LEA, rdn("uid=lia"), delete_old=False)
    assert refused.value.violation is Violation.CONSTRAINT
    with pytest.raises(WriteRefused) as refused:
        people().renamed(LEA, rdn("cn=lia"), delete_old=True)
    assert refused.value.violation is Violation.NAMING


# ---- laws

_names = st.text("abcXYZ ", min_size=1).filter(str.strip)


@given(st.lists(_names, min_size=1, max_size=4, unique_by=lambda value: " ".join(value.split()).lower()))
def test_law_16_a_written_value_is_the_value_that_the_view_shows(values: list[str]) -> None:
    changed = people().changed(LEA, [change(REPLACE, "cn", *values)])
    shown = VIEW.rules[Kind.USER].attributes["cn"].values({**LEA, **changed}, {})
    assert shown == [value.encode() for value in values]


AD = view_kinds.active_directory("ad", DN.parse("DC=corp,DC=test"))
GIVEN_OUT: Attributes = {"username": ("lea",), "enabled": ("false",), "display_name": ("Lea",)}


@pytest.mark.parametrize(
    "name",
    ["cn", "sn", "userPrincipalName", "userAccountControl", "primaryGroupID", "sAMAccountType", "accountExpires"],
)
def test_law_16_what_a_view_computes_is_accepted_unchanged_and_refused_with_another_value(name: str) -> None:
    shown = Projection(AD).user(replace(user(1, "lea", display_name=["Lea"]), enabled=False), [])
    [value] = next(values for description, values in shown.attributes if description.lower() == name.lower())
    assert people(AD).changed(GIVEN_OUT, [change(REPLACE, name, value)]) == {}
    if name not in ("cn", "sn", "userPrincipalName"):
        assert refusal(change(REPLACE, name, "1"), writing=people(AD), present=GIVEN_OUT) is Violation.CONSTRAINT
        assert refusal(change(DELETE, name, value), writing=people(AD), present=GIVEN_OUT) is Violation.CONSTRAINT


def groups(view: View = AD) -> EntryEditor:
    return EntryEditor(Kind.GROUP, view)


@pytest.mark.parametrize(
    ("given", "edit"),
    [
        ([], {"name": ("Ring",)}),
        ([attribute("sAMAccountName", "Ring")], {"name": ("Ring",)}),
        ([attribute("sAMAccountName", "ring-1")], {"common_name": ("Ring",), "name": ("ring-1",)}),
    ],
)
def test_a_group_of_active_directory_has_a_cn_and_an_account_name(given: list[PartialAttribute], edit: Attributes) -> None:
    assert groups().new(rdn("CN=Ring"), [attribute("objectClass", "group"), *given]) == edit


def test_a_group_of_active_directory_is_renamed_without_its_account_name() -> None:
    ring = {"name": ("ring-1",), "common_name": ("Ring",)}
    assert groups().renamed(ring, rdn("CN=Circle"), delete_old=True) == {"common_name": ("Circle",)}
    assert groups().renamed({"name": ("ring-1",)}, rdn("CN=Circle"), delete_old=True) == {"common_name": ("Circle",)}
    assert groups().changed(ring, [change(REPLACE, "sAMAccountName", "ring-2")]) == {"name": ("ring-2",)}


@pytest.mark.parametrize(
    ("present", "edit"),
    [
        ({"common_name": ("q1",)}, {"display_name": ("Q One",)}),
        ({"display_name": ("q1",)}, {"display_name": ("Q One",), "common_name": ("q1",)}),
        ({}, {"display_name": ("Q One",), "common_name": ("q",)}),
    ],
)
def test_modify_never_renames_an_entry(present: Attributes, edit: Attributes) -> None:
    person = {"username": ("q",), "enabled": ("true",), **present}
    assert people(AD).changed(person, [change(REPLACE, "displayName", "Q One")]) == edit
    after = {**person, **edit}
    assert AD.rules[Kind.USER].attributes["cn"].values(person, {}) == AD.rules[Kind.USER].attributes["cn"].values(after, {})


def test_a_name_that_is_made_of_others_is_changed_by_renaming_only() -> None:
    rules = {"cn": Rule(template="{given_name} {family_name}")}
    view = with_overrides(VIEW, {Kind.USER: EntryOverrides(naming="cn", attributes=rules)})
    lea = {**LEA, "given_name": ("Lea",)}
    assert refusal(change(REPLACE, "sn", "Lind"), writing=people(view), present=lea) is Violation.ON_RDN
    with pytest.raises(WriteRefused, match="computed"):
        people(view).renamed(lea, rdn("cn=Lea Lind"), delete_old=True)


def test_values_of_the_name_in_another_order_are_not_another_name() -> None:
    by_cn = people(with_overrides(VIEW, {Kind.USER: EntryOverrides(naming="cn")}))
    assert by_cn.changed(LEA, [change(REPLACE, "cn", "L.", "Lea")]) == {"common_name": ("Lea", "L.")}
    assert refusal(change(REPLACE, "cn", "L."), writing=by_cn) is Violation.ON_RDN


def test_another_name_takes_the_place_of_the_one_that_was_shown() -> None:
    assert people(AD).renamed(LEA, rdn("CN=Lia"), delete_old=True) == {"common_name": ("Lia", "Lea Lund")}
    with pytest.raises(WriteRefused, match="beside"):
        people(AD).renamed(LEA, rdn("CN=Lia"), delete_old=False)
    shown = {"username": ("lea",), "display_name": ("Lea Lund",)}
    assert people(AD).renamed(shown, rdn("CN=Lia"), delete_old=True) == {"common_name": ("Lia",)}


@pytest.mark.parametrize(
    ("present", "written", "edit"),
    [
        ("512", "514", {"enabled": ("false",)}),
        ("514", "512", {"enabled": ("true",)}),
        ("512", "66048", {"user_account_control": ("66048",)}),
        ("514", "544", {"enabled": ("true",), "user_account_control": ("544",)}),
        ("66048", "512", {"user_account_control": ("512",)}),
        ("66048", "66050", {"enabled": ("false",)}),
        ("262656", "262658", {"enabled": ("false",)}),
        ("512", "262656", Violation.CONSTRAINT),
        ("512", "2", Violation.CONSTRAINT),
        ("512", "528", Violation.CONSTRAINT),
        ("512", "-512", Violation.CONSTRAINT),
        ("512", "x", Violation.SYNTAX),
        ("512", "", Violation.SYNTAX),
    ],
)
def test_an_account_is_enabled_and_disabled_by_user_account_control(
    present: str, written: str, edit: Mapping[str, tuple[str, ...]] | Violation
) -> None:
    flags = int(present)
    lea = {**LEA, "enabled": ("false" if flags & 2 else "true",), "user_account_control": (str(flags & ~2),)}
    if isinstance(edit, Violation):
        assert refusal(change(REPLACE, "userAccountControl", written), writing=people(AD), present=lea) is edit
    else:
        assert people(AD).changed(lea, [change(REPLACE, "userAccountControl", written)]) == edit
        swap = [change(DELETE, "userAccountControl", present), change(ADD, "userAccountControl", written)]
        assert people(AD).changed(lea, swap) == edit


@given(st.lists(st.sampled_from(["a@x", "b@x", "c@x"]), unique=True), st.sampled_from(["a@x", "b@x", "c@x"]))
def test_a_value_added_and_deleted_again_leaves_everything_as_it_was(present: list[str], value: str) -> None:
    before = {**LEA, "email": tuple(present)} if present else LEA
    if value in present:
        assert refusal(change(ADD, "mail", value), present=before) is Violation.EXISTS
    else:
        assert people().changed(before, [change(ADD, "mail", value), change(DELETE, "mail", value)]) == {}
