"""The LDIF source: a file or a folder as a whole, unchanged files, broken files, and files that are being written."""

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.connectors.ldif.source import LdifSettings, LdifSource, ldif_kind
from gateway.model.connector import CheckStatus
from gateway.model.deltas import Batch, Watermark
from gateway.model.errors import InvalidSourceData, SourceRefused, SourceUnavailable
from gateway.model.ldap import dn as names
from gateway.model.mapping.inbound import default_mapping
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm
from tests.connectors.record_replica import FollowingReplica, RecordReplica
from tests.servers.people import people

ADA = (
    "dn: uid=ada,ou=sales,dc=x\nobjectClass: inetOrgPerson\nuid: ada\ncn: Ada\nsn: L\n"
    "entryUUID: 0B6C2A4E-0000-4000-8000-000000000001\n\n"
)
SALES = "dn: ou=sales,dc=x\nobjectClass: organizationalUnit\nou: sales\n\n"
STAFF = "dn: cn=staff,dc=x\nobjectClass: posixGroup\ncn: staff\nmemberUid: Ada\n\n"
SUFFIX = "dn: dc=x\nobjectClass: dcObject\nobjectClass: organization\ndc: x\no: X\n\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.ldif"
    write(path, SUFFIX + SALES + ADA + STAFF)
    return path


def write(path: Path, text: str, age: float = 10.0) -> None:
    """Put the text there as if it had been written `age` seconds ago."""
    path.write_text(text)
    os.utime(path, (time.time() - age, time.time() - age))


def settings(path: Path) -> LdifSettings:
    return LdifSettings("sample", path, poll_seconds=0.02, stable_seconds=0.2)


def source(path: Path) -> LdifSource:
    return LdifSource(settings(path))


def test_object_classes_decide_the_kind_and_other_entries_are_ignored(file: Path) -> None:
    replica = RecordReplica().read(source(file))
    assert [replica.names(kind) for kind in Kind] == [{"sales"}, {"ada"}, {"staff"}]
    assert replica.named("staff").references["members"] == (Reference(ReferenceForm.LOGIN, "ada"),)


def test_the_external_id_is_the_entry_uuid_or_the_key_of_the_dn(file: Path) -> None:
    replica = RecordReplica().read(source(file))
    assert replica.named("ada").external_id == "0b6c2a4e-0000-4000-8000-000000000001"
    assert replica.named("sales").external_id == names.key("ou=sales,dc=x")


def test_a_read_is_one_reconciliation_of_all_kinds_in_batches(tmp_path: Path) -> None:
    path = tmp_path / "many.ldif"
    write(path, "".join(people(1200, 5)))
    batches = list(source(path).read(None, follow=False))
    assert batches[0].begins == batches[-1].completes == set(Kind)
    assert [batch.watermark is not None for batch in batches] == [False, False, True]
    assert sum(len(batch.deltas) for batch in batches) == 1215


def test_a_folder_is_read_as_one(tmp_path: Path) -> None:
    for name, text in (("a.ldif", ADA), ("b.ldif", SALES), ("notes.txt", "no LDIF at all")):
        write(tmp_path / name, text)
    assert len(RecordReplica().read(source(tmp_path)).records) == 2


def test_an_unchanged_file_yields_nothing_even_when_it_was_touched(file: Path) -> None:
    replica = RecordReplica().read(source(file))
    os.utime(file, (1, 1))
    replica.read(source(file))
    assert replica.batches == [Batch(caught_up=True)]


def test_other_settings_read_an_unchanged_file_again(file: Path) -> None:
    replica = RecordReplica().read(source(file))
    kinds = (ldif_kind(Kind.USER, mapping=default_mapping(Kind.USER, {"username": "cn"})),)
    assert replica.read(LdifSource(replace(settings(file), kinds=kinds))).named("Ada")


def test_the_object_classes_of_a_kind_can_be_chosen(file: Path) -> None:
    kinds = (ldif_kind(Kind.ORGANIZATION, ("DCOBJECT",)), ldif_kind(Kind.USER, ()))
    assert RecordReplica().read(LdifSource(replace(settings(file), kinds=kinds))).names(Kind.ORGANIZATION) == {"X"}


