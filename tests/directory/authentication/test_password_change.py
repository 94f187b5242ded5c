"""Changing passwords: the parties that may, the place where a password is kept, and the refusals."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from structlog.testing import capture_logs

from gateway.directory.authentication.authentication import InvalidCredentials
from gateway.directory.authentication.password_change import Changed, ChangeRefused
from gateway.directory.directory import Party
from gateway.model.applications import Scope
from gateway.model.connector import PolicyNotice
from gateway.model.errors import NotFound, SourceUnavailable
from gateway.store.clients import application_passwords
from gateway.store.objects import passwords
from gateway.wire.result_codes import ResultCode
from tests.directory.binding import ANNA, EVE, FAY, MAX_FAILURES, PEOPLE, Bed
from tests.directory.worlds import BASE, SOURCE, START

ANNAS, EVES, NOBODYS = f"uid=anna,{PEOPLE}", f"uid=eve,{PEOPLE}", f"uid=nobody,{PEOPLE}"
NEW = b"a new password"


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    made = Bed(tmp_path)
    made.set_local(EVE, b"local")
    yield made
    made.close()


async def modify(bed: Bed, party: Party, identity: str = "", old: bytes | None = None, new: bytes | None = NEW) -> Changed:
    return await bed.changes.modify(party, identity, old, new, "192.0.2.1:5")


async def refused(bed: Bed, party: Party, *rest: object) -> ChangeRefused:
    with pytest.raises(ChangeRefused) as caught:
        await modify(bed, party, *rest)  # type: ignore[arg-type]
    return caught.value


async def portal(bed: Bed, *grants: str, scope: Scope | None = None) -> Party:
    _, secret = bed.add_application("portal", grants=grants, scope=scope)
    return await bed.bind(f"cn=portal,ou=applications,{BASE}", secret)


# ---- people


@ensureDeferred
async def test_a_person_who_has_bound_with_the_own_password_changes_it(bed: Bed) -> None:
    eve = await bed.bind(EVES, b"local")
    with capture_logs() as logs:
        assert await modify(bed, eve) == Changed()
    assert [(line["event"], line["by"]) for line in logs] == [("password changed", EVES)]
    assert NEW.decode() not in repr(logs)
    await bed.refused(EVES, b"local")
    assert (await bed.bind(EVES, NEW)).user_id == EVE.id


@pytest.mark.parametrize("identity", ["", EVES, f"dn:{EVES}", "u:eve"])
@ensureDeferred
async def test_every_way_to_name_oneself_will_do(bed: Bed, identity: str) -> None:
    await modify(bed, await bed.bind(EVES, b"local"), identity)
    assert (await bed.bind(EVES, NEW)).user_id == EVE.id


@ensureDeferred
async def test_the_old_password_is_proof_enough_without_a_bind(bed: Bed) -> None:
    nobody = bed.authentication.anonymous
    await modify(bed, nobody, EVES, b"local")
    assert (await bed.bind(EVES, NEW)).user_id == EVE.id
    assert (await refused(bed, nobody)).code == ResultCode.UNWILLING_TO_PERFORM
    assert (await refused(bed, nobody, EVES)).code == ResultCode.INSUFFICIENT_ACCESS_RIGHTS


@pytest.mark.parametrize("name", [EVES, NOBODYS, ANNAS])
@ensureDeferred
async def test_a_wrong_old_password_is_a_guess_like_any_other(bed: Bed, name: str) -> None:
    for old in [b"wrong"] * MAX_FAILURES:
        with pytest.raises(InvalidCredentials):
            await modify(bed, bed.authentication.anonymous, name, old)
    await bed.refused(name, b"local" if name == EVES else b"right")


@ensureDeferred
async def test_an_application_password_changes_nothing(bed: Bed) -> None:
    application, _ = bed.add_application("mail")
    _, text = bed.world.database.write_blocking(
        lambda c: application_passwords.add(c, EVE.id, application.id, "phone", now=START)
    )
    eve = await bed.bind(EVES, text.encode())
    error = await refused(bed, eve)
    assert (error.code, error.notice) == (ResultCode.UNWILLING_TO_PERFORM, PolicyNotice(error=4))
    with pytest.raises(InvalidCredentials):
        await modify(bed, eve, "", text.encode())
    await modify(bed, eve, "", b"local")


@ensureDeferred
async def test_no_person_changes_the_password_of_another(bed: Bed) -> None:
    eve = await bed.bind(EVES, b"local")
    assert (await refused(bed, eve, ANNAS)).code == ResultCode.INSUFFICIENT_ACCESS_RIGHTS
    assert (await refused(bed, eve, NOBODYS)).code == ResultCode.INSUFFICIENT_ACCESS_RIGHTS


@ensureDeferred
async def test_a_password_that_is_too_short_is_refused_with_a_policy_notice(bed: Bed) -> None:
    eve = await bed.bind(EVES, b"local")
    error = await refused(bed, eve, "", None, b"1234567")
    assert (error.code, error.notice) == (ResultCode.CONSTRAINT_VIOLATION, PolicyNotice(error=6))
    assert "8 characters" in str(error) and "1234567" not in str(error)
    assert (await refused(bed, eve, "", None, b"")).code == ResultCode.CONSTRAINT_VIOLATION
    await modify(bed, eve, "", None, "ÄÖÜäöüßß".encode())


@ensureDeferred
async def test_a_password_that_is_not_given_is_generated_and_shown_once(bed: Bed) -> None:
    eve = await bed.bind(EVES, b"local")
    made = [(await modify(bed, eve, "", None, None)).generated for _ in range(2)]
    assert made[0] and made[1] and made[0] != made[1] and len(made[1]) == 16
    assert made[1].decode() not in repr(Changed(made[1]))
    assert (await bed.bind(EVES, made[1])).user_id == EVE.id


# ---- passwords that a source keeps


@ensureDeferred
async def test_a_password_that_a_source_keeps_is_refused_with_the_sources_name_unless_it_takes_changes(bed: Bed) -> None:
    anna = await bed.bind(ANNAS, b"right")
    error = await refused(bed, anna, "", b"right")
    assert (error.code, error.notice) == (ResultCode.UNWILLING_TO_PERFORM, PolicyNotice(error=3))
    assert f"({SOURCE})" in str(error)
    assert "change cn=anna,o=hr" not in bed.hr.asked


@ensureDeferred
async def test_a_source_that_takes_changes_is_asked_as_the_person_with_the_old_password(bed: Bed) -> None:
    bed.authentication = bed.make(changers=[SOURCE])
    anna = await bed.bind(ANNAS, b"right")
    assert (await refused(bed, anna)).notice == PolicyNotice(error=4)
    await modify(bed, anna, "", b"right")
    assert (await bed.bind(ANNAS, NEW)).user_id == ANNA.id
    assert bed.world.database.read_blocking(lambda c: passwords.local_hash(c, ANNA.id)) is None
    assert (await modify(bed, anna, "", NEW, None)).generated == b"chosen there"


@ensureDeferred
async def test_law_14_only_the_source_that_decides_changes_a_password(bed: Bed) -> None:
    bed.authentication = bed.make(changers=[SOURCE, "crm"], resetters=["crm"])
    with pytest.raises(InvalidCredentials):
        await modify(bed, bed.authentication.anonymous, f"uid=fay,{PEOPLE}", b"right")
    with pytest.raises(ChangeRefused):
        await bed.changes.reset(FAY.id, NEW, "test")
    assert (bed.hr.asked, bed.crm.asked) == (["change cn=fay,o=hr"], [])


@ensureDeferred
async def test_law_14_an_open_connection_gives_no_password_to_a_user_whom_the_source_that_decided_has_no_more(bed: Bed) -> None:
    anna = await bed.bind(ANNAS, b"right")
    bed.leave(ANNA, SOURCE)
    caught = await refused(bed, anna)
    assert (caught.code, SOURCE in str(caught)) == (ResultCode.UNWILLING_TO_PERFORM, True)
    bed.clock.advance(1)
    await modify(bed, await portal(bed, "passwords"), ANNAS)
    assert (await bed.bind(ANNAS, NEW)).user_id == ANNA.id


@ensureDeferred
async def test_the_sources_reason_against_a_password_is_passed_on(bed: Bed) -> None:
    bed.authentication = bed.make(changers=[SOURCE])
    error = await refused(bed, bed.authentication.anonymous, ANNAS, b"right", b"history")
    assert (error.code, str(error), error.notice) == (19, "in the history", PolicyNotice(error=8))
    bed.hr.is_down = True
    with pytest.raises(SourceUnavailable):
        await modify(bed, bed.authentication.anonymous, ANNAS, b"right")


@ensureDeferred
async def test_the_verifier_for_offline_binds_is_deleted_with_the_old_password(bed: Bed) -> None:
    bed.authentication = bed.make(changers=[SOURCE], resetters=[SOURCE], offline_seconds={SOURCE: 3600})
    database = bed.world.database
    for change in (modify(bed, bed.authentication.anonymous, ANNAS, b"right"), bed.changes.reset(ANNA.id, NEW, "test")):
        database.write_blocking(lambda c: passwords.keep_verifier(c, ANNA.id, SOURCE, "hash", START))
        await change
        assert database.read_blocking(lambda c: passwords.verifier(c, ANNA.id, SOURCE)) is None


@ensureDeferred
async def test_an_application_password_is_not_shown_to_a_source(bed: Bed) -> None:
    bed.authentication = bed.make(changers=[SOURCE])
    with pytest.raises(InvalidCredentials):
        await modify(bed, bed.authentication.anonymous, ANNAS, b"gwap_aaaaaaaa_" + b"x" * 32)
    assert bed.hr.asked == []


# ---- applications


@ensureDeferred
async def test_an_application_with_the_grant_sets_the_passwords_of_the_people_whom_it_sees(bed: Bed) -> None:
    party = await portal(bed, "passwords")
    await modify(bed, party, EVES)
    assert (await bed.bind(EVES, NEW)).user_id == EVE.id
    assert (await refused(bed, party, NOBODYS)).code == ResultCode.NO_SUCH_OBJECT
    assert (await refused(bed, party)).code == ResultCode.UNWILLING_TO_PERFORM
    assert (await refused(bed, party, ANNAS)).code == ResultCode.UNWILLING_TO_PERFORM


@ensureDeferred
async def test_an_application_without_the_grant_or_that_does_not_see_the_person_sets_nothing(bed: Bed) -> None:
    reader = await portal(bed)
    assert (await refused(bed, reader, EVES)).code == ResultCode.INSUFFICIENT_ACCESS_RIGHTS
    application = reader.application
    assert application is not None
    elsewhere = replace(application, grants=frozenset({"passwords"}), scope=Scope(("elsewhere",)))
    party = bed.authentication.party_of(elsewhere)
    assert party is not None
    assert (await refused(bed, party, EVES)).code == ResultCode.NO_SUCH_OBJECT


@ensureDeferred
async def test_a_source_is_asked_with_our_own_account_only_where_that_is_allowed(bed: Bed) -> None:
    bed.authentication = bed.make(changers=[SOURCE])
    party = await portal(bed, "passwords")
    assert (await refused(bed, party, ANNAS)).code == ResultCode.UNWILLING_TO_PERFORM
    bed.authentication = bed.make(resetters=[SOURCE])
    await modify(bed, party, ANNAS)
    assert bed.hr.asked[-1] == "reset cn=anna,o=hr"


@ensureDeferred
async def test_the_password_of_a_user_who_does_not_exist_is_not_found(bed: Bed) -> None:
    with pytest.raises(NotFound):
        await bed.changes.reset("nobody", NEW, "test")
    assert await bed.changes.clear(EVE.id, "test")
    assert not await bed.changes.clear(EVE.id, "test")
    await bed.refused(EVES, b"local")
