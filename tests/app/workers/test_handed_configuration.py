"""What a worker is handed is plain values that it builds from; and a worker that cannot start ends `serve` with the reason."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import ldap3

from gateway.app.config import loader
from tests.app.installation import Installation, until
from tests.app.observations import application, details, wait_until_all_serve

LDIF = """dn: dc=example,dc=test
objectClass: domain
dc: example

dn: uid=ada,dc=example,dc=test
objectClass: inetOrgPerson
uid: ada
cn: Ada Lovelace
sn: Lovelace
givenName: Ada
mail: ADA@example.test
"""
SOURCE = """[[source]]
name = "hr"
kind = "ldif"
path = "people.ldif"
[source.users.mapping]
display_name = { expression = "join(' ', replace(upper(givenName), '^A', 'O'), first(sn)) + '!'" }
email = { expression = "lower(mail)" }
"""
REFUSED_WORKERS = """import sys
if "gateway.app.workers.worker_process" in sys.orig_argv:
    sys.exit("no worker today")
"""


def installation(folder: Path) -> Installation:
    made = Installation(folder, os.environ)
    made.configure(SOURCE, ldap='listen = "127.0.0.1:0"\nworkers = 2')
    (folder / "people.ldif").write_text(LDIF)
    return made


def test_the_settings_are_the_same_after_they_were_pickled(tmp_path: Path) -> None:
    settings = loader.load(installation(tmp_path).file, {}, ()).settings
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_two_workers_serve_what_an_expression_of_a_mapping_computes(tmp_path: Path) -> None:
    made = installation(tmp_path)
    portal = application(made)
    with made.serve() as serving:
        wait_until_all_serve(serving)
        until(lambda: "succeeded" in details(serving)["source hr"], "the source is read")
        base = portal["bind_dns"][0].partition(",ou=applications,")[2]
        for _ in range(2):  # the workers take turns
            with serving.connect(portal["bind_dns"][0], portal["secret"]) as connection:
                until(lambda: _display_names(connection, base) == [["ODA Lovelace!"]], "the person is there")
        assert serving.stop() == 0


def test_workers_that_cannot_start_end_serve_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(REFUSED_WORKERS)
    installation(tmp_path)
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(tmp_path / "site"), os.environ.get("PYTHONPATH")))),
    }
    with Installation(tmp_path, environ).serve() as serving:
        assert serving.process.wait(30) == 1
        assert "no worker today" in serving.log_text()
        assert "ended with exit code 1, 3 times before it could serve" in serving.log_text()


def _display_names(connection: ldap3.Connection, base: str) -> list[list[str]]:
    connection.search(base, "(mail=ada@example.test)", attributes=["displayName"])
    return [entry["attributes"]["displayName"] for entry in connection.response]
