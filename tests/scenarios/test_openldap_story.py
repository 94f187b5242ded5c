"""From a real OpenLDAP to an LDAP client and an HTTP client: log-ins, every kind of change, and the upstream failing."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
from alibabacloud_eiam_developerapi20220225 import models
from alibabacloud_eiam_developerapi20220225.client import Client as PublicClient
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.runtime import RuntimeOptions

from tests.app.installation import BASE_DN, source_of, until
from tests.connectors.openldap_upstream import add_group, add_person, add_unit
from tests.scenarios.office import GROUPS, PEOPLE, UNITS, Observer, Office, of_upstream
from tests.servers.pki import Pki
from tests.servers.processes import program
from tests.servers.slapd import Slapd

BIND_SECONDS = 1.0
SLACK_SECONDS = 2.0  # for a machine that is busy with other tests

PEOPLE_BELOW, GROUPS_BELOW = "ou=people,dc=example,dc=test", "ou=groups,dc=example,dc=test"


def fill(upstream: Slapd) -> None:
    """Two units in a tree, people in each, at the top, and groups of people and of groups."""
    add_unit(upstream, "sales")
    add_unit(upstream, "europe", "ou=sales,ou=people")
    add_unit(upstream, "empty")
    ann = add_person(upstream, "ann", "ou=sales,ou=people", mail="Ann@example.test", title="Chief")
    bob = add_person(upstream, "bob", "ou=europe,ou=sales,ou=people", mail="bob@example.test")
    eve = add_person(upstream, "eve", givenName="Ève", displayName="Ève Ärmel")
    staff = add_group(upstream, "staff", ann, bob)
    add_group(upstream, "everyone", staff, eve)


@pytest.fixture(scope="module")
def observer(upstream: Slapd, tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Observer]:
    """A gateway that follows the upstream; its schedule is so long that no poll can be what brings a change."""
    fill(upstream)
    office = Office(tmp_path_factory.mktemp("office"))
    lines = ("schedule_seconds = 3600", "probe_seconds = 1", "answer_timeout_seconds = 1")
    office.configure(source_of(upstream, pki, "hr", *lines, f"bind_timeout_seconds = {BIND_SECONDS}"))
    with office.observed(office.application()) as observed:
        observed.must_see(upstream)
        yield observed


def tool(name: str, url: str, dn: str, password: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One of OpenLDAP's command line tools."""
    command = [program(name, "ldap-utils"), "-x", "-LLL", "-H", url, "-D", dn, "-w", password, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, env={"LDAPNOINIT": "1"})


def log_in(observer: Observer, dn: str, password: str) -> str:
    """How an LDAP bind ended."""
    return observer.serving.bind(dn, password)


