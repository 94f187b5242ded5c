"""Inbound mapping: what becomes of an entry's attributes, what is missing, what is empty, and what cannot be used."""

import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.attributes import ATTRIBUTES, NAMING_ATTRIBUTE
from gateway.model.deltas import Delta, DeltaType
from gateway.model.expressions import expression
from gateway.model.ldap import dn as names
from gateway.model.mapping.defaults import DEFAULT_ATTRIBUTES, REFERENCES
from gateway.model.mapping.inbound import EnabledRule, InboundMapping, default_mapping, map_entry
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm

Entry = list[tuple[str, list[bytes]]]
DN = "uid=ada,ou=people,dc=x"


def mapped(entry: Entry, kind: Kind = Kind.USER, dn: str = DN, mapping: InboundMapping | None = None) -> Delta:
    return map_entry(mapping or default_mapping(kind), "hr", "id-1", dn, entry)


def named(*entry: tuple[str, list[bytes]]) -> Entry:
    return [("uid", [b"ada"]), *entry]


def test_every_default_names_an_attribute_or_a_reference_that_we_know() -> None:
    for kind, attributes in DEFAULT_ATTRIBUTES.items():
        assert set(attributes) <= set(ATTRIBUTES[kind]) | REFERENCES[kind] | {*default_mapping(kind).points}
        assert NAMING_ATTRIBUTE[kind] in attributes


def test_an_inet_org_person_becomes_a_user() -> None:
    delta = mapped(
        named(("cn", [b"Ada"]), ("sn", [b"L"]), ("mail", [b"a@x", b"b@x"]), ("jpegPhoto", [b"\xff\xd8"]), ("uidNumber", [b"7"]))
    )
    assert (delta.type, delta.kind, delta.external_id, delta.dn) == (DeltaType.UPSERT, Kind.USER, "id-1", DN)
    assert delta.attributes["username"] == ("ada",)
    assert delta.attributes["email"] == ("a@x", "b@x")
    assert delta.attributes["photo"] == (b"\xff\xd8",)
    assert (delta.problem, delta.warnings) == ("", ())


def test_attributes_that_did_not_come_were_seen_empty() -> None:
    delta = mapped(named())
    assert {name: values for name, values in delta.attributes.items() if values} == {"username": ("ada",)}
    assert set(delta.attributes) == set(DEFAULT_ATTRIBUTES[Kind.USER])


def test_attributes_that_are_not_mapped_are_missing() -> None:
    delta = mapped(named(("mail", [b"a@x"])), mapping=default_mapping(Kind.USER, {"email": ""}))
    assert "email" not in delta.attributes


@pytest.mark.parametrize(
    ("entry", "display_name"),
    [
        ([("displayName", [b"Countess"]), ("cn", [b"Ada"])], ("Countess",)),
        ([("cn", [b"Ada"])], ("Ada",)),
        ([("displayName", [b""]), ("cn", [b"Ada"])], ("Ada",)),
        ([], ()),
    ],
)
def test_the_first_source_attribute_that_has_a_value_counts(entry: Entry, display_name: tuple[str, ...]) -> None:
    assert mapped(named(*entry)).attributes["display_name"] == display_name


def test_attribute_names_are_matched_in_any_case_and_with_the_binary_option() -> None:
    delta = mapped([("UID", [b"ada"]), ("userCertificate;binary", [b"\x30\x00"]), ("MAIL;binary", [b"a@x"])])
    assert (delta.attributes["username"], delta.attributes["certificate"]) == (("ada",), (b"\x30\x00",))
    assert delta.attributes["email"] == ("a@x",)


def test_language_variants_are_other_attributes_unless_they_are_mapped() -> None:
    entry = named(("cn;lang-de", [b"Gr\xc3\xa4fin"]))
    assert mapped(entry).attributes["common_name"] == ()
    german = default_mapping(Kind.USER, {"common_name": "cn;lang-DE"})
    assert mapped(entry, mapping=german).attributes["common_name"] == ("Gräfin",)


def test_names_that_we_do_not_know_are_custom_fields_with_all_their_values() -> None:
    custom = default_mapping(Kind.USER, {"badge": ["badgeNumber", "employeeNumber"]})
    assert mapped(named(("employeeNumber", [b"1", b"2"])), mapping=custom).attributes["badge"] == ("1", "2")


