"""Applications and their rights. Their secrets are shown once, when they are created, and kept as a hash (law 12)."""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, update
from sqlalchemy import delete as sql_delete

from gateway.model.applications import Application, Scope
from gateway.model.certificate_names import NameKey, check, key_of
from gateway.model.errors import Conflict, NotFound
from gateway.store.engine.column_codecs import decode_strings, encode_strings, milliseconds, optional_time_of, time_of
from gateway.store.engine.normalized_keys import name_key
from gateway.store.engine.sql_types import ColumnValue, SelectConnection, TableRow
from gateway.store.tables.clients import applications, tokens

SECRET_BYTES = 32

_COLUMNS = [column for column in applications.columns if column.name not in ("secret_hash", "old_secret_hash")]
_BY_ID = select(*_COLUMNS).where(applications.c.id == bindparam("id"))
_BY_NAME = select(*_COLUMNS).where(applications.c.name_key == bindparam("key"))
_ALL = select(*_COLUMNS).order_by(applications.c.name_key)
_VERSIONS = select(
    applications.c.id,
    applications.c.version,
    applications.c.secret_version,
    applications.c.secret_number,
    applications.c.old_secret_number,
    applications.c.old_secret_until,
).where(applications.c.enabled)
_SECRET = select(applications).where((applications.c.id == bindparam("id")) | (applications.c.name_key == bindparam("key")))


class Versions(NamedTuple):
    """All of an application that changes with its rights and its credentials."""

    version: int
    secret_version: int
    secret_number: int
    old_secret_number: int | None
    old_secret_until: datetime | None


def versions_of(application: Application) -> Versions:
    """Return the versions that the application had when it was read."""
    return Versions(
        application.version,
        application.secret_version,
        application.secret_number,
        application.old_secret_number,
        application.old_secret_until,
    )


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


def verify(connection: SelectConnection, id_or_name: str, secret: str, now: datetime) -> Application | None:
    """Return the application when it exists, is enabled and this is its secret, or its old one while that is valid; else None,
    after the same work."""
    row = connection.execute(_SECRET, {"id": id_or_name, "key": name_key(id_or_name)}).first()
    given = _hash(secret)
    is_newest = hmac.compare_digest(_UNKNOWN_HASH if row is None else row.secret_hash, given)
    is_old = hmac.compare_digest(_UNKNOWN_HASH if row is None else row.old_secret_hash or _UNKNOWN_HASH, given)
    if row is None or not row.enabled or not (is_newest or is_old):
        return None
    found = _application(row)
    used = found.secret_number if is_newest else found.old_secret_number
    return replace(found, secret_used=used) if used and found.accepts(used, now) else None


def replace_secret(connection: Connection, application_id: str) -> str:
    """Give the application a new secret, the old ones and all that was got with them ending now. Raises NotFound."""
    connection.execute(sql_delete(tokens).where(tokens.c.application_id == application_id))
    ended = applications.c.secret_version + 1
    _set(connection, application_id, secret_version=ended)
    return _renew(connection, application_id, **_NO_OLD_SECRET)


def add_secret(connection: Connection, application_id: str, now: datetime, until: datetime | None = None) -> str:
    """Give the application a new secret; the one of before stays valid beside it, until then or (None) until it is ended.
    Raises NotFound; Conflict when it has two already."""
    present = _existing(connection, application_id)
    old = present.old_secret_number
    if old is not None and present.accepts(old, now):
        raise Conflict(
            f"the application {present.name!r} has two valid secrets already: give its programs the newer one, then "
            f"`gateway application end-old-secret {present.name}`"
        )
    kept = select(applications.c.secret_hash).where(applications.c.id == application_id)
    return _renew(
        connection,
        application_id,
        old_secret_number=present.secret_number,
        old_secret_hash=connection.execute(kept).scalar_one(),
        old_secret_until=None if until is None else milliseconds(until),
    )


def end_old_secret(connection: Connection, application_id: str) -> bool:
    """End the application's old secret and all that was got with it; return False when it has none. Raises NotFound."""
    present = _existing(connection, application_id)
    if present.old_secret_number is None:
        return False
    older = tokens.c.secret_number != present.secret_number
    connection.execute(sql_delete(tokens).where(tokens.c.application_id == application_id, older))
    connection.execute(update(applications).where(applications.c.id == application_id).values(**_NO_OLD_SECRET))
    return True


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


def hand_over_scope(connection: Connection, lost_id: str, kept_id: str) -> list[Application]:
    """Let the applications that may see one organization or group see the other one in its place; return them as they are
    now."""
    changed = []
    for one in all_applications(connection):
        organization_ids, group_ids = one.scope.organization_ids, one.scope.group_ids
        if lost_id in organization_ids or lost_id in (group_ids or ()):
            scope = Scope(
                _replaced(organization_ids, lost_id, kept_id),
                None if group_ids is None else _replaced(group_ids, lost_id, kept_id),
            )
            changed.append(set_rights(connection, one.id, scope, one.views, one.attributes))
    return changed


def _replaced(ids: Collection[str], lost_id: str, kept_id: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kept_id if one == lost_id else one for one in ids))


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


def versions(connection: Connection) -> dict[str, Versions]:
    """Return the versions of each enabled application, by id."""
    return {
        row.id: Versions(
            row.version,
            row.secret_version,
            row.secret_number,
            row.old_secret_number,
            optional_time_of(row.old_secret_until),
        )
        for row in connection.execute(_VERSIONS)
    }


def remove(connection: Connection, application_id: str) -> None:
    """Remove the application, its tokens and its application passwords. Raises NotFound."""
    _existing(connection, application_id)
    connection.execute(sql_delete(applications).where(applications.c.id == application_id))


def _hash(secret: str) -> bytes:
    # A slow hash protects secrets that people think up. This one is 256 random bits, too many to try out, and a plain SHA-256
    # lets an application bind thousands of times a second.
    return hashlib.sha256(secret.encode()).digest()


_UNKNOWN_HASH = _hash(secrets.token_urlsafe(SECRET_BYTES))
_NO_OLD_SECRET: Final[Mapping[str, None]] = {"old_secret_number": None, "old_secret_hash": None, "old_secret_until": None}


def _renew(connection: Connection, application_id: str, **old_secret: ColumnValue) -> str:
    secret = secrets.token_urlsafe(SECRET_BYTES)
    changed = update(applications).where(applications.c.id == application_id)
    number = applications.c.secret_number + 1
    connection.execute(changed.values(secret_hash=_hash(secret), secret_number=number, **old_secret))
    return secret


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
        row.secret_number,
        row.old_secret_number,
        optional_time_of(row.old_secret_until),
    )
