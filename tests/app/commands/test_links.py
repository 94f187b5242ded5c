"""`gateway links` as an administrator uses it, alone and beside a running gateway."""

from __future__ import annotations

import http.client
import json
from io import StringIO

import pytest

from tests.app.installation import Installation, until

PEOPLE = """\
dn: uid=ada,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: ada
cn: Ada
sn: Lovelace
employeeNumber: 7

dn: uid=eve,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: eve
cn: Eve
sn: Eden
employeeNumber: 7
"""
STAFF = """\
dn: uid=alovelace,ou=staff,dc=example,dc=com
objectClass: inetOrgPerson
uid: alovelace
cn: Ada
sn: Lovelace
title: Countess
employeeNumber: 7
"""
SOURCES = """
[[source]]
name = "corp"
kind = "ldif"
path = "people.ldif"

[[source]]
name = "hr"
kind = "ldif"
path = "staff.ldif"
[source.users]
correlation = ["employee_number = employee_number"]
"""
HR_DN = "uid=alovelace,ou=staff,dc=example,dc=com"


@pytest.fixture
def disputed(gateway: Installation) -> Installation:
    """HR's record may be Ada or Eve."""
    (gateway.folder / "people.ldif").write_text(PEOPLE)
    (gateway.folder / "staff.ldif").write_text(STAFF)
    gateway.configure(SOURCES)
    assert gateway("sync").code == 0
    return gateway


def test_a_dispute_is_listed_shown_and_decided(disputed: Installation) -> None:
    listed = disputed("links", "list", "--disputed")
    assert listed.code == 0
    assert "user ada" in listed.out
    assert "user eve" in listed.out
    assert "left out:   1 disputed; `gateway links list --source hr` lists them" in disputed("status", "hr").out
    [row] = disputed("links", "list", "--json").json
    assert (row["source"], row["situation"], {one["name"] for one in row["candidates"]}) == (
        "hr",
        "disputed",
        {"user ada", "user eve"},
    )
    done = disputed("links", "link", "hr", "alovelace", "ada")
    assert (done.code, done.out) == (0, f"the user record {row['external_id']} of source hr belongs to user ada\n")
    assert "link decision" in done.err
    shown = disputed("links", "show", "hr", HR_DN)
    assert "belongs to: user ada, by person:" in shown.out
    assert "title: Countess" in shown.out
    assert disputed("links", "list").out == "no record waits for a person\n"
    assert disputed("sync", "--full").code == 0
    facts = disputed("links", "show", "hr", "alovelace", "--json").json
    assert (facts["object"]["name"], facts["situation"]) == ("user ada", "linked")


def test_records_move_and_users_become_one(disputed: Installation) -> None:
    assert disputed("links", "split", "hr", "alovelace").out.endswith("belongs to user alovelace\n")
    merged = disputed("links", "merge", "ada", "alovelace", "--yes", "--json")
    assert (merged.code, merged.json["object"]["name"]) == (0, "user ada")
    assert disputed("links", "unlink", "hr", "alovelace").out.endswith("belongs to nothing\n")
    [row] = disputed("links", "list", "--unlinked", "--all", "--json").json
    assert {decision["verdict"] for decision in row["decisions"]} == {"never"}


def test_a_merge_shows_what_it_would_do_and_asks(disputed: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    assert disputed("links", "link", "hr", "alovelace", "eve").code == 0
    monkeypatch.setattr("sys.stdin", StringIO("n\n"))
    refused = disputed("links", "merge", "ada", "eve")
    assert refused.code == 130
    assert [line.strip() for line in refused.err.splitlines() if "record of" in line] == [
        "record of corp: uid=eve,ou=people,dc=example,dc=com",
        f"record of hr: {HR_DN}",
    ]
    assert disputed("links", "show", "hr", "alovelace", "--json").json["object"]["name"] == "user eve"
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    assert disputed("links", "merge", "ada", "eve").out == "eve and ada are one: user ada\n"
    taken_back = disputed("links", "withdraw", "hr", "alovelace")
    assert (taken_back.code, taken_back.out.endswith("belongs to user ada\n")) == (0, True)
    assert disputed("links", "split", "corp", "eve").out.endswith("belongs to user eve\n")


def test_rules_that_are_added_later_find_the_users_of_before_and_a_dry_run_says_so_first(gateway: Installation) -> None:
    (gateway.folder / "people.ldif").write_text(PEOPLE.partition("\n\n")[0] + "\n")
    (gateway.folder / "staff.ldif").write_text(STAFF)
    gateway.configure(SOURCES.partition("\n\n")[0])
    assert gateway("sync").code == 0
    gateway.configure(SOURCES)
    foreseen = gateway("sync", "hr", "--dry-run")
    assert "1 users linked: alovelace to user ada" in foreseen.out
    assert gateway("sync", "hr", "--dry-run", "--json").json[0]["links"] == {"user": 1}
    assert gateway("sync", "hr").code == 0
    assert gateway("links", "show", "hr", "alovelace", "--json").json["object"]["name"] == "user ada"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("links", "show", "hr", "nobody"), 1, "has no record 'nobody'"),
        (("links", "link", "hr", "alovelace", "nobody"), 1, "there is no user 'nobody'"),
        (("links", "unlink", "hr", "alovelace"), 1, "is linked to nothing"),
        (("links", "merge", "ada", "ada", "--yes"), 1, "name two"),
        (("links", "merge", "ada", "eve", "--kind", "thing"), 2, "--kind"),
    ],
)
def test_a_mistake_is_one_sentence_and_its_exit_code(
    disputed: Installation, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    done = disputed(*arguments)
    assert (done.code, done.out) == (code, "")
    assert sentence in done.err


def test_a_running_gateway_shows_what_was_decided_beside_it_and_over_its_admin_api(disputed: Installation) -> None:
    (disputed.folder / "token").write_text("0123456789abcdef0123456789abcdef\n")
    (disputed.folder / "token").chmod(0o600)
    disputed.configure(SOURCES, management='listen = "127.0.0.1:0"\ntoken_file = "token"')
    with disputed.serve() as serving:
        assert disputed("links", "link", "hr", "alovelace", "ada").code == 0
        host, port = serving.addresses["management"].split(":")
        headers = {"Authorization": "Bearer 0123456789abcdef0123456789abcdef"}

        def ask(method: str, path: str, body: str = "") -> dict[str, object]:
            client = http.client.HTTPConnection(host, int(port), timeout=20)
            client.request(method, path, body, headers)
            answer: dict[str, object] = json.loads(client.getresponse().read())
            client.close()
            return answer

        [row] = disputed("links", "list", "--all", "--json").json or [None]
        facts = disputed("links", "show", "hr", "alovelace", "--json").json
        shown = ask("GET", f"/admin/links/record?source=hr&external_id={facts['external_id']}")
        assert (shown["situation"], row) == ("linked", None)
        assert shown == facts  # one shape
        unlinked = ask("POST", "/admin/links/unlink", json.dumps({"source": "hr", "external_id": facts["external_id"]}))
        split = disputed("links", "split", "hr", "alovelace", "--json").json
        assert unlinked["object"] is None
        assert unlinked.keys() == split.keys()
        until(lambda: "link decision" in serving.log_text(), "the audit line")
        assert "0123456789abcdef" not in serving.log_text()
