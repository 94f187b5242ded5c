"""Binds: applications by their secret here, people by their password at the source; and the answers that reveal nothing."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from structlog.testing import capture_logs
from twisted.internet.defer import CancelledError, Deferred, gatherResults

from gateway.directory.access import Access, UserAccess, of_user
from gateway.directory.authentication.authentication import AuthorizationDenied, EmptyPassword, InvalidCredentials
from gateway.directory.authentication.client_certificates import CertificateNames
from gateway.directory.directory import Party, ViewNotReady
from gateway.frontends.ldap.core.results import result_of
from gateway.model.applications import Scope
from gateway.model.errors import SourceUnavailable
from gateway.model.ldap.dn import InvalidDN
from gateway.store.clients import applications
from gateway.wire.result_codes import ResultCode
from tests.directory.binding import ANNA, DEE, EVE, MAX_FAILURES, PEOPLE, Bed
from tests.directory.worlds import BASE, SOURCE


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    made = Bed(tmp_path)
    yield made
    made.close()


@ensureDeferred
async def test_an_application_binds_with_its_secret_and_gets_its_rights(bed: Bed) -> None:
    application, secret = bed.add_application("portal", scope=Scope(("o1",), ("g1",)), attributes=["cn", "mail"])
    party = await bed.bind(f"CN=Portal, ou=applications,{BASE}", secret)
    assert party.application == application
    assert (party.access.scope, party.views) == (Scope(("o1",), ("g1",)), ("main",))
    assert party.access.attributes == frozenset({"cn", "mail"})
    await bed.refused(f"cn=portal,ou=applications,{BASE}", secret + b"x")
    assert bed.hr.asked == [], "an application's secret goes nowhere"


@pytest.mark.parametrize(
    "name",
    [
        "cn=nobody,ou=applications",
        "uid=portal,ou=applications",
        "cn=portal+ou=x,ou=applications",
        "cn=portal",
        "cn=x,cn=portal,ou=applications",
    ],
)
@ensureDeferred
async def test_a_secret_opens_nothing_but_the_applications_own_name(bed: Bed, name: str) -> None:
    _, secret = bed.add_application("portal")
    await bed.refused(f"{name},{BASE}", secret)


@ensureDeferred
async def test_an_application_without_the_view_or_that_is_disabled_is_refused(bed: Bed) -> None:
    application, secret = bed.add_application("portal")
    bed.world.database.write_blocking(lambda c: applications.set_enabled(c, application.id, False))
    await bed.refused(f"cn=portal,ou=applications,{BASE}", secret)
    _, secret = bed.add_application("other", views=["elsewhere"])
    await bed.refused(f"cn=other,ou=applications,{BASE}", secret)


@ensureDeferred
async def test_a_person_binds_with_the_password_of_the_source_and_sees_the_own_entry(bed: Bed) -> None:
    party = await bed.bind(f"UID=Anna,{PEOPLE}", b"right")
    assert (party.dn, party.user_id) == (f"uid=anna,{PEOPLE}", ANNA.id)
    assert party.access == of_user(ANNA.id, UserAccess.OWN)
    assert bed.hr.asked == ["cn=anna,o=hr"], "by the name that the source gave"
    for sees in UserAccess:
        bed.authentication = bed.make(user_access={bed.follower.view.name: sees})
        assert (await bed.bind(f"uid=anna,{PEOPLE}", b"right")).access == of_user(ANNA.id, sees)


@ensureDeferred
async def test_law_14_an_account_that_a_rule_has_linked_opens_nothing_whatever_the_deciding_source_says(bed: Bed) -> None:
    await bed.refused(f"uid=fay,{PEOPLE}", b"right")
    bed.hr.is_down = True
    with pytest.raises(SourceUnavailable):
        await bed.bind(f"uid=fay,{PEOPLE}", b"right")
    assert bed.crm.asked == []


@pytest.mark.parametrize(
    ("name", "source", "reason"),
    [
        ("anna", SOURCE, "wrong"),
        ("nobody", "gateway", "unknown name"),
        ("cy", "gateway", "disabled"),
        ("eve", "gateway", "no password is kept"),
    ],
)
@ensureDeferred
async def test_the_audit_says_who_refused_and_why(bed: Bed, name: str, source: str, reason: str) -> None:
    with capture_logs() as logs:
        await bed.refused(f"uid={name},{PEOPLE}")
    [line] = logs
    assert (line["source"], line["reason"]) == (source, reason)


@ensureDeferred
async def test_the_audit_says_why_an_application_is_refused(bed: Bed) -> None:
    bed.add_application("portal")
    with capture_logs() as logs:
        await bed.refused(f"cn=portal,ou=applications,{BASE}")
    [line] = logs
    assert (line["source"], line["reason"]) == ("gateway", "no application with this secret and view")


async def diagnostic(bed: Bed, name: str, password: bytes) -> str:
    """The words in which a client learns that its bind was refused."""
    with pytest.raises(InvalidCredentials) as caught:
        await bed.bind(name, password)
    result = result_of(caught.value)
    assert result.code == ResultCode.INVALID_CREDENTIALS
    return result.diagnostic_message


@ensureDeferred
async def test_in_a_view_of_active_directory_alone_a_client_learns_the_sub_code_of_a_right_password(bed: Bed) -> None:
    anna = f"uid=anna,{PEOPLE}"
    bed.hr.sub_code = "773"
    assert await diagnostic(bed, anna, b"right") == ""
    bed.authentication = bed.make(views=[replace(bed.follower.view, kind="ad", bind_names=frozenset({"dn", "login"}))])
    for name in (anna, "anna"):
        words = await diagnostic(bed, name, b"right")
        assert re.fullmatch(r"80090308: LdapErr: DSID-\w+, comment: AcceptSecurityContext error, data 773, v\w+", words)
        bed.authentication = bed.make(views=[bed.follower.view])  # with a soft lock of its own
    assert await diagnostic(bed, anna, b"wrong") == ""
    assert await diagnostic(bed, "nobody", b"right") == ""
    assert await diagnostic(bed, f"uid=cy,{PEOPLE}", b"right") == "", "disabled here: the source was not asked"


@ensureDeferred
async def test_the_audit_gives_a_reason_for_every_refusal(bed: Bed) -> None:
    application, _ = bed.add_application("portal")
    bed.authentication = bed.make(offline_seconds={SOURCE: 60})
    anna = f"uid=anna,{PEOPLE}"
    with capture_logs() as logs:
        await bed.bind(anna, b"right")
        bed.hr.is_down = True
        for _ in range(MAX_FAILURES):
            with pytest.raises(SourceUnavailable):
                await bed.bind(anna, b"wrong")
        await bed.refused(anna)
        with pytest.raises(AuthorizationDenied):
            await bed.authentication.party_for("u:anna", Party("cn=portal", ("main",), Access(), application=application))
        with pytest.raises(InvalidCredentials):
            await bed.authentication.bind_certificate(CertificateNames("CN=x"), "192.0.2.1:5")
    refused = [line for line in logs if line["log_level"] == "warning"]
    assert len(refused) == MAX_FAILURES + 3 and all(line["reason"] for line in refused)


@ensureDeferred
async def test_the_audit_says_who_accepted(bed: Bed) -> None:
    bed.set_local(EVE, b"local")
    with capture_logs() as logs:
        await bed.bind(f"uid=dee,{PEOPLE}", b"right")
        await bed.bind(f"uid=eve,{PEOPLE}", b"local")
    assert [(line["result"], line["source"]) for line in logs] == [("accepted", "crm"), ("accepted", "gateway")]
    assert not any("reason" in line for line in logs)


@ensureDeferred
async def test_an_account_that_a_person_has_linked_will_do(bed: Bed) -> None:
    bed.hr.is_down = True
    assert (await bed.bind(f"uid=dee,{PEOPLE}", b"right")).user_id == DEE.id
    assert (bed.hr.asked, bed.crm.asked) == (["cn=dee,o=hr"], ["cn=dee,o=crm"])


@pytest.mark.parametrize(
    "name",
    [
        f"uid=anna,{PEOPLE}",
        f"uid=nobody,{PEOPLE}",
        f"uid=cy,{PEOPLE}",
        f"uid=eve,{PEOPLE}",
        f"cn=staff,ou=groups,{BASE}",
        BASE,
        "uid=anna,ou=people,dc=elsewhere",
    ],
)
@ensureDeferred
async def test_unknown_disabled_and_wrong_are_indistinguishable_even_by_the_questions_to_sources(bed: Bed, name: str) -> None:
    with capture_logs() as logs:
        await bed.refused(name)
    assert len(bed.hr.asked) == 1, "one upstream is asked in every case"
    assert bed.crm.asked == []
    assert [(entry["event"], entry["result"]) for entry in logs] == [("bind", "refused")]
    bed.hr.is_down = True
    with pytest.raises(SourceUnavailable):
        await bed.bind(name, b"wrong")


@ensureDeferred
async def test_a_disabled_person_is_refused_with_the_right_password_too(bed: Bed) -> None:
    await bed.refused(f"uid=cy,{PEOPLE}", b"right")
    assert bed.hr.asked == ["decoy"]


@ensureDeferred
async def test_an_upstream_that_is_down_is_unavailable_and_no_failure_of_the_person(bed: Bed) -> None:
    bed.hr.is_down = True
    for _ in range(MAX_FAILURES + 1):
        with pytest.raises(SourceUnavailable):
            await bed.bind(f"uid=anna,{PEOPLE}", b"right")
    bed.hr.is_down = False
    assert (await bed.bind(f"uid=anna,{PEOPLE}", b"right")).user_id == ANNA.id


@ensureDeferred
async def test_refused_by_one_source_while_the_other_is_down_is_unavailable(bed: Bed) -> None:
    bed.crm.is_down = True
    with pytest.raises(SourceUnavailable):
        await bed.bind(f"uid=dee,{PEOPLE}", b"wrong")


@ensureDeferred
async def test_a_view_that_is_being_built_is_no_wrong_password(bed: Bed) -> None:
    bed.follower.reader = None
    with pytest.raises(ViewNotReady):
        await bed.bind(f"uid=anna,{PEOPLE}", b"right")


@ensureDeferred
async def test_an_empty_password_is_refused_before_anything_is_asked(bed: Bed) -> None:
    with pytest.raises(EmptyPassword):
        await bed.bind(f"uid=anna,{PEOPLE}", b"")
    assert bed.hr.asked == []


@ensureDeferred
async def test_no_name_and_no_password_is_anonymous_which_sees_nothing_unless_granted(bed: Bed) -> None:
    party = await bed.bind("", b"")
    assert (party.is_anonymous, party.views, party.access.is_everything) == (True, (), False)
    bed.authentication = bed.make(anonymous_views=("main",))
    party = await bed.bind("", b"")
    assert (party.is_anonymous, party.views, party.access.is_everything) == (True, ("main",), True)
    await bed.refused("", b"a password without a name")


@ensureDeferred
async def test_a_malformed_name_is_refused_as_such(bed: Bed) -> None:
    with pytest.raises(InvalidDN):
        await bed.bind("anna", b"right")


@ensureDeferred
async def test_law_13_a_name_with_too_many_failures_is_locked_before_the_upstream_is_asked_in_any_spelling(bed: Bed) -> None:
    for spelling in ("uid=anna", "UID=ANNA", "uid = Anna"):
        await bed.refused(f"{spelling},{PEOPLE}")
    with capture_logs() as logs:
        await bed.refused(f"uid=anna,{PEOPLE}", b"right")
    assert len(bed.hr.asked) == MAX_FAILURES
    assert logs[0]["result"] == "locked"
    assert logs[0]["peer"] == "192.0.2.1:5"
    bed.clock.advance(60)
    assert (await bed.bind(f"uid=anna,{PEOPLE}", b"right")).user_id == ANNA.id


@ensureDeferred
async def test_a_name_that_does_not_exist_is_locked_like_one_that_does(bed: Bed) -> None:
    for _ in range(MAX_FAILURES + 2):
        await bed.refused(f"uid=nobody,{PEOPLE}")
    assert bed.hr.asked == ["decoy"] * MAX_FAILURES


@ensureDeferred
async def test_success_clears_and_only_failures_count(bed: Bed) -> None:
    for password in (b"wrong", b"wrong", b"right", b"wrong", b"wrong", b"right", b"right", b"right", b"right"):
        if password == b"right":
            await bed.bind(f"uid=anna,{PEOPLE}", password)
        else:
            await bed.refused(f"uid=anna,{PEOPLE}")
    assert len(bed.hr.asked) == 9


@ensureDeferred
async def test_law_13_guesses_sent_at_the_same_time_ask_the_upstream_no_oftener_than_the_lock_allows(bed: Bed) -> None:
    bed.hr.held = []
    guesses = [Deferred.fromCoroutine(bed.refused(f"uid=anna,{PEOPLE}")) for _ in range(20)]
    while len(bed.hr.held) < MAX_FAILURES:
        await bed.world.database.read(lambda _: None)
    for answer in bed.hr.held:
        answer.callback(None)
    await gatherResults(guesses)
    assert len(bed.hr.asked) == MAX_FAILURES


@ensureDeferred
async def test_no_password_and_no_secret_is_in_the_log(bed: Bed) -> None:
    _, secret = bed.add_application("portal")
    with capture_logs() as logs:
        await bed.bind(f"cn=portal,ou=applications,{BASE}", secret)
        await bed.bind(f"uid=anna,{PEOPLE}", b"right")
        await bed.refused(f"uid=anna,{PEOPLE}", b"a secret guess")
    text = repr(logs)
    assert len(logs) == 3
    assert secret.decode() not in text
    assert "guess" not in text
    assert "right" not in text


@ensureDeferred
async def test_refused_before_a_password_is_looked_at_is_refused_with_an_audit_line(bed: Bed) -> None:
    with capture_logs() as lines:
        with pytest.raises(InvalidDN):
            await bed.bind("my-password, ", b"right")
        with pytest.raises(EmptyPassword):
            await bed.bind(f"uid=anna,{PEOPLE}", b"")
    assert [(line["event"], line["result"], line["reason"]) for line in lines] == [
        ("bind", "refused", "neither a DN nor a name of a form that a view takes (13 characters)"),
        ("bind", "refused", "no password was sent"),
    ]
    assert "my-password" not in repr(lines), "what is no name may be a password"


@ensureDeferred
async def test_law_13_a_guesser_who_goes_before_the_answer_is_counted_as_well(bed: Bed) -> None:
    bed.hr.held = []
    for number in range(MAX_FAILURES + 2):
        guess = Deferred.fromCoroutine(bed.authentication.bind(f"uid=anna,{PEOPLE}", b"wrong", f"192.0.2.1:{number}"))
        guess.cancel()
        with pytest.raises((CancelledError, InvalidCredentials)):
            await guess
    assert len(bed.hr.asked) == MAX_FAILURES
    bed.hr.held = None
    await bed.refused(f"uid=anna,{PEOPLE}", b"right")
    assert len(bed.hr.asked) == MAX_FAILURES
