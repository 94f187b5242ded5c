"""An export as its lines."""

import json
from typing import Any

from tests.frontends.developer.conftest import Client


async def lines_of(client: Client) -> list[dict[str, Any]]:
    """Return the lines of GET /export."""
    answer = await client.call("GET", "/export")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-ndjson")
    return [json.loads(line) for line in answer.body.splitlines()]