@pytest.mark.parametrize("kind", [Kind.USER, Kind.GROUP])
def test_the_order_of_several_names_decides_nothing(kind: Kind) -> None:
    name = {Kind.USER: "uid", Kind.GROUP: "cn"}[kind]
    said = {
        mapped([(name, list(values))], kind=kind, dn="entryUUID=1,dc=x").attributes[NAMING_ATTRIBUTE[kind]]
        for values in itertools.permutations([b"b", b"a", b"c"])
    }
    assert said == {("a",)}


def test_a_single_valued_attribute_keeps_the_value_in_the_rdn() -> None:
    entry: Entry = [("uid", [b"old", b"ada", b"older"])]
    assert mapped(entry).attributes["username"] == ("ada",)
    assert mapped(entry, dn="cn=Ada,dc=x").attributes["username"] == ("ada",)
    assert mapped(entry, dn="not a name").attributes["username"] == ("ada",)


def test_what_nobody_sees_hides_no_rdn_and_no_member() -> None:
    unseen = "a\u200bda\u00a0".encode()
    assert mapped([("uid", [b"aaron", unseen])], dn="uid=a\u200bda\u00a0,dc=x").attributes["username"] == ("ada",)
    assert mapped([("uid", [b"aaron", b"ada"])], dn="uid=a\u200bda,dc=x").attributes["username"] == ("ada",)
    assert mapped(named(("mail", [b"a@x", "a@\ufeffx".encode()]))).attributes["email"] == ("a@x",)
    group = mapped([("cn", [b"staff"]), ("memberUid", [unseen])], Kind.GROUP)
    assert group.references["members"] == (Reference(ReferenceForm.LOGIN, "ada"),)


@pytest.mark.parametrize("number", [b"0", b"00", b"-0", b"+0", b" 0", b"4294967296"])
def test_the_numbers_of_root_are_left_out_and_named(number: bytes) -> None:
    delta = mapped(named(("uidNumber", [number]), ("gidNumber", [b"100"])))
    assert (delta.attributes["uid_number"], delta.attributes["gid_number"]) == ((), ("100",))
    assert "uid_number: " in delta.warnings[0] and "is root's number and was left out" in delta.warnings[0]
    assert not delta.problem
    group = mapped([("cn", [b"staff"]), ("gidNumber", [number])], Kind.GROUP)
    assert group.attributes["gid_number"] == ()
    assert mapped(named(("uidNumber", [b"10"]))).attributes["uid_number"] == ("10",)


def test_a_value_that_is_not_utf_8_is_left_out_and_named() -> None:
    delta = mapped(named(("mail", [b"\xff", b"a@x"])))
    assert delta.attributes["email"] == ("a@x",)
    assert delta.warnings == (f"source hr: {DN}: mail: a value is not UTF-8 and was left out; correct it at the source",)


@pytest.mark.parametrize("bad", [b"\xff", b"a\0b"])
def test_an_attribute_without_any_usable_value_is_missing_and_not_empty(bad: bytes) -> None:
    delta = mapped(named(("title", [bad]), ("displayName", [bad]), ("cn", [b"Ada"])))
    assert "title" not in delta.attributes
    assert "display_name" not in delta.attributes
    assert len(delta.warnings) == 2


@pytest.mark.parametrize("entry", [[], [("uid", [])], [("uid", [b""])], [("uid", [b"\xff"])]])
def test_an_entry_without_a_name_is_a_problem_with_a_cure(entry: Entry) -> None:
    delta = mapped(entry)
    assert delta.problem == (
        f"source hr: {DN} has no usable uid, which username is read from: give it one, map username to another "
        "attribute of users, or exclude the entry by the filter"
    )
    assert "username" not in delta.attributes


def test_members_come_from_all_forms_of_groups_together_each_once() -> None:
    ada, bob = Reference(ReferenceForm.DN, names.key("uid=ada,dc=x")), Reference(ReferenceForm.DN, names.key("uid=bob,dc=x"))
    delta = mapped(
        [
            ("cn", [b"staff"]),
            ("member", [b"uid=ada,dc=x", b"UID=Ada, DC=X"]),
            ("uniqueMember", [b"uid=bob,dc=x#'0101'B", b"uid=ada,dc=x"]),
            ("memberUid", [b"Eve"]),
        ],
        Kind.GROUP,
    )
    assert delta.references["members"] == (ada, bob, Reference(ReferenceForm.LOGIN, "eve"))


