"""Membership in a set of any size as *one* parameter, `any_of(column, name)`: no limit on parameters is met, and the statement
is compiled once. SQLite reads the set as JSON, PostgreSQL as an array."""

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import ARRAY, BigInteger, Boolean, ColumnElement, Dialect, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine

_encoder = msgspec.json.Encoder()


class _Set(TypeDecorator[Collection[str | int]]):
    impl = Text
    cache_ok = True

    def __init__(self, numbers: bool = False) -> None:
        super().__init__()
        self.numbers = numbers

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str] | TypeEngine[Sequence[object]]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(BigInteger() if self.numbers else Text()))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Collection[str | int] | None, dialect: Dialect) -> str | list[str | int]:
        values = list(value or ())
        return values if dialect.name == "postgresql" else _encoder.encode(values).decode()


class _AnyOf(FunctionElement[bool]):
    inherit_cache = True
    name = "any_of"
    type = Boolean()

    def self_group(self, against: OperatorType | None = None) -> "_AnyOf":
        """Return itself: SQLAlchemy would write `… = 1` for a dialect without booleans, and SQLite then uses no index."""
        del against
        return self


@compiles(_AnyOf, "sqlite")
def _as_json(element: _AnyOf, compiler: SQLCompiler, **options: object) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608  (compiled clauses, no values)


@compiles(_AnyOf, "postgresql")
def _as_array(element: _AnyOf, compiler: SQLCompiler, **options: object) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY({values})"


def any_of(column: ColumnElement[str] | ColumnElement[int], name: str, *, numbers: bool = False) -> ColumnElement[bool]:
    """Return the condition that `column` has one of the values given as the statement's parameter `name` (strings, or
    numbers)."""
    return _AnyOf(column, bindparam(name, type_=_Set(numbers)))
