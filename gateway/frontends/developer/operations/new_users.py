"""CreateUser: a user with a password, given or made here; its hash is made before the transaction, and stored in it."""

import msgspec

from gateway.directory.authentication.password_change import ChangeRefused, PasswordChanges
from gateway.frontends.developer.operations.passwords import refused_password
from gateway.frontends.developer.operations.user_writes import NewUser, new_user
from gateway.frontends.developer.operations.write_endpoint import WriteEndpoint
from gateway.frontends.developer.records.caller import Admitted
from gateway.frontends.http.request import Answer, Request, json_answer, json_body
from gateway.model.applications import Grant


class NewUsers:
    """The operation, for applications with the grant to write; with a password, that one's grant, too."""

    def __init__(self, writes: WriteEndpoint, changes: PasswordChanges) -> None:
        self._writes = writes
        self._changes = changes

    async def create(self, request: Request, admitted: Admitted) -> Answer:
        """CreateUser. A password that is made here is shown in the answer that made the user, and never again."""
        asked = request.json_as(NewUser)
        is_made_here = asked.password_initialization_config is not None
        also = (Grant.PASSWORDS,) if asked.password or is_made_here else ()
        await self._writes.check(admitted, *also)
        password = self._changes.generate() if is_made_here else (asked.password or "").encode()
        password_hash = await self._hashed(password) if password else None
        content = json_body(msgspec.structs.replace(asked, password=None))
        work = new_user(asked, password_hash)
        written = await self._writes.carry_out("CreateUser", request, admitted, work, also=also, content=content)
        shown = {"password": password.decode()} if is_made_here and not written.found else {}
        return json_answer({"userId": written.object_id, **shown})

    async def _hashed(self, password: bytes) -> str:
        try:
            return await self._changes.hashed(password)
        except ChangeRefused as error:
            raise refused_password(error) from None