@pytest.mark.parametrize("filter_text", ["(uid=ann)", "(mail=ann@EXAMPLE.test)"])
def test_an_application_finds_a_person_and_binds_as_her_with_the_upstream_password(
    observer: Observer, filter_text: str
) -> None:
    found = tool("ldapsearch", observer.ldap_url, observer.bind_dn, observer.secret, "-b", BASE_DN, filter_text, "mail")
    assert found.stdout == f"dn: uid=ann,{PEOPLE}\nmail: Ann@example.test\n\n", found.stderr
    dn = found.stdout.splitlines()[0].removeprefix("dn: ")
    who = subprocess.run(
        [program("ldapwhoami", "ldap-utils"), "-x", "-H", observer.ldap_url, "-D", dn, "-w", "ann-secret"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (who.returncode, who.stdout) == (0, f"dn:{dn}\n")


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(observer: Observer) -> None:
    wrong = tool("ldapsearch", observer.ldap_url, f"uid=ann,{PEOPLE}", "wrong", "-b", BASE_DN)
    unknown = tool("ldapsearch", observer.ldap_url, f"uid=nobody,{PEOPLE}", "wrong", "-b", BASE_DN)
    assert (wrong.returncode, wrong.stderr) == (unknown.returncode, unknown.stderr) == (49, wrong.stderr)


def test_a_password_changed_upstream_counts_at_once(observer: Observer, upstream: Slapd) -> None:
    dn = add_person(upstream, "pia")
    observer.must_see_promptly(upstream)
    assert log_in(observer, f"uid=pia,{PEOPLE}", "pia-secret") == "success"
    upstream.modify(dn, {"userPassword": ["another"]})
    assert log_in(observer, f"uid=pia,{PEOPLE}", "another") == "success"
    assert log_in(observer, f"uid=pia,{PEOPLE}", "pia-secret") == "invalidCredentials"


def test_groups_their_members_and_organizations_are_searchable(observer: Observer) -> None:
    assert observer.find(f"(member=uid=ann,{PEOPLE})", "cn", base=GROUPS) == {f"cn=staff,{GROUPS}": {"cn": [b"staff"]}}
    assert set(observer.find(f"(memberOf=cn=staff,{GROUPS})", "1.1")) == {f"uid=ann,{PEOPLE}", f"uid=bob,{PEOPLE}"}
    assert set(observer.find(f"(memberOf=cn=everyone,{GROUPS})", "1.1")) == {f"uid=eve,{PEOPLE}", f"cn=staff,{GROUPS}"}
    assert list(observer.find("(ou=europe)", "1.1", base=UNITS)) == [f"ou=europe,ou=sales,{UNITS}"]
    assert list(observer.find("(&(ou=europe)(uid=*))", "1.1")) == [f"uid=bob,{PEOPLE}"]


def test_the_public_client_reads_the_same_person(observer: Observer) -> None:
    client = PublicClient(Config(endpoint=observer.serving.addresses["http"], protocol="HTTP"))
    ids = tuple(observer.base_url.rsplit("/", 2)[1:])
    asked = models.GenerateTokenRequest(
        grant_type="client_credentials", client_id=observer.client_id, client_secret=observer.secret
    )
    token = client.generate_token(*ids, asked).body.access_token
    by_mail = client.get_user_id_by_email_with_options(
        *ids,
        models.GetUserIdByEmailRequest(email="ann@example.test"),
        models.GetUserIdByEmailHeaders(authorization=f"Bearer {token}"),
        RuntimeOptions(),
    )
    user_id = by_mail.body.user_id
    headers = models.GetUserHeaders(authorization=f"Bearer {token}")
    user = client.get_user_with_options(*ids, user_id, models.GetUserRequest(), headers, RuntimeOptions()).body
    assert (user.username, user.user_source_id, [group.group_name for group in user.groups]) == ("ann", "hr", ["staff"])
    assert observer.ids()["ann"].decode() == user_id


def add_a_person(upstream: Slapd) -> None:
    add_person(upstream, "new", "ou=sales,ou=people", mail="new@example.test")


def modify_a_person(upstream: Slapd) -> None:
    upstream.modify(f"uid=new,ou=sales,{PEOPLE_BELOW}", {"title": ["Boss"], "mail": []})


def rename_a_person(upstream: Slapd) -> None:
    upstream.rename(f"uid=new,ou=sales,{PEOPLE_BELOW}", "uid=newer")


def add_a_group(upstream: Slapd) -> None:
    add_group(upstream, "team", f"uid=newer,ou=sales,{PEOPLE_BELOW}")


def add_a_member(upstream: Slapd) -> None:
    upstream.add_values(f"cn=team,{GROUPS_BELOW}", {"member": [f"uid=eve,{PEOPLE_BELOW}"]})


def rename_a_group(upstream: Slapd) -> None:
    upstream.rename(f"cn=team,{GROUPS_BELOW}", "cn=crew")


def remove_a_member(upstream: Slapd) -> None:
    upstream.delete_values(f"cn=crew,{GROUPS_BELOW}", {"member": [f"uid=eve,{PEOPLE_BELOW}"]})


def add_units(upstream: Slapd) -> None:
    add_unit(upstream, "lab")
    add_unit(upstream, "bench", "ou=lab,ou=people")


def move_a_person(upstream: Slapd) -> None:
    upstream.rename(f"uid=newer,ou=sales,{PEOPLE_BELOW}", "uid=newer", f"ou=bench,ou=lab,{PEOPLE_BELOW}")


def move_a_unit(upstream: Slapd) -> None:
    upstream.rename(f"ou=lab,{PEOPLE_BELOW}", "ou=lab", f"ou=empty,{PEOPLE_BELOW}")


def rename_a_unit(upstream: Slapd) -> None:
    upstream.rename(f"ou=lab,ou=empty,{PEOPLE_BELOW}", "ou=workshop")


def delete_a_group(upstream: Slapd) -> None:
    upstream.delete(f"cn=crew,{GROUPS_BELOW}")


def delete_a_person(upstream: Slapd) -> None:
    upstream.delete(f"uid=newer,ou=bench,ou=workshop,ou=empty,{PEOPLE_BELOW}")


def delete_a_unit(upstream: Slapd) -> None:
    upstream.delete(f"ou=bench,ou=workshop,ou=empty,{PEOPLE_BELOW}")


CHANGES: tuple[Callable[[Slapd], None], ...] = (
    add_a_person,
    modify_a_person,
    rename_a_person,
    add_a_group,
    add_a_member,
    rename_a_group,
    remove_a_member,
    add_units,
    move_a_person,
    move_a_unit,
    rename_a_unit,
    delete_a_group,
    delete_a_person,
    delete_a_unit,
)
"""The life of one person, one group and one unit, in this order."""


def test_every_kind_of_change_is_readable_promptly_over_ldap_and_http(observer: Observer, upstream: Slapd) -> None:
    for change in CHANGES:
        before = of_upstream(upstream)
        change(upstream)
        assert of_upstream(upstream) != before, change.__name__
        observer.must_see_promptly(upstream)


def test_the_feed_tells_an_http_client_what_changed_since_its_last_question(observer: Observer, upstream: Slapd) -> None:
    token = json.loads(observer.get("/export").splitlines()[-1])["nextToken"]
    dn = add_person(upstream, "tom")
    told = json.loads(observer.get(f"/changes?nextToken={token}&waitSeconds=10"))
    upstream.delete(dn)
    told_then = json.loads(observer.get(f"/changes?nextToken={told['nextToken']}&waitSeconds=10"))
    [created], [left] = told["items"], told_then["items"]
    assert (created["type"], created["object"]["username"], created["object"]["status"]) == ("create", "tom", "enabled")
    assert (left["type"], left["id"], left["object"]["status"]) == ("update", created["id"], "disabled")


def status_of(observer: Observer, uid: str) -> str:
    """Over HTTP."""
    lines = [json.loads(line) for line in observer.get("/export").splitlines()[:-1]]
    [user] = [line["object"] for line in lines if line["kind"] == "user" and line["object"]["username"] == uid]
    return str(user["status"])


def test_who_leaves_is_gone_for_programs_and_disabled_for_applications_and_who_gets_the_login_name_is_another_user(
    observer: Observer, upstream: Slapd
) -> None:
    dn = add_person(upstream, "leaver")
    observer.must_see(upstream)
    identity = observer.ids()["leaver"]
    assert observer.serving.bind(f"uid=leaver,{PEOPLE}", "leaver-secret") == "success"
    assert status_of(observer, "leaver") == "enabled"
    upstream.delete(dn)
    observer.must_see_promptly(upstream)
    assert "leaver" not in observer.ids()
    assert observer.serving.bind(f"uid=leaver,{PEOPLE}", "leaver-secret") == "invalidCredentials"
    assert status_of(observer, "leaver") == "disabled"
    add_person(upstream, "leaver")  # another entry, with an entryUUID of its own
    observer.must_see_promptly(upstream)
    assert observer.ids()["leaver"] != identity
    assert observer.serving.bind(f"uid=leaver,{PEOPLE}", "leaver-secret") == "success"
    assert status_of(observer, "leaver") == "enabled"


def is_suspended(pid: int) -> bool:
    """Whether all its threads are: the one that still runs could answer."""
    states = [(task / "stat").read_text().rpartition(") ")[2][0] for task in Path(f"/proc/{pid}/task").iterdir()]
    return set(states) == {"T"}


@contextmanager
def down(upstream: Slapd, how: str) -> Iterator[None]:
    """The upstream killed, or hanging: it accepts connections and never answers."""
    begin, end = (upstream.kill, upstream.start) if how == "killed" else (upstream.suspend, upstream.resume)
    begin()
    until(lambda: how == "killed" or is_suspended(upstream.pid), "every thread stands still")
    try:
        yield
    finally:
        end()


@pytest.mark.parametrize("how", ["killed", "hanging"])
def test_an_upstream_that_is_down_delays_nothing_and_deletes_nothing(observer: Observer, upstream: Slapd, how: str) -> None:
    before = of_upstream(upstream)
    said = len(observer.serving.log_text())
    with down(upstream, how):
        for _ in range(5):  # the first ones ask the upstream, the later ones know
            began = monotonic()
            assert log_in(observer, f"uid=ann,{PEOPLE}", "ann-secret") == "unavailable"
            assert monotonic() - began < 2 * BIND_SECONDS + SLACK_SECONDS
        until(lambda: "source hr: " in observer.serving.log_text()[said:], "the failure is logged")
        assert observer.portraits() == (before, before)
    until(lambda: "is read again" in observer.serving.log_text()[said:], "it is read again")
    assert observer.portraits() == (before, before)
    add_person(upstream, how)
    observer.must_see_promptly(upstream)
    until(lambda: log_in(observer, f"uid={how},{PEOPLE}", f"{how}-secret") == "success", "binds are passed on again")
