"""Just-in-time creation with the real program: the first bind of a user who is new at a source that is read on a long schedule
creates the user, whichever process serves the bind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.app.installation import BASE_DN, Installation, Serving, source_of, until
from tests.app.observations import PEOPLE, application, wait_until_all_serve, wait_until_read
from tests.servers import slapd as openldap
from tests.servers.people import READER_PASSWORD, people
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd

BIND_FAILURES = 4
SETTINGS = ("jit = true", 'mode = "poll"', "schedule_seconds = 3600")
"""Nothing is read between the first read and an hour later."""

VIEW = f"""
[[view]]
name = "openldap"
base_dn = "{BASE_DN}"
bind_names = ["dn", "principal", "domain", "login"]
domain = "directory.example"
netbios = "DIRECTORY"
"""


@dataclass(frozen=True, slots=True)
class JitGateway:
    """A gateway that has read its source, and the application that sees everything."""

    installation: Installation
    serving: Serving
    upstream: Slapd
    portal: tuple[str, str]

    def add_upstream(self, name: str, password: str = "sesame", **attributes: object) -> str:
        """Add a user at the source; return the DN there."""
        dn = f"uid={name},ou=dept1,ou=people,{self.upstream.suffix}"
        values = {"uid": name, "cn": name, "sn": name, "userPassword": password, **attributes}
        self.upstream.add(dn, "inetOrgPerson", values)
        return dn

    def find(self, filter_text: str) -> list[str]:
        """Return the DNs that the application finds."""
        connection = self.serving.connect(*self.portal)
        connection.bind()
        connection.search(BASE_DN, filter_text, attributes=["1.1"])
        return [entry["dn"] for entry in connection.response if entry["type"] == "searchResEntry"]

    def lookups(self, name: str) -> int:
        """Count the lookups of this login name at the source."""
        return self.upstream.log_text().count(f"(uid={name})")


@contextmanager
def jit_gateway(folder: Path, pki: Pki, workers: int) -> Iterator[JitGateway]:
    upstream = openldap.start(folder / "slapd", pki, ldif=people(20, 2, 5))
    try:
        installation = Installation(folder, os.environ | {"GATEWAY_LDAP__WORKERS": str(workers)})
        source = source_of(upstream, pki, "hr", *SETTINGS)
        installation.configure(source + VIEW, limits=f"bind_failures = {BIND_FAILURES}")
        password = folder / "hr.password"
        password.touch(mode=0o600)
        password.write_text(READER_PASSWORD)
        added = application(installation)
        with installation.serve() as serving:
            wait_until_read(serving)
            if workers > 1:
                wait_until_all_serve(serving)
            yield JitGateway(installation, serving, upstream, (added["bind_dns"][0], added["secret"]))
    finally:
        upstream.end()


@pytest.fixture(scope="module", params=[1, 2], ids=["one-process", "two-workers"])
def gate(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[JitGateway]:
    with jit_gateway(tmp_path_factory.mktemp("gate"), pki, request.param) as made:
        yield made


_numbers = count()


@pytest.fixture
def name() -> str:
    """A login name that no object and no record has yet."""
    return f"newcomer{next(_numbers)}"


FORMS: dict[str, Callable[[str], str]] = {
    "login": lambda name: name,
    "login in another case": str.upper,
    "principal": lambda name: f"{name}@directory.example",
    "domain": lambda name: f"DIRECTORY\\{name}",
    "dn": lambda name: f"uid={name},{PEOPLE}",
}


@pytest.mark.parametrize("form", FORMS)
def test_the_first_bind_creates_the_user_under_any_form_of_the_name(gate: JitGateway, name: str, form: str) -> None:
    gate.add_upstream(name, mail=f"{name}@example.test")
    assert gate.find(f"(uid={name})") == []
    assert gate.serving.bind(FORMS[form](name), "sesame") == "success"
    [entry] = gate.find(f"(&(uid={name})(mail={name}@example.test))")
    assert entry.lower() == f"uid={name},{PEOPLE}".lower()
    assert gate.serving.bind(f"uid={name},{PEOPLE}", "sesame") == "success"
    assert gate.lookups(name) <= 1, "an existing user is not looked up"


def test_a_user_reads_the_own_entry_on_the_connection_that_created_it(gate: JitGateway, name: str) -> None:
    gate.add_upstream(name)
    connection = gate.serving.connect(name, "sesame")
    assert connection.bind()
    connection.search(BASE_DN, f"(uid={name})", attributes=["cn"])
    assert [entry["attributes"]["cn"] for entry in connection.response] == [[name]]
    assert connection.extend.standard.who_am_i() == f"dn:uid={name},{PEOPLE}"


def test_a_wrong_password_creates_no_user_and_locks_before_the_source_does(gate: JitGateway, name: str) -> None:
    dn = gate.add_upstream(name)
    forms = [FORMS[form](name) for form in ("login", "dn", "principal", "domain")]
    assert len(forms) == BIND_FAILURES
    assert {gate.serving.bind(form, "wrong") for form in forms} == {"invalidCredentials"}
    assert gate.find(f"(uid={name})") == []
    asked = gate.upstream.log_text().count(f'BIND dn="{dn}"')
    assert asked >= BIND_FAILURES
    assert gate.serving.bind(name, "sesame") == "invalidCredentials", "the soft lock holds for every form of the name"
    assert gate.upstream.log_text().count(f'BIND dn="{dn}"') == asked


def test_an_unknown_name_is_looked_up_once_and_not_at_every_bind(gate: JitGateway, name: str) -> None:
    assert [gate.serving.bind(name, "sesame") for _ in range(3)] == ["invalidCredentials"] * 3
    assert 1 <= gate.lookups(name) <= 2, "each worker remembers for itself"


def test_concurrent_first_binds_create_one_user(gate: JitGateway, name: str) -> None:
    gate.add_upstream(name)
    with ThreadPoolExecutor(BIND_FAILURES) as pool:
        answers = list(pool.map(lambda _: gate.serving.bind(name, "sesame"), range(BIND_FAILURES)))
    assert answers == ["success"] * BIND_FAILURES
    assert len(gate.find(f"(uid={name})")) == 1


def test_a_login_name_of_two_people_creates_no_user(gate: JitGateway, name: str) -> None:
    gate.add_upstream(name)
    other = f"cn=other {name},ou=dept2,ou=people,{gate.upstream.suffix}"
    gate.upstream.add(other, "inetOrgPerson", {"uid": name, "cn": f"other {name}", "sn": "x", "userPassword": "sesame"})
    assert gate.serving.bind(name, "sesame") == "invalidCredentials"
    assert gate.find(f"(uid={name})") == []


def test_an_entry_that_the_filter_excludes_creates_no_user(gate: JitGateway, name: str) -> None:
    dn = f"cn={name},ou=dept1,ou=people,{gate.upstream.suffix}"
    values = {"uid": name, "cn": name, "sn": name, "userPassword": "sesame"}
    gate.upstream.add(dn, ["person", "uidObject"], values)
    assert gate.serving.bind(name, "sesame") == "invalidCredentials"


@pytest.mark.parametrize(
    "strange", ["*", "new*", "(uid=*)", "a\\2a", "a" * 300, "uid=*,ou=people,dc=directory,dc=example", ","]
)
def test_a_login_name_is_never_read_as_a_filter_or_a_dn(gate: JitGateway, strange: str) -> None:
    assert gate.serving.bind(strange, "sesame") in ("invalidCredentials", "invalidDNSyntax")


def test_a_created_user_is_kept_by_the_next_reconciliation(gate: JitGateway, name: str) -> None:
    gate.add_upstream(name)
    assert gate.serving.bind(name, "sesame") == "success"
    done = gate.installation("sync", "hr", "--full")
    assert done.code == 0, done
    assert len(gate.find(f"(uid={name})")) == 1


def test_while_the_source_is_down_an_unknown_name_is_unavailable_and_not_wrong(
    tmp_path_factory: pytest.TempPathFactory, pki: Pki
) -> None:
    with jit_gateway(tmp_path_factory.mktemp("down"), pki, 1) as gate:
        gate.add_upstream("late")
        gate.upstream.stop()
        assert gate.serving.bind("late", "sesame") == "unavailable"
        gate.upstream.restart()
        until(lambda: gate.serving.bind("late", "sesame") == "success", "the source is asked again")
