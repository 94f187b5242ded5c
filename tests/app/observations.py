"""Reports of a running gateway about itself: readiness, metrics, workers; and an application that reads from it."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import Any

import ldap3

from tests.app.installation import BASE_DN, Installation, Serving, until

PEOPLE = f"ou=people,{BASE_DN}"


def application(installed: Installation) -> dict[str, Any]:
    """Add an application that sees everything; return the JSON that the command printed."""
    added = installed("application", "add", "portal", "--json").json
    assert isinstance(added, dict)
    return added


def readiness(serving: Serving) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of /readyz."""
    try:
        with urllib.request.urlopen(f"http://{serving.addresses['management']}/readyz", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def details(serving: Serving) -> dict[str, str]:
    """Return the details of /readyz by check."""
    return {check["name"]: check["detail"] for check in readiness(serving)[1]["checks"]}


def metrics(serving: Serving) -> str:
    """Return the body of /metrics."""
    with urllib.request.urlopen(f"http://{serving.addresses['management']}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def wait_until_read(serving: Serving) -> None:
    """Wait until the first run is over and its entries are in the view."""

    def is_read() -> bool:
        found = details(serving)
        return "succeeded" in found["source hr"] and found["view openldap"].startswith("0 changes behind")

    until(is_read, "the source is read")


def wait_until_all_serve(serving: Serving) -> dict[int, int]:
    """Wait until every worker serves; return their process ids by number."""

    def all_serve() -> bool:
        found = re.match(r"(\d+) of (\d+) workers serve", details(serving)["workers"])
        return found is not None and found[1] == found[2]

    until(all_serve, "all workers serve")
    return workers(serving)


def workers(serving: Serving) -> dict[int, int]:
    """Return the process id of each worker as last logged, by its number."""
    return {int(number): int(pid) for pid, number in re.findall(r"a worker serves pid=(\d+) worker=(\d+)", serving.log_text())}


def titles(connection: ldap3.Connection, uid: str) -> list[str]:
    """Return the titles of the person with this uid."""
    connection.search(PEOPLE, f"(uid={uid})", attributes=["title"])
    return [str(value) for entry in connection.response for value in entry["attributes"]["title"]]
