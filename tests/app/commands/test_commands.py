"""The commands as an administrator uses them, against a real slapd where they read one."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.app.parts import clock
from gateway.store.engine.database import Database
from gateway.store.operations import leases
from gateway.sync.runner.lease_name import name_for
from tests.app.installation import Installation, Outcome, source_of
from tests.conftest import StartSlapd
from tests.servers.people import people, person_dn
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd

LDIF = """\
dn: ou=staff,dc=x
objectClass: organizationalUnit
ou: staff

dn: uid=ada,ou=staff,dc=x
objectClass: inetOrgPerson
uid: ada
sn: Lovelace
cn: Ada Lovelace

dn: cn=nobody,ou=staff,dc=x
objectClass: inetOrgPerson
sn: Nobody
cn: nobody

dn: cn=readers,dc=x
objectClass: groupOfNames
cn: readers
member: uid=ada,ou=staff,dc=x
"""
LDIF_SOURCE = '[[source]]\nname = "file"\nkind = "ldif"\npath = "people.ldif"\n'


@pytest.fixture
def with_file(gateway: Installation) -> Installation:
    (gateway.folder / "people.ldif").write_text(LDIF)
    gateway.configure(LDIF_SOURCE)
    return gateway


@pytest.fixture
def upstream(start_slapd: StartSlapd) -> Slapd:
    return start_slapd(ldif=people(60, 3, 20))


def test_check_shows_every_step_and_the_first_five_as_they_would_become(
    gateway: Installation, upstream: Slapd, pki: Pki
) -> None:
    gateway.configure(source_of(upstream, pki))
    done = gateway("check")
    assert done.code == 0, done
    lines = done.out.splitlines()
    assert lines[0] == "source hr (openldap)"
    assert any(line.startswith("  ok      users: 60") for line in lines)
    assert any(line.startswith("  ok      groups: 3") for line in lines)
    assert done.out.count("username=user0000") == 5
    assert "secret" not in done.out


def test_check_as_json_names_each_item_and_its_status(gateway: Installation, upstream: Slapd, pki: Pki) -> None:
    gateway.configure(source_of(upstream, pki))
    [source] = gateway("check", "hr", "--json").json
    by_name = {item["name"]: item for item in source["items"]}
    assert by_name["bind"]["status"] == by_name["TLS"]["status"] == "passed"
    assert by_name["users"]["samples"][0]["attributes"]["username"] == ["user000000"]


def test_check_says_what_failed_and_the_cure(gateway: Installation, upstream: Slapd, pki: Pki) -> None:
    gateway.configure(source_of(upstream, pki).replace(str(pki.ca), str(pki.wrong_ca)))
    done = gateway("check")
    assert done.code == 4
    [failed] = [line for line in done.out.splitlines() if line.startswith("  FAILED")]
    assert failed.startswith("  FAILED  TLS: ")
    assert "cure: " in done.out and "ca_file" in done.out
    (gateway.folder / "hr.password").write_text("wrong")
    gateway.configure(source_of(upstream, pki))
    done = gateway("check")
    assert (done.code, "  FAILED  bind: " in done.out) == (4, True)
    upstream.stop()
    done = gateway("check")
    assert (done.code, "  FAILED  TCP: " in done.out) == (4, True)


def test_a_dry_run_says_what_would_happen_and_stores_nothing(gateway: Installation, upstream: Slapd, pki: Pki) -> None:
    gateway.configure(source_of(upstream, pki))
    done = gateway("sync", "--dry-run")
    assert done.code == 0, done
    assert "  60 users created: user000000, user000001," in done.out
    assert "  3 groups created: group00000, group00001, group00002\n" in done.out
    [report] = gateway("sync", "--dry-run", "--json").json
    assert report["counts"]["user created succeeded"] == 60
    assert gateway("status", "--json").json["last_change_number"] == 1  # the root organization


def test_sync_reads_once_and_then_goes_on_from_there(gateway: Installation, upstream: Slapd, pki: Pki) -> None:
    gateway.configure(source_of(upstream, pki))
    first = gateway("sync")
    assert first.code == 0, first
    assert "source hr: full run 1 succeeded: 73 created" in first.out
    assert "  reading:    changes and deletions by RFC 4533 at each run\n" in gateway("status").out
    assert gateway("status", "--json").json["sources"][0]["reading"] == "changes and deletions by RFC 4533 at each run"
    upstream.modify(person_dn(7), {"title": ["Chief"]})
    [second] = gateway("sync", "hr", "--json").json
    assert (second["mode"], second["counts"]["user updated succeeded"]) == ("incremental", 1)
    assert "user unchanged succeeded" not in second["counts"]
    [full] = gateway("sync", "--full", "--json").json
    assert (full["mode"], full["counts"]["user unchanged succeeded"]) == ("full", 60)


def test_too_many_deletions_wait_for_a_person(gateway: Installation, upstream: Slapd, pki: Pki) -> None:
    gateway.configure(source_of(upstream, pki, "hr", "[source.deletion_guard]", "users = 5"))
    assert gateway("sync").code == 0
    for number in range(10):
        upstream.delete(person_dn(number))
    foreseen = gateway("sync", "--dry-run")
    assert (foreseen.code, "10 users held, not deleted: " in foreseen.out) == (3, True)
    refused = gateway("sync")
    assert refused.code == 3
    assert "gateway sync hr --allow-deletions" in refused.err
    assert "refused by the deletion guard" in gateway("status").out
    # It is not forgotten by runs that find nothing new, and the command does what it says.
    again = gateway("sync", "hr", "--json")
    assert (again.code, [run["status"] for run in again.json]) == (3, ["refused"])
    assert gateway("sync", "--dry-run").code == 3
    [source] = gateway("status", "--json").json["sources"]
    assert (source["counts"]["user"]["records"], source["held_deletions"]["counts"]) == (60, {"user": 10})
    assert "  held:       deletions of 10 users since " in gateway("status").out
    rows = gateway("status", "hr", "--problems", "--json").json
    assert {row["dn"] for row in rows if row["situation"] == "held"} == {person_dn(number) for number in range(10)}
    assert gateway("sync", "hr", "--allow-deletions").code == 0
    assert gateway("sync", "hr").code == 0
    [source] = gateway("status", "--json").json["sources"]
    assert (source["counts"]["user"]["records"], source["last_error"]) == (50, "")


def test_a_source_that_cannot_be_read_does_not_keep_others_from_it(with_file: Installation, upstream: Slapd, pki: Pki) -> None:
    upstream.stop()
    with_file.configure(source_of(upstream, pki) + LDIF_SOURCE)
    done = with_file("sync")
    assert done.code == 4
    assert "gateway: source hr: " in done.err and "connection refused" in done.err.lower()
    assert "source file: full run" in done.out
    assert "last error: 0 s ago: source hr: " in with_file("status").out


def test_a_broken_file_changes_nothing_and_the_error_names_file_and_line(with_file: Installation) -> None:
    assert with_file("sync").code == 0
    (with_file.folder / "people.ldif").write_text(LDIF.replace("sn: Nobody", "sn Nobody"))
    done = with_file("sync")
    assert (done.code, "people.ldif, line 13: " in done.err) == (4, True), done
    [source] = with_file("status", "--json").json["sources"]
    assert source["counts"]["user"]["linked"] == 1


def test_a_lease_that_a_dead_gateway_left_behind_is_waited_for(with_file: Installation) -> None:
    with_file("status")
    database = Database(f"sqlite:///{with_file.folder}/data/store.sqlite")
    database.write_blocking(lambda connection: leases.acquire(connection, name_for("file"), "dead:1", 1.5, clock.now()))
    database.close()
    done = with_file("sync")
    assert (done.code, "source file: full run 1 succeeded" in done.out) == (0, True), done


def test_a_source_is_not_read_by_two_configurations_at_once(with_file: Installation) -> None:
    with with_file.serve() as serving:
        assert with_file("sync").code == 0
        with_file.configure(LDIF_SOURCE + '[source.users.mapping]\ndisplay_name = "sn"\n')
        refused = with_file("sync")
        assert refused.code == 1
        assert f"`gateway serve` (process {serving.process.pid}) was started with other sources or rules" in refused.err
        assert with_file("sync", "--dry-run").code == 0
    assert with_file("sync").code == 0


def test_status_lists_the_last_runs_the_newest_first(with_file: Installation) -> None:
    for _ in range(3):
        assert with_file("sync").code == 0
    [listed] = with_file("status", "file", "--runs", "2", "--json").json
    assert (listed["source"], [run["status"] for run in listed["runs"]]) == ("file", ["succeeded", "succeeded"])
    newest, before = listed["runs"]
    assert newest["id"] > before["id"] and newest["finished_at"] >= newest["started_at"] >= before["finished_at"]
    shown = with_file("status", "file", "--runs").out.splitlines()
    assert (shown[0], len([line for line in shown if " succeeded " in line])) == ("source file", 3)
    assert "created" in shown[4] and "created" not in shown[2]
    assert with_file("status", "--runs", "101").code == 2
    both = with_file("status", "--problems", "--runs")
    assert (both.code, "exclude each other" in both.err) == (2, True)


def test_status_lists_the_records_that_were_left_out_and_why(with_file: Installation) -> None:
    assert "never read; `gateway serve` reads it" in with_file("status").out
    assert with_file("status", "--problems").out == "source file: never read\n"
    with_file("sync")
    done = with_file("status")
    assert "  records:    1 organizations, 2 users, 1 groups\n" in done.out
    assert "  left out:   1 unmatched; `gateway status file --problems` lists them\n" in done.out
    [problem] = with_file("status", "file", "--problems", "--json").json
    assert (problem["situation"], problem["dn"]) == ("unmatched", "cn=nobody,ou=staff,dc=x")
    assert "uid" in problem["reason"]
    assert "cn=nobody,ou=staff,dc=x" in with_file("status", "--problems").out


def test_members_that_the_source_does_not_have_are_told_by_status(with_file: Installation) -> None:
    gone = "member: uid=ghost,ou=staff,dc=x\nmember: uid=other,ou=staff,dc=x\n"
    (with_file.folder / "people.ldif").write_text(f"{LDIF}{gone}")
    assert with_file("sync").code == 0
    assert with_file("status", "--json").json["sources"][0]["missing_members"] == {"members": 2, "groups": 1}
    assert "missing:    2 members, named by 1 of the groups" in with_file("status").out
    [row] = [row for row in with_file("status", "--problems", "--json").json if row["kind"] == "group"]
    assert (row["situation"], row["dn"]) == ("members missing", "cn=readers,dc=x")
    assert row["reason"].startswith(
        "names 2 members that are not among what is read from here, such as uid=ghost,ou=staff,dc=x:"
    )


def test_values_that_cannot_be_kept_are_told_until_the_source_corrects_them(with_file: Installation) -> None:
    broken = LDIF.replace("cn: Ada Lovelace", "cn: Ada Lovelace\nmail: bü@x.test\ntelephoneNumber: 1\ntelephoneNumber: ü")
    file = with_file.folder / "people.ldif"
    file.write_bytes(broken.encode("latin-1"))
    foreseen = with_file("sync", "--dry-run")
    assert "left out: source file: uid=ada,ou=staff,dc=x: mail: a value is not UTF-8" in foreseen.out
    done = with_file("sync")
    assert (done.code, "values of 1 records could not be kept; `gateway status file --problems`" in done.out) == (0, True)
    assert "incomplete: values of 1 records could not be kept" in with_file("status").out
    [row] = [row for row in with_file("status", "--problems", "--json").json if row["situation"] == "values left out"]
    left_out = "a value is not UTF-8 and was left out; correct it at the source"
    assert (row["dn"], row["reason"]) == ("uid=ada,ou=staff,dc=x", f"mail: {left_out}; telephoneNumber: {left_out}")
    file.write_bytes(broken.replace("telephoneNumber: ü\n", "").encode("latin-1"))  # the values that are kept stay the same
    assert with_file("sync").code == 0
    [row] = [row for row in with_file("status", "--problems", "--json").json if row["situation"] == "values left out"]
    assert row["reason"] == f"mail: {left_out}"
    file.write_text(LDIF)
    assert with_file("sync", "--json").json[0]["records_with_left_out_values"] == 0
    assert "incomplete" not in with_file("status").out


def test_an_application_is_added_shown_changed_and_removed(with_file: Installation) -> None:
    with_file("sync")
    added = with_file("application", "add", "hr-portal", "--organization", "staff", "--group", "readers", "--json").json
    assert added["bind_dns"] == ["cn=hr-portal,ou=applications,dc=directory,dc=example"]
    assert added["base_url"].endswith(f"/{added['client_id']}")
    assert len(added["secret"]) == 43

    shown = with_file("application", "show", "HR-Portal")
    assert "organizations: staff\n" in shown.out and "groups: readers\n" in shown.out
    assert added["secret"] not in shown.out + with_file("application", "list", "--json").out

    replaced = with_file("application", "new-secret", "hr-portal", "--json").json
    assert replaced["secret"] != added["secret"]

    assert with_file("application", "set", "hr-portal", "--all-groups", "--attribute", "mail", "--disable").code == 0
    [listed] = with_file("application", "list", "--json").json
    assert (listed["groups"], listed["attributes"], listed["enabled"]) == (None, ["mail"], False)
    assert listed["organizations"] == ["staff"]

    assert with_file("application", "remove", "hr-portal", "--yes").code == 0
    assert with_file("application", "list", "--json").json == []


def test_an_application_has_two_secrets_while_its_programs_are_given_the_new_one(with_file: Installation) -> None:
    first = with_file("application", "add", "portal", "--json").json["secret"]
    changed = with_file("application", "new-secret", "portal", "--keep-old", "--for", "7d", "--json")
    assert (changed.code, changed.json["secret"] != first) == (0, True)
    assert "stays valid until 20" in changed.err and "gateway application end-old-secret portal" in changed.err
    [listed] = with_file("application", "list", "--json").json
    ends = datetime.fromisoformat(listed["old_secret"])
    assert timedelta(days=6, hours=23) < ends - datetime.now(UTC) <= timedelta(days=7)
    assert "old secret: valid until 20" in with_file("application", "show", "portal").out
    again = with_file("application", "new-secret", "portal", "--keep-old")
    assert (again.code, "two valid secrets already" in again.err) == (1, True)
    assert "has ended" in with_file("application", "end-old-secret", "portal").out
    assert "old secret: none" in with_file("application", "show", "portal").out
    assert "one secret only" in with_file("application", "end-old-secret", "portal").out
    assert "until it is ended" in with_file("application", "new-secret", "portal", "--keep-old").err
    assert with_file("application", "show", "portal", "--json").json["old_secret"] == ""


def test_an_application_without_views_is_shown_with_the_first_one(with_file: Installation) -> None:
    with_file("application", "add", "portal")
    assert with_file("application", "list", "--json").json[0]["views"] == ["openldap"]
    assert "views: openldap\n" in with_file("application", "show", "portal").out


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (
            ("application", "new-secret", "x", "--keep-old", "--for", "7"),
            2,
            "'7' is no duration; write a number and",
        ),
        (("application", "new-secret", "x", "--for", "7d"), 2, "it goes with --keep-old"),
        (("application", "add", "x", "--organization", "staff/none"), 1, "nothing named 'none' at that place"),
        (("application", "add", "x", "--group", "none"), 1, "there is no group 'none'"),
        (("application", "add", "x", "--view", "none"), 2, "there is no view 'none'"),
        (("application", "add", "x", "--group", "readers", "--no-groups"), 2, "exclude each other"),
        (("application", "add", " "), 2, "1 to 64 printable characters"),
        (("application", "show", "none"), 1, "there is no application 'none'"),
        (("status", "none"), 1, "there is no source 'none' in the configuration; the sources are: file"),
        (("nonsense",), 2, "No such command"),
        (("--set", "ldap.listn=1", "status"), 2, '--set ldap.listn: [ldap] listn: no such key; did you mean "listen"?'),
    ],
)
def test_a_mistake_is_one_sentence_and_its_exit_code(
    with_file: Installation, arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    with_file("sync")
    done = with_file(*arguments)
    assert (done.code, complaint in done.err) == (code, True), done
    assert "Traceback" not in done.err


def test_an_attribute_that_no_view_shows_is_warned_about(with_file: Installation) -> None:
    names = ("mail", "memberOf", "objectClass", "name", "entryUUID", "2.5.4.3", "MAIL;binary", "memberUid")
    added = with_file("application", "add", "a", *(f"--attribute={name}" for name in names))
    assert (added.code, "warning" in added.err) == (0, False)
    changed = with_file("application", "set", "a", "--attribute", "maill", "--attribute", "shoeSize")
    assert changed.code == 0
    assert [line for line in changed.err.splitlines() if "warning" in line] == [
        "warning: --attribute maill: no view shows it; did you mean mail?",
        "warning: --attribute shoeSize: no view shows it",
    ]


def test_a_name_that_is_taken_is_said_so(with_file: Installation) -> None:
    assert with_file("application", "add", "portal").code == 0
    done = with_file("application", "add", "Portal")
    assert (done.code, "choose another name" in done.err) == (1, True)


def test_the_effective_configuration_is_shown_with_secrets_masked(gateway: Installation) -> None:
    source = '[[source]]\nname = "hr"\nkind = "openldap"\nurl = "ldap://x"\nbind_dn = "cn=r"\npassword = "hunter2"\n'
    gateway.configure(
        source + '[source.users]\nbase = "ou=p"\n',
        store='url = "postgresql+psycopg://g:hunter2@127.0.0.1:1/g"',
        log='level = "error"',
    )
    for done in (gateway("config", "show"), gateway("config", "show", "--json")):
        assert done.code == 0
        assert "********" in done.out and "hunter2" not in done.out
    assert gateway("config", "show", "--json").json["log"]["level"] == "error"
    shown = gateway.folder / "shown.toml"
    shown.write_text(gateway("config", "show").out.replace("********", "sqlite:////tmp/g.sqlite"))
    gateway.file.write_text(shown.read_text())
    assert gateway("config", "check").code == 0


def test_a_wrong_configuration_is_told_with_all_complaints(gateway: Installation) -> None:
    gateway.file.write_text("[ldap]\nlisten = 1\n[log]\nlevel = 'x'\n")
    done = gateway("config", "check")
    assert (done.code, len(done.err.splitlines())) == (2, 2)


@pytest.mark.parametrize("table", ["ldap", "http", "management"])
def test_a_certificate_that_cannot_be_used_is_no_right_configuration(gateway: Installation, pki: Pki, table: str) -> None:
    def checked(key: Path, *more: str) -> Outcome:
        named = (f"certificate={pki.certificate}", f"key={key}", *more)
        return gateway(*(word for one in named for word in ("--set", f"{table}.{one}")), "config", "check")

    assert checked(pki.key).code == 0
    missing = checked(gateway.folder / "none.key")
    assert (missing.code, "none.key" in missing.err) == (2, True)
    wrong = checked(pki.ca)
    assert (wrong.code, f"key {pki.ca} cannot be used" in wrong.err) == (2, True)
    if table == "ldap":
        clients = checked(pki.key, f"client_ca={pki.key}")
        assert (clients.code, f"client_ca {pki.key} cannot be used" in clients.err) == (2, True)


def test_a_postgresql_store_is_used_only_after_gateway_migrate(gateway: Installation, postgres_database: str) -> None:
    gateway.configure(store=f'url = "{postgres_database}"')
    refused = gateway("status")
    assert (refused.code, "run `gateway migrate`" in refused.err) == (5, True)
    assert gateway("migrate").code == 0
    assert gateway("migrate").code == 0
    assert gateway("status").code == 0


def test_a_store_that_is_no_database_is_named_with_the_cure(gateway: Installation) -> None:
    (gateway.folder / "data").mkdir()
    (gateway.folder / "data" / "store.sqlite").write_bytes(b"this is not a database, and long enough to be sure of it" * 50)
    done = gateway("status")
    assert done.code == 5
    assert "store.sqlite" in done.err and "Traceback" not in done.err


def test_the_command_is_a_module_too() -> None:
    done = subprocess.run([sys.executable, "-m", "gateway", "--version"], capture_output=True, text=True, cwd=Path.cwd())
    assert (done.returncode, done.stdout) == (0, "gateway, version 0.1.0\n")


def test_help_documents_every_command_and_the_exit_codes(gateway: Installation) -> None:
    text = gateway("--help").out
    for command in ("serve", "check", "sync", "status", "application", "migrate", "config"):
        assert f"\n  {command} " in text
    assert "3 stopped by the deletion guard" in text


def test_the_key_of_tokens_is_renewed_and_never_shown(gateway: Installation) -> None:
    shown = gateway("instance", "show", "--json").json
    assert gateway("instance", "rotate-key").code == 0
    assert gateway("instance", "show", "--json").json == shown
    assert list(shown) == ["instance_id"]


def test_a_new_history_is_begun_and_keeps_the_instance(gateway: Installation) -> None:
    shown = gateway("instance", "show", "--json").json
    begun = gateway("instance", "new-history")
    assert (begun.code, begun.out) == (0, "the store has a new history: views are built and sources compared anew\n")
    assert gateway("instance", "show", "--json").json == shown
