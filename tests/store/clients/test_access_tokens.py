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


def test_a_new_secret_ends_the_tokens_of_its_application_and_of_no_other(database: Database) -> None:
    made = [database.write_blocking(lambda c, n=name: applications.add(c, n, now=NOW))[0] for name in ("portal", "mail")]  # type: ignore[misc]
    tokens = [database.write_blocking(lambda c, a=one: access_tokens.issue(c, a.id, 60, NOW)) for one in made]  # type: ignore[misc]
    database.write_blocking(lambda c: applications.replace_secret(c, made[0].id))
    assert [database.read_blocking(lambda c, t=token: access_tokens.find(c, t, NOW)) for token in tokens] == [None, made[1].id]  # type: ignore[misc]


def test_a_token_ends_with_the_secret_by_which_it_was_got(database: Database) -> None:
    made, _ = database.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    database.write_blocking(lambda c: applications.add_secret(c, made.id, NOW, LATER))

    def valid(now: datetime) -> list[bool]:
        return [database.read_blocking(lambda c, t=token: access_tokens.find(c, t, now)) is not None for token in tokens]  # type: ignore[misc]

    tokens = [database.write_blocking(lambda c, n=number: access_tokens.issue(c, made.id, 600, NOW, n)) for number in (1, 2, 0)]  # type: ignore[misc]
    assert valid(NOW) == [True, True, True]
    assert valid(LATER) == [False, True, True]
    database.write_blocking(lambda c: applications.end_old_secret(c, made.id))
    assert valid(NOW) == [False, True, True]
