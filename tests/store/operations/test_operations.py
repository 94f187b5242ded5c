"""Applications, tokens, leases, requests, runs, positions: the gateway's own records."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from gateway.model.applications import Scope
from gateway.model.errors import Conflict, NotFound
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind
from gateway.model.runs import Outcome, Result, RunStatus, Statistics
from gateway.store.clients import access_tokens, applications
from gateway.store.engine.database import Database
from gateway.store.log import positions
from gateway.store.operations import leases, source_state, sync_requests, sync_runs
from gateway.store.tables.clients import applications as applications_table

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=60)


def test_an_application_is_let_in_with_its_secret_by_id_and_by_name(database: Database) -> None:
    made, secret = database.write_blocking(lambda c: applications.add(c, "HR-Portal", now=NOW, description="d"))
    assert made.scope.is_everything
    assert len(secret) >= 43
    for name in (made.id, "hr-portal", "HR-PORTAL"):
        assert database.read_blocking(lambda c, n=name: applications.verify(c, n, secret)) == made  # type: ignore[misc]
    assert database.read_blocking(lambda c: applications.verify(c, made.id, secret + "x")) is None
    assert database.read_blocking(lambda c: applications.verify(c, "nobody", secret)) is None


def test_a_secret_is_stored_nowhere(database: Database) -> None:
    _, secret = database.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    rows = database.read_blocking(lambda c: c.execute(sa.select(applications_table)).all())
    assert secret not in repr(rows)


def test_two_applications_cannot_share_a_name(database: Database) -> None:
    database.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    with pytest.raises(Conflict, match="choose another name"):
        database.write_blocking(lambda c: applications.add(c, "Portal", now=NOW))


def test_a_new_secret_ends_the_old_one(database: Database) -> None:
    made, old = database.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    new = database.write_blocking(lambda c: applications.replace_secret(c, made.id))
    assert database.read_blocking(lambda c: applications.verify(c, made.id, old)) is None
    same = database.read_blocking(lambda c: applications.verify(c, made.id, new))
    assert same is not None
    assert (same.id, same.secret_version, made.secret_version) == (made.id, 2, 1)


def test_every_change_to_an_application_gives_it_a_new_version_and_only_a_new_secret_a_new_secret_version(
    database: Database,
) -> None:
    made, _ = database.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    database.write_blocking(lambda c: applications.set_grants(c, made.id, ["write"]))
    database.write_blocking(lambda c: applications.set_description(c, made.id, "new"))
    assert database.read_blocking(applications.versions) == {made.id: (3, 1)}
    database.write_blocking(lambda c: applications.replace_secret(c, made.id))
    assert database.read_blocking(applications.versions) == {made.id: (4, 2)}
    database.write_blocking(lambda c: applications.set_enabled(c, made.id, False))
    assert database.read_blocking(applications.versions) == {}


def test_an_application_keeps_its_grants_and_the_names_of_its_certificates(database: Database) -> None:
    grants, names = ["write", "proxy"], ["CN=portal", "portal.example.com"]
    made, _ = database.write_blocking(lambda c: applications.add(c, "portal", now=NOW, grants=grants, certificate_names=names))
    assert (made.grants, made.certificate_names) == (frozenset(grants), tuple(names))
    assert database.write_blocking(lambda c: applications.set_grants(c, made.id, [])).grants == frozenset()
    changed = database.write_blocking(lambda c: applications.set_certificate_names(c, made.id, ["CN=new"]))
    assert changed.certificate_names == ("CN=new",)


def test_a_certificate_is_one_application_only(database: Database) -> None:
    database.write_blocking(lambda c: applications.add(c, "portal", now=NOW, certificate_names=["CN=x"]))
    with pytest.raises(Conflict, match="are the application 'portal' already"):
        database.write_blocking(lambda c: applications.add(c, "other", now=NOW, certificate_names=["CN=x"]))


def test_an_application_keeps_the_rights_it_is_given(database: Database) -> None:
    scope = Scope(("o1", "o2"), ("g1",))
    made, _ = database.write_blocking(
        lambda c: applications.add(c, "portal", now=NOW, scope=scope, views=["v"], attributes=["Mail", "cn"])
    )
    assert (made.scope, made.views, made.attributes) == (scope, ("v",), frozenset({"mail", "cn"}))
    changed = database.write_blocking(lambda c: applications.set_rights(c, made.id, Scope(), (), None))
    assert (changed.scope.organization_ids, changed.views, changed.attributes) == ((ROOT_ORGANIZATION_ID,), (), None)
    assert database.write_blocking(lambda c: applications.set_description(c, made.id, "new")).description == "new"
    assert [one.name for one in database.read_blocking(applications.all_applications)] == ["portal"]


def test_an_application_that_is_switched_off_is_kept_out_with_its_tokens(database: Database) -> None:
    made, secret = database.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    token = database.write_blocking(lambda c: access_tokens.issue(c, made.id, 60, NOW))
    assert database.read_blocking(lambda c: access_tokens.find(c, token, NOW)) == made.id
    database.write_blocking(lambda c: applications.set_enabled(c, made.id, False))
    assert database.read_blocking(lambda c: applications.verify(c, made.id, secret)) is None
    assert database.read_blocking(lambda c: access_tokens.find(c, token, NOW)) is None
    database.write_blocking(lambda c: applications.remove(c, made.id))
    with pytest.raises(NotFound):
        database.write_blocking(lambda c: applications.remove(c, made.id))


def test_a_token_ends_with_its_time_or_when_its_owner_says_so(database: Database) -> None:
    made, _ = database.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    first, second = (database.write_blocking(lambda c: access_tokens.issue(c, made.id, 60, NOW)) for _ in range(2))
    assert database.read_blocking(lambda c: access_tokens.find(c, first, LATER)) is None
    database.write_blocking(lambda c: access_tokens.revoke(c, second, "somebody else"))
    assert database.read_blocking(lambda c: access_tokens.find(c, second, NOW)) == made.id
    database.write_blocking(lambda c: access_tokens.revoke(c, second, made.id))
    assert database.read_blocking(lambda c: access_tokens.find(c, second, NOW)) is None
    assert database.write_blocking(lambda c: access_tokens.purge(c, LATER)) == 1


def test_a_lease_has_one_holder_until_it_ends(database: Database) -> None:
    def acquire(holder: str, now: datetime = NOW) -> bool:
        return database.write_blocking(lambda c: leases.acquire(c, "source:hr", holder, 30, now))

    assert acquire("a")
    assert acquire("a")
    assert not acquire("b")
    assert database.read_blocking(lambda c: leases.holder_of(c, "source:hr", NOW)) == "a"
    assert acquire("b", LATER)
    assert not database.write_blocking(lambda c: leases.renew(c, "source:hr", "a", 30, LATER))
    database.write_blocking(lambda c: leases.release(c, "source:hr", "a"))
    assert not acquire("a", LATER), "who lost it cannot give it back"
    database.write_blocking(lambda c: leases.release(c, "source:hr", "b"))
    assert acquire("a", LATER)


def test_a_request_is_taken_once_and_answered_with_its_run(database: Database) -> None:
    number = database.write_blocking(lambda c: sync_requests.place(c, "hr", full=True, allow_deletions=False, now=NOW))
    assert database.write_blocking(lambda c: sync_requests.take(c, "other", "node")) is None
    taken = database.write_blocking(lambda c: sync_requests.take(c, "hr", "node"))
    assert taken is not None
    assert (taken.id, taken.full, taken.allow_deletions, taken.requested_at) == (number, True, False, NOW)
    assert database.write_blocking(lambda c: sync_requests.take(c, "hr", "node")) is None
    assert not database.write_blocking(lambda c: sync_requests.withdraw(c, number))
    database.write_blocking(lambda c: sync_requests.answer(c, number, 7))
    answered = database.read_blocking(lambda c: sync_requests.get(c, number))
    assert answered is not None
    assert (answered.taken_by, answered.run_id) == ("node", 7)


def test_a_request_that_nobody_took_can_be_withdrawn(database: Database) -> None:
    number = database.write_blocking(lambda c: sync_requests.place(c, "hr", full=False, allow_deletions=True, now=NOW))
    assert database.write_blocking(lambda c: sync_requests.withdraw(c, number))
    assert database.read_blocking(lambda c: sync_requests.get(c, number)) is None


def test_runs_are_kept_with_their_numbers_and_the_oldest_are_forgotten(database: Database) -> None:
    statistics = Statistics({(Kind.USER, Outcome.CREATED, Result.SUCCEEDED): 3})

    def many(connection: sa.Connection) -> int:
        for _ in range(sync_runs.KEPT + 5):
            number = sync_runs.start(connection, "hr", "full", "start", NOW)
        sync_runs.progress(connection, number, statistics)
        sync_runs.finish(connection, number, RunStatus.FAILED, statistics, LATER, "it broke")
        return number

    last = database.write_blocking(many)
    run = database.read_blocking(lambda c: sync_runs.get(c, last))
    assert run is not None
    assert (run.statistics, run.status, run.finished_at, run.error) == (statistics, RunStatus.FAILED, LATER, "it broke")
    assert len(database.read_blocking(lambda c: sync_runs.latest(c, "hr", 1000))) == sync_runs.KEPT
    assert database.write_blocking(lambda c: sync_runs.abandon(c, "hr", NOW, "died")) == sync_runs.KEPT - 1
    assert database.read_blocking(lambda c: sync_runs.latest(c, "hr"))[0].id == last


def test_a_position_is_moved_and_forgotten(database: Database) -> None:
    assert database.read_blocking(lambda c: positions.get(c, "push")) is None
    for number in (3, 5):
        database.write_blocking(lambda c, n=number: positions.set_position(c, "push", n, NOW))  # type: ignore[misc]
    assert database.read_blocking(positions.all_positions) == {"push": 5}
    database.write_blocking(lambda c: positions.forget(c, "push"))
    assert database.read_blocking(lambda c: positions.get(c, "push")) is None


def test_a_source_remembers_its_last_error_until_it_is_heard_of_again(database: Database) -> None:
    database.write_blocking(lambda c: source_state.ensure(c, "hr", "ldap"))
    database.write_blocking(lambda c: source_state.note_error(c, "hr", "it is down", NOW))
    (state,) = database.read_blocking(source_state.all_sources)
    assert (state.last_error, state.last_error_at, state.caught_up_at) == ("it is down", NOW, None)
    database.write_blocking(lambda c: source_state.note_heard(c, "hr", LATER, caught_up=True))
    (state,) = database.read_blocking(source_state.all_sources)
    assert (state.last_error, state.caught_up_at, state.heard_at) == ("", LATER, LATER)
