"""What a browser gets from a web server or through a proxy: HTTP on loopback, with a name and a password or without."""

from __future__ import annotations

import http.client
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

TIMEOUT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` by lower-case name."""

    status: int
    headers: Mapping[str, str]


def get(port: int, url: str, login: str = "", password: str = "", header: str = "Authorization") -> Answer:
    """GET `url` from the server on this port, with HTTP Basic in UTF-8 (RFC 7617) when there is a login."""
    headers = {header: f"Basic {b64encode(f'{login}:{password}'.encode()).decode()}"} if login else {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", url, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()})
    finally:
        connection.close()
