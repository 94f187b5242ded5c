"""Organizations: the tree, walked up and down, and names among siblings."""

from dataclasses import replace

from gateway.model.objects import ROOT_ORGANIZATION_ID
from gateway.store.engine.database import Database
from gateway.store.objects import organizations
from tests.store.samples import NOW, organization


def test_a_tree_of_organizations_is_walked_up_and_down(database: Database) -> None:
    tree = [organization("a"), organization("b", "o-a"), organization("c", "o-b"), organization("d")]
    database.write_blocking(lambda c: organizations.insert(c, tree))
    ancestors = database.read_blocking(lambda c: organizations.ancestors(c, "o-c"))
    assert ancestors == ("o-b", "o-a", ROOT_ORGANIZATION_ID)
    assert database.read_blocking(lambda c: organizations.subtree(c, ["o-a", "none"])) == {"o-a", "o-b", "o-c"}
    children, total = database.read_blocking(lambda c: organizations.children(c, ROOT_ORGANIZATION_ID, 1, 5))
    assert ([child.name for child in children], total) == (["d"], 2)


def test_organizations_of_one_name_are_told_apart_by_their_parent_and_age(database: Database) -> None:
    older = replace(organization("x"), name="Sales", created_at=NOW.replace(year=2020))
    tree = [organization("sales"), older, organization("sales2", "o-sales")]
    database.write_blocking(lambda c: organizations.insert(c, tree))
    found = database.read_blocking(lambda c: organizations.same_name(c, ROOT_ORGANIZATION_ID, "SALES "))
    assert found == ["o-x", "o-sales"]
