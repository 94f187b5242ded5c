"""Bad input from many sources at once, in one running gateway: none stops it, none loses what was stored, each leaves one clear
line in the log that names the source and the cure, and no line holds a secret."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.installation import source_of, until
from tests.connectors.openldap_upstream import add_group, add_person, add_unit
from tests.scenarios.office import GROUPS, PEOPLE, Observer, Office
from tests.servers.people import READER_PASSWORD
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd

WRONG_PASSWORD = "certainly-not-the-password"
NOT_UTF_8 = base64.b64encode("Müller".encode("latin-1")).decode()

LDIF = f"""\
dn: uid=latin,dc=partners
objectClass: inetOrgPerson
uid: latin
sn:: {NOT_UTF_8}
cn: Latin

dn: uid=fine,dc=partners
objectClass: inetOrgPerson
uid: fine
sn: Fine
cn: Fine
"""


def sources(upstream: Slapd, pki: Pki, partners: Path) -> str:
    hr = source_of(upstream, pki, "hr", "schedule_seconds = 3600")
    wrong_password = source_of(upstream, pki, "guessing").replace('"hr.password"', '"wrong.password"')
    wrong_ca = source_of(upstream, pki, "stranger").replace(f'"{pki.ca}"', f'"{pki.wrong_ca}"')
    ldif = f'[[source]]\nname = "partners"\nkind = "ldif"\npath = "{partners}"\npoll_seconds = 0.2\nstable_seconds = 0.01\n'
    return hr + wrong_password + wrong_ca + ldif


def fill(upstream: Slapd) -> None:
    for unit in ("one", "two"):
        add_unit(upstream, unit)
        add_person(upstream, "twin", f"ou={unit},ou=people", title=unit)
    ann = add_person(upstream, "ann")
    upstream.add(f"cn=Nameless,ou=people,{upstream.suffix}", "inetOrgPerson", {"sn": "Nameless"})
    missing = [f"uid=ghost{number},ou=people,{upstream.suffix}" for number in range(3)]
    add_group(upstream, "ghosts", ann, *missing)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return Office(tmp_path_factory.mktemp("office"))


@pytest.fixture(scope="module")
def partners(office: Office) -> Path:
    file = office.folder / "partners.ldif"
    file.write_text(LDIF)
    return file


@pytest.fixture(scope="module")
def observer(office: Office, upstream: Slapd, pki: Pki, partners: Path) -> Iterator[Observer]:
    """A gateway that has read, or failed to read, every source once."""
    fill(upstream)
    (office.folder / "wrong.password").write_text(WRONG_PASSWORD)
    (office.folder / "wrong.password").chmod(0o600)
    office.configure(sources(upstream, pki, partners))
    with office.observed(office.application()) as observed:
        until(lambda: set(observed.ids()) == {"ann", "twin", "latin", "fine"}, "everybody who can be served is")
        until(lambda: all(office.source(name)["last_run"] for name in ("guessing", "stranger")), "every source was tried")
        yield observed


def warnings(observer: Observer, *words: str) -> list[str]:
    """The warnings with all of these words."""
    said = observer.serving.log_text().splitlines()
    return [line for line in said if "[info" not in line and all(word in line for word in words)]


COMPLAINTS = {
    "a wrong password": ("source guessing: ", "refused (49 invalidCredentials)", "check bind_dn and password"),
    "a wrong authority": ("source stranger: ", "certificate is not accepted", "as ca_file"),
    "two people of one name": ("source hr: ", "has the login name 'twin', which belongs to", "rename or remove one of the two"),
    "a person without a name": ("source hr: cn=Nameless,", "has no usable uid", "give it one, map username"),
    "members that do not exist": ("source hr: cn=ghosts,", "(3, such as uid=ghost0,ou=people,", "remove them there, or widen"),
    "a value that is not UTF-8": ("source partners: uid=latin,", "sn: a value is not UTF-8", "correct it at the source"),
}
"""What the log says: which source, what is wrong, the cure."""


@pytest.mark.parametrize("complaint", COMPLAINTS.values(), ids=list(COMPLAINTS))
def test_bad_input_is_one_line_that_names_the_source_and_the_cure(observer: Observer, complaint: tuple[str, ...]) -> None:
    assert len(warnings(observer, *complaint)) == 1, observer.serving.log_text()
    assert len(warnings(observer, *complaint[:2])) == 1


def test_what_can_be_used_is_used(observer: Observer, office: Office) -> None:
    assert set(observer.ids()) == {"ann", "twin", "latin", "fine"}
    assert observer.find("(uid=latin)", "cn", "sn") == {f"uid=latin,{PEOPLE}": {"cn": [b"Latin"], "sn": [b"Latin"]}}
    assert observer.find("(cn=ghosts)", "member", base=GROUPS) == {
        f"cn=ghosts,{GROUPS}": {"member": [b"uid=ann," + PEOPLE.encode()]}
    }
    problems = office("status", "hr", "--problems", "--json").json
    assert sorted(problem["situation"] for problem in problems) == [
        "disputed",
        "members missing",
        "unmatched",
    ]


def test_a_source_that_cannot_be_read_is_shown_with_its_error(observer: Observer, office: Office) -> None:
    for name, words in (("guessing", "check bind_dn and password"), ("stranger", "ca_file")):
        row = office.source(name)
        assert (row["last_run"]["status"], words in row["last_error"]) == ("failed", True)


def test_what_is_put_right_upstream_is_right_by_itself(observer: Observer, upstream: Slapd) -> None:
    """The complaints above are about the state before: this test must come after them."""
    people = f"ou=people,{upstream.suffix}"
    upstream.rename(f"uid=twin,ou=one,{people}", "uid=first")
    upstream.modify(f"cn=Nameless,{people}", {"uid": ["named"]})
    add_person(upstream, "ghost1")
    until(lambda: set(observer.ids()) == {"ann", "first", "twin", "named", "ghost1", "latin", "fine"}, "everybody is served")
    until(lambda: len(observer.find(f"(memberOf=cn=ghosts,{GROUPS})", "1.1", base=PEOPLE)) == 2, "the ghost is joined")
    assert observer.serving.bind(f"uid=twin,{PEOPLE}", "twin-secret") == "success"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LDIF.replace("sn: Fine", "sn Fine"), ("partners.ldif, line 10: ",)),
        ("", ("an empty file is not an empty directory",)),
        (None, ("cannot be read (No such file or directory): check the path",)),
    ],
    ids=["a line without a colon", "an empty file", "no file"],
)
def test_a_broken_file_loses_nothing_and_is_read_when_it_is_whole(
    observer: Observer, partners: Path, text: str | None, words: tuple[str, ...]
) -> None:
    before = observer.ids()
    said = len(warnings(observer, "source partners: "))
    if text is None:
        partners.unlink()
    else:
        partners.write_text(text)
    until(lambda: len(warnings(observer, "source partners: ")) > said, "the file is complained of")
    [line] = warnings(observer, "source partners: ")[said:]
    assert str(partners) in line and all(word in line for word in words), line
    assert observer.ids() == before
    partners.write_text(LDIF.replace("cn: Fine", f"cn: Fine{said}"))
    until(lambda: observer.find(f"(cn=Fine{said})", "1.1"), "the whole file is read")
    assert observer.ids() == before


def test_the_gateway_still_runs_and_has_logged_no_secret(observer: Observer) -> None:
    text = observer.serving.log_text()
    assert observer.serving.process.poll() is None
    assert "Traceback" not in text
    for secret in (WRONG_PASSWORD, READER_PASSWORD, observer.secret, "twin-secret"):
        assert secret not in text
