"""The check of a password: application passwords, the source, the password it accepted before it went away, the local hash; and
a refusal costs the same for every name."""

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from structlog.testing import capture_logs

from gateway.directory.authentication import password_hashing
from gateway.directory.authentication.authentication import InvalidCredentials
from gateway.directory.authentication.password_authority import PasswordAuthority
from gateway.directory.authentication.password_hashing import hash_blocking
from gateway.model.connector import PolicyNotice
from gateway.model.errors import Busy, SourceUnavailable
from gateway.store.clients import application_passwords
from gateway.store.objects import passwords, users
from gateway.store.objects.passwords import Verifier
from tests.directory.binding import ANNA, DEE, EVE, FAY, MAX_FAILURES, PEOPLE, Bed
from tests.directory.worlds import SOURCE, START

ANNAS, EVES, DEES = f"uid=anna,{PEOPLE}", f"uid=eve,{PEOPLE}", f"uid=dee,{PEOPLE}"


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    made = Bed(tmp_path)
    yield made
    made.close()


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The passwords that were compared with a hash, in order; what is compared without one as well."""
    seen: list[bytes] = []
    verify = password_hashing.verify_blocking

    def noted(password_hash: str, password: bytes) -> bool:
        seen.append(password)
        return verify(password_hash, password)

    monkeypatch.setattr(password_hashing, "verify_blocking", noted)
    return seen


def application_password(bed: Bed, name: str = "mail on the phone") -> bytes:
    application, _ = bed.add_application("mail")
    _, password = bed.world.database.write_blocking(
        lambda c: application_passwords.add(c, ANNA.id, application.id, name, now=START)
    )
    return password.encode()


async def verifier(bed: Bed, source: str = SOURCE, user_id: str = ANNA.id) -> Verifier | None:
    return await bed.world.database.read(lambda c: passwords.verifier(c, user_id, source))


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits for what is done behind an answer."""
    deadline = time.monotonic() + 20
    while not await condition():
        assert time.monotonic() < deadline


async def until_kept(bed: Bed, wanted: bool = True) -> None:
    async def is_so() -> bool:
        return (await verifier(bed) is not None) is wanted

    await eventually(is_so)


# ---- local passwords


@ensureDeferred
async def test_a_local_password_is_for_whom_no_source_vouches(bed: Bed) -> None:
    bed.set_local(EVE, b"local")
    party = await bed.bind(EVES, b"local")
    assert (party.user_id, party.proved) == (EVE.id, True)
    assert bed.hr.asked == [], "a right one goes nowhere"
    await bed.refused(EVES, b"wrong")


@ensureDeferred
async def test_where_a_source_vouches_it_alone_decides(bed: Bed) -> None:
    bed.set_local(ANNA, b"local")
    await bed.refused(ANNAS, b"local")
    assert (await bed.bind(ANNAS, b"right")).user_id == ANNA.id


@pytest.mark.parametrize("name", ["anna", "eve", "nobody", "cy"])
@ensureDeferred
async def test_every_refusal_costs_one_question_and_one_hash(bed: Bed, hashed: list[bytes], name: str) -> None:
    bed.set_local(EVE, b"local")
    await bed.refused(f"uid={name},{PEOPLE}")
    assert (len(bed.hr.asked), hashed) == (1, [b"wrong"])


@ensureDeferred
async def test_where_there_are_no_hashes_none_is_computed(bed: Bed, hashed: list[bytes]) -> None:
    await bed.refused(ANNAS)
    await bed.refused(f"uid=nobody,{PEOPLE}")
    assert hashed == []


@ensureDeferred
async def test_a_wrong_local_password_is_wrong_while_a_source_is_down(bed: Bed) -> None:
    bed.set_local(EVE, b"local")
    bed.hr.is_down = True
    assert (await bed.bind(EVES, b"local")).user_id == EVE.id
    for _ in range(MAX_FAILURES):
        await bed.refused(EVES)
    await bed.refused(EVES, b"local")


