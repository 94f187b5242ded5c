"""GET /export: the snapshot of what a caller sees as NDJSON, and as its last line the nextToken to go on from with /changes.

Lines are `{"kind": "organization", "object"}`, `{"kind": "user", "object", "groupIds"}`, `{"kind": "group", "object",
"members"}`, `{"kind": "members", "groupId", "members"}`, and last `{"nextToken"}`; parents before children, users before
groups. A stream that ends without its last line is not complete."""

from collections.abc import AsyncIterator, Callable
from functools import partial

from gateway.directory.application_scope.position import Position, is_of_this_history
from gateway.directory.application_scope.snapshot import Snapshot
from gateway.frontends.developer.feed.feed_token import token_of
from gateway.frontends.developer.feed.json_items import export_lines
from gateway.frontends.developer.records.caller import Caller
from gateway.frontends.http.request import lines
from gateway.model.errors import HistoryChanged
from gateway.store.engine.database import Connection, Database


async def export(database: Database, caller: Caller, check: Callable[[Connection], None]) -> AsyncIterator[bytes]:
    """Yield the stream in chunks. `check`: raises when the caller's rights are not what they were. Raises StoreUnavailable in
    the middle when the store goes away, HistoryChanged at the end when it went back in time meanwhile."""
    snapshot = await Snapshot.begin(database, caller.application, check)
    async for chunk in snapshot.chunks(partial(export_lines, project=caller.projector)):
        yield chunk
    yield lines([{"nextToken": await database.read(partial(_token, caller=caller, position=snapshot.position))}])


def _token(connection: Connection, caller: Caller, position: Position) -> str:
    if not is_of_this_history(connection, position):
        raise HistoryChanged("the store went back in time during an export: the reader exports again")
    return token_of(connection, caller, position)