def test_a_group_without_members_has_none_and_other_kinds_say_nothing_of_references() -> None:
    assert mapped([("cn", [b"staff"]), ("member", [b""])], Kind.GROUP).references["members"] == ()
    assert "members" not in mapped(named()).references


def test_a_member_that_is_no_dn_is_left_out_and_a_group_of_only_such_reports_none() -> None:
    some = mapped([("cn", [b"staff"]), ("member", [b"nonsense", b"uid=ada,dc=x"])], Kind.GROUP)
    assert len(some.references["members"]) == 1
    assert "member: 'nonsense' is not a distinguished name and was left out" in some.warnings[0]
    assert mapped([("cn", [b"staff"]), ("member", [b"nonsense"])], Kind.GROUP).references == {
        "owner": (),
        "see_also": (),
    }


@pytest.mark.parametrize(
    ("rule", "values", "enabled"),
    [
        (EnabledRule("flag"), [], "true"),
        (EnabledRule("flag"), [b"anything"], "false"),
        (EnabledRule("flag", disabled_values=("000001010000Z",)), [b"20260101000000Z"], "true"),
        (EnabledRule("FLAG", disabled_values=("000001010000Z",)), [b"000001010000Z"], "false"),
        (EnabledRule("flag", enabled_values=("Active",)), [b"ACTIVE"], "true"),
        (EnabledRule("flag", enabled_values=("Active",)), [b"inactive"], "false"),
        (EnabledRule("flag", enabled_values=("Active",)), [], "false"),
    ],
)
def test_the_enabled_rule_decides_by_the_values_of_one_attribute(rule: EnabledRule, values: list[bytes], enabled: str) -> None:
    mapping = default_mapping(Kind.USER, enabled=rule)
    assert rule.attribute in mapping.source_attributes
    assert mapped(named(("flag", values)), mapping=mapping).attributes["enabled"] == (enabled,)


def test_without_a_rule_the_source_does_not_report_enabled() -> None:
    assert "enabled" not in mapped(named(("pwdAccountLockedTime", [b"000001010000Z"]))).attributes


def test_each_source_attribute_is_requested_once() -> None:
    asked = [name.lower() for name in default_mapping(Kind.USER).source_attributes]
    assert len(asked) == len(set(asked))
    assert "cn" in asked


attribute_names = st.sampled_from(["uid", "CN", "cn", "displayName", "mail", "title", "jpegPhoto", "member", "x"])
octets = st.one_of(st.binary(max_size=6), st.text(max_size=6).map(str.encode))
any_entry = st.lists(
    st.tuples(attribute_names, st.lists(octets, max_size=3)), max_size=6, unique_by=lambda each: each[0].lower()
)


@given(any_entry, st.sampled_from(list(Kind)), st.text(max_size=12))
def test_any_entry_becomes_a_delta_of_usable_values(entry: Entry, kind: Kind, dn: str) -> None:
    delta = mapped(entry, kind, dn)
    for name, values in delta.attributes.items():
        definition = ATTRIBUTES[kind].get(name)
        assert all(isinstance(value, bytes) == bool(definition and definition.binary) for value in values)
        assert not any(isinstance(value, str) and (not value or "\0" in value) for value in values)
        assert not definition or not definition.single or len(values) < 2
    assert bool(delta.problem) == (not delta.attributes.get(NAMING_ATTRIBUTE[kind]))


@given(any_entry, st.randoms())
def test_the_order_of_the_attributes_does_not_matter(entry: Entry, random: Random) -> None:
    shuffled = list(entry)
    random.shuffle(shuffled)
    assert mapped(shuffled).attributes == mapped(entry).attributes


def by_expression(**texts: str) -> InboundMapping:
    return default_mapping(Kind.USER, {name: expression.compile(text) for name, text in texts.items()})


def test_an_expression_computes_an_attribute_from_those_of_the_source() -> None:
    mapping = by_expression(username="lower(split(MAIL, '@', 1))", badge="employeeNumber + '/' + o", email="lower(mail)")
    delta = mapped([("Mail", [b"Ada@X.example"]), ("employeeNumber", [b"1", b"2"]), ("o", [b"X"])], mapping=mapping)
    assert delta.attributes["username"] == ("ada",)
    assert delta.attributes["badge"] == ("1/X", "2/X")
    assert delta.attributes["email"] == ("ada@x.example",)
    assert delta.problem == ""