@ensureDeferred
async def test_more_hashes_than_may_wait_are_busy_and_no_failure(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.set_local(EVE, b"local")
    monkeypatch.setattr(password_hashing, "MAX_WAITING", -1)
    for _ in range(MAX_FAILURES + 1):
        with pytest.raises(Busy):
            await bed.bind(EVES, b"local")
    monkeypatch.undo()
    assert (await bed.bind(EVES, b"local")).user_id == EVE.id


@ensureDeferred
async def test_law_14_nobody_is_opened_by_what_is_left_when_the_source_that_decided_has_them_no_more(bed: Bed) -> None:
    bed.set_local(FAY, b"local")
    fays = f"uid=fay,{PEOPLE}"
    bed.authentication = bed.make(authority=PasswordAuthority((SOURCE, "crm"), (SOURCE, "crm")))
    bed.leave(FAY, SOURCE)
    with capture_logs() as logs:
        await bed.refused(fays, b"right")
        await bed.refused(fays, b"local")
    assert {line["reason"] for line in logs} == {"the source that checked the password has the user no more"}
    assert bed.crm.asked == [], "it is not even asked"
    bed.clock.advance(60)
    bed.world.database.write_blocking(
        lambda c: passwords.set_local(c, FAY.id, hash_blocking(b"new one"), by="test", now=bed.now())
    )
    assert (await bed.bind(fays, b"new one")).user_id == FAY.id, "a person has set it since"


# ---- application passwords


@ensureDeferred
async def test_an_application_password_binds_the_person_and_the_log_line_names_it(bed: Bed) -> None:
    password = application_password(bed)
    with capture_logs() as logs:
        party = await bed.bind(ANNAS, password)
    assert (party.user_id, party.dn, party.application, party.proved) == (ANNA.id, ANNAS, None, False)
    assert bed.hr.asked == [], "it is nobody else's business"
    (line,) = logs
    assert (line["application_password"], line["application"]) == ("mail on the phone", "mail")
    assert password.decode() not in repr(logs)


@ensureDeferred
async def test_an_application_password_binds_no_other_person_and_none_once_it_is_revoked(bed: Bed) -> None:
    password = application_password(bed)
    await bed.refused(f"uid=ben,{PEOPLE}", password)
    await bed.refused(f"uid=nobody,{PEOPLE}", password)
    (known,) = bed.world.database.read_blocking(lambda c: application_passwords.of_user(c, ANNA.id))
    bed.world.database.write_blocking(lambda c: application_passwords.remove(c, ANNA.id, known.id))
    await bed.refused(ANNAS, password)
    assert bed.hr.asked == []


@ensureDeferred
async def test_a_program_with_a_revoked_application_password_locks_its_user_out_of_nothing_else(bed: Bed) -> None:
    good = application_password(bed)
    for _ in range(MAX_FAILURES + 1):
        await bed.refused(ANNAS, b"gwap_aaaaaaaa_" + b"x" * 32)
    assert (await bed.bind(ANNAS, b"right")).user_id == ANNA.id
    for _ in range(MAX_FAILURES):
        await bed.refused(ANNAS)
    await bed.refused(ANNAS, b"right")
    bed.clock.advance(60)
    for _ in range(MAX_FAILURES):
        await bed.refused(ANNAS)
    assert (await bed.bind(ANNAS, good)).user_id == ANNA.id, "nor does who guesses at the person lock the programs out"


# ---- what the source's password policy says


@ensureDeferred
async def test_the_notice_of_the_sources_policy_reaches_the_client(bed: Bed) -> None:
    bed.hr.notice = PolicyNotice(expires_in_seconds=3600)
    bound = await bed.authentication.bind(ANNAS, b"right", "")
    assert bound.notice == bed.hr.notice
    bed.hr.notice = PolicyNotice(error=1)
    with pytest.raises(InvalidCredentials) as caught:
        await bed.bind(ANNAS, b"wrong")
    assert caught.value.notice == PolicyNotice(error=1)


@ensureDeferred
async def test_our_own_soft_lock_says_nothing(bed: Bed) -> None:
    bed.hr.notice = PolicyNotice(error=1)
    for _ in range(MAX_FAILURES):
        await bed.refused(ANNAS)
    with pytest.raises(InvalidCredentials) as caught:
        await bed.bind(ANNAS, b"right")
    assert caught.value.notice is None


# ---- offline binds


async def with_verifier(bed: Bed, seconds: float = 3600) -> None:
    """Anna has bound while the source could be reached."""
    bed.authentication = bed.make(offline_seconds={SOURCE: seconds})
    await bed.bind(ANNAS, b"right")
    await until_kept(bed)


@ensureDeferred
async def test_no_verifier_is_kept_unless_configured(bed: Bed) -> None:
    await bed.bind(ANNAS, b"right")
    assert await verifier(bed) is None
    bed.hr.is_down = True
    with pytest.raises(SourceUnavailable):
        await bed.bind(ANNAS, b"right")


@ensureDeferred
async def test_while_the_source_is_away_the_password_it_accepted_last_is_accepted_for_its_lifetime(bed: Bed) -> None:
    await with_verifier(bed)
    bed.hr.is_down = True
    with capture_logs() as logs:
        party = await bed.bind(ANNAS, b"right")
    assert (party.user_id, logs[0]["offline"]) == (ANNA.id, True)
    bed.clock.advance(3599)
    await bed.bind(ANNAS, b"right")
    bed.clock.advance(1)
    with pytest.raises(SourceUnavailable):
        await bed.bind(ANNAS, b"right")


@ensureDeferred
async def test_another_password_is_unavailable_then_and_counts_as_a_guess(bed: Bed) -> None:
    await with_verifier(bed)
    bed.hr.is_down = True
    for _ in range(MAX_FAILURES):
        with pytest.raises(SourceUnavailable):
            await bed.bind(ANNAS, b"wrong")
    await bed.refused(ANNAS, b"right")


@ensureDeferred
async def test_a_verifier_is_not_asked_while_the_source_answers(bed: Bed) -> None:
    await with_verifier(bed)
    bed.hr.passwords["cn=anna,o=hr"] = b"new"
    await bed.refused(ANNAS, b"right")


@ensureDeferred
async def test_a_verifier_is_forgotten_when_the_source_refuses_its_password_and_not_for_a_guess(bed: Bed) -> None:
    await with_verifier(bed)
    await bed.refused(ANNAS, b"a guess")
    assert await verifier(bed) is not None
    bed.hr.passwords["cn=anna,o=hr"] = b"new"
    await bed.refused(ANNAS, b"right")
    assert await verifier(bed) is None
    bed.hr.is_down = True
    with pytest.raises(SourceUnavailable):
        await bed.bind(ANNAS, b"right")


@ensureDeferred
async def test_a_new_password_takes_the_place_of_the_old_one(bed: Bed) -> None:
    await with_verifier(bed)
    before = await verifier(bed)
    bed.hr.passwords["cn=anna,o=hr"] = b"new"
    await bed.bind(ANNAS, b"new")

    async def is_replaced() -> bool:
        return await verifier(bed) not in (None, before)

    await eventually(is_replaced)
    bed.hr.is_down = True
    assert (await bed.bind(ANNAS, b"new")).user_id == ANNA.id
    with pytest.raises(SourceUnavailable):
        await bed.bind(ANNAS, b"right")


@ensureDeferred
async def test_a_disabled_person_has_no_offline_bind(bed: Bed) -> None:
    await with_verifier(bed)
    bed.world.database.write_blocking(lambda c: users.update(c, [replace(ANNA, enabled=False)], ()))
    bed.hr.is_down = True
    with pytest.raises(SourceUnavailable):
        await bed.bind(ANNAS, b"right")


@ensureDeferred
async def test_a_verifier_is_good_for_the_source_that_is_away_only(bed: Bed) -> None:
    bed.authentication = bed.make(offline_seconds={SOURCE: 3600, "crm": 3600})
    await bed.bind(DEES, b"right")

    async def is_kept() -> bool:
        return await verifier(bed, "crm", DEE.id) is not None

    await eventually(is_kept)
    bed.hr.is_down = True
    bed.crm.passwords.clear()
    with pytest.raises(SourceUnavailable):
        await bed.bind(DEES, b"right")


@ensureDeferred
async def test_frequent_binds_cost_few_hashes(bed: Bed, hashed: list[bytes]) -> None:
    await with_verifier(bed)
    for _ in range(20):
        bed.clock.advance(40)
        await bed.bind(ANNAS, b"right")
    assert hashed == []
    bed.clock.advance(200)
    await bed.bind(ANNAS, b"right")
    await until_hashed(bed, hashed)
    assert hashed == [b"right"]


async def until_hashed(bed: Bed, hashed: list[bytes]) -> None:
    async def is_so() -> bool:
        await bed.world.database.read(lambda _: None)
        return bool(hashed)

    await eventually(is_so)


@ensureDeferred
async def test_another_process_renews_the_verifier_it_finds(bed: Bed, hashed: list[bytes]) -> None:
    await with_verifier(bed)
    before = await verifier(bed)
    bed.clock.advance(3000)
    await with_verifier(bed)

    async def is_renewed() -> bool:
        return await verifier(bed) != before

    await eventually(is_renewed)
    renewed = await verifier(bed)
    assert renewed is not None and before is not None
    assert (renewed.hash, hashed) == (before.hash, [b"right"])


@ensureDeferred
async def test_a_verifier_is_forgotten_rather_than_kept_wrong_when_there_is_no_time_to_hash(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await with_verifier(bed)
    monkeypatch.setattr(password_hashing, "MAX_WAITING", -8)
    bed.hr.passwords["cn=anna,o=hr"] = b"new"
    await bed.bind(ANNAS, b"new")
    await until_kept(bed, False)
