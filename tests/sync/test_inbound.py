"""The door: one batch, one transaction."""

from gateway.model.changes import ChangeType
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind, Organization, Origin, User
from gateway.model.runs import Outcome, Result
from gateway.store.objects import organizations, users
from gateway.store.operations import source_state
from gateway.store.records import records
from gateway.sync.inbound import InboundSettings
from tests.sync.synced_store import Store, group, person, unit


def test_a_person_becomes_a_user_with_the_origin_it_came_from(both_stores: Store) -> None:
    applied = both_stores.apply(person("anna", common_name="Anna", photo=(b"\xff\x00",)))
    anna = both_stores.user("ANNA")
    assert anna.origin == Origin("ldap", "hr", "u:anna")
    assert anna.attributes == {"common_name": ("Anna",), "photo": (b"\xff\x00",)}
    assert anna.enabled
    assert anna.created_at == anna.updated_at == both_stores.time
    assert applied.statistics.total(Outcome.CREATED) == 1
    (change,) = both_stores.log()
    assert (change.type, change.object, change.source_id) == (ChangeType.CREATE, anna, "hr")


def test_law_2_applying_a_batch_twice_is_applying_it_once(both_stores: Store) -> None:
    batch = [unit("sales"), person("anna", "ou=sales"), group("all", "uid=anna,ou=sales", "uid=nobody", logins=["bert"])]
    both_stores.apply(*batch)
    before, number = both_stores.directory(), both_stores.last()
    applied = both_stores.apply(*batch)
    assert (both_stores.directory(), both_stores.last()) == (before, number)
    assert applied.statistics.counts == {(kind, Outcome.UNCHANGED, Result.SUCCEEDED): 1 for kind in Kind}


def test_law_2_the_watermark_is_stored_with_its_batch(store: Store) -> None:
    store.apply(person("anna"), watermark=b"one")
    assert store.database.read_blocking(store.door().watermark) == b"one"
    store.apply(person("bert"))
    assert store.database.read_blocking(store.door().watermark) == b"one"


def test_other_settings_make_the_watermark_worthless_and_place_everything_anew(store: Store) -> None:
    store.apply(unit("office", external_id="x"), source="other")
    store.apply(person("anna"), watermark=b"one")
    office = store.database.read_blocking(lambda c: organizations.id_by_origin(c, Origin("ldap", "other", "x")))
    store.settings = InboundSettings(target_organization_id=office or "", fingerprint="other settings")
    assert store.database.read_blocking(store.door().watermark) is None
    store.apply(person("anna"))
    assert store.directory().users == {"anna": ("/office/",)}


def test_one_object_has_one_change_in_one_batch(store: Store) -> None:
    store.apply(unit("a"), person("anna"), group("g"))
    number = store.last()
    store.apply(person("anna", "ou=a", title="One"), person("anna", "ou=a", title="Two"), group("g", "uid=anna,ou=a"))
    assert [(change.kind, change.type) for change in store.log(number)] == [
        (Kind.USER, ChangeType.UPDATE),
        (Kind.GROUP, ChangeType.UPDATE),
    ]
    assert store.user("anna").first("title") == "Two"


def test_nothing_is_logged_when_nothing_changed_for_the_directory(store: Store) -> None:
    store.apply(person("anna", employee_number="7"))
    number = store.last()
    applied = store.apply(person("anna", employee_number=("7", "a second value that is not kept")))
    assert store.last() == number == applied.last_change_number
    assert applied.statistics.total(Outcome.UNCHANGED) == 1


# ---- places


# ---- what upstreams do not report


# ---- groups


# ---- disputes and records that cannot be objects


def test_the_accounts_of_a_user_are_the_records_that_vouch_for_its_password(store: Store) -> None:
    store.apply(person("anna"))
    (account,) = store.database.read_blocking(lambda c: records.accounts(c, store.user("anna").id))
    assert (account.source_id, account.external_id, account.dn) == ("hr", "u:anna", "uid=anna,dc=example,dc=test")


def test_a_source_is_known_after_its_first_batch(store: Store) -> None:
    store.apply(person("anna"), watermark=b"secret cookie")
    state = store.database.read_blocking(lambda c: source_state.get(c, "hr"))
    assert state is not None
    assert state.source_type == "ldap"
    assert "secret" not in repr(state)


def test_many_users_are_one_page_away(store: Store) -> None:
    store.apply(unit("a"), *(person(f"p{n}", "ou=a") for n in range(30)))
    root = store.database.read_blocking(lambda c: organizations.subtree(c, [ROOT_ORGANIZATION_ID]))
    page, total = store.database.read_blocking(lambda c: users.page(c, root, 10, 10))
    assert (len(page), total) == (10, 30)
    assert all(isinstance(thing.object, Organization | User) for thing in store.log())
