"""Rights that end while a party is bound, client certificates, and proxied authorization."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from structlog.testing import capture_logs

from gateway.directory.authentication import revocation as revocation_module
from gateway.directory.authentication.authentication import AuthorizationDenied, InvalidCredentials
from gateway.directory.authentication.client_certificates import CertificateNames
from gateway.directory.authentication.revocation import Revocation
from gateway.directory.directory import Party
from gateway.model.applications import Scope
from gateway.model.certificate_names import typed
from gateway.model.changes import Change, ChangeType
from gateway.model.objects import Kind, User
from gateway.store.clients import applications
from gateway.store.engine.database import Connection
from gateway.store.log import changes
from gateway.store.objects import passwords, users
from gateway.store.records import record_rows
from gateway.store.records.record_rows import RecordRow
from tests.directory.binding import ANNA, DEE, EVE, PEOPLE, Bed
from tests.directory.worlds import BASE, SOURCE, START

PORTAL = f"cn=portal,ou=applications,{BASE}"
ANNAS = f"uid=anna,{PEOPLE}"


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    made = Bed(tmp_path)
    yield made
    made.close()


async def portal(bed: Bed, **rights: object) -> Party:
    _, secret = bed.add_application("portal", **rights)
    return await bed.bind(PORTAL, secret)


async def now(bed: Bed, party: Party, revocation: Revocation | None = None) -> Party | None:
    revocation = revocation or Revocation(bed.authentication, bed.world.database)
    return (await revocation.check([party])).refreshed(party)


def disable(bed: Bed) -> None:
    gone = replace(ANNA, enabled=False)

    def work(connection: Connection) -> None:
        users.update(connection, [gone], ())
        changes.append(connection, [Change(0, START, Kind.USER, ANNA.id, ChangeType.UPDATE, SOURCE, gone)])

    bed.world.database.write_blocking(work)


@ensureDeferred
async def test_a_party_whose_rights_are_what_they_were_stays_the_same_object(bed: Bed) -> None:
    for party in (await portal(bed), await bed.bind(ANNAS, b"right"), bed.authentication.anonymous):
        assert await now(bed, party) is party


@ensureDeferred
async def test_an_application_gets_its_new_rights(bed: Bed) -> None:
    party = await portal(bed)
    assert party.application is not None
    application_id = party.application.id
    bed.world.database.write_blocking(lambda c: applications.set_rights(c, application_id, Scope(("o1",)), (), ["cn"]))
    changed = await now(bed, party)
    assert changed is not None
    assert (changed.access.scope, changed.access.attributes, changed.dn) == (Scope(("o1",)), frozenset({"cn"}), PORTAL)
    assert await now(bed, changed) is changed


@pytest.mark.parametrize("what", ["disabled", "removed", "another secret", "another view"])
@ensureDeferred
async def test_an_application_loses_its_rights(bed: Bed, what: str) -> None:
    party = await portal(bed)
    assert party.application is not None
    application_id = party.application.id

    def work(connection: Connection) -> None:
        match what:
            case "disabled":
                applications.set_enabled(connection, application_id, False)
            case "removed":
                applications.remove(connection, application_id)
            case "another secret":
                applications.replace_secret(connection, application_id)
            case "another view":
                applications.set_rights(connection, application_id, Scope(), ["elsewhere"], None)

    bed.world.database.write_blocking(work)
    assert await now(bed, party) is None


@ensureDeferred
async def test_a_second_secret_disturbs_nothing_and_the_end_of_the_old_one_ends_what_it_bound(bed: Bed) -> None:
    database = bed.world.database
    old = await portal(bed)
    assert old.application is not None
    application_id = old.application.id
    moment = datetime.now(UTC).replace(microsecond=0)
    later = moment + timedelta(days=1)
    clock = [moment]
    revocation = Revocation(bed.authentication, database, lambda: clock[0])
    secret = database.write_blocking(lambda c: applications.add_secret(c, application_id, moment, later))
    new = await bed.bind(PORTAL, secret.encode())
    assert [await now(bed, party, revocation) for party in (old, new)] == [old, new]
    assert await now(bed, old, revocation) is old, "a connection that is busy would end"
    clock[0] = later
    assert [await now(bed, party, revocation) for party in (old, new)] == [None, new]
    clock[0] = moment
    database.write_blocking(lambda c: applications.set_rights(c, application_id, Scope(("o1",)), (), ["cn"]))
    changed = await now(bed, old, revocation)
    assert changed is not None and changed.access.scope == Scope(("o1",))
    database.write_blocking(lambda c: applications.end_old_secret(c, application_id))
    assert [await now(bed, party, revocation) for party in (old, changed)] == [None, None]
    assert await now(bed, new, revocation) is not None


@ensureDeferred
async def test_a_person_who_may_not_log_in_any_more_loses_the_rights_after_any_earlier_look_up(bed: Bed) -> None:
    revocation = Revocation(bed.authentication, bed.world.database)
    anna = await bed.bind(ANNAS, b"right")
    assert await now(bed, anna, revocation) is anna
    disable(bed)
    assert await now(bed, anna, revocation) is None
    assert await now(bed, anna, revocation) is None, "and is not forgotten by being asked about"


# ---- client certificates


NAMES = (typed("dns", "Portal.example.com"), typed("email", "ops@example.com"), typed("uri", "spiffe://example.com/Portal"))


def test_a_certificate_is_known_by_its_subject_or_by_an_alternative_name_of_the_type() -> None:
    names = CertificateNames("CN=Portal,O=Example", NAMES)
    for name in (
        "cn=portal, o=example",
        "CN=Portal,O=Example",
        "PORTAL.example.com",
        "dns:portal.EXAMPLE.com",
        "DNS:portal.example.com",
        "email:OPS@example.com",
        "uri:spiffe://example.com/Portal",
    ):
        assert names.match(["other.example.com", name]) == name
    for name in (
        "CN=Portal",
        "O=Example",
        "Portal",
        "",
        "example.com",
        "*.example.com",
        "ops@example.com",
        "dns:ops@example.com",
        "uri:portal.example.com",
        "email:portal.example.com",
        "spiffe://example.com/Portal",
        "uri:spiffe://example.com/portal",
    ):
        assert names.match([name]) is None, name
    assert CertificateNames("").match([""]) is None


def test_a_mail_address_or_uri_does_not_pass_for_a_host_of_that_name() -> None:
    for type_ in ("email", "uri"):
        assert CertificateNames("CN=x", (typed(type_, "portal.example.com"),)).match(["portal.example.com"]) is None


@ensureDeferred
async def test_a_certificate_binds_the_application_that_has_its_name_while_that_is_enabled(bed: Bed) -> None:
    application, _ = bed.add_application("portal", certificate_names=["CN=portal", "portal.example.com"])
    names = CertificateNames("CN=other", (typed("dns", "portal.example.com"),), "CN=authority", "2a")
    with capture_logs() as lines:
        party = await bed.authentication.bind_certificate(names, "")
    shown = {"certificate": "CN=other", "issuer": "CN=authority", "serial": "2a", "name": "portal.example.com"}
    assert shown.items() <= lines[-1].items()
    assert (party.dn, party.application) == (PORTAL, application)
    with pytest.raises(InvalidCredentials):
        await bed.authentication.bind_certificate(CertificateNames("CN=other"), "")
    bed.world.database.write_blocking(lambda c: applications.set_enabled(c, application.id, False))
    with pytest.raises(InvalidCredentials):
        await bed.authentication.bind_certificate(names, "")


# ---- acting as another identity


@pytest.mark.parametrize("authz_id", [f"dn:{ANNAS}", f"DN: UID=ANNA , {PEOPLE}", "u:anna", "U:Anna"])
@ensureDeferred
async def test_an_application_acts_as_a_person_with_the_persons_rights(bed: Bed, authz_id: str) -> None:
    with capture_logs() as lines:
        party = await bed.authentication.party_for(authz_id, await portal(bed, grants=["proxy"]), "192.0.2.1:7")
    line = lines[-1]
    assert (line["event"], line["result"], line["as"]) == ("proxied authorization", "accepted", ANNAS)
    assert (party.dn, party.user_id, party.access.only) == (ANNAS, ANNA.id, frozenset({ANNA.id}))
    assert (party.application, party.proved) == (None, False)


@ensureDeferred
async def test_an_application_may_act_as_anonymous(bed: Bed) -> None:
    party = await bed.authentication.party_for("", await portal(bed, grants=["proxy"]))
    assert party == bed.authentication.anonymous


@pytest.mark.parametrize(
    "authz_id",
    [
        f"dn:uid=nobody,{PEOPLE}",
        "u:nobody",
        f"dn:uid=cy,{PEOPLE}",  # disabled
        f"dn:cn=staff,ou=groups,{BASE}",
        f"dn:{PORTAL}",
        "dn:",
        "dn:nonsense",
        "anna",
        ANNAS,
        "u:",
        "x:anna",
    ],
)
@ensureDeferred
async def test_every_identity_that_cannot_be_assumed_is_denied_alike(bed: Bed, authz_id: str) -> None:
    party = await portal(bed, grants=["proxy"])
    with capture_logs() as lines, pytest.raises(AuthorizationDenied):
        await bed.authentication.party_for(authz_id, party, "192.0.2.1:7")
    line = lines[-1]
    assert (line["event"], line["result"], line["authzid"]) == ("proxied authorization", "refused", authz_id)
    assert (line["dn"], line["peer"]) == (party.dn, "192.0.2.1:7")


@ensureDeferred
async def test_no_application_acts_as_others_without_the_grant_or_as_people_whom_it_does_not_see(bed: Bed) -> None:
    reader = await portal(bed)
    anna = await bed.bind(ANNAS, b"right")
    assert reader.application is not None
    blind = replace(reader.application, grants=frozenset({"proxy"}), scope=Scope(("elsewhere",)))
    elsewhere = bed.authentication.party_of(blind)
    assert elsewhere is not None
    for party in (reader, anna, bed.authentication.anonymous, elsewhere):
        for authz_id in (f"dn:{ANNAS}", "u:anna"):
            with pytest.raises(AuthorizationDenied):
                await bed.authentication.party_for(authz_id, party)


EVES, DEES = f"uid=eve,{PEOPLE}", f"uid=dee,{PEOPLE}"


def link(bed: Bed, person: User, source: str) -> None:
    """Let a person decide that the source's record is this user's."""

    def work(connection: Connection) -> None:
        row = RecordRow(
            99, source, "user", "x99", f"cn={person.username},o={source}", "k99", None, "{}", None, "linked", "",
            person.id, "person:test", 99,
        )  # fmt: skip
        record_rows.insert(connection, [row])

    bed.world.database.write_blocking(work)


@pytest.mark.parametrize(
    ("name", "password", "change"),
    [
        (DEES, b"right", lambda bed: bed.leave(DEE, "crm")),
        (ANNAS, b"right", lambda bed: bed.leave(ANNA, SOURCE)),
        (EVES, b"kept here", lambda bed: link(bed, EVE, SOURCE)),
        (EVES, b"kept here", lambda bed: bed.world.database.write_blocking(lambda c: passwords.clear_local(c, EVE.id))),
    ],
)
@ensureDeferred
async def test_law_14_what_a_password_has_opened_ends_with_the_authority_of_the_source_that_accepted_it(
    bed: Bed, name: str, password: bytes, change: Callable[[Bed], object]
) -> None:
    bed.set_local(EVE, b"kept here")
    party, revocation = await bed.bind(name, password), Revocation(bed.authentication, bed.world.database)
    assert await now(bed, party, revocation) is party
    before = bed.world.database.read_blocking(changes.last)
    change(bed)
    assert bed.world.database.read_blocking(changes.last) == before, "the log does not tell"
    assert await now(bed, party, revocation) is None


@ensureDeferred
async def test_what_another_source_has_accepted_goes_on(bed: Bed) -> None:
    bed.hr.passwords["cn=dee,o=hr"] = b"at hr"
    at_hr, at_crm = await bed.bind(DEES, b"at hr"), await bed.bind(DEES, b"right")
    bed.leave(DEE, "crm")
    check = await Revocation(bed.authentication, bed.world.database).check([at_hr, at_crm])
    assert (check.refreshed(at_hr), check.refreshed(at_crm)) == (at_hr, None)


@ensureDeferred
async def test_everybody_has_a_turn(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation_module, "AT_ONCE", 1)
    bed.set_local(EVE, b"kept here")
    parties = [await bed.bind(ANNAS, b"right"), await bed.bind(EVES, b"kept here"), await bed.bind(DEES, b"right")]
    revocation = Revocation(bed.authentication, bed.world.database)
    await revocation.check(parties)
    bed.leave(DEE, "crm")
    checks = [await revocation.check(parties) for _ in parties]
    assert checks[-1].refreshed(parties[2]) is None
    assert all(check.refreshed(one) is one for check in checks for one in parties[:2])
