"""A company in two regions, its view, and a reader of it, for the tests of searches."""

from pathlib import Path

from gateway.directory.access import Access
from gateway.directory.materialization.log_applier import LogApplier
from gateway.directory.search.query import Query
from gateway.directory.search.search import Search
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.applications import Scope
from gateway.model.ldap.dn import DN
from gateway.wire import entries, filters
from gateway.wire.messages import BASE_OBJECT, WHOLE_SUBTREE
from tests.directory.worlds import BASE, World, group, openldap_view, organization, user

PEOPLE, GROUPS, UNITS = f"ou=people,{BASE}", f"ou=groups,{BASE}", f"ou=organizations,{BASE}"
NORTH, SOUTH = organization(1, "North"), organization(2, "South")
INSIDE = organization(3, "Inside", NORTH.id)
ANNA, BEN = user(10, "anna", [INSIDE.id], email=["anna@example.test"]), user(11, "ben", [SOUTH.id])
STAFF, SECRET = group(20, "Staff", gid_number=["7"]), group(21, "Secret")
EVERYTHING = Access(Scope())
IN_NORTH = Access(Scope((NORTH.id,), (STAFF.id,)))


class Company:
    """A world, its view and a reader of it."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.world.put(NORTH, SOUTH, INSIDE, ANNA, BEN, STAFF, SECRET)
        self.world.join(STAFF, ANNA, BEN)
        self.world.join(SECRET, ANNA)
        self.updater: LogApplier = self.world.build(openldap_view(), "view")
        self.reader = ViewReader(ViewFile(folder / "view", openldap_view()))

    def follow(self) -> None:
        self.updater.apply(self.world.log(self.updater.position))
        self.reader.refresh()

    def search(self, access: Access, text: str, base: str = BASE, scope: int = WHOLE_SUBTREE, *attributes: str) -> Search:
        name = DN.parse(base)
        query = Query(name, name.key, scope, filters.parse(text), attributes)
        return Search(ViewSearcher(self.reader, access), query)

    def found(self, access: Access, text: str, base: str = BASE, scope: int = WHOLE_SUBTREE) -> list[str]:
        return sorted(entries.object_name(entry).decode() for entry in self.search(access, text, base, scope).at_once() or ())

    def values(self, access: Access, name: str, attribute: str) -> list[bytes]:
        found = self.search(access, "(objectClass=*)", name, BASE_OBJECT, attribute).at_once()
        assert found is not None
        return sorted(entries.values(found[0], attribute.lower().encode()))

    def close(self) -> None:
        self.reader.close()
        self.updater.close()
        self.world.close()
