"""Audit lines of searches: off by default, escaped, without what is compared with passwords."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from gateway.frontends.ldap.search.search_audit import MAX_CHARACTERS, SECRET, without_secrets
from gateway.wire import filters
from gateway.wire.filters import text
from tests.frontends.ldap.company import ANN, BASE
from tests.frontends.ldap.conftest import Serve
from tests.frontends.ldap.serving import Serving, blocking
from tests.frontends.ldap.wire_client import connected, search_request


@pytest.mark.parametrize("form", ["({}=hunter2)", "({};x-option=hunter2)", "({}=hun*ter2*)", "({}>=hunter2)", "({}~=hunter2)"])
@pytest.mark.parametrize("attribute", sorted({*SECRET, "userPassword", "unicodePwd"}))
def test_what_is_compared_with_a_password_is_masked(attribute: str, form: str) -> None:
    asked = filters.parse(f"(&(uid=ann)(|(!{form.format(attribute)})({attribute}:2.5.13.17:=hunter2)(mail=*)))")
    shown = text.to_text(without_secrets(asked))
    assert "hun" not in shown and "ter2" not in shown
    assert "(uid=ann)" in shown and "(mail=*)" in shown and attribute in shown


@blocking
def test_each_search_has_its_line_with_who_and_what(serve: Serve) -> None:
    serving = serve(log_searches=True)
    with capture_logs() as lines, connected(serving, serving.portal) as client:
        for _ in range(3):  # the third would be answered the short way
            assert len(client.search(search_request(BASE, "(uid=ann)"))[0]) == 1
        client.search(search_request(ANN, "(&(uid=*)(cn=\\0a\\1b))", scope=0))
        client.search(search_request(BASE, f"(uid={'x' * 2 * MAX_CHARACTERS})", scope=1))
    found = [line for line in lines if line["event"] == "search"]
    assert len(found) == 5
    assert {line["dn"] for line in found} == {serving.portal.dn}
    assert [(line["base"], line["scope"], line["filter"]) for line in found[2:4]] == [
        (BASE, "subtree", "(uid=ann)"),
        (ANN, "base", "(&(uid=*)(cn=\\0a\\1b))"),
    ]
    assert found[4]["filter"].endswith("characters)") and len(found[4]["filter"]) < MAX_CHARACTERS + 50


@blocking
def test_by_default_there_are_none(serving: Serving) -> None:
    with capture_logs() as lines, connected(serving, serving.portal) as client:
        client.search(search_request(BASE, "(uid=ann)"))
    assert not [line for line in lines if line["event"] == "search"]
