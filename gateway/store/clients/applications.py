"""Applications and their rights. Their secrets are shown once, when they are created, and kept as a hash (law 12)."""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from datetime import datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, update
from sqlalchemy import delete as sql_delete

from gateway.model.applications import Application, Scope
from gateway.model.certificate_names import NameKey, check, key_of
from gateway.model.errors import Conflict, NotFound
from gateway.store.engine.column_codecs import decode_strings, encode_strings, milliseconds, time_of
from gateway.store.engine.normalized_keys import name_key
from gateway.store.engine.sql_types import ColumnValue, SelectConnection, TableRow
from gateway.store.tables.clients import applications, tokens

SECRET_BYTES = 32

_COLUMNS = [column for column in applications.columns if column.name != "secret_hash"]
_BY_ID = select(*_COLUMNS).where(applications.c.id == bindparam("id"))
_BY_NAME = select(*_COLUMNS).where(applications.c.name_key == bindparam("key"))
_ALL = select(*_COLUMNS).order_by(applications.c.name_key)
_VERSIONS = select(applications.c.id, applications.c.version, applications.c.secret_version).where(applications.c.enabled)
_SECRET = select(applications).where((applications.c.id == bindparam("id")) | (applications.c.name_key == bindparam("key")))


def add(
    connection: Connection,
    name: str,
    *,
    now: datetime,
    scope: Scope | None = None,
    views: Collection[str] = (),
    attributes: Collection[str] | None = None,
    description: str = "",
    grants: Collection[str] = (),
    certificate_names: Collection[str] = (),
) -> tuple[Application, str]:
    """Create an application; return it and its secret, which cannot be shown again. Raises Conflict when the name, or the name
    of a certificate, is taken, InvalidInput for a name that no certificate has."""
    if by_name(connection, name) is not None:
        raise Conflict(f"there is an application {name!r} already: choose another name, or remove that one first")
    _check_certificate_names(connection, "", certificate_names)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    identifier = f"app_{uuid4().hex}"
    row = {
        "id": identifier,
        "name": name,
        "name_key": name_key(name),
        "enabled": True,
        "secret_hash": _hash(secret),
        "created_at": milliseconds(now),
        "description": description,
        "grants": encode_strings(sorted(grants)),
        "certificate_names": encode_strings(certificate_names),
        **_rights(scope or Scope(), views, attributes),
    }
    connection.execute(insert(applications), row)
    return _existing(connection, identifier), secret


def get(connection: Connection, application_id: str) -> Application | None:
    """Return the application, or None."""
    row = connection.execute(_BY_ID, {"id": application_id}).one_or_none()
    return None if row is None else _application(row)


def by_name(connection: Connection, name: str) -> Application | None:
    """Return the application of this name, whatever its case, or None."""
    row = connection.execute(_BY_NAME, {"key": name_key(name)}).one_or_none()
    return None if row is None else _application(row)


def all_applications(connection: Connection) -> list[Application]:
    """Return every application, by name."""
    return [_application(row) for row in connection.execute(_ALL)]


def verify(connection: SelectConnection, id_or_name: str, secret: str) -> Application | None:
    """Return the application when it exists, is enabled and this is its secret; else None, after the same work."""
    row = connection.execute(_SECRET, {"id": id_or_name, "key": name_key(id_or_name)}).first()
    kept = _UNKNOWN_HASH if row is None else row.secret_hash
    right = hmac.compare_digest(kept, _hash(secret))
    return _application(row) if row is not None and right and row.enabled else None


def replace_secret(connection: Connection, application_id: str) -> str:
    """Give the application a new secret, the old one and all that was got with it ending now. Raises NotFound."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    connection.execute(sql_delete(tokens).where(tokens.c.application_id == application_id))
    _set(connection, application_id, secret_hash=_hash(secret), secret_version=applications.c.secret_version + 1)
    return secret


def set_enabled(connection: Connection, application_id: str, enabled: bool) -> Application:
    """Enable or disable the application. Raises NotFound."""
    _set(connection, application_id, enabled=enabled)
    return _existing(connection, application_id)


def set_rights(
    connection: Connection,
    application_id: str,
    scope: Scope,
    views: Collection[str],
    attributes: Collection[str] | None,
) -> Application:
    """Replace the application's scope, views and attributes. Raises NotFound."""
    _set(connection, application_id, **_rights(scope, views, attributes))
    return _existing(connection, application_id)


