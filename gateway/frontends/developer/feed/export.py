"""GET /export: the snapshot of what a caller sees as NDJSON, and as its last line the nextToken to go on from with /changes.

Lines are `{"kind": "organization" | "user", "object"}`, `{"kind": "group", "object", "members"}`,
`{"kind": "members", "groupId", "members"}`, and last `{"nextToken"}`; parents before children, users before groups. A stream
that ends without its last line is not complete."""

from collections.abc import AsyncIterator
from functools import partial

from gateway.directory.application_scope.snapshot import Snapshot
from gateway.frontends.developer.feed.feed_token import token_of
from gateway.frontends.developer.feed.json_items import export_lines
from gateway.frontends.developer.records.caller import Caller
from gateway.frontends.http.request import lines
from gateway.store.engine.database import Database


async def export(database: Database, caller: Caller) -> AsyncIterator[bytes]:
    """Yield the stream in chunks. Raises StoreUnavailable in the middle when the store goes away."""
    snapshot = await Snapshot.begin(database, caller.application)
    async for chunk in snapshot.chunks(partial(export_lines, project=caller.projector)):
        yield chunk
    yield lines([{"nextToken": token_of(caller, snapshot.position)}])
