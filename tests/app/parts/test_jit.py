"""A bind of somebody whom the gateway has never heard of, at a source that is read on a long schedule: the person comes in with
that bind, whichever process serves it."""

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
class Bed:
    """A gateway that has read its source, and the application that sees everything."""

    installation: Installation
    serving: Serving
    upstream: Slapd
    portal: tuple[str, str]

    def appears(self, name: str, password: str = "sesame", **attributes: object) -> str:
        """Somebody new at the source; the DN there."""
        dn = f"uid={name},ou=dept1,ou=people,{self.upstream.suffix}"
        values = {"uid": name, "cn": name, "sn": name, "userPassword": password, **attributes}
        self.upstream.add(dn, "inetOrgPerson", values)
        return dn

    def found(self, filter_text: str) -> list[str]:
        """The DNs that the application finds."""
        connection = self.serving.connect(*self.portal)
        connection.bind()
        connection.search(BASE_DN, filter_text, attributes=["1.1"])
        return [entry["dn"] for entry in connection.response if entry["type"] == "searchResEntry"]

    def asked(self, name: str) -> int:
        """How often the source was asked for this login name."""
        return self.upstream.log_text().count(f"(uid={name})")


@contextmanager
def bed(folder: Path, pki: Pki, workers: int) -> Iterator[Bed]:
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
            yield Bed(installation, serving, upstream, (added["bind_dns"][0], added["secret"]))
    finally:
        upstream.end()


@pytest.fixture(scope="module", params=[1, 2], ids=["one-process", "two-workers"])
def gate(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Bed]:
    with bed(tmp_path_factory.mktemp("gate"), pki, request.param) as made:
        yield made


_numbers = count()


@pytest.fixture
def name() -> str:
    """Of somebody whom nobody has heard of."""
    return f"newcomer{next(_numbers)}"


FORMS: dict[str, Callable[[str], str]] = {
    "login": lambda name: name,
    "login in another case": str.upper,
    "principal": lambda name: f"{name}@directory.example",
    "domain": lambda name: f"DIRECTORY\\{name}",
    "dn": lambda name: f"uid={name},{PEOPLE}",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_newcomer_comes_in_with_the_first_bind_under_any_form_of_the_name(gate: Bed, name: str, form: str) -> None:
    gate.appears(name, mail=f"{name}@example.test")
    assert gate.found(f"(uid={name})") == []
    assert gate.serving.bind(FORMS[form](name), "sesame") == "success"
    [entry] = gate.found(f"(&(uid={name})(mail={name}@example.test))")
    assert entry.lower() == f"uid={name},{PEOPLE}".lower()
    assert gate.serving.bind(f"uid={name},{PEOPLE}", "sesame") == "success"
    assert gate.asked(name) <= 1, "who is known is not looked up"


def test_whoever_comes_in_sees_the_own_entry_on_that_connection(gate: Bed, name: str) -> None:
    gate.appears(name)
    connection = gate.serving.connect(name, "sesame")
    assert connection.bind()
    connection.search(BASE_DN, f"(uid={name})", attributes=["cn"])
    assert [entry["attributes"]["cn"] for entry in connection.response] == [[name]]
    assert connection.extend.standard.who_am_i() == f"dn:uid={name},{PEOPLE}"


def test_a_wrong_password_lets_nobody_in_and_locks_before_the_source_does(gate: Bed, name: str) -> None:
    dn = gate.appears(name)
    forms = [FORMS[form](name) for form in ("login", "dn", "principal", "domain")]
    assert len(forms) == BIND_FAILURES
    assert {gate.serving.bind(form, "wrong") for form in forms} == {"invalidCredentials"}
    assert gate.found(f"(uid={name})") == []
    asked = gate.upstream.log_text().count(f'BIND dn="{dn}"')
    assert asked >= BIND_FAILURES
    assert gate.serving.bind(name, "sesame") == "invalidCredentials", "the soft lock holds for every form of the name"
    assert gate.upstream.log_text().count(f'BIND dn="{dn}"') == asked


def test_who_is_known_nowhere_is_looked_up_once_and_not_with_every_try(gate: Bed, name: str) -> None:
    assert [gate.serving.bind(name, "sesame") for _ in range(3)] == ["invalidCredentials"] * 3
    assert 1 <= gate.asked(name) <= 2, "each worker remembers for itself"


def test_many_binds_of_one_newcomer_at_once_make_one_user(gate: Bed, name: str) -> None:
    gate.appears(name)
    with ThreadPoolExecutor(BIND_FAILURES) as pool:
        answers = list(pool.map(lambda _: gate.serving.bind(name, "sesame"), range(BIND_FAILURES)))
    assert answers == ["success"] * BIND_FAILURES
    assert len(gate.found(f"(uid={name})")) == 1


def test_a_name_that_two_people_have_is_nobodys(gate: Bed, name: str) -> None:
    gate.appears(name)
    other = f"cn=other {name},ou=dept2,ou=people,{gate.upstream.suffix}"
    gate.upstream.add(other, "inetOrgPerson", {"uid": name, "cn": f"other {name}", "sn": "x", "userPassword": "sesame"})
    assert gate.serving.bind(name, "sesame") == "invalidCredentials"
    assert gate.found(f"(uid={name})") == []


def test_whom_the_filter_leaves_out_stays_out(gate: Bed, name: str) -> None:
    dn = f"cn={name},ou=dept1,ou=people,{gate.upstream.suffix}"
    values = {"uid": name, "cn": name, "sn": name, "userPassword": "sesame"}
    gate.upstream.add(dn, ["person", "uidObject"], values)
    assert gate.serving.bind(name, "sesame") == "invalidCredentials"


@pytest.mark.parametrize(
    "strange", ["*", "new*", "(uid=*)", "a\\2a", "a" * 300, "uid=*,ou=people,dc=directory,dc=example", ","]
)
def test_a_strange_name_is_only_a_name(gate: Bed, strange: str) -> None:
    assert gate.serving.bind(strange, "sesame") in ("invalidCredentials", "invalidDNSyntax")


def test_what_comes_in_is_kept_by_the_next_comparison(gate: Bed, name: str) -> None:
    gate.appears(name)
    assert gate.serving.bind(name, "sesame") == "success"
    done = gate.installation("sync", "hr", "--full")
    assert done.code == 0, done
    assert len(gate.found(f"(uid={name})")) == 1


def test_while_the_source_is_down_an_unknown_name_is_unavailable_and_not_wrong(
    tmp_path_factory: pytest.TempPathFactory, pki: Pki
) -> None:
    with bed(tmp_path_factory.mktemp("down"), pki, 1) as gate:
        gate.appears("late")
        gate.upstream.stop()
        assert gate.serving.bind("late", "sesame") == "unavailable"
        gate.upstream.restart()
        until(lambda: gate.serving.bind("late", "sesame") == "success", "the source is asked again")