def set_description(connection: Connection, application_id: str, description: str) -> Application:
    """Replace the description. Raises NotFound."""
    _set(connection, application_id, description=description)
    return _existing(connection, application_id)


def set_grants(connection: Connection, application_id: str, grants: Collection[str]) -> Application:
    """Replace the application's grants beside reading (`Grant`). Raises NotFound."""
    _set(connection, application_id, grants=encode_strings(sorted(grants)))
    return _existing(connection, application_id)


def set_certificate_names(connection: Connection, application_id: str, names: Collection[str]) -> Application:
    """Replace the names by which its client certificate is known; what was bound by one that is taken away ends. Raises
    NotFound; Conflict when another one has the name, InvalidInput for one that no certificate has."""
    _check_certificate_names(connection, application_id, names)
    ended = set(_existing(connection, application_id).certificate_names) - set(names)
    version = applications.c.secret_version + 1 if ended else applications.c.secret_version
    _set(connection, application_id, certificate_names=encode_strings(names), secret_version=version)
    return _existing(connection, application_id)


def versions(connection: Connection) -> dict[str, tuple[int, int]]:
    """Return the version of each enabled application and the version of its secret, by id."""
    return {row.id: (row.version, row.secret_version) for row in connection.execute(_VERSIONS)}


def remove(connection: Connection, application_id: str) -> None:
    """Remove the application, its tokens and its application passwords. Raises NotFound."""
    _existing(connection, application_id)
    connection.execute(sql_delete(applications).where(applications.c.id == application_id))


def _hash(secret: str) -> bytes:
    # A slow hash protects secrets that people think up. This one is 256 random bits, too many to try out, and a plain SHA-256
    # lets an application bind thousands of times a second.
    return hashlib.sha256(secret.encode()).digest()


_UNKNOWN_HASH = _hash(secrets.token_urlsafe(SECRET_BYTES))


def _existing(connection: Connection, application_id: str) -> Application:
    found = get(connection, application_id)
    if found is None:
        raise NotFound(f"there is no application {application_id!r}: `gateway application list` shows them")
    return found


def _set(connection: Connection, application_id: str, **values: ColumnValue | ColumnElement[int]) -> None:
    _existing(connection, application_id)
    changed = update(applications).where(applications.c.id == application_id)
    connection.execute(changed.values(version=applications.c.version + 1, **values))


def _check_certificate_names(connection: Connection, application_id: str, names: Collection[str]) -> None:
    wanted: dict[NameKey, str] = {}
    for name in names:
        check(name)
        wanted[key_of(name)] = name
    for other in all_applications(connection):
        taken = next((wanted[key] for key in map(key_of, other.certificate_names) if key in wanted), None)
        if taken is not None and other.id != application_id:
            raise Conflict(f"certificates of the name {taken!r} are the application {other.name!r} already")


def _rights(scope: Scope, views: Collection[str], attributes: Collection[str] | None) -> dict[str, str | None]:
    return {
        "organization_ids": encode_strings(scope.organization_ids),
        "group_ids": None if scope.group_ids is None else encode_strings(scope.group_ids),
        "views": encode_strings(views),
        "attributes": None if attributes is None else encode_strings(sorted({name.lower() for name in attributes})),
    }


def _application(row: TableRow) -> Application:
    return Application(
        row.id,
        row.name,
        time_of(row.created_at),
        row.description,
        bool(row.enabled),
        Scope(decode_strings(row.organization_ids), None if row.group_ids is None else decode_strings(row.group_ids)),
        decode_strings(row.views),
        None if row.attributes is None else frozenset(decode_strings(row.attributes)),
        frozenset(decode_strings(row.grants)),
        decode_strings(row.certificate_names),
        row.version,
        row.secret_version,
    )
