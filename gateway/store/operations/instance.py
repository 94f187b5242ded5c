"""The store's own identity, given once by the migrations and the same for every node that uses this store; and its secret, by
which it knows again what it gave to clients (law 15)."""

import json
import secrets

from sqlalchemy import Connection, bindparam, select, update

from gateway.store.tables.operations import meta

_VALUE = select(meta.c.value).where(meta.c.name == bindparam("wanted"))
_TOKEN_KEYS = "token_keys"  # noqa: S105
_KEY_BYTES = 32


def instance_id(connection: Connection) -> str:
    """Return the instance id: "idaas_" and 20 lower case letters and digits, safe in a URL."""
    return str(connection.execute(_VALUE, {"wanted": "instance_id"}).scalar_one())


def token_keys(connection: Connection) -> tuple[bytes, ...]:
    """Return the keys of client tokens: new tokens are made with the first, tokens made with any of them are accepted."""
    return tuple(bytes.fromhex(key) for key in json.loads(connection.execute(_VALUE, {"wanted": _TOKEN_KEYS}).scalar_one()))


def rotate_token_key(connection: Connection) -> None:
    """Make a new key. Tokens made with the one before it are accepted until the next rotation, older ones no more."""
    kept = token_keys(connection)[:1]
    written = json.dumps([key.hex() for key in (secrets.token_bytes(_KEY_BYTES), *kept)])
    connection.execute(update(meta).where(meta.c.name == _TOKEN_KEYS).values(value=written))