def test_each_input_of_expressions_is_requested_once() -> None:
    mapping = by_expression(username="lower(MAIL)", badge="default({x-badge}, mail)")
    asked = [name.lower() for name in mapping.source_attributes]
    assert {"mail", "x-badge"} <= set(asked)
    assert len(asked) == len(set(asked))


def test_an_expression_with_empty_inputs_clears() -> None:
    delta = mapped(named(), mapping=by_expression(badge="lower(employeeNumber)", login="mail + o"))
    assert (delta.attributes["badge"], delta.attributes["login"]) == ((), ())


def test_expressions_take_and_make_lines_where_their_attribute_is_one() -> None:
    mapping = by_expression(username="uid + '.x'", email="uid + '@x'", badge="uid + '@x'")
    delta = mapped([("uid", ["a\u200bda\u00a0".encode()])], mapping=mapping)
    assert (delta.attributes["username"], delta.attributes["email"]) == (("ada.x",), ("ada@x",))
    assert delta.attributes["badge"] == ("a\u200bda\u00a0@x",), "a custom field may be anything"
    assert "a line break or another control character" in mapped([("uid", [b"b\nc"])], mapping=mapping).problem


def test_an_expression_with_an_unusable_input_is_left_out() -> None:
    mapping = by_expression(badge="default(employeeNumber, o)", login="lower(o)")
    delta = mapped(named(("employeeNumber", [b"\xff"]), ("o", [b"X"])), mapping=mapping)
    assert "badge" not in delta.attributes
    assert delta.attributes["login"] == ("x",)
    assert [warning for warning in delta.warnings if "employeenumber: a value is not UTF-8" in warning]


def test_a_warning_about_an_input_of_several_expressions_is_given_once() -> None:
    delta = mapped(named(("o", [b"\xff"])), mapping=by_expression(badge="lower(o)", login="upper(o)", company="first(o)"))
    assert len(delta.warnings) == 1


def test_an_attribute_of_one_value_takes_the_first_that_an_expression_gives() -> None:
    mapping = by_expression(username="lower(uid)", badge="lower(uid)")
    delta = mapped([("uid", [b"Countess", b"ADA"])], dn="uid=ADA,dc=x", mapping=mapping)
    assert delta.attributes["username"] == ("ada",)  # the value that the entry is named by is an input's first
    assert delta.attributes["badge"] == ("ada", "countess")


def test_an_entry_without_the_input_of_its_name_is_a_problem() -> None:
    delta = mapped([("cn", [b"Ada"])], mapping=by_expression(username="lower(split(mail, '@', 1))"))
    assert "has no usable lower(split(mail, '@', 1)), which username is read from" in delta.problem
    assert "username" not in delta.attributes


@pytest.mark.parametrize(
    ("kind", "name", "what"),
    [
        (Kind.USER, "photo", "is not text"),
        (Kind.USER, "organizations", "refers to other entries"),
        (Kind.GROUP, "members", "refers to other entries"),
        (Kind.ORGANIZATION, "parent", "refers to other entries"),
    ],
)
def test_an_expression_cannot_fill_a_binary_attribute(kind: Kind, name: str, what: str) -> None:
    with pytest.raises(ValueError, match=f"mapping.{name}: {name} {what}"):
        default_mapping(kind, {name: expression.compile("'x'")})


def test_attributes_that_name_entries_are_references_and_their_text_is_cleared() -> None:
    delta = mapped(named(("manager", [b"uid=Boss,dc=x"]), ("cn", [b"Ada"])))
    assert delta.references["manager"] == (Reference(ReferenceForm.DN, names.key("uid=boss,dc=x")),)
    assert delta.references["secretary"] == ()
    assert delta.attributes["manager"] == delta.attributes["secretary"] == ()


@pytest.mark.parametrize(
    ("theirs", "points"),
    [("manager", True), ("seeAlso", True), ("description", False), ("entryDN", False), ("unknownType", False)],
)
def test_a_custom_attribute_that_is_read_from_names_of_entries_is_a_reference(theirs: str, points: bool) -> None:
    assert ("boss" in default_mapping(Kind.USER, {"boss": theirs}).points) is points
    assert default_mapping(Kind.USER, {"boss": theirs}, of_entries=False).points == ()
