"""Just-in-time creation at Active Directory, and of users that another source has reported already."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.app.installation import BASE_DN, Installation, Serving, source_of, until
from tests.app.observations import PEOPLE, application, wait_until_read
from tests.conftest import StartSlapd
from tests.connectors import active_directory_unit
from tests.servers.people import READER_PASSWORD, people
from tests.servers.pki import Pki
from tests.servers.samba import Samba

PASSWORD = "Sesame-0pens-Doors"
EXPORT = 'Nr,username,email,Unit\n7,ada.lovelace,Ada@Example.Test,"Board"\n'


def installation(folder: Path, sources: str, secret: str) -> Installation:
    made = Installation(folder, os.environ)
    made.configure(sources)
    password = folder / "hr.password"
    password.touch(mode=0o600)
    password.write_text(secret)
    return made


def shown(serving: Serving, portal: dict[str, str], filter_text: str) -> dict[str, dict[str, list[str]]]:
    """Return the attributes that an application finds, by DN."""
    connection = serving.connect(portal["bind_dns"][0], portal["secret"])
    connection.bind()
    connection.search(BASE_DN, filter_text, attributes=["uid", "mail", "entryUUID", "employeeNumber"])
    return {entry["dn"]: dict(entry["attributes"]) for entry in connection.response}


def test_the_first_bind_creates_a_user_of_active_directory(tmp_path: Path, domain_controller: Samba) -> None:
    scratch = active_directory_unit.new_scratch_unit(domain_controller)
    source = f"""\
[[source]]
name = "hr"
kind = "active_directory"
url = "{domain_controller.url}"
bind_dn = '{domain_controller.admin.dn}'
password_file = "hr.password"
jit = true
mode = "usn"
poll_seconds = 3600
schedule_seconds = 3600
[source.users]
base = "{scratch.dn}"
"""
    gateway = installation(tmp_path, source, domain_controller.admin.password)
    scratch.add_user("first", password=PASSWORD)
    portal = application(gateway)
    with gateway.serve() as serving:
        wait_until_read(serving)
        login = scratch.login("late")
        scratch.add_user("late", password=PASSWORD, mail="late@example.test")
        assert serving.bind(f"uid={login},{PEOPLE}", "wrong") == "invalidCredentials"
        until(lambda: re.search(r"bind .*result=refused.* source=hr", serving.log_text()), "who refused is in the audit")
        assert serving.bind(f"uid={login},{PEOPLE}", PASSWORD) == "success"
        [found] = shown(serving, portal, f"(uid={login})").values()
        assert found["mail"] == ["late@example.test"]


def test_a_first_bind_links_to_a_user_of_another_source(tmp_path: Path, start_slapd: StartSlapd, pki: Pki) -> None:
    upstream = start_slapd(ldif=people(5, 1, 2))
    (tmp_path / "export.csv").write_text(EXPORT)
    corp = source_of(upstream, pki, "corp", "jit = true", 'mode = "poll"', "schedule_seconds = 3600")
    corp = corp.replace("[source.users]\n", '[source.users]\ncorrelation = ["email = email"]\n')
    hr = '[[source]]\nname = "hr"\nkind = "csv"\npath = "export.csv"\nid_column = "Nr"\norganization_column = "Unit"\n'
    order = '[authority]\norder = ["hr", "corp"]\n'
    gateway = installation(tmp_path, f"{order}{hr}{corp}", READER_PASSWORD)
    portal = application(gateway)
    with gateway.serve() as serving:
        wait_until_read(serving)
        until(lambda: len(shown(serving, portal, "(uid=*)")) == 6, "both sources are read")
        [before] = shown(serving, portal, "(uid=ada.lovelace)").values()
        dn = f"uid=ada,ou=dept1,ou=people,{upstream.suffix}"
        values = {"uid": "ada", "cn": "Ada", "sn": "L", "mail": "ada@example.test", "employeeNumber": "7"}
        upstream.add(dn, "inetOrgPerson", {**values, "userPassword": PASSWORD})
        assert serving.bind(f"uid=ada,{PEOPLE}", PASSWORD) == "success"
        [after] = shown(serving, portal, "(mail=ada@example.test)").values()
        assert after["entryUUID"] == before["entryUUID"]
        assert after["uid"] == ["ada.lovelace"], "hr decides the name"
        assert after["employeeNumber"] == ["7"]
        assert serving.bind(f"uid=ada.lovelace,{PEOPLE}", PASSWORD) == "success", "the source vouches from now on"
        assert len(shown(serving, portal, "(uid=*)")) == 6


@pytest.mark.parametrize("reaction", ["queue", "ignore"])
def test_a_first_bind_is_refused_when_the_rules_create_no_user(
    tmp_path: Path, start_slapd: StartSlapd, pki: Pki, reaction: str
) -> None:
    upstream = start_slapd(ldif=people(5, 1, 2))
    source = source_of(upstream, pki, "hr", "jit = true", 'mode = "poll"', "schedule_seconds = 3600")
    rules = f'[source.users]\ncorrelation = ["email = email"]\nreactions = {{ unmatched = "{reaction}" }}\n'
    gateway = installation(tmp_path, source.replace("[source.users]\n", rules), READER_PASSWORD)
    portal = application(gateway)
    with gateway.serve() as serving:
        wait_until_read(serving)
        dn = f"uid=ada,ou=dept1,ou=people,{upstream.suffix}"
        upstream.add(dn, "inetOrgPerson", {"uid": "ada", "cn": "Ada", "sn": "L", "userPassword": PASSWORD})
        assert serving.bind(f"uid=ada,{PEOPLE}", PASSWORD) == "invalidCredentials"
        assert shown(serving, portal, "(uid=ada)") == {}
        assert "user is not provisioned" in serving.log_text()
