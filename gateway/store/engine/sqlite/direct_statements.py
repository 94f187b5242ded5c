"""Direct statements: a statement that is run again and again goes to SQLite's driver as text, past SQLAlchemy's work per run,
which takes ten times as long as the statement itself. One write of one attribute runs some twenty.

A statement is compiled when it comes a second time, so that those built for one use are never kept. What is not plain (values
expanded into the text, columns named by the parameters, many rows) goes SQLAlchemy's own way. PostgreSQL's statements all do:
there the server's round trip is what costs."""

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping
from sqlite3 import Cursor
from typing import Any, Final, NamedTuple, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, CursorResult, Delete, Dialect, Executable, Select, Update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import InvalidRequestError, NoResultFound
from sqlalchemy.sql.compiler import SQLCompiler

_DIALECT: Final[Dialect] = sqlite.dialect(paramstyle="named")
_Converter = Callable[[Any], Any]


class DirectStatement(NamedTuple):
    """A compiled statement: its text, the values that are constants of it, the parameters that it needs, those whose values are
    converted before, and the constructor of its rows."""

    text: str
    constants: Mapping[str, object]
    required: frozenset[str]
    converters: Mapping[str, _Converter]
    row: Callable[[tuple[Any, ...]], Any]

    def takes(self, parameters: object) -> bool:
        """Return whether these are its parameters: all that it needs, and none that it does not know."""
        if not isinstance(parameters, dict) or not self.required <= parameters.keys():
            return False
        return len(parameters) == len(self.required) or all(
            name in self.required or name in self.constants for name in parameters
        )

    def values(self, parameters: Mapping[str, object]) -> dict[str, object]:
        """Return the values of all parameters, as the driver takes them."""
        values = {**self.constants, **parameters}
        for name, converter in self.converters.items():
            values[name] = converter(values[name])
        return values


def compiled(statement: Executable) -> DirectStatement | None:
    """Return the statement compiled; None for one that is not plain."""
    if not isinstance(statement, Select | Update | Delete):
        return None
    found = statement.compile(dialect=_DIALECT)
    assert isinstance(found, SQLCompiler)  # noqa: S101
    if found.post_compile_params or found.literal_execute_params:
        return None
    converters = {}
    for name, parameter in found.binds.items():
        converter = parameter.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
        if converter is not None:
            converters[name] = converter
    required = frozenset(name for name, parameter in found.binds.items() if parameter.required)
    constants = {name: value for name, value in found.params.items() if name not in required}
    row = _row(statement) if isinstance(statement, Select) else tuple
    return DirectStatement(str(found), constants, required, converters, row)


def _row(statement: Select[Any]) -> Callable[[tuple[Any, ...]], Any]:
    """Return the constructor of a SELECT's rows: named tuples."""
    columns = list(statement.selected_columns)
    names = [column.key or "" for column in columns]
    row = namedtuple("Row", names, rename=True)  # type: ignore[misc]
    # The columns' names are known to the statement alone: nothing static says that such a tuple has attributes.
    make = cast("Callable[[Iterable[Any]], Any]", row._make)
    found = (column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None) for column in columns)
    converters = tuple((place, one) for place, one in enumerate(found) if one is not None)
    if not converters:
        return make

    def converted(values: tuple[Any, ...]) -> Any:
        changed = list(values)
        for place, converter in converters:
            changed[place] = converter(changed[place])
        return make(changed)

    return converted


class DirectResult:
    """The rows of a statement, with the methods of SQLAlchemy's results that the store uses."""

    def __init__(self, cursor: Cursor, row: Callable[[tuple[Any, ...]], Any]) -> None:
        self._cursor = cursor
        self._row = row

    @property
    def rowcount(self) -> int:
        """The number of rows that were changed."""
        return self._cursor.rowcount

    def __iter__(self) -> Iterator[Any]:
        return map(self._row, self._cursor)

    def all(self) -> list[Any]:
        """Return every row."""
        return list(self)

    def scalars(self) -> "DirectResult":
        """Return the first values of the rows in place of the rows."""
        return DirectResult(self._cursor, lambda values, row=self._row: row(values)[0])  # type: ignore[misc]

    def first(self) -> Any:
        """Return the first row, or None; the others are dropped."""
        values = self._cursor.fetchone()
        self._cursor.close()
        return None if values is None else self._row(values)

    def one_or_none(self) -> Any:
        """Return the only row, or None."""
        values = self._cursor.fetchmany(2)
        self._cursor.close()
        if len(values) > 1:
            raise InvalidRequestError("one row was expected, and there are more")
        return self._row(values[0]) if values else None

    def one(self) -> Any:
        """Return the only row."""
        found = self.one_or_none()
        if found is None:
            raise NoResultFound("one row was expected, and there is none")
        return found

    def scalar(self) -> Any:
        """Return the first value of the first row, or None."""
        found = self.first()
        return None if found is None else found[0]

    def scalar_one(self) -> Any:
        """Return the only row's first value."""
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:
        """Return the only row's first value, or None."""
        found = self.one_or_none()
        return None if found is None else found[0]


class DirectConnection(Connection):
    """A connection to SQLite that runs what it knows directly."""

    def execute(self, statement: Executable, parameters: Any = None, **options: Any) -> "CursorResult[Any]":
        """Run a statement, as SQLAlchemy's method does."""
        known = _known.get(statement, _NEW)
        if known is _NEW:
            _known[statement] = _SEEN
        elif known is _SEEN:
            known = _known[statement] = compiled(statement)
        if isinstance(known, DirectStatement) and not options and known.takes(given := parameters or {}):
            cursor = self._cursor()
            cursor.execute(known.text, known.values(given))
            return cast("CursorResult[Any]", DirectResult(cursor, known.row))
        return super().execute(statement, parameters, **options)

    def exec_driver_sql(  # type: ignore[override]
        self, statement: str, parameters: Any = None, **options: Any
    ) -> "CursorResult[Any]":
        """Run a statement in SQLite's words, as SQLAlchemy's method does."""
        if options or not isinstance(parameters, list):
            return super().exec_driver_sql(statement, parameters, **options)
        cursor = self._cursor()
        cursor.executemany(statement, parameters)
        return cast("CursorResult[Any]", DirectResult(cursor, tuple))

    def _cursor(self) -> Cursor:
        return cast(Cursor, self.connection.driver_connection.cursor())  # type: ignore[union-attr]


_NEW, _SEEN = object(), object()
_known: WeakKeyDictionary[Executable, object] = WeakKeyDictionary()
"""By statement: _SEEN after its first run; then what it was compiled to, None when it is not plain."""
