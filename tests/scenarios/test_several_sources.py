"""One directory out of three sources, from the first joiner to the day on which an upstream is wiped by accident."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.app.installation import until
from tests.connectors.openldap_upstream import add_group, add_person
from tests.scenarios.office import PEOPLE, Observer, Office
from tests.scenarios.several import HEADER, Firm, look, members, usernames
from tests.servers.pki import Pki
from tests.servers.samba import Samba
from tests.servers.slapd import Slapd

PASSWORD = "Correct-Horse-1"
ANNA, BEN = "anna,Anna,Arendt,a.arendt@old.test,Firm/Sales", "ben,Ben,Bauer,ben@firm.test,Firm/Sales"
CARL, DORA = "carl,Carl,Curie,carl@firm.test,Firm/Research", "dora,Dora,Darwin,shared@firm.test,Firm/Research"
EMIL = "emil,Emil,Euler,shared@firm.test,Firm/Research"


@pytest.fixture
def firm(office: Office, domain_controller: Samba, upstream: Slapd, pki: Pki) -> Iterator[Firm]:
    """Five people in the export; two of them in the domain under other login names, three on Unix."""
    made = Firm(office, domain_controller, upstream, pki.ca)
    made.configure()
    for unit in ("staff", "teams"):
        domain_controller.add_unit(unit)
    anna = domain_controller.add_user("aarendt", "OU=staff", PASSWORD, employeeID="1001", mail="anna@firm.test")
    ben = domain_controller.add_user("bbauer", "OU=staff", PASSWORD, mail="BEN@firm.test", mobile="+49 1")
    domain_controller.add_group("Sales Team", anna, ben, below="OU=teams")
    made.save(n1001=ANNA, n1002=BEN, n1003=CARL, n1004=DORA, n1005=EMIL)
    add_person(upstream, "anna", mail="anna@firm.test", employeeNumber="X")
    carl = add_person(upstream, "carl", mail="carl@firm.test")
    shared = add_person(upstream, "shared", mail="shared@firm.test")
    add_group(upstream, "unix", carl, shared)
    yield made
    for name in ("staff", "teams"):
        _empty(domain_controller, f"OU={name}")


def _empty(domain: Samba, unit: str) -> None:
    """Delete what is below a unit, and the unit."""
    administrator = domain.connect()
    administrator.search(domain.dn(unit), "(objectClass=*)", attributes=["cn"])
    found = [entry["dn"] for entry in administrator.response if entry["type"] == "searchResEntry"]
    for dn in sorted(found, key=lambda dn: -dn.count(",")):
        domain.delete(dn)


@pytest.mark.timeout(240)
def test_the_story_of_a_firm_with_three_sources(firm: Firm) -> None:
    with firm.office.observed(firm.office.application()) as observer:
        ids = _join(firm, observer)
        _decide(firm, observer, ids)
        _move_and_rename(firm, observer, ids)
        _edit(firm, ids)
        _leave_and_come_back(firm, observer, ids)
        _wipe(firm, observer, ids)
        assert {name: look(observer, name).id for name in ids} == ids


def _join(firm: Firm, observer: Observer) -> dict[str, str]:
    """Five people, though the sources have ten records."""
    everybody = {"anna", "ben", "carl", "dora", "emil"}
    until(lambda: usernames(observer) == (everybody, everybody), "everybody has joined")
    until(lambda: look(observer, "anna").text("mail") == "anna@firm.test", "the domain says which mail address")
    until(lambda: members(observer, "Sales Team") == {"anna", "ben"}, "the domain's group")
    until(lambda: members(observer, "unix") == {"carl"}, "the group on Unix")
    anna, ben = look(observer, "anna"), look(observer, "ben")
    assert (anna.text("employeeNumber"), anna.text("displayName"), anna.text("ou")) == ("1001", "Anna Arendt", "Sales")
    assert (ben.text("mail"), ben.text("mobile")) == ("BEN@firm.test", "+49 1")
    assert anna.groups == {"Sales Team"}
    assert anna.over_http is not None
    assert anna.over_http["status"] == "enabled"
    until(lambda: firm.sources_of("anna") == {"hr", "corp", "unix"}, "Anna's accounts are all hers")
    assert observer.serving.bind(f"uid=anna,{PEOPLE}", PASSWORD) == "success"
    for secret in ("wrong", "anna-secret"):  # Unix comes behind the domain
        assert observer.serving.bind(f"uid=anna,{PEOPLE}", secret) == "invalidCredentials"
    return {name: look(observer, name).id for name in sorted(everybody)}


def _decide(firm: Firm, observer: Observer, ids: dict[str, str]) -> None:
    """Two people have one mail address: a person says whose account it is, and that holds."""
    [disputed] = firm.run("links", "list", "--disputed")
    assert disputed["source"] == "unix"
    assert {each["id"] for each in disputed["candidates"]} == {ids["dora"], ids["emil"]}
    firm.run("links", "link", "unix", "shared", "dora")
    until(lambda: members(observer, "unix") == {"carl", "dora"}, "the account is Dora's")
    assert look(observer, "dora").groups == {"unix"}
    assert firm.run("links", "list", "--disputed") == []
    firm.run("sync", "unix", "--full")
    assert members(observer, "unix") == {"carl", "dora"}
    firm.run("links", "unlink", "unix", "shared")
    until(lambda: members(observer, "unix") == {"carl"}, "it is nobody's")
    firm.run("links", "link", "unix", "shared", "emil")
    until(lambda: members(observer, "unix") == {"carl", "emil"}, "it is Emil's")
    assert {name: look(observer, name).id for name in ids} == ids
    firm.run("sync", "unix", "--full")
    assert members(observer, "unix") == {"carl", "emil"}


def _move_and_rename(firm: Firm, observer: Observer, ids: dict[str, str]) -> None:
    """Anna goes to another unit, marries, and has another name in the domain: she stays who she is."""
    firm.save(n1001="anna,Anna,Brecht,a.arendt@old.test,Firm/Research")
    until(lambda: look(observer, "anna").text("ou") == "Research", "Anna has moved")
    assert look(observer, "anna").text("displayName") == "Anna Brecht"
    old = firm.domain.dn("CN=aarendt,OU=staff")
    new = firm.domain.rename(old, "CN=Anna Brecht")
    firm.domain.modify(new, {"sAMAccountName": ["abrecht"], "mail": ["brecht@firm.test"]})
    until(lambda: look(observer, "anna").text("mail") == "brecht@firm.test", "the domain's new mail address")
    assert look(observer, "anna").groups == {"Sales Team"}
    assert observer.serving.bind(f"uid=anna,{PEOPLE}", PASSWORD) == "success"
    firm.save(n1001="brecht,Anna,Brecht,a.arendt@old.test,Firm/Research")
    until(lambda: look(observer, "brecht").over_ldap, "her login name is another one")
    assert look(observer, "brecht").id == ids["anna"]
    ids["brecht"] = ids.pop("anna")


def _edit(firm: Firm, ids: dict[str, str]) -> None:
    """What the domain says of telephones yields to what is said here; of anything else it does not."""
    explained = {one["name"]: one for one in firm.run("explain", "user", ids["ben"])["attributes"]}
    assert explained["mobile_number"]["source"] == "corp"
    assert explained["display_name"]["source"] == "hr"
    assert {lost["source"] for lost in explained["email"]["others"]} == {"hr"}


def _leave_and_come_back(firm: Firm, observer: Observer, ids: dict[str, str]) -> None:
    """Ben leaves the firm: first the domain, then personnel. He is disabled at once, and comes back as the same."""
    firm.domain.delete(firm.domain.dn("CN=bbauer,OU=staff"))
    until(lambda: members(observer, "Sales Team") == {"brecht"}, "Ben has left the team")
    assert look(observer, "ben").id == ids["ben"]  # personnel still has him
    firm.save(n1002=None)
    until(lambda: look(observer, "ben").over_ldap is None, "Ben has left")
    gone = look(observer, "ben")
    assert gone.over_http is not None
    assert (gone.over_http["userId"], gone.over_http["status"]) == (ids["ben"], "disabled")
    assert observer.serving.bind(f"uid=ben,{PEOPLE}", PASSWORD) == "invalidCredentials"
    ben = firm.domain.add_user("bbauer2", "OU=staff", PASSWORD, mail="ben@firm.test", employeeID="1002")
    firm.save(n1002=BEN)
    until(lambda: look(observer, "ben").over_ldap, "Ben is back")
    assert look(observer, "ben").id == ids["ben"]
    firm.domain.add_values(firm.domain.dn("CN=Sales Team,OU=teams"), {"member": [ben]})
    until(lambda: members(observer, "Sales Team") == {"brecht", "ben"}, "Ben is in the team again")
    until(lambda: observer.serving.bind(f"uid=ben,{PEOPLE}", PASSWORD) == "success", "Ben logs in")


def _wipe(firm: Firm, observer: Observer, ids: dict[str, str]) -> None:
    """An export without people changes nothing; a domain whose people are deleted by accident stops at the guard."""
    before = usernames(observer)
    firm.write([HEADER])
    until(lambda: "hr" in firm.office("status").out and firm.office.source("hr")["last_error"], "the empty export is refused")
    for name in ("Anna Brecht", "bbauer2"):
        firm.domain.delete(firm.domain.dn(f"CN={name},OU=staff"))
    until(lambda: firm.office.source("corp")["last_error"], "the guard stops the domain")
    assert "--allow-deletions" in firm.office.source("corp")["last_error"]
    assert usernames(observer) == before
    assert look(observer, "brecht").text("mail") == "brecht@firm.test"
    firm.save()
    until(lambda: not firm.office.source("hr")["last_error"], "the export is whole again")
    assert usernames(observer) == before
