"""conf/clients/slapd-consumer: a real slapd is a replica of the view, follows it, and answers on its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import ldap3
import pytest

from tests.app.installation import until
from tests.recipes.company import ANNA, JOAO, PEOPLE, ZOE, Company
from tests.recipes.recipe import CLIENTS, Addresses, text
from tests.servers.processes import ServerProcess, accepts, free_port, program

RECIPES = ("slapd-consumer",)

BASE = "dc=directory,dc=example"
SCHEMA = "openssh-lpk.schema"
PLACES = {f"/etc/ldap/schema/{SCHEMA}": SCHEMA, "/var/run/slapd/slapd.pid": "slapd.pid", "/var/lib/ldap": "db"}


class Replica:
    """The consumer, and what is read from it."""

    def __init__(self, folder: Path, gateway: Addresses) -> None:
        places = {original: folder / name for original, name in PLACES.items()}
        (folder / "slapd.conf").write_text(text("slapd-consumer/slapd.conf", gateway, **places))
        (folder / SCHEMA).write_text((CLIENTS / "slapd-consumer" / SCHEMA).read_text())
        (folder / "db").mkdir()
        self._port = free_port()
        command = [program("slapd", "slapd"), "-f", str(folder / "slapd.conf"), "-d", "sync"]
        command += ["-h", f"ldap://127.0.0.1:{self._port}"]
        self.process = ServerProcess(command, folder / "slapd.out", cwd=folder)
        self.process.start(lambda: accepts(self._port))

    def find(self, filter_text: str, *attributes: str) -> dict[str, dict[str, list[str]]]:
        """Attributes by DN; nothing while there is nothing."""
        connection = ldap3.Connection(ldap3.Server("127.0.0.1", self._port, get_info=ldap3.NONE), check_names=False)
        try:
            connection.bind()
            connection.search(BASE, filter_text, attributes=list(attributes) or ["1.1"])
            return {each["dn"]: dict(each["attributes"]) for each in connection.response}
        finally:
            connection.strategy.close()


@pytest.fixture(scope="module")
def replica(tmp_path_factory: pytest.TempPathFactory, gateway: Addresses) -> Iterator[Replica]:
    running = Replica(tmp_path_factory.mktemp("replica"), gateway)
    until(lambda: len(running.find("(objectClass=inetOrgPerson)")) >= len(PEOPLE), "the replica has everybody")
    yield running
    running.process.kill()


@pytest.mark.parametrize("object_class", ["inetOrgPerson", "groupOfNames"])
def test_the_replica_has_the_same_people_and_groups(replica: Replica, company: Company, object_class: str) -> None:
    asked = f"(objectClass={object_class})"
    until(lambda: set(replica.find(asked)) == set(company.observer.find(asked, "1.1")), "the same entries")


def test_the_replica_has_their_attributes_and_members(replica: Replica) -> None:
    [attributes] = replica.find(f"(uid={ZOE.uid})", "cn", "mail", "uidNumber").values()
    assert attributes == {"cn": [ZOE.name], "mail": [ZOE.mail], "uidNumber": [str(ZOE.number)]}
    assert replica.find(f"(&(cn=vpn-users)(member=uid={ANNA.uid},ou=people,{BASE}))")


def test_the_replica_follows_somebody_who_is_hired_and_joins_and_leaves_a_group(replica: Replica, company: Company) -> None:
    new = replace(JOAO, uid="new.copy", number=10113)
    company.hire(new)
    until(lambda: replica.find(f"(uid={new.uid})"), "the replica has the new person")
    member = f"(&(cn=vpn-users)(member=uid={new.uid},ou=people,{BASE}))"
    company.join(new, "vpn-users")
    until(lambda: replica.find(member), "the replica has the new member")
    company.leave(new, "vpn-users")
    until(lambda: not replica.find(member), "the replica has lost the member")
