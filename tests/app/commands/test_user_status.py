"""`gateway user list`, `show`, `disable` and `enable`, beside a running gateway with workers."""

from __future__ import annotations

import pytest

from tests.app.commands.test_commands import LDIF, LDIF_SOURCE
from tests.app.commands.test_user import ADA, piped
from tests.app.installation import Installation, Serving, until

PASSWORD = "a good password"


@pytest.fixture
def filled(gateway: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    (gateway.folder / "people.ldif").write_text(LDIF)
    gateway.configure(LDIF_SOURCE, ldap='listen = "127.0.0.1:0"\nworkers = 2')
    assert gateway("sync").code == 0
    piped(monkeypatch, f"{PASSWORD}\n")
    assert gateway("user", "set-password", "ada").code == 0
    monkeypatch.setenv("SUDO_USER", "olga")
    return gateway


def test_a_user_is_disabled_at_once_on_all_workers_whatever_the_source_says(filled: Installation) -> None:
    with filled.serve() as serving:
        until(lambda: serving.bind(ADA, PASSWORD) == "success", "the bind")
        opened = [serving.connect(ADA, PASSWORD) for _ in range(4)]  # on both workers
        assert all(one.bind() and one.extend.standard.who_am_i() for one in opened)
        done = filled("user", "disable", "Ada", "--reason", "phished", "--json")
        facts = done.json
        assert (facts["name"], facts["status"], facts["because"]) == ("ada", "disabled", "phished")
        assert [(one["decided_by"], one["reason"]) for one in facts["disabled_by"]] == [("person:olga", "phished")]
        assert serving.bind(ADA, PASSWORD) == "invalidCredentials"
        until(lambda: not any(_is_bound(one) for one in opened), "open connections have ended")
        assert filled("sync", "--full").code == 0
        assert serving.bind(ADA, PASSWORD) == "invalidCredentials"
        assert "reason=disabled" in serving.log_text()

        shown = filled("user", "show", "ada").out
        assert "disabled since" in shown and "by olga: phished; gateway user enable ends it" in shown
        assert [row["name"] for row in filled("user", "list", "--disabled", "--json").json] == ["ada"]
        assert "disabled  phished" in filled("user", "list").out

        assert "): enabled\n" in filled("user", "enable", "ada").out
        _until_bound(serving)
        assert filled("user", "list", "--disabled", "--json").json == []


def _is_bound(connection: object) -> bool:
    try:
        return bool(connection.extend.standard.who_am_i())  # type: ignore[attr-defined]
    except Exception:  # the connection has ended
        return False


def _until_bound(serving: Serving) -> None:
    assert serving.bind(ADA, PASSWORD) == "success"


def test_a_soft_lock_is_seen_and_lifted_beside_a_running_gateway(filled: Installation) -> None:
    with filled.serve() as serving:
        until(lambda: serving.bind(ADA, PASSWORD) == "success", "the bind")
        assert filled("user", "unlock", "ada").out == "user ada was not locked\n"
        for _ in range(5):
            assert serving.bind(ADA, "wrong") == "invalidCredentials"
        assert serving.bind(ADA, PASSWORD) == "invalidCredentials"
        until(lambda: filled("user", "list", "--locked", "--json").json, "the lock is shown")
        assert "locked by wrong passwords until 20" in filled("user", "show", "ada").out
        assert filled("user", "unlock", "ada").out == "user ada is locked no more\n"
        _until_bound(serving)
        assert filled("user", "list", "--locked", "--json").json == []
        for _ in range(5):
            serving.bind(ADA, "wrong")
        until(lambda: filled("user", "list", "--locked", "--json").json, "the lock is shown again")
    with filled.serve() as serving:
        until(lambda: serving.bind(ADA, PASSWORD) == "success", "what the ended process had locked")
        until(lambda: not filled("user", "list", "--locked", "--json").json, "nor is it shown")


def test_an_unknown_user_and_a_reason_that_is_too_long_are_refused(filled: Installation) -> None:
    assert "there is no user 'nobody'" in filled("user", "disable", "nobody").err
    assert "500 are the most" in filled("user", "disable", "ada", "--reason", "x" * 501).err
    assert filled("user", "list", "--disabled", "--json").json == []


def test_whom_the_source_disables_is_enabled_there(filled: Installation) -> None:
    rules = '[source.users.enabled]\nattribute = "description"\ndisabled_values = ["false"]\n'
    (filled.folder / "people.ldif").write_text(LDIF.replace("sn: Lovelace", "sn: Lovelace\ndescription: false"))
    filled.configure(LDIF_SOURCE + rules)
    assert filled("sync", "--full").code == 0
    done = filled("user", "enable", "ada")
    assert done.code == 0
    assert "): disabled\nthe source file has this user disabled: enable them there\n" in done.out