@pytest.mark.parametrize("mark", [b"", b"garbage", b"{}", b"[]", b"5"])
def test_a_watermark_that_is_not_ours_becomes_a_full_read(file: Path, mark: bytes) -> None:
    replica = RecordReplica()
    replica.watermark = Watermark(mark)
    assert len(replica.read(source(file)).records) == 3


def test_a_broken_file_changes_nothing_and_the_error_names_file_and_line(file: Path) -> None:
    replica = RecordReplica().read(source(file))
    write(file, "".join(people(2000)) + "dn: uid=broken\nuid broken\n")
    with pytest.raises(InvalidSourceData, match=rf"source sample: {file}, line \d+: this is not `attribute: value`"):
        replica.read(source(file))
    assert replica.batches == []


def test_two_entries_with_one_identity_are_refused_naming_both_places(file: Path) -> None:
    write(file, ADA + SALES + ADA)
    with pytest.raises(InvalidSourceData, match=rf"line 12: uid=ada,.* has the identity of the entry at {file}, line 1"):
        RecordReplica().read(source(file))


@pytest.mark.parametrize("text", ["", "# nothing\n", SUFFIX])
def test_a_file_without_entries_is_not_an_empty_directory(file: Path, text: str) -> None:
    write(file, text)
    with pytest.raises(InvalidSourceData, match="holds no entry"):
        RecordReplica().read(source(file))


def test_an_empty_folder_is_not_an_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(InvalidSourceData, match=r"holds no \*\.ldif"):
        RecordReplica().read(source(tmp_path))


def test_a_file_that_is_not_there_is_unavailable_and_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"missing\.ldif cannot be read \(No such file or directory\): check the path"):
        RecordReplica().read(source(tmp_path / "missing.ldif"))


def test_a_file_that_may_not_be_read_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)  # the tests may run as root, who may read everything
    with pytest.raises(SourceRefused, match=r"people\.ldif may not be read: give the gateway's user the right to"):
        RecordReplica().read(source(file))


def test_a_file_that_changes_between_the_two_passes_deletes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "many.ldif"
    write(path, "".join(people(1200)))
    reading = source(path).read(None, follow=False)
    next(reading)
    write(path, "".join(people(600)))
    with pytest.raises(InvalidSourceData, match="changed while it was read"):
        assert not any(batch.completes for batch in reading)


def test_a_change_of_the_file_is_followed(file: Path) -> None:
    with FollowingReplica(source(file)) as following:
        write(file, ADA + SALES)
        following.until(lambda: len(following.replica.records) == 2)
        file.with_suffix(".tmp").write_text(ADA)
        file.with_suffix(".tmp").replace(file)
        following.until(lambda: len(following.replica.records) == 1)


def test_a_file_that_is_being_written_is_waited_for(file: Path) -> None:
    with FollowingReplica(LdifSource(replace(settings(file), stable_seconds=1.0))) as following:
        with file.open("w") as growing:
            for text in (SALES, ADA[:40], ADA[40:], STAFF):
                growing.write(text)
                growing.flush()
                threading.Event().wait(0.05)  # the writer's own pace
        following.until(lambda: len(following.replica.batches) > 1)
        assert following.error is None
        assert len(following.replica.records) == 3


def test_a_file_that_is_broken_while_it_is_followed_stops_the_read_and_keeps_everything(file: Path) -> None:
    with FollowingReplica(source(file)) as following:
        write(file, "dn: uid=broken\nuid broken\n")
        assert isinstance(following.failed(), InvalidSourceData)
        assert len(following.replica.records) == 3


def test_close_ends_a_follower_at_once_and_a_later_read_works(file: Path) -> None:
    reading = source(file)
    with FollowingReplica(reading) as following:
        began = time.monotonic()
        reading.close()
        assert "reading was stopped" in str(following.failed())
        assert time.monotonic() - began < 1
    assert len(RecordReplica().read(reading).records) == 3


