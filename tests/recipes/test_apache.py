"""conf/clients/apache: a real httpd with mod_authnz_ldap guards three places."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.recipes import web
from tests.recipes.company import ANNA, JOAO, WEI, ZOE, Company, Person
from tests.recipes.debian import Debian
from tests.recipes.recipe import Addresses, text
from tests.servers.processes import accepts, free_port

RECIPES = ("apache",)

PLACES = ("staff", "administration", "everybody", "domain", "principal")
MODULES = ("mpm_event", "authn_core", "authz_core", "authz_user", "auth_basic", "ldap", "authnz_ldap", "headers", "dir")
NEW = replace(JOAO, uid="new.colleague", number=10101)


@pytest.fixture(scope="module")
def port(debian: Debian, gateway: Addresses) -> int:
    """Where httpd listens."""
    port = free_port()
    modules = (f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in MODULES)
    server = [f"Listen 127.0.0.1:{port}", "ServerName localhost", "DocumentRoot /srv", "User www-data", "Group www-data"]
    server += ["PidFile /run/httpd.pid", "ErrorLog /var/log/httpd.log", "DefaultRuntimeDir /run", "Mutex pthread"]
    server += ["DirectoryIndex index.html", 'Header set X-Mail "expr=%{reqenv:AUTHENTICATE_MAIL}"']
    recipes = (text(f"apache/{name}.conf", gateway) for name in ("directory", "active-directory"))
    debian.write("/etc/httpd.conf", "\n".join([*modules, *server, *recipes]))
    for place in PLACES:
        debian.write(f"/srv/{place}/index.html", place)
    debian.daemon("/usr/sbin/apache2", "-f", "/etc/httpd.conf", "-DFOREGROUND", ready=lambda: accepts(port))
    return port


def status(port: int, place: str, person: Person, password: str = "") -> int:
    return web.get(port, f"/{place}/", person.uid, password or person.password).status


@pytest.mark.parametrize("person", [ANNA, WEI, ZOE, JOAO], ids=lambda person: person.uid)
def test_everybody_enters_with_the_own_password_only(port: int, person: Person) -> None:
    assert status(port, "staff", person) == 200
    assert status(port, "staff", person, "wrong") == 401


def test_nobody_enters_without_a_name(port: int) -> None:
    assert {place: web.get(port, f"/{place}/").status for place in PLACES} == dict.fromkeys(PLACES, 401)


@pytest.mark.parametrize("name", ["nobody", "*", "anna*", "anna.muller)(uid=*"])
def test_a_name_that_is_none_is_refused(port: int, name: str) -> None:
    assert web.get(port, "/staff/", name, ANNA.password).status == 401


def test_members_of_the_group_enter_and_others_do_not(port: int) -> None:
    answers = {person.uid: status(port, "administration", person) for person in (ANNA, WEI, ZOE, JOAO)}
    assert answers == {ANNA.uid: 200, WEI.uid: 200, ZOE.uid: 401, JOAO.uid: 401}


def test_members_of_groups_in_the_group_enter(port: int) -> None:
    answers = {person.uid: status(port, "everybody", person) for person in (ANNA, WEI, ZOE, JOAO)}
    assert answers == {ANNA.uid: 200, WEI.uid: 200, ZOE.uid: 200, JOAO.uid: 401}


def test_programs_for_active_directory_find_members_of_groups_in_the_group(port: int) -> None:
    answers = {person.uid: status(port, "domain", person) for person in (ANNA, WEI, ZOE, JOAO)}
    assert answers == {ANNA.uid: 200, WEI.uid: 200, ZOE.uid: 200, JOAO.uid: 401}
    assert status(port, "domain", ANNA, "wrong") == 401


def test_programs_for_active_directory_know_people_by_principal_name(port: int) -> None:
    tried = [(f"{person.uid}@ad.example", person.password) for person in (ANNA, WEI, ZOE)] + [(ANNA.uid, ANNA.password)]
    assert [web.get(port, "/principal/", *each).status for each in tried] == [200, 200, 401, 401]


def test_the_application_behind_is_told_who_it_is(port: int) -> None:
    headers = web.get(port, "/staff/", ZOE.uid, ZOE.password).headers
    assert headers["x-mail"] == ZOE.mail


def test_somebody_who_is_hired_enters(port: int, company: Company) -> None:
    company.hire(NEW)
    assert status(port, "staff", NEW) == 200


def test_an_upstream_that_is_down_is_not_a_wrong_password(port: int, company: Company) -> None:
    with company.upstream_down():
        assert status(port, "staff", WEI, "not tried before") == 500
    assert status(port, "staff", WEI) == 200
