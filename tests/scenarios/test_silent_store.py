"""A PostgreSQL that stands still under a running gateway, as a paused machine does: every face answers in time, searches
go on, and everything works again by itself."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from tests.app.installation import source_of, until
from tests.conftest import StartSlapd
from tests.scenarios.office import PEOPLE, Office
from tests.servers.people import people, person_password
from tests.servers.pki import Pki
from tests.servers.postgres import Postgres

ANSWER_SECONDS = 9.0
"""The store's own time, and what a busy machine adds."""


def readiness(address: str) -> dict[str, Any]:
    """Return what /readyz says; `detail` of each check that failed."""
    try:
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=20) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as refused:
        found = json.load(refused)
    return {"status": found["status"], **{check["name"]: check["detail"] for check in found["checks"] if not check["ok"]}}


def in_time(ask: Callable[[], Any]) -> Any:
    """Return the answer, which must come in time."""
    began = monotonic()
    answer = ask()
    assert monotonic() - began < ANSWER_SECONDS
    return answer


def test_law_8_while_the_store_is_silent_every_face_says_so_in_time_and_searches_go_on(
    office: Office, start_slapd: StartSlapd, pki: Pki, postgres: Postgres, postgres_database: str
) -> None:
    upstream = start_slapd(ldif=people(3, organizations=1))
    office.configure(source_of(upstream, pki, "hr"), store=f'url = "{postgres_database}"')
    assert office("migrate").code == 0
    with office.observed(office.application()) as observer:
        observer.must_see(upstream)
        serving, person = observer.serving, f"uid=user000001,{PEOPLE}"
        assert serving.bind(person, person_password(1)) == "success"
        postgres.suspend()
        try:
            assert in_time(lambda: serving.bind(person, person_password(1))) == "unavailable"
            assert in_time(lambda: serving.bind(observer.bind_dn, observer.secret)) == "unavailable"
            with pytest.raises(urllib.error.HTTPError, match="503") as refused:
                in_time(lambda: observer.get("/changes"))
            refused.value.close()
            ready = in_time(lambda: readiness(serving.addresses["management"]))
            assert (ready["status"], "does not answer" in ready["store"]) == ("not ready", True), ready
            assert len(observer.ids()) == 3
        finally:
            postgres.resume()
        until(lambda: serving.bind(person, person_password(1)) == "success", "binds work again")
        until(lambda: readiness(serving.addresses["management"])["status"] == "ready", "ready again")
        observer.get("/changes")
        observer.must_see(upstream)
        assert serving.stop() == 0
