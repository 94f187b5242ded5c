"""Texts of sources that hold what nobody sees, or what no name can have: every kind of source makes the same of them."""

import base64
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import pytest

from gateway.connectors.csv.settings import CsvSettings, user_mapping
from gateway.connectors.csv.source import CsvSource
from gateway.connectors.ldap.active_directory.entry_to_delta import ActiveDirectoryEntryMapper
from gateway.connectors.ldap.active_directory.settings import active_directory_kind_settings
from gateway.connectors.ldif.source import LdifSettings, LdifSource
from gateway.model.deltas import Delta
from gateway.model.mapping.inbound import default_mapping, map_entry
from gateway.model.objects import Kind
from tests.connectors.record_replica import RecordReplica

Reader: TypeAlias = Callable[[Path, str, str, str], Delta]


def _read(source: CsvSource | LdifSource) -> RecordReplica:
    return RecordReplica().read(source)


def _write(path: Path, text: str) -> Path:
    path.write_text(text, newline="")
    os.utime(path, (time.time() - 10, time.time() - 10))
    return path


def csv_source(path: Path) -> CsvSource:
    names = {"username": "login", "email": "mail", "description": "about"}
    chosen = frozenset(names)
    users = user_mapping(names)
    settings = CsvSettings(
        id="hr",
        path=path,
        id_column="id",
        users=users,
        chosen=chosen,
        organization_column="unit",
        groups_column="groups",
        stable_seconds=0.001,
    )
    return CsvSource(settings)


def from_csv(folder: Path, login: str, mail: str, about: str) -> Delta:
    row = ",".join(f'"{cell}"' for cell in ("7", login, mail, about, "", ""))
    path = _write(folder / "people.csv", f"id,login,mail,about,unit,groups\n{row}\n")
    return _read(csv_source(path)).records[Kind.USER, "7"]


def from_ldif(folder: Path, login: str, mail: str, about: str) -> Delta:
    lines = "".join(
        f"{name}:: {base64.b64encode(value.encode()).decode()}\n"
        for name, value in (("uid", login), ("mail", mail), ("description", about))
    )
    path = _write(folder / "people.ldif", f"dn: cn=p,dc=x\nobjectClass: inetOrgPerson\n{lines}")
    [delta] = _read(LdifSource(LdifSettings("hr", path, stable_seconds=0.001))).records.values()
    return delta


def from_openldap(folder: Path, login: str, mail: str, about: str) -> Delta:
    entry = [("uid", [login.encode()]), ("mail", [mail.encode()]), ("description", [about.encode()])]
    return map_entry(default_mapping(Kind.USER), "hr", "7", "cn=p,dc=x", entry)


def from_active_directory(folder: Path, login: str, mail: str, about: str) -> Delta:
    mapper = ActiveDirectoryEntryMapper(
        "hr", active_directory_kind_settings(Kind.USER, ("dc=x",)), lambda: datetime(2026, 1, 1, tzinfo=UTC)
    )
    entry = [("objectGUID", [bytes(16)]), ("sAMAccountName", [login.encode()]), ("mail", [mail.encode()])]
    delta = mapper.to_delta(b"cn=p,dc=x", [*entry, ("description", [about.encode()])])
    assert delta is not None
    return delta


EVERY_SOURCE = pytest.mark.parametrize("read", [from_csv, from_ldif, from_openldap, from_active_directory])

UNSEEN = {
    "zero width space": "a\u200bda",
    "word joiner": "ada\u2060",
    "byte order mark": "\ufeffada",
    "soft hyphen": "a\u00adda",
    "no-break space at the end": "ada\u00a0",
    "ideographic space at the beginning": "\u3000ada",
    "line break at the end": "ada\r\n",
    "blanks around": " ada ",
    "several": "\u00a0\u200b ada\u200b\u00a0",
}

