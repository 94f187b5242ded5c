"""conf/clients/slapd-consumer: a slapd of this machine replicates the view, and goes on having what the gateway had."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ldap
import pytest

from tests.app.installation import until
from tests.recipes.company import ANNA, PEOPLE, SSH_KEY, Company, Person
from tests.recipes.recipe import CLIENTS, Addresses, text
from tests.servers.processes import ServerProcess, accepts, free_port, program

RECIPES = ("slapd-consumer",)

BASE = "dc=directory,dc=example"
NEW = Person("mia.neu", "Mia", "Neu", "mia-secret", 10077)


@pytest.fixture(scope="module")
def replica(tmp_path_factory: pytest.TempPathFactory, gateway: Addresses) -> Iterator[str]:
    """Its URL."""
    folder, port = tmp_path_factory.mktemp("replica"), free_port()
    (folder / "db").mkdir()
    replaced = {
        "/etc/ldap/schema/openssh-lpk.schema": str(CLIENTS / "slapd-consumer" / "openssh-lpk.schema"),
        "/var/run/slapd/slapd.pid": str(folder / "slapd.pid"),
        "/var/lib/ldap": str(folder / "db"),
    }
    written: Path = folder / "slapd.conf"
    written.write_text(text("slapd-consumer/slapd.conf", gateway, **replaced))
    url = f"ldap://127.0.0.1:{port}"
    command = [program("slapd", "slapd"), "-f", str(written), "-h", f"{url}/", "-d", "sync"]
    process = ServerProcess(command, folder / "slapd.out", cwd=folder)
    process.start(lambda: accepts(port))
    yield url
    process.stop()


def found(url: str, uid: str) -> dict[str, list[bytes]]:
    """The attributes of a person, as the replica tells anybody; none while it has nobody of that name."""
    connection = ldap.initialize(url)
    try:
        entries = connection.search_s(BASE, ldap.SCOPE_SUBTREE, f"(uid={uid})")
        return dict(entries[0][1]) if entries else {}
    except ldap.NO_SUCH_OBJECT:  # nothing at all yet
        return {}
    finally:
        connection.unbind_s()


def test_everybody_is_replicated(replica: str) -> None:
    until(lambda: all(found(replica, person.uid) for person in PEOPLE), "the replica has everybody")
    anna = found(replica, ANNA.uid)
    assert anna["cn"] == [ANNA.name.encode()]
    assert anna["sshPublicKey"] == [SSH_KEY.encode()]


def test_somebody_new_arrives_by_himself(company: Company, replica: str) -> None:
    company.hire(NEW)
    until(lambda: found(replica, NEW.uid).get("mail") == [NEW.mail.encode()], "somebody new")
