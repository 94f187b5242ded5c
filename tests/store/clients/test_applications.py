"""Applications: secrets shown once, rights, versions, certificate names."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from gateway.model.applications import Scope
from gateway.model.errors import Conflict, InvalidInput, NotFound
from gateway.model.objects import ROOT_ORGANIZATION_ID
from gateway.store.clients import access_tokens, applications
from gateway.store.engine.database import Database
from gateway.store.tables.clients import applications as applications_table

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=60)


def test_an_application_is_let_in_with_its_secret_by_id_and_by_name(database: Database) -> None:
    made, secret = database.write_blocking(lambda c: applications.add(c, "HR-Portal", now=NOW, description="d"))
    assert made.scope.is_everything
    assert len(secret) >= 43
    for name in (made.id, "hr-portal", "HR-PORTAL"):
        assert database.read_blocking(lambda c, n=name: applications.verify(c, n, secret, NOW)) == made  # type: ignore[misc]
    assert database.read_blocking(lambda c: applications.verify(c, made.id, secret + "x", NOW)) is None
    assert database.read_blocking(lambda c: applications.verify(c, "nobody", secret, NOW)) is None


def test_law_12_a_clear_secret_is_not_stored(database: Database) -> None:
    _, secret = database.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    rows = database.read_blocking(lambda c: c.execute(sa.select(applications_table)).all())
    assert secret not in repr(rows)


def test_two_applications_cannot_share_a_name(database: Database) -> None:
    database.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    with pytest.raises(Conflict, match="choose another name"):
        database.write_blocking(lambda c: applications.add(c, "Portal", now=NOW))


def test_a_new_secret_ends_the_old_one(database: Database) -> None:
    made, old = database.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    new = database.write_blocking(lambda c: applications.replace_secret(c, made.id))
    assert database.read_blocking(lambda c: applications.verify(c, made.id, old, NOW)) is None
    same = database.read_blocking(lambda c: applications.verify(c, made.id, new, NOW))
    assert same is not None
    assert (same.id, same.secret_version, made.secret_version) == (made.id, 2, 1)


def test_an_old_secret_is_kept_beside_the_new_one_until_it_is_ended(database: Database) -> None:
    made, old = database.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    new = database.write_blocking(lambda c: applications.add_secret(c, made.id, NOW))
    used = [database.read_blocking(lambda c, s=secret: applications.verify(c, made.id, s, LATER)) for secret in (old, new)]  # type: ignore[misc]
    assert [one and (one.secret_used, one.version, one.secret_version) for one in used] == [(1, 1, 1), (2, 1, 1)]
    with pytest.raises(Conflict, match=r"two valid secrets already: .*gateway application end-old-secret portal"):
        database.write_blocking(lambda c: applications.add_secret(c, made.id, NOW))
    assert database.read_blocking(lambda c: applications.verify(c, made.id, new, NOW)), "a refusal has ended it"
    assert database.write_blocking(lambda c: applications.end_old_secret(c, made.id))
    assert not database.write_blocking(lambda c: applications.end_old_secret(c, made.id))
    assert database.read_blocking(lambda c: applications.verify(c, made.id, old, NOW)) is None
    assert database.read_blocking(lambda c: applications.verify(c, made.id, new, NOW)) is not None


def test_an_old_secret_ends_with_its_time_and_makes_room_for_the_next(database: Database) -> None:
    made, first = database.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    second = database.write_blocking(lambda c: applications.add_secret(c, made.id, NOW, LATER))
    before = LATER - timedelta(milliseconds=1)
    assert database.read_blocking(lambda c: applications.verify(c, made.id, first, before)) is not None
    assert database.read_blocking(lambda c: applications.verify(c, made.id, first, LATER)) is None
    third = database.write_blocking(lambda c: applications.add_secret(c, made.id, LATER))
    found = [database.read_blocking(lambda c, s=s: applications.verify(c, made.id, s, NOW)) for s in (first, second, third)]  # type: ignore[misc]
    assert [one and one.secret_used for one in found] == [None, 2, 3]
    fourth = database.write_blocking(lambda c: applications.replace_secret(c, made.id))
    rest = (second, third, fourth)
    found = [database.read_blocking(lambda c, s=s: applications.verify(c, made.id, s, NOW)) for s in rest]  # type: ignore[misc]
    assert [one and one.secret_used for one in found] == [None, None, 4]


def test_every_change_to_an_application_gives_it_a_new_version_and_only_a_new_secret_a_new_secret_version(
    database: Database,
) -> None:
    made, _ = database.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    database.write_blocking(lambda c: applications.set_grants(c, made.id, ["write"]))
    database.write_blocking(lambda c: applications.set_description(c, made.id, "new"))
    assert database.read_blocking(applications.versions) == {made.id: (3, 1, 1, None, None)}
    database.write_blocking(lambda c: applications.replace_secret(c, made.id))
    assert database.read_blocking(applications.versions) == {made.id: (4, 2, 2, None, None)}
    database.write_blocking(lambda c: applications.set_enabled(c, made.id, False))
    assert database.read_blocking(applications.versions) == {}


def test_an_application_keeps_its_grants_and_the_names_of_its_certificates(database: Database) -> None:
    grants, names = ["write", "proxy"], ["CN=portal", "portal.example.com"]
    made, _ = database.write_blocking(lambda c: applications.add(c, "portal", now=NOW, grants=grants, certificate_names=names))
    assert (made.grants, made.certificate_names) == (frozenset(grants), tuple(names))
    assert database.write_blocking(lambda c: applications.set_grants(c, made.id, [])).grants == frozenset()
    changed = database.write_blocking(lambda c: applications.set_certificate_names(c, made.id, ["CN=new"]))
    assert changed.certificate_names == ("CN=new",)


def test_a_certificate_is_one_application_only(database: Database) -> None:
    database.write_blocking(lambda c: applications.add(c, "portal", now=NOW, certificate_names=["CN=x"]))
    with pytest.raises(Conflict, match="are the application 'portal' already"):
        database.write_blocking(lambda c: applications.add(c, "other", now=NOW, certificate_names=["CN=x"]))


def test_an_application_keeps_the_rights_it_is_given(database: Database) -> None:
    scope = Scope(("o1", "o2"), ("g1",))
    made, _ = database.write_blocking(
        lambda c: applications.add(c, "portal", now=NOW, scope=scope, views=["v"], attributes=["Mail", "cn"])
    )
    assert (made.scope, made.views, made.attributes) == (scope, ("v",), frozenset({"mail", "cn"}))
    changed = database.write_blocking(lambda c: applications.set_rights(c, made.id, Scope(), (), None))
    assert (changed.scope.organization_ids, changed.views, changed.attributes) == ((ROOT_ORGANIZATION_ID,), (), None)
    assert database.write_blocking(lambda c: applications.set_description(c, made.id, "new")).description == "new"
    assert [one.name for one in database.read_blocking(applications.all_applications)] == ["portal"]


def test_an_application_that_is_switched_off_is_kept_out_with_its_tokens(database: Database) -> None:
    made, secret = database.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    token = database.write_blocking(lambda c: access_tokens.issue(c, made.id, 60, NOW))
    assert database.read_blocking(lambda c: access_tokens.find(c, token, NOW)) == made.id
    database.write_blocking(lambda c: applications.set_enabled(c, made.id, False))
    assert database.read_blocking(lambda c: applications.verify(c, made.id, secret, NOW)) is None
    assert database.read_blocking(lambda c: access_tokens.find(c, token, NOW)) is None
    database.write_blocking(lambda c: applications.remove(c, made.id))
    with pytest.raises(NotFound):
        database.write_blocking(lambda c: applications.remove(c, made.id))


@pytest.mark.parametrize("same", ["portal.example.com", "dns:PORTAL.example.com"])
def test_a_certificates_name_is_one_applications_however_it_is_written(database: Database, same: str) -> None:
    database.write_blocking(lambda c: applications.add(c, "one", now=NOW, certificate_names=["dns:portal.example.com"]))
    with pytest.raises(Conflict, match="'one' already"):
        database.write_blocking(lambda c: applications.add(c, "two", now=NOW, certificate_names=[same]))
    database.write_blocking(lambda c: applications.add(c, "two", now=NOW, certificate_names=["email:portal@example.com"]))


@pytest.mark.parametrize(
    "name", ["ops@example.com", "spiffe://example.com/x", "", "email:example.com", "uri:portal", "dns:a b"]
)
def test_a_name_that_no_certificate_has_is_refused_with_the_way_to_write_it(database: Database, name: str) -> None:
    with pytest.raises(InvalidInput, match="write"):
        database.write_blocking(lambda c: applications.add(c, "one", now=NOW, certificate_names=[name]))


def test_of_an_applications_tokens_the_oldest_give_way(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_tokens, "MAX_PER_APPLICATION", 3)
    one, other = (database.write_blocking(lambda c, n=name: applications.add(c, n, now=NOW))[0] for name in ("one", "other"))  # type: ignore[misc]

    def issue(application_id: str, seconds: int) -> str:
        return database.write_blocking(lambda c: access_tokens.issue(c, application_id, 600 + seconds, NOW))

    kept = issue(other.id, 0)
    tokens = [issue(one.id, second) for second in range(5)]
    found = [database.read_blocking(lambda c, t=token: access_tokens.find(c, t, NOW)) for token in (*tokens, kept)]  # type: ignore[misc]
    assert found == [None, None, one.id, one.id, one.id, other.id]
