"""An export of a personnel system, as its administrator meets it: check, sync, status, and while the gateway runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.installation import BASE_DN, Installation, Serving, until
from tests.app.observations import application, wait_until_read

SOURCE = """\
[[source]]
name = "hr"
kind = "csv"
path = "export.csv"
id_column = "Nr"
delimiter = ";"
encoding = "gbk"
organization_column = "部门"
groups_column = "Teams"
poll_seconds = 0.1
stable_seconds = 0.05
[source.users.mapping]
username = { expression = "lower(ascii(replace(姓名, ' ', '')))" }
display_name = "姓名"
email = "Mail"
"""
HEADER = "Nr;姓名;Mail;部门;Teams\n"
TAO = "7;陶晓明;tao@example.test;总部/销售;staff\n"
LI = "8;李雷;li@example.test;总部/研发;staff,board\n"


@pytest.fixture
def office(gateway: Installation) -> Installation:
    gateway.configure(SOURCE.replace('groups_column = "Teams"', 'groups_column = "Teams"\ngroups_separator = ","'))
    write(gateway.folder, HEADER + TAO + LI)
    return gateway


def write(folder: Path, text: str) -> None:
    """Write the file as exports are best written: beside, and then in one step."""
    beside = folder / "export.tmp"
    beside.write_bytes(text.encode("gbk"))
    beside.replace(folder / "export.csv")


def test_check_shows_what_would_be_read(office: Installation) -> None:
    done = office("check", "hr")
    assert done.code == 0, done
    assert "rows: 2 rows" in done.out
    assert "users: 2 would be read" in done.out
    assert "username=taoxiaoming" in done.out
    assert "organizations: 3 would be read" in done.out
    assert "groups: 2 would be read" in done.out


def test_check_warns_of_a_broken_row_that_is_kept_aside_and_names_its_line(office: Installation) -> None:
    write(office.folder, HEADER + TAO + ";李雷;;;\n" + LI)
    done = office("check", "hr")
    assert (done.code, office("sync", "hr", "--dry-run").code) == (0, 0)
    assert "  warning rows: " in done.out and "FAILED" not in done.out
    assert "export.csv, line 3: no Nr; every row needs the id of its person" in done.out
    assert "users: 2 would be read" in done.out


def test_sync_reads_what_is_right_and_status_shows_what_is_not(office: Installation) -> None:
    assert office("sync", "hr").code == 0
    write(
        office.folder, HEADER + TAO.replace("tao@", "xm@") + LI.replace("李雷;", '"李雷;') + "9;韩梅梅;han@example.test;总部;\n"
    )
    done = office("sync", "hr")
    assert done.code == 0, done
    problems = office("status", "hr", "--problems")
    assert "export.csv, line 3: a quotation mark that is not closed" in problems.out
    [source] = office("status", "--json").json["sources"]
    assert source["counts"]["user"] == {"records": 3, "linked": 3}, "and whoever the broken row is about stays as they were"


def test_a_broken_file_changes_nothing_and_sync_says_why(office: Installation) -> None:
    assert office("sync", "hr").code == 0
    write(office.folder, HEADER.replace("姓名", "Name") + TAO)
    done = office("sync", "hr")
    assert done.code != 0
    assert "there is no column '姓名' among: Nr, Name, Mail" in done.err
    problems = office("status", "hr", "--problems").out
    assert "source hr: last error: " in problems and "every record became an object" not in problems
    write(office.folder, HEADER)
    assert "an empty file is not an empty directory" in office("sync", "hr").err


def names(serving: Serving, portal: dict[str, str]) -> set[str]:
    connection = serving.connect(portal["bind_dns"][0], portal["secret"])
    connection.bind()
    connection.search(BASE_DN, "(uid=*)", attributes=["uid"])
    return {entry["attributes"]["uid"][0] for entry in connection.response}


def test_a_running_gateway_follows_the_export_and_keeps_whom_a_broken_row_is_about(office: Installation) -> None:
    portal = application(office)
    with office.serve() as serving:
        wait_until_read(serving)
        assert names(serving, portal) == {"taoxiaoming", "lilei"}
        write(office.folder, HEADER + LI.replace("8;", "8;;") + TAO.replace("陶晓明", "陶大明") + "9;韩梅梅;;;\n")
        until(lambda: names(serving, portal) == {"taodaming", "lilei", "hanmeimei"}, "what is right is read")
        assert "export.csv, line 2: 6 fields, where the header has 5" in serving.log_text()
        write(office.folder, HEADER + TAO)
        until(lambda: names(serving, portal) == {"taoxiaoming"}, "who is gone is gone")


DIRECTORY = """\
dn: ou=Sales,dc=x
objectClass: organizationalUnit
ou: Sales

dn: ou=Europe,ou=Sales,dc=x
objectClass: organizationalUnit
ou: Europe

dn: uid=ada,ou=Europe,ou=Sales,dc=x
objectClass: inetOrgPerson
uid: ada
cn: Ada
sn: L
mail: ada@example.test

"""
TWO_SOURCES = """\
[[source]]
name = "corp"
kind = "ldif"
path = "people.ldif"
stable_seconds = 0.01
[[source]]
name = "hr"
kind = "csv"
path = "export.csv"
stable_seconds = 0.01
id_column = "Nr"
organization_column = "Unit"
[source.users]
correlation = ["email = email"]
reactions = { unmatched = "queue" }
[source.users.mapping]
username = "Nr"
email = "Mail"
employee_number = "Nr"
title = "Job"
[source.organizations]
correlation = ["path"]
"""


def test_an_export_adds_to_the_people_and_organizations_of_a_directory(gateway: Installation) -> None:
    gateway.configure(TWO_SOURCES)
    (gateway.folder / "people.ldif").write_text(DIRECTORY)
    export = "Nr,Mail,Job,Unit\n7,ADA@example.test,Countess,sales/EUROPE\n8,bob@example.test,Clerk,Sales/Asia\n"
    (gateway.folder / "export.csv").write_text(export)
    portal = application(gateway)
    assert gateway("sync").code == 0
    with gateway.serve() as serving:
        until(lambda: names(serving, portal) == {"ada"}, "the view is built")
        connection = serving.connect(portal["bind_dns"][0], portal["secret"])
        connection.bind()
        connection.search(BASE_DN, "(uid=ada)", attributes=["employeeNumber", "title", "mail"])
        [ada] = connection.response
        assert {name: ada["attributes"][name] for name in ("employeeNumber", "title", "mail")} == {
            "employeeNumber": ["7"],
            "title": ["Countess"],
            "mail": ["ada@example.test"],
        }
        connection.search(f"ou=organizations,{BASE_DN}", "(objectClass=organizationalUnit)", attributes=["ou"])
        units = sorted(entry["attributes"]["ou"][0] for entry in connection.response)
        assert units == ["Asia", "Europe", "Sales", "organizations"], "none is there twice"
    [waiting] = gateway("links", "list", "--json").json
    assert (waiting["source"], waiting["external_id"], waiting["situation"]) == ("hr", "8", "unmatched")