NO_NAMES = {
    "line break": "b\nc",
    "carriage return": "b\rc",
    "tab": "b\tc",
    "escape": "b\x1bc",
    "delete": "b\x7fc",
    "next line (C1)": "b\x85c",
    "control sequence introducer (C1)": "b\x9bc",
    "line separator": "b\u2028c",
}

KEPT = {
    "zero width joiner": "नर\u200dम",
    "no-break space within": "a\u00a0b",
    "accents and other scripts": "Зоя Ärö",
    "right-to-left": "شي\u200cما",
}


@EVERY_SOURCE
@pytest.mark.parametrize("text", UNSEEN.values(), ids=UNSEEN)
def test_what_nobody_sees_is_no_part_of_a_line(tmp_path: Path, read: Reader, text: str) -> None:
    delta = read(tmp_path, text, text, "x")
    assert (delta.attributes["username"], delta.attributes["email"]) == (("ada",), ("ada",))
    assert (delta.problem, delta.warnings) == ("", ())
    assert delta.attributes == read(tmp_path, "ada", "ada", "x").attributes, "the same report as without them"


@EVERY_SOURCE
@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_what_means_something_stays(tmp_path: Path, read: Reader, text: str) -> None:
    delta = read(tmp_path, text, text, "x")
    assert (delta.attributes["username"], delta.attributes["email"], delta.problem) == ((text,), (text,), "")


@EVERY_SOURCE
@pytest.mark.parametrize("text", NO_NAMES.values(), ids=NO_NAMES)
def test_a_login_name_with_a_control_character_is_a_problem_with_place_and_cure(
    tmp_path: Path, read: Reader, text: str
) -> None:
    delta = read(tmp_path, text, "a@x.test", "x")
    assert "username" not in delta.attributes, "nothing is known of it: a user who is there keeps the name"
    assert delta.problem.startswith("source hr: ") and ("line 2" in delta.problem or "cn=p,dc=x" in delta.problem)
    assert repr(text) in delta.problem
    assert "a line break or another control character: correct it at the source" in delta.problem
    assert delta.attributes["email"] == ("a@x.test",)


@EVERY_SOURCE
def test_what_has_several_lines_stays_as_it_is(tmp_path: Path, read: Reader) -> None:
    assert read(tmp_path, "ada", "a@x", "one\ntwo\u200b.").attributes["description"] == ("one\ntwo\u200b.",)


@EVERY_SOURCE
def test_a_line_of_blanks_is_empty(tmp_path: Path, read: Reader) -> None:
    delta = read(tmp_path, "ada", "\u00a0\u200b", "x")
    assert (delta.attributes["email"], delta.warnings) == ((), ())


@pytest.mark.parametrize("kind", [Kind.ORGANIZATION, Kind.GROUP])
@pytest.mark.parametrize("text", NO_NAMES.values(), ids=NO_NAMES)
def test_names_of_organizations_and_groups_have_no_control_character_either(tmp_path: Path, kind: Kind, text: str) -> None:
    path = _write(
        tmp_path / "people.csv", f'id,login,mail,about,unit,groups\n7,ada,,,"{text}","{text}"\n8,bob,,,Sales,S\u00adtaff\n'
    )
    replica = _read(csv_source(path))
    in_rows = [delta for (of, _), delta in replica.records.items() if of is kind]
    source_attribute = "ou" if kind is Kind.ORGANIZATION else "cn"
    entry = map_entry(default_mapping(kind), "hr", "7", "ou=p,dc=x", [(source_attribute, [text.encode()])])
    [unusable] = [delta for delta in in_rows if delta.problem]
    for delta, place in ((unusable, f"{path}, line 2"), (entry, "ou=p,dc=x")):
        assert "name" not in delta.attributes
        assert delta.problem.startswith(f"source hr: {place}: the name {text!r} in ")
    assert [delta.attributes["name"] for delta in in_rows if not delta.problem] == [
        ("Sales",) if kind is Kind.ORGANIZATION else ("Staff",)
    ]
    assert replica.records[Kind.USER, "7"].problem == "", "the person of that row is read"
