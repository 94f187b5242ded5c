"""conf/clients/lighttpd: a real lighttpd with mod_authn_ldap guards two places."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.recipes import web
from tests.recipes.company import ANNA, JOAO, WEI, ZOE
from tests.recipes.debian import Debian
from tests.recipes.recipe import Addresses, text
from tests.servers.processes import accepts, free_port

RECIPES = ("lighttpd",)


@pytest.fixture(scope="module")
def port(debian: Debian, gateway: Addresses) -> int:
    """Where lighttpd listens."""
    port = free_port()
    server = f'server.document-root = "/srv"\nserver.bind = "127.0.0.1"\nserver.port = {port}\nserver.username = "www-data"\n'
    debian.write("/etc/httpd.conf", f'{server}index-file.names = ("index.html")\n{text("lighttpd/directory.conf", gateway)}')
    for place in ("staff", "administration"):
        debian.write(f"/srv/{place}/index.html", place)
    debian.daemon("/usr/sbin/lighttpd", "-D", "-f", "/etc/httpd.conf", ready=lambda: accepts(port))
    return port


def statuses(port: int, place: str, *tried: tuple[str, str]) -> list[int]:
    """The status for each name and password; all at a time, for lighttpd holds a refusal back for a second."""
    with ThreadPoolExecutor(len(tried)) as pool:
        return [answer.status for answer in pool.map(lambda each: web.get(port, f"/{place}/", *each), tried)]


EVERYBODY = [(person.uid, person.password) for person in (ANNA, WEI, ZOE, JOAO)]


def test_everybody_enters_with_the_own_password(port: int) -> None:
    assert statuses(port, "staff", *EVERYBODY) == [200, 200, 200, 200]


def test_nobody_enters_with_a_wrong_password_a_name_that_is_none_or_without_one(port: int) -> None:
    wrong = [(login, "wrong") for login, _ in EVERYBODY]
    wrong += [(login, ANNA.password) for login in ("nobody", "*", "anna*", "anna.muller)(uid=*")] + [("", "")]
    assert statuses(port, "staff", *wrong) == [401] * 9


def test_members_of_the_group_enter_and_others_do_not(port: int) -> None:
    assert statuses(port, "administration", *EVERYBODY) == [200, 200, 401, 401]
