"""A PostgreSQL that stands still under a running gateway, as a paused machine does, and one that is read-only: every face says
so in time, searches go on, and everything works again by itself."""

from __future__ import annotations

import urllib.error
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from tests.app.installation import source_of, until
from tests.conftest import StartSlapd
from tests.scenarios.office import PEOPLE, Office, readiness
from tests.servers.people import people, person_password
from tests.servers.pki import Pki
from tests.servers.postgres import Postgres

ANSWER_SECONDS = 9.0
"""The store's own time, and what a busy machine adds."""


def in_time(ask: Callable[[], Any]) -> Any:
    """Return the answer, which must come in time."""
    began = monotonic()
    answer = ask()
    assert monotonic() - began < ANSWER_SECONDS
    return answer


def test_law_8_a_store_that_is_silent_or_read_only_is_reported_in_time_by_every_face_and_searches_go_on(
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
                in_time(lambda: observer.get("/export"))
            refused.value.close()
            ready = in_time(lambda: readiness(serving.addresses["management"]))
            assert (ready["status"], "does not answer" in ready["store"]) == ("not ready", True), ready
            assert len(observer.ids()) == 3
        finally:
            postgres.resume()
        until(lambda: serving.bind(person, person_password(1)) == "success", "binds work again")
        until(lambda: readiness(serving.addresses["management"])["status"] == "ready", "ready again")
        observer.must_see(upstream)
        postgres.become_standby()
        try:
            ready = until(lambda: readiness(serving.addresses["management"]).get("store writes"), "that it takes no writes")
            assert "the server is read-only: point [store] url at the primary" in ready
            status = office("status")
            assert (status.code, "source hr" in status.out, "nothing is stored now" in status.err) == (5, True, True)
            assert serving.bind(person, person_password(1)) == "success"
        finally:
            postgres.promote()
        until(lambda: readiness(serving.addresses["management"])["status"] == "ready", "ready again")
        assert office("status").code == 0
        assert serving.stop() == 0
