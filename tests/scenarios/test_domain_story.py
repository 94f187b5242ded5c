"""From a real Active Directory domain controller to an LDAP client: log-ins, every kind of change, and a guesser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from gateway.connectors.ldap.active_directory import values as windows
from tests.app.installation import BASE_DN, until
from tests.connectors.domains import Corner
from tests.connectors.domains import corner as new_corner
from tests.scenarios.office import GROUPS, PEOPLE, UNITS, Observer, Office
from tests.servers.pki import Pki
from tests.servers.samba import Samba

PASSWORD = "Secret-1"
PROMPT_SECONDS = 15.0
"""On a machine that is busy with other tests; the bench measures what it takes on one that is not."""

FAILURES = 2
"""Of the soft lock: fewer than the three after which the domain locks the account."""

AD_BASE = "DC=corp,DC=test"


@pytest.fixture(scope="module")
def corner(domain_controller: Samba) -> Corner:
    made = new_corner(domain_controller)
    made.unit("sales")
    made.unit("europe", "OU=sales")
    ann = made.user("ann", "OU=sales", PASSWORD, mail="ann@example.test", title="Chief")
    bob = made.user("bob", "OU=europe,OU=sales", PASSWORD)
    staff = made.group("staff", ann, bob)
    made.group("everyone", staff, made.user("eve"))
    return made


@pytest.fixture(scope="module")
def office(corner: Corner, tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Office:
    return reading(corner, tmp_path_factory.mktemp("office"), pki)


def reading(corner: Corner, folder: Path, pki: Pki) -> Office:
    """An office that reads the corner."""
    made = Office(folder)
    secret = folder / "corp.password"
    secret.touch(mode=0o600)
    secret.write_text(corner.server.admin.password)
    made.configure(source_of(corner, pki), limits=f"bind_failures = {FAILURES}\nbind_failure_seconds = 1800")
    views = f'[[view]]\nname = "openldap"\nbase_dn = "{BASE_DN}"\n[[view]]\nname = "ad"\nkind = "ad"\nbase_dn = "{AD_BASE}"\n'
    made.file.write_text(made.file.read_text() + views)
    return made


@pytest.fixture(scope="module")
def observer(office: Office, corner: Corner) -> Iterator[Observer]:
    """A gateway that follows the domain; no poll can be what brings a change."""
    added = office("application", "add", "portal", "--view", "openldap", "--view", "ad", "--json")
    with office.observed(dict(added.json)) as observed:
        until(lambda: observed.serving.log_text().count("view serves") == 2, "both views serve")
        until(lambda: observed.find(f"(uid={corner.login('eve')})"), "the domain is read")
        yield observed


def source_of(corner: Corner, pki: Pki) -> str:
    lines = [
        "[[source]]",
        'name = "corp"',
        'kind = "active_directory"',
        f'url = "{corner.server.ldaps_url}"',
        f'certificate_sha256 = "{pki.digest.hex(":")}"',
        f"bind_dn = '{corner.server.admin.dn}'",
        'password_file = "corp.password"',
        "schedule_seconds = 3600",
        "poll_seconds = 3600",
    ]
    for kind in ("users", "organizations", "groups"):
        lines += [f"[source.{kind}]", f'base = "{corner.dn}"', f'exclude = ["OU=outside,{corner.dn}"]']
    return "\n".join([*lines, ""])


def person(corner: Corner, name: str) -> str:
    return f"uid={corner.login(name)},{PEOPLE}"


def members(observer: Observer, corner: Corner, group: str) -> set[str]:
    """Who is in the group, by the name without the number of the test."""
    [entry] = observer.find(f"(cn={corner.login(group)})", "member", base=GROUPS).values()
    names = [re.fullmatch(r"(?:uid|cn)=([a-z]+)\d+,.*", value.decode()) for value in entry.get("member", [])]
    return {found[1] for found in names if found}


def promptly(what: str, condition: Callable[[], object]) -> None:
    began = monotonic()
    until(condition, what)
    assert monotonic() - began < PROMPT_SECONDS, what


def test_people_groups_and_units_are_there_and_people_log_in(observer: Observer, corner: Corner) -> None:
    [ann] = observer.find(f"(uid={corner.login('ann')})", "mail", "title", "memberOf").values()
    assert (ann["mail"], ann["title"]) == ([b"ann@example.test"], [b"Chief"])
    assert members(observer, corner, "staff") == {"ann", "bob"}
    assert members(observer, corner, "everyone") == {"staff", "eve"}
    assert set(observer.find("(ou=*)", "1.1", base=UNITS)) >= {f"ou=europe,ou=sales,{UNITS}", f"ou=sales,{UNITS}"}
    assert observer.serving.bind(person(corner, "ann"), PASSWORD) == "success"
    assert observer.serving.bind(person(corner, "ann"), "wrong") == "invalidCredentials"
    assert "wrong password" in observer.serving.log_text()


def test_a_view_of_active_directory_shows_the_identifiers_of_the_domain(observer: Observer, corner: Corner) -> None:
    dn = corner.server.dn(f"CN={corner.login('ann')}", corner.below("OU=sales"))
    [shown] = observer.find(f"(sAMAccountName={corner.login('ann')})", "objectGUID", "objectSid", base=AD_BASE).values()
    assert shown["objectGUID"] == corner.server.values(dn, "objectGUID")
    assert shown["objectSid"] == corner.server.values(dn, "objectSid")


def test_every_kind_of_change_is_visible_promptly(observer: Observer, corner: Corner) -> None:
    server = corner.server
    dn = corner.user("pia", "OU=sales", PASSWORD)
    login = corner.login("pia")
    promptly("a user is new", lambda: observer.find(f"(uid={login})"))
    [before] = observer.find(f"(uid={login})", "entryUUID").values()
    team = corner.group("team", dn)
    promptly("a group is new", lambda: observer.find(f"(cn={corner.login('team')})"))
    assert members(observer, corner, "team") == {"pia"}

    server.modify(dn, {"title": ["Boss"]})
    promptly("a title", lambda: observer.find(f"(&(uid={login})(title=Boss))"))

    server.delete_values(team, {"member": [dn]})
    promptly("somebody left", lambda: members(observer, corner, "team") == set())
    server.add_values(team, {"member": [dn]})
    promptly("somebody joined", lambda: members(observer, corner, "team") == {"pia"})

    corner.unit("asia", "OU=sales")
    dn = server.rename(dn, f"CN={login}", f"OU=asia,OU=sales,{corner.dn}")
    promptly("a move", lambda: observer.find(f"(&(uid={login})(ou=asia))"))
    server.rename(f"OU=asia,OU=sales,{corner.dn}", "OU=pacific")
    promptly("a unit", lambda: observer.find(f"(&(uid={login})(ou=pacific))"))
    assert observer.serving.bind(person(corner, "pia"), PASSWORD) == "success"  # by the name that she has there now
    dn = f"CN={login},OU=pacific,OU=sales,{corner.dn}"

    corner.unit("outside")
    away = server.rename(dn, f"CN={login}", f"OU=outside,{corner.dn}")
    promptly("the scope", lambda: not observer.find(f"(uid={login})"))
    assert members(observer, corner, "team") == set()
    server.rename(away, f"CN={login}", f"OU=sales,{corner.dn}")
    promptly("the scope again", lambda: observer.find(f"(uid={login})"))
    promptly("her groups", lambda: members(observer, corner, "team") == {"pia"})
    assert observer.find(f"(uid={login})", "entryUUID").popitem()[1] == before

    server.delete(f"CN={login},OU=sales,{corner.dn}")
    promptly("a deletion", lambda: not observer.find(f"(uid={login})"))
    assert members(observer, corner, "team") == set()


def test_who_is_disabled_or_whose_password_has_expired_is_refused_with_the_reason_in_the_audit(
    observer: Observer, corner: Corner
) -> None:
    for name, reason, values in (
        ("dan", "account expired", {"accountExpires": [str(windows.filetime(corner.now))]}),
        ("mia", "password must be changed", {"pwdLastSet": ["0"]}),
    ):
        dn = corner.user(name, password=PASSWORD)
        uid = corner.login(name)
        promptly("a user", partial(observer.find, f"(uid={uid})"))
        assert observer.serving.bind(person(corner, name), PASSWORD) == "success"
        corner.server.modify(dn, values)
        assert observer.serving.bind(person(corner, name), PASSWORD) == "invalidCredentials"
        if name == "mia":
            assert reason in observer.serving.log_text()


def test_a_guesser_is_stopped_before_the_domain_locks_the_account(observer: Observer, corner: Corner) -> None:
    dn = corner.user("vic", password=PASSWORD)
    promptly("a user", lambda: observer.find(f"(uid={corner.login('vic')})"))
    for number in range(10):
        assert observer.serving.bind(person(corner, "vic"), f"guess{number}") == "invalidCredentials"
    assert corner.server.values(dn, "badPwdCount") == [str(FAILURES).encode()]
    assert corner.server.values(dn, "lockoutTime") in ([], [b"0"])
    assert corner.server.connect(dn, PASSWORD).bound  # at the domain itself nothing has happened to the account


def test_a_restart_reads_only_what_has_changed(corner: Corner, tmp_path: Path, pki: Pki) -> None:
    office = reading(corner, tmp_path, pki)
    for mode in ("full", "incremental"):
        with office.serve():
            [run] = [until(partial(finished, office, mode), f"a run, {mode}")]
        assert run["mode"] == mode
        corner.user(mode)
    assert run["statistics"]["user created succeeded"] == 1


def finished(office: Office, mode: str) -> dict[str, Any] | None:
    run = office.source("corp")["last_run"]
    return dict(run) if run and run["finished_at"] and run["mode"] == mode else None
