"""The state of a source: its last error and its last contact."""

from datetime import UTC, datetime, timedelta

from gateway.store.engine.database import Database
from gateway.store.operations import source_state

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=60)


def test_a_source_remembers_its_last_error_until_it_is_heard_of_again(database: Database) -> None:
    database.write_blocking(lambda c: source_state.ensure(c, "hr", "ldap"))
    database.write_blocking(lambda c: source_state.note_error(c, "hr", "it is down", NOW))
    (state,) = database.read_blocking(source_state.all_sources)
    assert (state.last_error, state.last_error_at, state.caught_up_at) == ("it is down", NOW, None)
    database.write_blocking(lambda c: source_state.note_heard(c, "hr", LATER, caught_up=True))
    (state,) = database.read_blocking(source_state.all_sources)
    assert (state.last_error, state.caught_up_at, state.heard_at) == ("", LATER, LATER)