def test_check_counts_and_shows_the_first_records_as_they_would_become(file: Path) -> None:
    items = {item.name: item for item in source(file).check()}
    assert list(items) == ["file", "syntax", "organizations", "users", "groups"]
    assert items["users"].detail == "1 would be read"
    ((kind, dn, attributes),) = items["users"].samples
    assert (kind, dn, attributes["username"]) == (Kind.USER, "uid=ada,ou=sales,dc=x", ("ada",))


def test_check_of_a_broken_file_names_the_line_and_raises_nothing(file: Path) -> None:
    write(file, "dn: uid=broken\nuid broken\n")
    *_, last = source(file).check()
    assert last.status is CheckStatus.FAILED
    assert f"{file}, line 2" in last.detail


@pytest.mark.parametrize(
    ("encoding", "octets"),
    [
        ("utf-8", "utf-8"),
        ("latin-1", "latin-1"),
        ("GBK", "gbk"),
        ("utf-8", "utf-16"),  # with a byte order mark: what `ldifde -u` writes
        ("latin-1", "utf-16"),
    ],
)
def test_text_in_other_encodings_is_read(file: Path, encoding: str, octets: str) -> None:
    write(file, "")
    text = ADA.replace("cn: Ada", "cn: Äda" if octets != "gbk" else "cn: 安娜").replace("\n", "\r\n")
    file.write_bytes(text.encode(octets))
    os.utime(file, (time.time() - 10, time.time() - 10))
    replica = RecordReplica().read(LdifSource(replace(settings(file), encoding=encoding)))
    assert replica.named("ada").attributes["display_name"] == ("Äda" if octets != "gbk" else "安娜",)
    assert not replica.named("ada").warnings


def test_octets_that_are_no_text_in_the_encoding_are_told_with_line_and_cure(file: Path) -> None:
    write(file, "")
    file.write_bytes(ADA.replace("cn: Ada", "cn: Äda").encode("latin-1"))
    os.utime(file, (time.time() - 10, time.time() - 10))
    values = next(item for item in source(file).check() if item.name == "values")
    assert values.status is CheckStatus.WARNED
    assert "uid=ada,ou=sales,dc=x: cn: a value is not UTF-8" in values.detail
    *_, refused = LdifSource(replace(settings(file), encoding="ascii")).check()
    assert refused.status is CheckStatus.FAILED
    assert f"{file}, line 1: what follows is not ascii" in refused.detail
    assert "set encoding to that of the file" in refused.detail
    with pytest.raises(ValueError, match="encoding 'utf-88' is not known"):
        replace(settings(file), encoding="utf-88")


def test_check_warns_of_a_file_without_users_with_the_classes_that_it_looked_for(file: Path) -> None:
    write(file, ADA.replace("inetOrgPerson", "account") + STAFF)
    users = next(item for item in source(file).check() if item.name == "users")
    assert (users.status, users.detail) == (CheckStatus.WARNED, "0 would be read")
    assert users.cure == "no entry has one of inetOrgPerson: set object_classes of [source.users]"


def test_a_file_of_other_object_classes_is_refused_with_those_that_are_there_and_the_key_to_set(file: Path) -> None:
    write(file, "dn: uid=ada,dc=x\nobjectClass: account\nobjectClass: posixAccount\nuid: ada\n")
    with pytest.raises(InvalidSourceData, match=r"there are account, posixAccount: set object_classes of \[source\.users\]"):
        RecordReplica().read(source(file))


def test_utf_16_without_a_byte_order_mark_is_refused_with_the_key_to_set(file: Path) -> None:
    file.write_bytes((SALES + ADA).encode("utf-16-le"))
    os.utime(file, (0, 0))
    with pytest.raises(InvalidSourceData, match=r"line 1: .* looks like UTF-16; set encoding"):
        RecordReplica().read(source(file))
    replica = RecordReplica().read(LdifSource(replace(settings(file), encoding="utf-16-le")))
    assert replica.names(Kind.USER) == {"ada"}
