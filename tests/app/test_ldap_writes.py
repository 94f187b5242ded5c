"""Applications that write, with the real process (with workers: app/workers/test_workers.py); POSIX numbers from the
configuration on."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread

import ldap3
import pytest
from ldap3.core.exceptions import LDAPException

from tests.app.installation import BASE_DN, Installation, source_of, until
from tests.app.observations import PEOPLE, wait_until_read
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd

LEA = f"uid=lea,{PEOPLE}"
FIRST = f"uid=user000000,{PEOPLE}"
PERSON = ["top", "person", "organizationalPerson", "inetOrgPerson"]
POSIX = "uid_range = [20000, 29999]\ngid_range = [20000, 29999]"
HOMES = '[[view]]\n[view.posix]\nhome = "/home/{username}"\nprivate_groups = true\n'


def writer(installed: Installation) -> tuple[str, str]:
    """Add an application that may write; return its bind DN and secret."""
    added = installed("application", "add", "desk", "--grant", "write", "--grant", "passwords", "--json").json
    return added["bind_dns"][0], added["secret"]


def test_what_an_application_writes_is_read_on_every_connection_and_survives_a_restart(installed: Installation) -> None:
    account = writer(installed)
    with installed.serve() as serving:
        wait_until_read(serving)
        with serving.connect(*account) as desk:
            assert desk.add(LEA, PERSON, {"cn": "Lea", "sn": "Lund", "userPassword": "correct horse"}), desk.result
            assert desk.search(LEA, "(objectClass=*)", ldap3.BASE, attributes=["sn"])
            assert desk.modify(LEA, {"title": [(ldap3.MODIFY_ADD, ["Queen"])]}), desk.result
            assert not desk.modify(FIRST, {"sn": [(ldap3.MODIFY_REPLACE, ["X"])]})
            assert desk.result["description"] == "unwillingToPerform"
            assert "source hr" in desk.result["message"]
            assert desk.modify_dn(LEA, "uid=lia"), desk.result
            assert not desk.delete(FIRST)
        assert serving.bind(f"uid=lia,{PEOPLE}", "correct horse") == "success"
        log = serving.log_text()
        assert "operation=add" in log
        assert "application=desk" in log
        assert "correct horse" not in log
        assert serving.stop() == 0
    with installed.serve() as serving:
        wait_until_read(serving)
        installed("sync", "--full")
        with serving.connect(*account) as desk:
            assert desk.search(BASE_DN, "(uid=lia)", attributes=["title"])
            assert desk.response[0]["attributes"]["title"] == ["Queen"]
            assert desk.delete(f"uid=lia,{PEOPLE}"), desk.result
            assert not desk.search(BASE_DN, "(uid=lia)")


def test_law_2_a_write_that_was_answered_survives_a_kill_however_many_are_committed_together(gateway: Installation) -> None:
    gateway.configure("[[view]]\n")
    migrated = gateway("migrate")
    assert migrated.code == 0, migrated.err
    account = writer(gateway)
    names = [f"uid=writer{number},{PEOPLE}" for number in range(4)]
    answered = dict.fromkeys(names, 0)
    with gateway.serve() as serving:
        with serving.connect(*account) as desk:
            until(lambda: desk.search(BASE_DN, "(objectClass=*)", ldap3.BASE), "the view serves")
            assert all(desk.add(name, PERSON, {"cn": "W", "sn": "W"}) for name in names), desk.result

        def write(name: str) -> None:
            connection = serving.connect(*account)
            connection.bind()
            with suppress(LDAPException):
                while connection.modify(name, {"title": [(ldap3.MODIFY_REPLACE, [str(answered[name] + 1)])]}):
                    answered[name] += 1

        threads = [Thread(target=write, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        until(lambda: min(answered.values()) >= 10, "everybody has written")
        serving.process.kill()
        for thread in threads:
            thread.join()
    with gateway.serve() as serving, serving.connect(*account) as desk:
        until(lambda: desk.search(BASE_DN, "(objectClass=*)", ldap3.BASE), "the view serves")
        for name in names:
            assert desk.search(name, "(objectClass=*)", ldap3.BASE, attributes=["title"])
            [title] = desk.response[0]["attributes"]["title"]
            assert int(title) - answered[name] in (0, 1)


def test_posix_numbers_are_allocated_to_existing_objects_when_switched_on(
    installed: Installation, upstream: Slapd, pki: Pki
) -> None:
    account = writer(installed)
    with installed.serve() as serving:
        wait_until_read(serving)
    assert "POSIX" not in installed("status").out
    installed.configure(HOMES + source_of(upstream, pki), posix=POSIX)
    with installed.serve() as serving:
        with serving.connect(*account) as desk:
            until(lambda: desk.search(PEOPLE, "(objectClass=posixAccount)") and len(desk.response) == 20, "all are numbered")
            assert {found["uidNumber"] for found in _read(desk, "*")} == {str(number) for number in range(20000, 20020)}
            assert desk.add(LEA, [*PERSON, "posixAccount"], {"cn": "Lea", "sn": "Lund"}), desk.result
            [lea] = _read(desk, "lea")
            assert (lea["uidNumber"], lea["gidNumber"], lea["homeDirectory"]) == ("20022", "20022", "/home/lea")
        shown = installed("status")
    assert "uid 20000 to 29999: 21 of 10,000 given" in shown.out
    state = installed("status", "--json").json["posix"]
    assert (state["ranges"]["uid"]["given"], state["shared"]) == (21, [])


def _read(connection: ldap3.Connection, name: str) -> list[dict[str, str]]:
    """Return the first values of the POSIX accounts."""
    assert connection.search(PEOPLE, f"(uid={name})", attributes=["uidNumber", "gidNumber", "homeDirectory"])
    return [{key: values[0] for key, values in entry["attributes"].items()} for entry in connection.response]


def test_no_source_may_be_named_local(gateway: Installation) -> None:
    gateway.configure('[[source]]\nname = "Local"\nkind = "ldif"\npath = "people.ldif"\n')
    (gateway.folder / "people.ldif").write_text("")
    done = gateway("config", "check")
    assert done.code != 0
    assert "'local'" in done.err
    assert "choose another" in done.err


@pytest.mark.parametrize("lines", ["uid_range = [0, 5]", "uid_range = [5, 4]", "gid_range = [1, 4294967295]"])
def test_an_invalid_range_of_posix_numbers_is_refused_with_the_cure(gateway: Installation, lines: str) -> None:
    gateway.configure(posix=lines)
    done = gateway("config", "check")
    assert done.code != 0
    assert "[posix]" in done.err
    assert "such as [10000, 59999]" in done.err


def test_an_edit_over_ldap_overrides_a_source_while_the_source_yields(
    installed: Installation, upstream: Slapd, pki: Pki
) -> None:
    account = writer(installed)
    installed.configure(source_of(upstream, pki), **{"authority.users": "family_name = { yield = true }"})
    with installed.serve() as serving:
        wait_until_read(serving)
        with serving.connect(*account) as desk:
            before = _surname(desk)
            assert desk.modify(FIRST, {"sn": [(ldap3.MODIFY_REPLACE, ["Lund"])]}), desk.result
            assert _surname(desk) == ["Lund"]
            assert not desk.modify(FIRST, {"givenName": [(ldap3.MODIFY_REPLACE, ["X"])]})
            installed("sync", "--full")
            assert _surname(desk) == ["Lund"]
            [name] = [
                one
                for one in installed("explain", "user", "user000000", "--json").json["attributes"]
                if one["name"] == "family_name"
            ]
            assert (name["values"], name["source"], name["reason"]) == (["Lund"], "local", "yield")
            assert name["others"] == [{"source": "hr", "values": before}]
    installed.configure(source_of(upstream, pki))
    with installed.serve() as serving:
        wait_until_read(serving)
        with serving.connect(*account) as desk:
            until(lambda: _surname(desk) == before, "the source decides again")


def _surname(connection: ldap3.Connection) -> list[str]:
    """Return the surname of the first person."""
    assert connection.search(FIRST, "(objectClass=*)", ldap3.BASE, attributes=["sn"])
    return list(connection.response[0]["attributes"]["sn"])
