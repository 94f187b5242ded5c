"""Direct statements: whatever a statement is, its first run (SQLAlchemy's), its second and its third say the same."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import InvalidRequestError, NoResultFound, StatementError

from gateway.store.engine.any_of import any_of
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.migrate import migrate
from gateway.store.engine.sqlite import direct_statements
from gateway.store.objects import users as user_store
from gateway.store.tables.objects import users
from tests.store.samples import ANN, BOB

_ALL = sa.select(users.c.username, users.c.enabled, users.c.gone_at).order_by(users.c.username)
_BY_ID = _ALL.where(any_of(users.c.id, "ids"))
_NAMED = _ALL.where(users.c.username == sa.bindparam("name"))
_DEFAULTED = _ALL.where(users.c.username == sa.bindparam("name", "Ann"))

READS: Mapping[str, tuple[sa.Select[Any], Mapping[str, object] | None, Callable[[Any], Any]]] = {
    "rows": (_ALL, None, lambda found: [tuple(row) for row in found]),
    "columns by name, a boolean among them": (_ALL, None, lambda found: [(row.username, row.enabled) for row in found.all()]),
    "a set": (_BY_ID, {"ids": [BOB.id]}, lambda found: [tuple(row) for row in found]),
    "a set of none": (_BY_ID, {"ids": ()}, lambda found: found.all()),
    "first": (_ALL, None, lambda found: tuple(found.first())),
    "first of none": (_NAMED, {"name": "nobody"}, lambda found: found.first()),
    "scalars": (_ALL, None, lambda found: list(found.scalars())),
    "scalar": (_NAMED, {"name": "nobody"}, lambda found: found.scalar()),
    "one": (_NAMED, {"name": BOB.username}, lambda found: tuple(found.one())),
    "one or none": (_NAMED, {"name": "nobody"}, lambda found: found.one_or_none()),
    "scalar or none": (_NAMED, {"name": "nobody"}, lambda found: found.scalar_one_or_none()),
    "a constant": (sa.select(sa.func.count()).where(users.c.enabled), None, lambda found: found.scalar_one()),
    "a parameter's default": (_DEFAULTED, None, lambda found: found.all()),
    "values in the text": (_ALL.where(users.c.id.in_([BOB.id])), None, lambda found: [tuple(row) for row in found]),
}


@pytest.fixture
def store(tmp_path: Path) -> Database:
    """An SQLite store of two people."""
    opened = Database(f"sqlite:///{tmp_path}/gateway.db")
    migrate(opened)
    opened.write_blocking(lambda c: user_store.insert(c, [ANN, BOB]))
    return opened


def thrice(store: Database, run: Callable[[Connection], Any]) -> list[Any]:
    return [store.read_blocking(run) for _ in range(3)]


@pytest.mark.parametrize("name", READS)
def test_a_select_finds_the_same_each_time(store: Database, name: str) -> None:
    statement, parameters, read = READS[name]
    first, *others = thrice(store, lambda c: read(c.execute(statement, parameters)))
    assert others == [first, first]
    assert [type(one) for one in others] == [type(first)] * 2


def test_a_boolean_is_one_each_time(store: Database) -> None:
    found = thrice(store, lambda c: [row.enabled for row in c.execute(_ALL)])
    assert {type(value) for values in found for value in values} == {bool}


def test_a_plain_statement_is_compiled_when_it_comes_again(store: Database) -> None:
    statement = sa.select(users.c.id)
    kept = []
    for _ in range(2):
        store.read_blocking(lambda c: c.execute(statement).all())
        kept.append(isinstance(direct_statements._known.get(statement), direct_statements.DirectStatement))
    assert kept == [False, True]


@pytest.mark.parametrize(("method", "error"), [("one", NoResultFound), ("scalar_one", NoResultFound)])
def test_a_row_that_must_be_there_is_missed_each_time(store: Database, method: str, error: type[Exception]) -> None:
    for _ in range(3):
        with pytest.raises(error):
            store.read_blocking(lambda c: getattr(c.execute(_NAMED, {"name": "nobody"}), method)())


def test_one_row_of_several_is_an_error_each_time(store: Database) -> None:
    for _ in range(3):
        with pytest.raises(InvalidRequestError):
            store.read_blocking(lambda c: c.execute(_ALL).one_or_none())


def test_a_missing_parameter_is_an_error_each_time(store: Database) -> None:
    for _ in range(3):
        with pytest.raises(StatementError):
            store.read_blocking(lambda c: c.execute(_NAMED, {}))


def test_changed_rows_are_counted_each_time(store: Database) -> None:
    rename = sa.update(users).where(users.c.id == sa.bindparam("user")).values(username=sa.bindparam("name"))
    drop = sa.delete(users).where(users.c.id == sa.bindparam("user"))
    for name in ("x", "y", "z"):
        assert store.write_blocking(lambda c, name=name: c.execute(rename, {"user": BOB.id, "name": name}).rowcount) == 1  # type: ignore[misc]
        assert store.read_blocking(lambda c: user_store.get(c, BOB.id)).username == name  # type: ignore[union-attr]
        assert store.write_blocking(lambda c: c.execute(drop, {"user": "nobody"}).rowcount) == 0
    assert store.write_blocking(lambda c: c.execute(drop, {"user": BOB.id}).rowcount) == 1
