"""The place of users and organizations: by references, else by the nearest organization above, else the source's own."""

from gateway.model.changes import ChangeType
from gateway.model.deltas import Delta, DeltaType
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm
from gateway.sync.inbound import InboundSettings
from tests.sync.synced_store import Store, gone, person, unit


def test_people_and_units_belong_to_the_nearest_unit_above_them(store: Store) -> None:
    store.apply(unit("a"), unit("b", "ou=a"), person("anna", "ou=b,ou=a"), person("bert", "cn=x,ou=a"), person("carl"))
    assert store.directory().users == {"anna": ("/a/b/",), "bert": ("/a/",), "carl": ("/",)}


def test_a_user_that_arrives_before_its_unit_moves_in_when_the_unit_arrives(store: Store) -> None:
    store.apply(person("anna", "ou=b,ou=a"))
    store.apply(unit("b", "ou=a"))
    assert store.directory().users == {"anna": ("/b/",)}
    store.apply(unit("a"))
    assert store.directory().users == {"anna": ("/a/b/",)}


def test_the_children_of_a_deleted_unit_move_to_the_next_one_above(store: Store) -> None:
    store.apply(unit("a"), unit("b", "ou=a"), unit("c", "ou=b,ou=a"), person("anna", "ou=b,ou=a"))
    number = store.last()
    store.apply(gone(Kind.ORGANIZATION, "o:b"))
    assert store.directory().users == {"anna": ("/a/",)}
    assert store.directory().organizations == {"/", "/a/", "/a/c/"}
    assert [change.type for change in store.log(number)] == [ChangeType.UPDATE, ChangeType.UPDATE, ChangeType.DELETE]


def test_the_organizations_that_a_record_names_win_over_its_position(store: Store) -> None:
    chosen = (Reference(ReferenceForm.ID, "o:b"), Reference(ReferenceForm.ID, "o:a"), Reference(ReferenceForm.ID, "o:late"))
    anna = Delta(DeltaType.UPSERT, Kind.USER, "u:anna", "uid=anna,ou=c", {"username": ("anna",)}, {"organizations": chosen})
    store.apply(unit("a"), unit("b"), unit("c"), anna)
    assert store.directory().users == {"anna": ("/b/", "/a/")}
    store.apply(unit("late"))
    assert store.directory().users == {"anna": ("/b/", "/a/", "/late/")}
    store.apply(gone(Kind.ORGANIZATION, "o:b"))
    assert store.directory().users == {"anna": ("/a/", "/late/")}


def test_a_source_may_be_read_into_an_organization_of_its_own(store: Store) -> None:
    store.apply(unit("acme"), source="other")
    target = store.log()[-1].object_id
    store.settings = InboundSettings(target_organization_id=target)
    store.apply(unit("sales"), person("anna"), person("bert", "ou=sales"))
    assert store.directory().users == {"anna": ("/acme/",), "bert": ("/acme/sales/",)}
