"""The CSV source: header and mapping, organizations and groups from columns, rows that are kept aside, broken files."""

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.connectors.csv.people import MAX_ID_CHARACTERS, MAX_LEVELS, addresses
from gateway.connectors.csv.settings import CsvSettings, user_mapping
from gateway.connectors.csv.source import CsvSource
from gateway.model.connector import CheckStatus
from gateway.model.deltas import MEMBERS, Batch, Delta
from gateway.model.errors import InvalidSourceData, SourceRefused, SourceUnavailable
from gateway.model.expressions import expression
from gateway.model.expressions.expression import Expression
from gateway.model.mapping.inbound import EnabledRule
from gateway.model.mapping.values import normalized
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm
from tests.connectors.record_replica import FollowingReplica, RecordReplica

HEADER = "Nr,Login,Name,Mail,Status,Department,Groups\n"
ADA = "7,ada,Ada Lovelace,Ada@X.example,active,Sales/Europe,staff;owners\n"
BOB = "8,bob,Bob,bob@x.example,left,Sales / Asia,staff\n"
CAROL = "9,carol,Carol,,active,,\n"
MAPPING: dict[str, str | Sequence[str] | Expression] = {
    "username": "LOGIN",
    "display_name": "Name",
    "email": expression.compile("lower(Mail)", normalized),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    write(path, HEADER + ADA + BOB + CAROL)
    return path


def write(path: Path, text: str | bytes, age: float = 10.0) -> None:
    """Put the text there as if it had been written `age` seconds ago."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (time.time() - age, time.time() - age))


def settings(path: Path) -> CsvSettings:
    return CsvSettings(
        id="hr",
        path=path,
        id_column="Nr",
        users=user_mapping(MAPPING, EnabledRule("Status", disabled_values=("left",))),
        chosen=frozenset(MAPPING),
        organization_column="Department",
        groups_column="Groups",
        poll_seconds=0.02,
        stable_seconds=0.2,
    )


def source(path: Path) -> CsvSource:
    return CsvSource(settings(path))


def only_users(path: Path) -> CsvSettings:
    return replace(settings(path), organization_column="", groups_column="")


def organizations(delta: Delta) -> tuple[str, ...]:
    return tuple(reference.value for reference in delta.references["organizations"])


def members(replica: RecordReplica, name: str) -> set[str]:
    return {reference.value for reference in replica.named(name).references[MEMBERS]}


def problems(replica: RecordReplica) -> dict[str, str]:
    return {delta.external_id: delta.problem for delta in replica.records.values() if delta.problem}


def refused(path: Path) -> str:
    with pytest.raises(InvalidSourceData) as caught:
        RecordReplica().read(source(path))
    return str(caught.value)


def test_a_row_becomes_a_user_by_the_mapping(file: Path) -> None:
    replica = RecordReplica().read(source(file))
    ada = replica.named("ada")
    assert (ada.external_id, ada.dn) == ("7", "")
    assert ada.attributes == {
        "username": ("ada",),
        "display_name": ("Ada Lovelace",),
        "email": ("ada@x.example",),
        "enabled": ("true",),
    }
    assert replica.named("bob").attributes["enabled"] == ("false",)
    assert replica.named("carol").attributes["email"] == ()  # seen empty


def test_organizations_are_made_along_the_path_parents_before_children(file: Path) -> None:
    batches = list(source(file).read(None, follow=False))
    said = [delta for batch in batches for delta in batch.deltas if delta.kind is not Kind.GROUP]
    assert [delta.external_id for delta in said] == ["sales", "sales/europe", "7", "sales/asia", "8", "9"]
    assert said[0].references == {"parent": ()}
    assert said[1].references == {"parent": (Reference(ReferenceForm.ID, "sales"),)}
    assert said[1].attributes == {"name": ("Europe",)}
    assert [organizations(delta) for delta in said if delta.kind is Kind.USER] == [("sales/europe",), ("sales/asia",), ()]


def test_paths_are_compared_without_regard_to_case_and_spaces(file: Path) -> None:
    write(file, HEADER + ADA + BOB.replace("Sales / Asia", " SALES /  europe/"))
    assert len(RecordReplica().read(source(file)).names(Kind.ORGANIZATION)) == 2


def test_a_slash_in_a_name_separates_nothing_where_another_separator_does(file: Path) -> None:
    write(file, HEADER + ADA.replace("Sales/Europe", "R/D>R") + BOB.replace("Sales / Asia", "R>D>R"))
    replica = RecordReplica().read(CsvSource(replace(settings(file), organization_separator=">")))
    assert {organizations(replica.named(name)) for name in ("ada", "bob")} == {("r\\/d/r",), ("r/d/r",)}


def test_groups_have_those_whose_rows_name_them(file: Path) -> None:
    replica = RecordReplica().read(source(file))
    assert (members(replica, "staff"), members(replica, "owners")) == ({"7", "8"}, {"7"})
    assert replica.named("staff").references[MEMBERS][0].form is ReferenceForm.ID


def test_without_columns_for_them_no_organizations_and_groups_are_reported(file: Path) -> None:
    batches = list(CsvSource(only_users(file)).read(None, follow=False))
    assert batches[0].begins == batches[-1].completes == {Kind.USER}
    assert [delta.references for delta in batches[0].deltas] == [{}, {}, {}]


def test_columns_of_our_names_need_no_mapping(file: Path) -> None:
    write(file, "id;username;given_name;Shoe size\n7;ada;Ada;38\n")
    plain = CsvSettings(id="hr", path=file, id_column="id", users=user_mapping(), delimiter=";")
    assert RecordReplica().read(CsvSource(plain)).named("ada").attributes == {"username": ("ada",), "given_name": ("Ada",)}


def test_a_file_without_a_line_of_names_gets_them_from_the_configuration(file: Path) -> None:
    write(file, "7,ada\n")
    plain = CsvSettings(id="hr", path=file, id_column="id", users=user_mapping(), columns=("id", "username"))
    assert RecordReplica().read(CsvSource(plain)).named("ada").external_id == "7"


@pytest.mark.parametrize(
    ("encoding", "octets"),
    [
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-8-sig", b""),
        ("gbk", b""),
        ("gb18030", b""),
        ("utf-16", b""),
        ("utf-16-le", b""),
        ("big5", b""),
    ],
)
def test_a_file_is_read_in_its_encoding(file: Path, encoding: str, octets: bytes) -> None:
    write(file, octets + "Nr,姓名,login\n7,陶晓明,tao\n".replace("晓", "小" if encoding == "big5" else "晓").encode(encoding))
    users = user_mapping({"username": "login", "display_name": "姓名"})
    plain = CsvSettings(id="hr", path=file, id_column="Nr", users=users, chosen=frozenset({"username", "display_name"}))
    tao = RecordReplica().read(CsvSource(replace(plain, encoding=encoding))).named("tao")
    assert str(tao.attributes["display_name"][0])[::2] == "陶明"


def test_latin_1_is_read_as_such(file: Path) -> None:
    write(file, (HEADER + ADA.replace("Ada Love", "Édá Löve")).encode("latin-1"))
    replica = RecordReplica().read(CsvSource(replace(settings(file), encoding="latin-1")))
    assert replica.named("ada").attributes["display_name"] == ("Édá Lövelace",)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (b"8,bob,Bob,a,b,c,d,e\n", "8 fields, where the header has 7"),
        (b'8,bob,"Bob,b,active,,\n', "a quotation mark that is not closed"),
        (b"8,bob,B\0b,b,active,,\n", "a NUL character"),
        (b"8,bob,B\xf6b,b,active,,\n", "octets that are no text in this encoding"),
        (b"8,bob,Bob,b,active," + b"a/" * (MAX_LEVELS + 1) + b",\n", f"Department has {MAX_LEVELS + 1} levels"),
        (b"8,bob,Bob,b,active," + b"a" * (MAX_ID_CHARACTERS + 1) + b",\n", f"{MAX_ID_CHARACTERS} are the limits"),
        (b"8,bob,Bob,b,active,," + b"a" * (MAX_ID_CHARACTERS + 1) + b"\n", "a name in Groups has more than"),
    ],
)
def test_a_broken_row_is_kept_aside_with_its_line_and_the_rest_goes_on(file: Path, row: bytes, words: str) -> None:
    replica = RecordReplica().read(source(file))
    write(file, HEADER.encode() + ADA.encode() + row + CAROL.replace("Carol", "Caroline").encode())
    replica.read(source(file))
    assert replica.named("carol").attributes["display_name"] == ("Caroline",)
    (said,) = problems(replica).items()
    assert said[0] == "8"
    assert said[1].startswith(f"source hr: {file}, line 3: ")
    assert words in said[1]
    assert replica.records[Kind.USER, "8"].attributes == {}  # which says nothing, and leaves everything as it was
    assert replica.batches[-1].completes == {Kind.USER}


def test_while_a_row_is_kept_aside_organizations_and_groups_lose_nothing(file: Path) -> None:
    replica = RecordReplica().read(source(file))
    write(file, HEADER + CAROL.replace(",active,,", ",active,,staff") + "8,bob\0,Bob,b,active,,\n" + "5,eve,Eve,e,active,,\n")
    replica.read(source(file))
    assert (Kind.USER, "7") not in replica.records
    assert {"sales", "sales/europe", "sales/asia"} <= {key[1] for key in replica.records}
    staff = replica.records[Kind.GROUP, "group:staff"]
    assert (staff.references, [reference.value for reference in staff.added[MEMBERS]]) == ({}, ["9"])
    write(file, HEADER + CAROL)
    replica.read(source(file))
    assert {key[1] for key in replica.records} == {"9"}


@pytest.mark.parametrize(
    "row",
    [
        b",bob,Bob,bob@x.example,left,,\n",  # no id
        b"8 bob,Bob,b,active,,\n",  # a field too few: is the first one an id?
        b'"8,bob,Bob,b,active,,\n',
        b"\xff8,bob,Bob,b,active,,\n",
        b"8\0,bob,Bob,b,active,,\n",
        b"8" * (MAX_ID_CHARACTERS + 1) + b",bob,Bob,b,active,,\n",
    ],
)
def test_a_row_without_a_certain_id_prevents_all_deletions(file: Path, row: bytes) -> None:
    replica = RecordReplica().read(source(file))
    write(file, HEADER.encode() + CAROL.encode() + b"6,flo,Flo,,active,,\n" + row)
    replica.read(source(file))
    assert {"7", "8", "9", "6"} <= {key[1] for key in replica.records}
    ((_, problem),) = problems(replica).items()
    assert problem.startswith(f"source hr: {file}, line 4: ")
    assert "until it is sure whom this row is about, nothing of this source is deleted" in problem
    assert not any(batch.begins or batch.completes for batch in replica.batches)


def test_deletions_resume_when_no_row_is_broken(file: Path) -> None:
    replica = RecordReplica().read(source(file))
    write(file, HEADER + ADA + CAROL + ",bob,Bob,,,,\n")
    replica.read(source(file))
    write(file, HEADER + ADA + CAROL)
    replica.read(source(file))
    assert replica.names(Kind.USER) == {"ada", "carol"}
    assert problems(replica) == {}


def test_rows_with_one_id_are_both_kept_aside(file: Path) -> None:
    replica = RecordReplica().read(source(file))
    write(file, HEADER + ADA + CAROL + BOB + ADA.replace("Ada Love", "Eve Love"))
    replica.read(source(file))
    ((external_id, problem),) = problems(replica).items()
    assert external_id == "7"
    assert f"the id 7 stands in several rows ({file}, line 2 and {file}, line 5); one of them must go" in problem
    assert replica.batches[-1].completes == {Kind.USER}


def test_ids_count_over_all_files_of_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", HEADER + ADA + BOB)
    write(tmp_path / "b.csv", HEADER + CAROL + ADA)
    write(tmp_path / "notes.txt", "no CSV at all")
    replica = RecordReplica().read(source(tmp_path))
    assert f"{tmp_path}/a.csv, line 2 and {tmp_path}/b.csv, line 3" in problems(replica)["7"]
    assert replica.named("carol").external_id == "9"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty: an empty file is not an empty directory"),
        (HEADER, "holds no row"),
        (ADA + BOB, "there is no column 'Nr' among: 7, ada, Ada Lovelace"),
        (HEADER.replace("Nr", "Number") + ADA, "there is no column 'Nr' among: Number, Login"),
        (HEADER.replace("Mail", "E-mail") + ADA, "there is no column 'Mail'"),
        (HEADER.replace("Status", "State") + ADA, "there is no column 'Status'"),
        (HEADER.replace("Department", "Unit") + ADA, "there is no column 'Department'"),
        (HEADER.replace(",", ";") + ADA, "there is no column 'Nr' among: Nr;Login;Name"),
        (HEADER.replace("Name", "login") + ADA, "several columns are called 'LOGIN'"),
        (HEADER + ADA + BOB[:-20] + "\n" + CAROL[:-3] + "\n", "2 of 3 rows are broken, so nothing is changed; the first: "),
        (HEADER + (ADA + BOB) * 2, "4 of 4 rows are broken, so nothing is changed; the first: the id 7 stands in several"),
        ('"Nr,Login\n', "line 1: the names of the columns hold a quotation mark"),
    ],
)
def test_a_broken_file_changes_nothing_and_has_a_reason(file: Path, text: str, words: str) -> None:
    replica = RecordReplica().read(source(file))
    write(file, text)
    with pytest.raises(InvalidSourceData) as caught:
        replica.read(source(file))
    assert replica.batches == []
    assert str(caught.value).startswith(f"source hr: {file}")
    assert words in str(caught.value)


def test_a_file_in_another_encoding_throughout_changes_nothing(file: Path) -> None:
    write(file, (HEADER + "".join(f"{number},u{number},陶晓明,,active,,\n" for number in range(9))).encode("gbk"))
    assert "9 of 9 rows are broken" in refused(file)
    assert "octets that are no text in this encoding" in refused(file)
    write(file, (HEADER + ADA).encode("utf-16"))
    assert "is the encoding really utf-8?" in refused(file)


def test_octets_that_no_error_handler_lets_through_are_a_broken_file(file: Path) -> None:
    write(file, (HEADER + ADA).encode("utf-16") + b"x")
    with pytest.raises(InvalidSourceData, match="is no text in utf-16: give the encoding that it was written in"):
        RecordReplica().read(CsvSource(replace(settings(file), encoding="utf-16")))


def test_a_source_without_a_login_name_has_a_cure(file: Path) -> None:
    plain = CsvSettings(id="hr", path=file, id_column="Nr", users=user_mapping())
    with pytest.raises(InvalidSourceData, match=r'no column is the login name; write username = "COLUMN"'):
        RecordReplica().read(CsvSource(plain))


def test_a_row_without_a_login_name_is_kept_with_its_line(file: Path) -> None:
    write(file, HEADER + ADA + BOB.replace("bob,Bob", ",Bob"))
    replica = RecordReplica().read(source(file))
    assert f"{file}, line 3 has no usable LOGIN, which username is read from" in problems(replica)["8"]


def test_a_file_that_is_not_there_is_unavailable_and_one_that_may_not_be_read_refused(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SourceUnavailable, match=r"missing\.csv cannot be read"):
        RecordReplica().read(source(tmp_path / "missing.csv"))

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)  # the tests may run as root, who may read everything
    with pytest.raises(SourceRefused, match=r"export\.csv may not be read"):
        RecordReplica().read(source(file))


def test_an_unchanged_file_yields_nothing_even_when_it_was_touched(file: Path) -> None:
    replica = RecordReplica().read(source(file))
    os.utime(file, (1, 1))
    replica.read(source(file))
    assert replica.batches == [Batch(caught_up=True)]


def test_other_settings_read_an_unchanged_file_again(file: Path) -> None:
    replica = RecordReplica().read(source(file))
    replica.read(CsvSource(replace(settings(file), users=user_mapping({"username": "Name"}), chosen=frozenset({"username"}))))
    assert replica.named("Carol").external_id == "9"


def test_a_file_that_changes_between_the_two_readings_deletes_nothing(file: Path) -> None:
    write(file, HEADER + "".join(f"{number},u{number},N,,active,,\n" for number in range(1200)))
    reading = source(file).read(None, follow=False)
    next(reading)
    write(file, HEADER + "".join(f"{number},u{number},N,,active,,\n" for number in range(600)))
    with pytest.raises(InvalidSourceData, match="changed while it was read"):
        assert not any(batch.completes for batch in reading)


def test_a_change_of_the_file_is_followed(file: Path) -> None:
    with FollowingReplica(source(file)) as following:
        write(file.with_suffix(".tmp"), HEADER + ADA + CAROL)  # written in place, it might be met empty
        file.with_suffix(".tmp").replace(file)
        following.until(lambda: following.replica.names(Kind.USER) == {"ada", "carol"})
        file.with_suffix(".tmp").write_text(HEADER + CAROL)
        file.with_suffix(".tmp").replace(file)
        following.until(lambda: following.replica.names(Kind.USER) == {"carol"})


def test_check_counts_and_shows_the_first_records_as_they_would_become(file: Path) -> None:
    items = {item.name: item for item in source(file).check()}
    assert {name: item.detail for name, item in items.items()} == {
        "file": f"{file.stat().st_size:,} bytes",
        "rows": "3 rows",
        "organizations": "3 would be read",
        "users": "3 would be read",
        "groups": "2 would be read",
    }
    assert items["users"].samples[0][1:] == ("7", RecordReplica().read(source(file)).named("ada").attributes)


def test_check_shows_broken_rows_and_the_records_that_would_be_read(file: Path) -> None:
    write(file, HEADER + ADA + ",bob,Bob,,,,\n" + CAROL)
    items = {item.name: item for item in source(file).check()}
    assert items["rows"].status is CheckStatus.WARNED
    assert "3 rows, 1 of them broken and kept aside; it is not sure" in items["rows"].detail
    assert f"{file}, line 3: no Nr" in items["rows"].detail
    assert items["users"].detail == "2 would be read"


def test_check_of_a_broken_file_has_a_reason_and_raises_nothing(file: Path) -> None:
    write(file, ADA)
    *_, last = source(file).check()
    assert (last.name, last.status) == ("rows", CheckStatus.FAILED)
    assert "there is no column" in last.detail


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"delimiter": ""}, "delimiter is one character"),
        ({"delimiter": ", "}, "delimiter is one character"),
        ({"quote": "\n"}, "quote is one character"),
        ({"delimiter": '"'}, "cannot be the same"),
        ({"encoding": "klingon"}, "encoding 'klingon' is not known"),
        ({"encoding": "rot13"}, "encoding 'rot13' is not known"),
        ({"organization_separator": ""}, "organization_separator is empty"),
        ({"groups_separator": " "}, "groups_separator is empty"),
    ],
)
def test_settings_that_make_no_sense_are_refused(file: Path, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(settings(file), **wrong)


@pytest.mark.parametrize("name", ["photo", "organizations"])
def test_a_column_cannot_hold_a_binary_attribute(name: str) -> None:
    with pytest.raises(ValueError, match=f"mapping.{name}: "):
        user_mapping({name: "Column"})


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("a@x.test", ["a@x.test"]),
        ("b@x.test; a@x.test", ["b@x.test", "a@x.test"]),
        ("b@x.test,a@x.test", ["b@x.test", "a@x.test"]),
        ("b@x.test a@x.test;", ["b@x.test", "a@x.test"]),
        ("b@x.test\na@x.test", ["b@x.test", "a@x.test"]),
        ("a@x.test (at work)", ["a@x.test (at work)"]),
        ("a@x.test;", ["a@x.test;"]),
        ('"a; b"@x.test', ['"a; b"@x.test']),
        ("Ada <a@x.test>; Bob <b@x.test>", ["Ada <a@x.test>; Bob <b@x.test>"]),
        ("none", ["none"]),
        ("", [""]),
    ],
)
def test_several_mail_addresses_in_a_cell_are_several_values_in_their_order(cell: str, expected: list[str]) -> None:
    assert addresses(cell) == expected


@pytest.mark.parametrize(
    ("changes", "username", "email"),
    [
        ({"username": "Login", "email": "Mail"}, ("ada",), ("b@x.test", "a@x.test")),
        ({"username": "MAIL", "email": "Mail"}, ("b@x.test; a@x.test",), ("b@x.test; a@x.test",)),
        (
            {"username": "Login", "email": expression.compile("split(Mail, ';', 1)", normalized)},
            ("ada",),
            ("b@x.test",),
        ),
        (
            {"username": "Login", "email": "Mail", "title": expression.compile("lower(Mail)", normalized)},
            ("ada",),
            ("b@x.test; a@x.test",),
        ),
    ],
)
def test_a_column_that_is_more_than_mail_addresses_stays_whole(
    tmp_path: Path, changes: dict[str, str | Sequence[str] | Expression], username: tuple[str, ...], email: tuple[str, ...]
) -> None:
    path = tmp_path / "export.csv"
    write(path, "Nr,Login,Mail\n7,ada,b@x.test; a@x.test\n")
    csv = CsvSource(CsvSettings(id="hr", path=path, id_column="Nr", users=user_mapping(changes), chosen=frozenset(changes)))
    [delta] = [delta for batch in csv.read(None, follow=False) for delta in batch.deltas]
    assert (delta.attributes["username"], delta.attributes["email"]) == (username, email)
