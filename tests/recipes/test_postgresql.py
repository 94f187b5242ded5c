"""conf/clients/postgresql: roles log in to a real server with the passwords of the upstream; one database is for a group."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from tests.app.installation import until
from tests.recipes.company import ANNA, JOAO, WEI, ZOE, Company, Person
from tests.recipes.recipe import Addresses, text
from tests.servers.postgres import Postgres

RECIPES = ("postgresql",)

NEW = replace(JOAO, uid="new.dba", number=10100)
ADMINISTRATOR = "host all postgres 127.0.0.1/32 trust\n"


@pytest.fixture(scope="module")
def server(gateway: Addresses) -> Iterator[Postgres]:
    """Everybody has a role, and there is a database that only members of vpn-users may enter."""
    running = Postgres().start()
    try:
        running.create_database("shared")
        with psycopg.connect(running.url("postgres", "postgresql"), autocommit=True) as connection:
            for person in (ANNA, WEI, ZOE, JOAO, NEW):
                connection.execute(f'CREATE ROLE "{person.uid}" LOGIN'.encode())
        configure(running, text("postgresql/pg_hba.conf", gateway))
        yield running
    finally:
        running.remove()


def configure(server: Postgres, rules: str) -> None:
    """Lay these rules behind the administrator's; they count from the next connection on."""
    file = server.directory / "data" / "pg_hba.conf"
    file.write_text(ADMINISTRATOR + rules)
    shutil.chown(file, server.directory.owner())
    with psycopg.connect(server.url("postgres", "postgresql"), autocommit=True) as connection:
        loaded = server.log_text().count("reloading configuration files")
        connection.execute("SELECT pg_reload_conf()")
        until(lambda: server.log_text().count("reloading configuration files") > loaded, "the rules are read")


def log_in(server: Postgres, login: str, password: str, database: str = "postgres") -> str:
    """The name that the database knows the session by; psycopg.OperationalError when it is refused."""
    connected = psycopg.connect(host="127.0.0.1", port=server.port, user=login, password=password, dbname=database)
    with connected as connection:
        row = connection.execute("SELECT session_user").fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize("person", [ANNA, WEI, ZOE, JOAO], ids=lambda person: person.uid)
def test_the_right_password_opens_a_session(server: Postgres, person: Person) -> None:
    assert log_in(server, person.uid, person.password) == person.uid


@pytest.mark.parametrize("person", [ANNA, ZOE], ids=lambda person: person.uid)
def test_a_wrong_password_does_not(server: Postgres, person: Person) -> None:
    with pytest.raises(psycopg.OperationalError, match="LDAP authentication failed"):
        log_in(server, person.uid, "wrong")


def test_a_member_of_the_group_enters_the_database_of_the_group(server: Postgres) -> None:
    assert log_in(server, ANNA.uid, ANNA.password, "shared") == ANNA.uid


def test_who_is_no_member_does_not(server: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="LDAP authentication failed"):
        log_in(server, WEI.uid, WEI.password, "shared")


def test_somebody_who_is_hired_can_log_in(server: Postgres, company: Company) -> None:
    with pytest.raises(psycopg.OperationalError, match="LDAP authentication failed"):
        log_in(server, NEW.uid, NEW.password)
    company.hire(NEW)
    assert log_in(server, NEW.uid, NEW.password) == NEW.uid


def test_as_for_active_directory_the_principal_name_binds(server: Postgres, gateway: Addresses) -> None:
    configure(server, text("postgresql/pg_hba-active-directory.conf", gateway))
    try:
        assert log_in(server, ZOE.uid, ZOE.password) == ZOE.uid
        with pytest.raises(psycopg.OperationalError, match="LDAP authentication failed"):
            log_in(server, ANNA.uid, "wrong")
    finally:
        configure(server, text("postgresql/pg_hba.conf", gateway))
