"""Organizations made from their records."""

from gateway.model.deltas import Delta, DeltaType
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind
from gateway.model.records import Reference, ReferenceForm
from gateway.store.objects import organizations
from tests.sync.synced_store import Store, unit


def test_the_change_of_a_moved_organization_has_the_organizations_above_it_before(store: Store) -> None:
    store.apply(unit("a"), unit("b"), unit("c", "ou=a"))
    inner = store.log()[-1].object_id
    above = store.database.read_blocking(lambda c: organizations.ancestors(c, inner))
    store.apply(unit("c", "ou=b"))
    change = store.log()[-1]
    assert (change.object_id, change.organizations_before) == (inner, above)
    assert above[-1] == ROOT_ORGANIZATION_ID


def test_organizations_that_name_each_other_as_parent_do_not_make_a_circle(store: Store) -> None:
    def below(name: str, parent: str) -> Delta:
        pointing = {"parent": (Reference(ReferenceForm.ID, f"o:{parent}"),)}
        return Delta(DeltaType.UPSERT, Kind.ORGANIZATION, f"o:{name}", "", {"name": (name,)}, pointing)

    store.apply(below("a", "b"), below("b", "c"))
    applied = store.apply(below("c", "a"))
    assert any("lie below itself" in problem for problem in applied.problems)
    assert len(store.directory().organizations) == 4
