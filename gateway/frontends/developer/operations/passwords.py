"""Passwords over the API: local ones are set and cleared, application passwords are made, listed and revoked. For applications
with the grant "passwords", of the users whom they see. A password is in a body, never in a path; it is shown once if at all."""

from typing import Annotated

import structlog
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.directory.authentication.password_change import ChangeRefused, PasswordChanges
from gateway.frontends.developer.records.caller import Admitted, CallerView
from gateway.frontends.developer.records.json_records import milliseconds
from gateway.frontends.http.errors import HttpError
from gateway.frontends.http.request import Answer, Request, json_answer
from gateway.model.applications import Application, ApplicationPassword, Grant
from gateway.store.clients import application_passwords
from gateway.store.engine.database import Connection, Database
from gateway.wire.result_codes import ResultCode

MAX_PASSWORD_CHARACTERS = 1_024

_log = structlog.get_logger("gateway.password")

_REFUSALS: dict[int, tuple[int, str]] = {
    ResultCode.CONSTRAINT_VIOLATION: (400, "InvalidParameter"),
    ResultCode.UNWILLING_TO_PERFORM: (409, "Conflict"),
    ResultCode.NO_SUCH_OBJECT: (404, "ResourceNotFound"),
}
"""Result code of a refused change of password → status and code; all others are Conflict."""


class _NewPassword(Struct):
    password: Annotated[str, Meta(min_length=1, max_length=MAX_PASSWORD_CHARACTERS)]


class _NewApplicationPassword(Struct, rename="camel"):
    name: Annotated[str, Meta(min_length=1, max_length=application_passwords.MAX_NAME_CHARACTERS)]
    application_id: str | None = None


class PasswordRecord(Struct, rename="camel", frozen=True):
    """An application password; `password` only in the answer that made it."""

    application_password_id: str
    application_id: str
    application_name: str
    name: str
    create_time: int
    password: str | UnsetType = UNSET


class PasswordEndpoints:
    """The operations, one method each; `admitted` authenticates the caller."""

    def __init__(self, database: Database, changes: PasswordChanges) -> None:
        self._database = database
        self._changes = changes

    async def set(self, request: Request, admitted: Admitted) -> Answer:
        """UpdateUserPassword: a local password, or where a source keeps the person's and takes it, that."""
        new = request.json_as(_NewPassword).password
        user_id, caller = await self._database.read(lambda connection: _permitted(admitted(connection), request))
        try:
            await self._changes.reset(user_id, new.encode(), _by(caller))
        except ChangeRefused as error:
            raise refused_password(error) from None
        return json_answer({})

    async def clear(self, request: Request, admitted: Admitted) -> Answer:
        """ClearUserPassword: the local one; nothing when there is none."""
        user_id, caller = await self._database.read(lambda connection: _permitted(admitted(connection), request))
        await self._changes.clear(user_id, _by(caller))
        return json_answer({})

    async def list_all(self, request: Request, admitted: Admitted) -> Answer:
        """ListApplicationPasswords: all of a user's, whatever the application."""

        def work(connection: Connection) -> list[PasswordRecord]:
            user_id, _ = _permitted(admitted(connection), request)
            return [_record(one) for one in application_passwords.of_user(connection, user_id)]

        found = await self._database.read(work)
        return json_answer({"data": found, "totalCount": len(found)})

    async def add(self, request: Request, admitted: Admitted) -> Answer:
        """CreateApplicationPassword, for the caller itself and no other application."""
        asked, now = request.json_as(_NewApplicationPassword), self._changes.now()

        def work(connection: Connection) -> tuple[ApplicationPassword, str, Application]:
            user_id, caller = _permitted(admitted(connection), request)
            if asked.application_id not in (None, caller.id):
                raise HttpError(403, "Forbidden", "An application makes application passwords for itself only: leave it out.")
            return *application_passwords.add(connection, user_id, caller.id, asked.name, now=now), caller

        made, password, caller = await self._database.write(work)
        _audit("application password made", made, caller)
        return json_answer(_record(made, password))

    async def remove(self, request: Request, admitted: Admitted) -> Answer:
        """DeleteApplicationPassword: it ends at once."""

        def work(connection: Connection) -> tuple[ApplicationPassword, Application]:
            user_id, caller = _permitted(admitted(connection), request)
            return application_passwords.remove(connection, user_id, request.arguments["application_password_id"]), caller

        _audit("application password revoked", *await self._database.write(work))
        return json_answer({})


def refused_password(error: ChangeRefused) -> HttpError:
    """Return the answer to a password that was refused."""
    status, code = _REFUSALS.get(error.code, (409, "Conflict"))
    return HttpError(status, code, str(error) or "The source refused the password.")


def _permitted(view: CallerView, request: Request) -> tuple[str, Application]:
    """Return the user's id and the caller. Raises HttpError 403, NotFound."""
    caller = view.caller.application
    if Grant.PASSWORDS not in caller.grants:
        raise HttpError(403, "Forbidden", 'This needs the grant "passwords"; an administrator can give it to the application.')
    return view.directory.user(request.arguments["user_id"]).id, caller


def _audit(event: str, one: ApplicationPassword, caller: Application) -> None:
    _log.info(event, by=_by(caller), user=one.user_id, id=one.id, application=one.application_name, name=one.name)


def _by(caller: Application) -> str:
    return f"application {caller.name}"


def _record(made: ApplicationPassword, password: str | UnsetType = UNSET) -> PasswordRecord:
    return PasswordRecord(
        made.id, made.application_id, made.application_name, made.name, milliseconds(made.created_at), password
    )
