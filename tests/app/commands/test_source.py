"""`gateway explain`, `gateway source` and what `gateway status` tells of leavers, as an administrator uses them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.app.installation import BASE_DN, Installation, until

PEOPLE = """\
dn: ou=sales,dc=example,dc=com
objectClass: organizationalUnit
ou: sales

dn: uid=ada,ou=sales,dc=example,dc=com
objectClass: inetOrgPerson
uid: ada
cn: Ada
sn: Lovelace
mail: ada@corp.example
title: Engineer
employeeNumber: 7
jpegPhoto:: AAEC

dn: uid=eve,dc=example,dc=com
objectClass: inetOrgPerson
uid: eve
cn: Eve
sn: Eden

dn: cn=staff,dc=example,dc=com
objectClass: groupOfNames
cn: staff
member: uid=ada,ou=sales,dc=example,dc=com
member: uid=eve,dc=example,dc=com
"""
STAFF = """\
dn: uid=alovelace,dc=hr
objectClass: inetOrgPerson
uid: alovelace
cn: Ada
sn: King
mail: ada@hr.example
employeeNumber: 7
userPassword: sesame
"""
CORP = """
[[source]]
name = "corp"
kind = "ldif"
path = "people.ldif"
grace_days = 10
"""
HR = """
[[source]]
name = "hr"
kind = "ldif"
path = "staff.ldif"
[source.users]
correlation = ["employee_number = employee_number"]
[source.users.mapping]
password_hash = "userPassword"
"""
AUTHORITY = """
[authority]
order = ["hr", "corp"]
[authority.users]
username = "corp"
email = ["corp", "hr"]
"""


@pytest.fixture
def both(gateway: Installation) -> Installation:
    """Ada is in both sources, Eve in one."""
    (gateway.folder / "people.ldif").write_text(PEOPLE)
    (gateway.folder / "staff.ldif").write_text(STAFF)
    gateway.configure(CORP + HR + AUTHORITY)
    assert gateway("sync").code == 0
    return gateway


def in_ten_days() -> str:
    return (datetime.now(UTC) + timedelta(days=10)).astimezone().strftime("%Y-%m-%d")


def without_eve(gateway: Installation) -> None:
    text = PEOPLE.replace(PEOPLE[PEOPLE.index("dn: uid=eve") : PEOPLE.index("dn: cn=staff")], "")
    (gateway.folder / "people.ldif").write_text(text.replace("member: uid=eve,dc=example,dc=com\n", ""))
    assert gateway("sync", "corp", "--allow-deletions").code == 0


def test_each_attribute_is_explained_with_who_decided_and_who_lost(both: Installation) -> None:
    explained = both("explain", "user", "ada", "--json").json
    attributes = {one["name"]: (one["values"], one["source"], one["reason"]) for one in explained["attributes"]}
    assert attributes["username"] == (["ada"], "corp", "list")
    assert attributes["email"] == (["ada@corp.example"], "corp", "list")
    assert attributes["family_name"] == (["King"], "hr", "order")
    assert attributes["title"] == (["Engineer"], "corp", "only one")
    assert attributes["photo"] == (["(3 bytes)"], "corp", "only one")
    assert attributes["password_hash"] == (["(not shown)"], "hr", "only one")
    [others] = [one["others"] for one in explained["attributes"] if one["name"] == "email"]
    assert others == [{"source": "hr", "values": ["ada@hr.example"]}]
    assert [(one["source"], one["situation"], one["decided_by"]) for one in explained["links"]] == [
        ("corp", "linked", "rule:create"),
        ("hr", "linked", "rule:employee_number"),
    ]
    shown = both("explain", "user", "ada")
    assert "hr: ada@hr.example" in shown.out
    assert "sesame" not in shown.out + both("explain", "user", "ada", "--json").out


def test_places_and_groups_are_explained_with_the_sources_that_say_so(both: Installation) -> None:
    def ties(kind: str, name: str) -> list[list[tuple[str, list[str]]]]:
        explained = both("explain", kind, name, "--json").json
        return [[(one["name"], one["sources"]) for one in explained[key]] for key in ("organizations", "groups")]

    assert ties("user", "ada") == [[("sales", ["corp"])], [("staff", ["corp"])]]
    assert ties("user", "eve") == [[("/", [])], [("staff", ["corp"])]]
    assert ties("organization", "sales") == [[("/", [])], []]
    assert ties("group", "staff") == [[], []]
    assert "organization  sales  corp" in both("explain", "user", "ada").out
    assert "nobody: the source's target" in both("explain", "user", "eve").out


@pytest.mark.parametrize("name", ["ADA", "uid=alovelace,dc=hr", "uid=Ada, ou=sales,dc=example,dc=com"])
def test_a_user_is_named_by_login_name_or_by_its_dn_at_a_source(both: Installation, name: str) -> None:
    assert both("explain", "user", name).out.startswith("user ada (")


def test_what_is_explained_is_named_by_id_and_by_its_dn_in_a_view_too(both: Installation) -> None:
    identity = both("explain", "user", "ada", "--json").json["id"]
    assert both("explain", "user", identity).out.startswith("user ada (")
    with both.serve() as serving:
        until(lambda: "ready" in serving.log_text() or serving.bind() == "success", "the gateway serves")
        until(lambda: both("explain", "user", f"uid=ada,ou=people,{BASE_DN}").code == 0, "the view is built")
        assert both("explain", "group", f"cn=staff,ou=groups,{BASE_DN}").out.startswith("group staff (")
    assert both("explain", "organization", "sales").out.startswith("organization sales (")
    unknown = both("explain", "user", "nobody")
    assert (unknown.code, unknown.err) == (1, "gateway: there is no user 'nobody'\n")


def test_leavers_are_told_with_the_day_on_which_they_go(both: Installation) -> None:
    days = {in_ten_days()}
    without_eve(both)
    days.add(in_ten_days())  # it may be midnight
    shown = both("status", "corp")
    assert any(f"leavers:    1 disabled, the next is deleted on {day}; " in shown.out for day in days)
    assert "left out" not in shown.out
    [problem] = both("status", "corp", "--problems", "--json").json
    assert (problem["situation"], problem["dn"]) == ("deleted", "uid=eve,dc=example,dc=com")
    assert any(problem["reason"].endswith(f"deleted when the grace period is over ({day})") for day in days)
    explained = both("explain", "user", "eve")
    assert "gone since 20" in explained.out
    [enabled] = [one for one in both("explain", "user", "eve", "--json").json["attributes"] if one["name"] == "enabled"]
    assert (enabled["values"], enabled["source"], enabled["reason"]) == (["false"], None, "gone")


def test_a_source_that_is_taken_out_of_the_configuration_changes_nothing_and_is_told(both: Installation) -> None:
    refused = both("source", "finalize", "corp")
    assert (refused.code, "is in the configuration" in refused.err) == (1, True)
    both.configure(HR)
    [other] = both("status", "--json").json["unconfigured_sources"]
    assert (other["source"], other["counts"]) == ("corp", {"organization": 1, "user": 2, "group": 1})
    shown = both("status").out
    assert "source corp is not in the configuration, and what came from it stays as it is" in shown
    assert "`gateway source finalize corp`" in shown
    assert both("explain", "user", "eve").code == 0
    unknown = both("source", "terminate", "nothing", "--yes")
    assert (unknown.code, "there is no source 'nothing'" in unknown.err, "(corp)" in unknown.err) == (1, True, True)


def test_what_a_source_left_is_kept(both: Installation) -> None:
    both.configure(HR)
    done = both("source", "finalize", "corp")
    assert done.code == 0
    assert "2 users, 1 of them nowhere else" in done.out
    assert "action=finalize" in done.err
    assert both("status", "--json").json["unconfigured_sources"] == []
    [link] = both("explain", "user", "eve", "--json").json["links"]
    assert (link["source"], link["decided_by"]) == ("local", "rule:create")
    links = both("explain", "user", "alovelace", "--json").json["links"]
    assert {one["source"] for one in links} == {"hr", "local"}, "she is called as the source says that has her"


def test_what_a_source_left_is_let_go_of_only_when_a_person_says_so(both: Installation) -> None:
    both.configure(HR)
    asked = both("source", "terminate", "corp")
    assert (asked.code, "2 users, 1 of them nowhere else" in asked.out, "nothing was changed" in asked.err) == (1, True, True)
    assert both("explain", "group", "staff").code == 0
    done = both("source", "terminate", "corp", "--yes", "--json")
    assert (done.code, done.json["outcome"], done.json["counts"]["user"]) == (0, "terminated", {"records": 2, "only_here": 1})
    assert both("explain", "group", "staff").code == 1
    assert "gone since" in both("explain", "user", "eve").out
    assert both("status", "--json").json["unconfigured_sources"] == []
    assert "source corp was ended: 1 users are disabled, the next is deleted on 20" in both("status").out


def test_the_guard_stops_the_end_of_a_large_source(gateway: Installation) -> None:
    (gateway.folder / "people.ldif").write_text(
        "\n".join(f"dn: uid=p{n},dc=x\nobjectClass: inetOrgPerson\nuid: p{n}\nsn: x\ncn: x\n" for n in range(31))
    )
    gateway.configure(CORP)
    assert gateway("sync").code == 0
    gateway.configure()
    refused = gateway("source", "terminate", "corp", "--yes")
    assert (refused.code, "31 users that no other source has, and the limit is 30" in refused.err) == (3, True)
    assert gateway("source", "terminate", "corp", "--yes", "--allow-deletions", "--delete").code == 0
    assert gateway("explain", "user", "p0").code == 1
