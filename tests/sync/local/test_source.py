"""Local edits: through the same door, beside what the sources report, never over it."""

from datetime import datetime
from functools import partial
from typing import Any

import pytest

from gateway.model.changes import ChangeType
from gateway.model.edits import Edit
from gateway.model.errors import InvalidInput, NotFound
from gateway.model.objects import ROOT_ORGANIZATION_ID, Group, Kind, Member, Origin
from gateway.store.objects import groups, organizations
from gateway.store.operations import instance
from gateway.store.records import records
from gateway.sync.local.edit_checks import MasteredElsewhere, NameTaken, NotEmpty, PrincipalTaken
from gateway.sync.local.source import LocalDoor, LogMoved, Written
from gateway.sync.rules.correlation import Reaction
from tests.sync.synced_store import Store, gone, group, person, renamed, unit


class Editor:
    """A client that edits."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.door = LocalDoor(self._now)

    def _now(self) -> datetime:
        return self.store.time

    def create(self, kind: Kind, edit: Edit | None = None, **attributes: Any) -> str:
        whole = edit or Edit(_values(attributes))
        return self.store.database.write_blocking(lambda c: self.door.create(c, kind, whole)).object_id

    def change(self, kind: Kind, object_id: str, edit: Edit | None = None, **attributes: Any) -> Written:
        whole = edit or Edit(_values(attributes))
        return self.store.database.write_blocking(lambda c: self.door.change(c, kind, object_id, whole))

    def delete(self, kind: Kind, object_id: str) -> Written:
        return self.store.database.write_blocking(lambda c: self.door.delete(c, kind, object_id))

    def user(self, name: str, *organization_ids: str) -> str:
        return self.create(Kind.USER, Edit({"username": (name,)}, organization_ids or None))

    def group(self, name: str, *members: Member) -> str:
        return self.create(Kind.GROUP, Edit({"name": (name,)}, added_members=members))

    def unit(self, name: str, above: str | None = None) -> str:
        return self.create(Kind.ORGANIZATION, Edit({"name": (name,)}, None if above is None else (above,)))


def _values(attributes: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: (value,) if isinstance(value, str) else tuple(value) for name, value in attributes.items()}


@pytest.fixture
def editor(store: Store) -> Editor:
    return Editor(store)


def a_group(store: Store, name: str) -> Group:
    def find(connection: Any) -> Group:
        [group_id] = groups.same_name(connection, name)
        found = groups.get(connection, group_id)
        assert found is not None
        return found

    return store.database.read_blocking(find)


def an_organization(store: Store, name: str) -> str:
    [found] = store.database.read_blocking(lambda c: organizations.same_name(c, ROOT_ORGANIZATION_ID, name))
    return found


def test_a_user_that_is_made_here_has_this_gateway_as_its_origin_and_the_log_names_the_source_local(
    both_stores: Store,
) -> None:
    editor = Editor(both_stores)
    object_id = editor.create(Kind.USER, username="lea", title="Queen")
    lea = both_stores.user("lea")
    assert lea.id == object_id
    assert lea.origin == Origin("build_in", both_stores.database.read_blocking(instance.instance_id), "")
    assert lea.attributes == {"title": ("Queen",)}
    (change,) = both_stores.log()
    assert (change.type, change.object_id, change.source_id) == (ChangeType.CREATE, object_id, "local")


def test_the_same_change_twice_is_one_change(store: Store, editor: Editor) -> None:
    lea = editor.create(Kind.USER, username="lea")
    first = editor.change(Kind.USER, lea, title="Queen")
    again = editor.change(Kind.USER, lea, title="Queen")
    assert first.change_number == again.change_number == store.last()


def test_a_login_name_that_a_user_has_is_not_given_again(store: Store, editor: Editor) -> None:
    store.apply(person("anna"))
    with pytest.raises(NameTaken):
        editor.create(Kind.USER, username="ANNA")
    lea = editor.create(Kind.USER, username="lea")
    with pytest.raises(NameTaken):
        editor.change(Kind.USER, lea, username="Anna")
    editor.change(Kind.USER, lea, username="LEA")
    assert store.names() == {"anna", "LEA"}


def test_names_of_groups_and_of_organizations_beside_each_other_are_given_once(store: Store, editor: Editor) -> None:
    sales = editor.unit("sales")
    editor.unit("sales", sales)
    editor.group("all")
    with pytest.raises(NameTaken):
        editor.unit("Sales")
    with pytest.raises(NameTaken):
        editor.unit("Sales", sales)
    with pytest.raises(NameTaken):
        editor.group("ALL")
    assert store.directory().organizations == {"/", "/sales/", "/sales/sales/"}


def test_a_name_that_cannot_be_one_is_refused_and_nothing_is_kept(store: Store, editor: Editor) -> None:
    for name in ("", " ", "a\0b", "x" * 300):
        with pytest.raises(InvalidInput):
            editor.create(Kind.USER, username=name)
    assert store.log() == []


def test_two_values_of_what_can_have_one_are_refused(store: Store, editor: Editor) -> None:
    with pytest.raises(InvalidInput, match="one display name"):
        editor.create(Kind.USER, username="lea", display_name=["Queen", "King"])
    assert store.log() == []


def test_an_edit_of_an_attribute_that_a_source_reports_is_refused_with_its_name(store: Store, editor: Editor) -> None:
    store.apply(person("anna", title="Boss", email=()))
    anna = store.user("anna").id
    number = store.last()
    for attributes in ({"title": "Queen"}, {"email": "a@x"}, {"username": "anne"}, {"title": ()}):
        with pytest.raises(MasteredElsewhere) as refusal:
            editor.change(Kind.USER, anna, **attributes)
        assert refusal.value.attribute == next(iter(attributes))
        assert "source hr" in str(refusal.value)
    with pytest.raises(MasteredElsewhere):
        editor.delete(Kind.USER, anna)
    assert store.last() == number


def test_an_edit_to_the_value_that_a_source_reports_changes_nothing(store: Store, editor: Editor) -> None:
    store.apply(person("anna", title="Boss"))
    number = store.last()
    editor.change(Kind.USER, store.user("anna").id, title="Boss", username="anna", enabled="true")
    assert store.last() == number
    assert store.database.read_blocking(lambda c: records.count(c, "local", Kind.USER)) == 0


def test_an_attribute_that_no_source_reports_can_be_added_and_no_sync_loses_it(both_stores: Store) -> None:
    store, editor = both_stores, Editor(both_stores)
    store.apply(person("anna", title="Boss"))
    anna = store.user("anna").id
    editor.change(Kind.USER, anna, gecos="Anna A.")
    store.apply(person("anna", title="Queen"))
    store.compare(person("anna", title="Queen"), caught_up=True)
    store.apply(renamed(person("anna", title="Queen", external_id="u:anna"), "anne"))
    assert store.user("anne").id == anna
    assert store.user("anne").attributes == {"title": ("Queen",), "gecos": ("Anna A.",)}
    assert store.directory() == store.replayed()


def test_a_source_that_begins_to_see_an_attribute_takes_it_over_and_the_local_value_waits_underneath(
    store: Store, editor: Editor
) -> None:
    store.apply(person("anna"))
    anna = store.user("anna").id
    editor.change(Kind.USER, anna, title="Queen")
    store.apply(person("anna", title="Boss"))
    assert store.user("anna").first("title") == "Boss"
    with pytest.raises(MasteredElsewhere):
        editor.change(Kind.USER, anna, title="King")
    local = store.database.read_blocking(lambda c: records.get(c, "local", Kind.USER, anna))
    assert local is not None
    assert local.attributes == {"title": ("Queen",)}
    store.apply(person("anna", title=()))
    assert store.user("anna").attributes == {}, "seen empty is cleared, not missing"


def test_an_addition_to_a_user_goes_with_the_users_last_source(store: Store, editor: Editor) -> None:
    store.deleted = Reaction.DELETE
    store.apply(person("anna"), person("bert"))
    editor.change(Kind.USER, store.user("anna").id, title="Queen")
    store.apply(gone(Kind.USER, "u:anna"))
    assert store.names() == {"bert"}
    assert store.database.read_blocking(lambda c: records.count(c, "local", Kind.USER)) == 0
    assert store.directory() == store.replayed()


def test_an_addition_does_not_move_a_user_out_of_its_organizations(store: Store, editor: Editor) -> None:
    store.apply(unit("sales"), person("anna", "ou=sales"))
    editor.change(Kind.USER, store.user("anna").id, title="Queen")
    store.apply(renamed(person("anna", "ou=sales"), "anne"))
    assert store.directory().users == {"anne": ("/sales/",)}


def test_a_record_that_lost_its_name_keeps_its_object_as_it_was_whatever_is_added_to_it(store: Store, editor: Editor) -> None:
    store.apply(person("anna", title="Boss"))
    anna = store.user("anna").id
    editor.change(Kind.USER, anna, gecos="A")
    store.apply(person("anna", username=(), title="Boss"))
    editor.change(Kind.USER, anna, gecos="B")
    assert store.user("anna").first("title") == "Boss"


def test_a_user_that_is_disputed_over_a_new_name_keeps_the_old_one_when_something_is_added(
    store: Store, editor: Editor
) -> None:
    store.apply(person("anna"), person("bert"))
    anna = store.user("anna").id
    store.apply(renamed(person("anna", external_id="u:anna"), "bert"))
    editor.change(Kind.USER, anna, title="Queen")
    assert store.user("anna").attributes == {"title": ("Queen",)}
    local = store.database.read_blocking(lambda c: records.get(c, "local", Kind.USER, anna))
    assert local is not None
    assert local.situation == "linked"


def test_any_user_can_be_a_member_of_a_group_that_is_made_here(both_stores: Store) -> None:
    store, editor = both_stores, Editor(both_stores)
    store.apply(person("anna"), person("bert"), group("staff", "uid=anna"))
    anna, bert = store.user("anna").id, store.user("bert").id
    lea = editor.user("lea")
    staff = a_group(store, "staff").id
    circle = editor.group("circle", Member(Kind.USER, anna), Member(Kind.USER, lea), Member(Kind.GROUP, staff))
    assert store.directory().members["circle"] == {"anna", "lea", "staff"}
    editor.change(
        Kind.GROUP, circle, Edit(added_members=(Member(Kind.USER, bert),), removed_members=(Member(Kind.USER, anna),))
    )
    assert store.directory().members["circle"] == {"bert", "lea", "staff"}
    number = store.last()
    editor.change(
        Kind.GROUP, circle, Edit(added_members=(Member(Kind.USER, bert),), removed_members=(Member(Kind.USER, anna),))
    )
    assert store.last() == number
    editor.change(Kind.GROUP, circle, Edit(added_members=(Member(Kind.USER, anna),)))
    assert store.directory().members["circle"] == {"anna", "bert", "lea", "staff"}
    assert store.directory() == store.replayed()


def test_the_members_of_a_sources_group_are_the_sources(store: Store, editor: Editor) -> None:
    store.apply(person("anna"), group("staff"))
    staff = a_group(store, "staff").id
    with pytest.raises(MasteredElsewhere, match="membership of this group comes from the source hr"):
        editor.change(Kind.GROUP, staff, Edit(added_members=(Member(Kind.USER, store.user("anna").id),)))


def test_a_user_that_is_gone_at_the_source_leaves_the_groups_that_are_made_here(both_stores: Store) -> None:
    store, editor = both_stores, Editor(both_stores)
    store.apply(person("anna"), person("bert"))
    members = [Member(Kind.USER, store.user(name).id) for name in ("anna", "bert")]
    circle = editor.group("circle", *members)
    store.compare(person("bert"))
    assert store.directory().members["circle"] == {"bert"}
    store.apply(person("anna"))
    assert store.directory().members["circle"] == {"anna", "bert"}, "the same anna again"
    assert store.directory() == store.replayed()
    store.deleted = Reaction.DELETE
    store.compare(person("bert"))
    store.apply(person("anna"))
    assert store.directory().members["circle"] == {"bert"}, "that is another anna"
    editor.change(Kind.GROUP, circle, Edit(added_members=(Member(Kind.USER, store.user("anna").id),)))
    assert store.directory().members["circle"] == {"anna", "bert"}
    assert store.directory() == store.replayed()


def test_a_member_that_does_not_exist_is_not_found(store: Store, editor: Editor) -> None:
    with pytest.raises(NotFound):
        editor.group("circle", Member(Kind.USER, "nobody"))
    assert store.log() == []


def test_a_group_can_be_a_member_of_itself(store: Store, editor: Editor) -> None:
    circle = editor.group("circle")
    editor.change(Kind.GROUP, circle, Edit(added_members=(Member(Kind.GROUP, circle),)))
    assert store.directory().members["circle"] == {"circle"}
    editor.delete(Kind.GROUP, circle)
    assert store.directory() == store.replayed()


def test_users_and_organizations_can_be_made_in_any_organization_and_moved(both_stores: Store) -> None:
    store, editor = both_stores, Editor(both_stores)
    store.apply(unit("sales"), person("anna", "ou=sales"))
    sales = an_organization(store, "sales")
    north = editor.unit("north", sales)
    lea = editor.user("lea", north, sales)
    assert store.directory().users == {"anna": ("/sales/",), "lea": ("/sales/north/", "/sales/")}
    editor.change(Kind.ORGANIZATION, north, Edit(organizations=(ROOT_ORGANIZATION_ID,)))
    editor.change(Kind.USER, lea, Edit(organizations=(ROOT_ORGANIZATION_ID,)))
    assert store.directory().organizations == {"/", "/sales/", "/north/"}
    assert store.directory().users["lea"] == ("/",)
    editor.change(Kind.USER, lea, Edit(organizations=(north,)))
    store.apply(gone(Kind.ORGANIZATION, "o:sales"), allow_deletions=True)
    assert store.directory().users["lea"] == ("/north/",)
    assert store.directory() == store.replayed()


def test_a_user_in_a_sources_organization_is_in_the_root_when_that_is_gone(store: Store, editor: Editor) -> None:
    store.apply(unit("sales"))
    editor.user("lea", an_organization(store, "sales"))
    store.apply(gone(Kind.ORGANIZATION, "o:sales"), allow_deletions=True)
    assert store.directory().users["lea"] == ("/",)
    assert store.directory() == store.replayed()


def test_no_organization_comes_to_lie_below_itself(store: Store, editor: Editor) -> None:
    north = editor.unit("north")
    below = editor.unit("below", north)
    for above in (north, below):
        with pytest.raises(InvalidInput, match="below itself"):
            editor.change(Kind.ORGANIZATION, north, Edit(organizations=(above,)))


def test_an_organization_in_which_something_is_is_not_deleted(store: Store, editor: Editor) -> None:
    north = editor.unit("north")
    lea = editor.user("lea", north)
    with pytest.raises(NotEmpty):
        editor.delete(Kind.ORGANIZATION, north)
    editor.delete(Kind.USER, lea)
    editor.delete(Kind.ORGANIZATION, north)
    assert store.directory().organizations == {"/"}
    with pytest.raises(NotFound):
        editor.delete(Kind.ORGANIZATION, north)


def test_the_place_of_a_sources_user_is_the_sources(store: Store, editor: Editor) -> None:
    store.apply(person("anna"))
    north = editor.unit("north")
    with pytest.raises(MasteredElsewhere, match="place"):
        editor.change(Kind.USER, store.user("anna").id, Edit(organizations=(north,)))


def test_a_user_that_is_deleted_leaves_its_name_to_a_source_that_wants_it(store: Store, editor: Editor) -> None:
    lea = editor.create(Kind.USER, username="lea")
    store.apply(person("lea"))
    assert store.user("lea").id == lea
    editor.delete(Kind.USER, lea)
    store.apply(caught_up=True)
    assert store.user("lea").origin.source_id == "hr"
    assert store.directory() == store.replayed()


def test_a_value_that_is_taken_away_is_gone(store: Store, editor: Editor) -> None:
    lea = editor.create(Kind.USER, username="lea", title="Queen", enabled="false")
    assert not store.user("lea").enabled
    editor.change(Kind.USER, lea, title=(), enabled="true")
    assert store.user("lea").attributes == {}
    assert store.user("lea").enabled


def test_a_write_at_a_position_of_the_log_happens_only_while_the_log_ends_there(both_stores: Store) -> None:
    store, editor = both_stores, Editor(both_stores)
    anna, position = editor.user("anna"), store.last()

    def write(name: str) -> Written:
        change = partial(editor.door.change, kind=Kind.USER, object_id=anna, edit=Edit({"username": (name,)}))
        return store.database.write_blocking(partial(editor.door.write_at, position=position, write=change))

    assert write("anne").change_number == position + 1
    with pytest.raises(LogMoved) as moved:
        write("annie")
    assert moved.value.change_number == position + 1
    assert store.names() == {"anne"}


def test_two_users_never_log_in_by_one_name_with_an_at(both_stores: Store) -> None:
    editor = Editor(both_stores)
    anna = editor.create(Kind.USER, username="anna", user_principal_name="anna@corp.test")
    mail_name = editor.create(Kind.USER, username="ben@corp.test")
    cleo = editor.create(Kind.USER, username="cleo")
    for taken in ("Anna@Corp.test", "BEN@corp.test"):
        with pytest.raises(PrincipalTaken):
            editor.create(Kind.USER, username="other", user_principal_name=taken)
        with pytest.raises(PrincipalTaken):
            editor.change(Kind.USER, cleo, user_principal_name=taken)
    for name in ("ANNA@corp.test", "ben@CORP.test"):
        with pytest.raises(NameTaken):
            editor.create(Kind.USER, username=name)
        with pytest.raises(NameTaken):
            editor.change(Kind.USER, cleo, username=name)
    editor.change(Kind.USER, mail_name, user_principal_name="ben@corp.test")  # its own
    editor.change(Kind.USER, anna, user_principal_name=())
    editor.change(Kind.USER, cleo, user_principal_name="anna@corp.test")
    both_stores.apply(person("dora", user_principal_name="dora@corp.test"))
    with pytest.raises(PrincipalTaken):
        editor.create(Kind.USER, username="other", user_principal_name="dora@corp.test")
