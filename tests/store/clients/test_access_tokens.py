"""Access tokens end with their time, or when their owner revokes them."""

from datetime import UTC, datetime, timedelta

from gateway.store.clients import access_tokens, applications
from gateway.store.engine.database import Database

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=60)


def test_a_token_ends_with_its_time_or_when_its_owner_says_so(database: Database) -> None:
    made, _ = database.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    first, second = (database.write_blocking(lambda c: access_tokens.issue(c, made.id, 60, NOW)) for _ in range(2))
    assert database.read_blocking(lambda c: access_tokens.find(c, first, LATER)) is None
    database.write_blocking(lambda c: access_tokens.revoke(c, second, "somebody else"))
    assert database.read_blocking(lambda c: access_tokens.find(c, second, NOW)) == made.id
    database.write_blocking(lambda c: access_tokens.revoke(c, second, made.id))
    assert database.read_blocking(lambda c: access_tokens.find(c, second, NOW)) is None
    assert database.write_blocking(lambda c: access_tokens.purge(c, LATER)) == 1
