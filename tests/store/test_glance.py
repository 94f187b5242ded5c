"""A look at one person from the reactor's thread; tests/directory/test_standing.py compares what is seen with what is read."""

from pathlib import Path

import sqlalchemy as sa

from gateway.store.database import Database
from gateway.store.glance import NOBODY, Glance, Glimpse


def test_only_a_store_in_a_file_of_ours_is_seen(database: Database) -> None:
    assert database.glimpse("nobody") == (NOBODY if database.embedded else None)


def test_a_store_that_is_not_there_is_neither_seen_nor_created(tmp_path: Path) -> None:
    glance = Glance(str(tmp_path / "store.sqlite"))
    assert glance.person("anybody") is None
    assert list(tmp_path.iterdir()) == []


def test_a_closed_store_is_not_seen_any_more(database: Database) -> None:
    database.glimpse("nobody")
    database.close()
    assert database.glimpse("nobody") is None


def test_a_store_of_another_form_is_not_seen_until_it_has_ours(database: Database) -> None:
    if database.embedded:
        database.write_blocking(lambda c: c.execute(sa.text("ALTER TABLE users RENAME TO people")))
        assert database.glimpse("nobody") is None
        database.write_blocking(lambda c: c.execute(sa.text("ALTER TABLE people RENAME TO users")))
        assert database.glimpse("nobody") == NOBODY


def test_a_hash_is_not_in_what_prints() -> None:
    assert "argon2" not in repr(Glimpse(True, True, "$argon2id$v=19$", ()))
