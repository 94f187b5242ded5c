"""What happened to a view, as one party sees it through one search: everything there is, or the difference between a position
and the present. For replication, persistent searches and change notifications. journal_reader.py does the reading.

An entry has changed when what is stored of it has. Not told is what is only found when asked for: that a group lists an entry
changes the group, not the entry, and memberOf, which a view of kind ad shows unasked elsewhere, is not among what is told."""

from gateway.directory.journal.journal_reader import Everything, Reading, Since
from gateway.directory.search.search import Query, ViewSearcher
from gateway.directory.search.view_reader import BASE_OBJECT, SINGLE_LEVEL, WHOLE_SUBTREE
from gateway.directory.view_file import history, view_file
from gateway.directory.view_file.csn import Moment, mark_of
from gateway.model.ldap import dn
from gateway.wire.filters import Present


class Journal:
    """One search of one party. Raises NoSuchObject when its base is not there."""

    def __init__(self, searcher: ViewSearcher, query: Query) -> None:
        self.searcher = searcher
        self.query = query
        if query.scope == BASE_OBJECT or not searcher.reader.is_container(query.base_key):
            searcher.find(query.base_key)

    @property
    def is_current(self) -> bool:
        """Whether the view is still the file that this journal reads."""
        return not self.searcher.reader.is_closed

    @property
    def mark(self) -> int:
        """Differs for whatever finds, sees or shows something else: what was told under one mark is no start for another."""
        query, access, view = self.query, self.searcher.access, self.searcher.reader.view
        if access.is_everything and access.attributes is None and _is_of_everything(query, view.base.key):
            return mark_of(view.name)
        what = (query.base_key, query.scope, query.filter, sorted(map(str.lower, query.attributes)), query.types_only)
        scope = access.scope and (
            sorted(access.scope.organization_ids),
            access.scope.group_ids and sorted(access.scope.group_ids),
        )
        return mark_of(view.name, what, scope, sorted(access.only), access.attributes and sorted(access.attributes))

    def position(self) -> int:
        """How far the view has come."""
        return self.searcher.reader.position

    def everything(self) -> Reading:
        """All entries, as ADDED."""
        return Everything(self)

    def since(self, position: int, *, resumed: bool = False) -> Reading:
        """What differs from the state at a position that `knows` is true of. `resumed`: for somebody who may have been told a
        part of what came after: then rather too much is told as REMOVED than too little."""
        return Since(self, position, resumed)

    def knows(self, moment: Moment) -> bool:
        """Whether the view has been at this moment of this log, and remembers what happened since."""
        return history.knows(self.searcher.reader.connection, moment)

    def remembers(self, position: int) -> bool:
        """Whether what happened since a position that this view has had is known."""
        return position >= view_file.floor(self.searcher.reader.connection)

    def fits(self, dn_key: str) -> bool:
        """Whether a name is in the scope of the search."""
        base, scope = self.query.base_key, self.query.scope
        if scope == BASE_OBJECT:
            return dn_key == base
        if scope == SINGLE_LEVEL:
            return dn_key != base and dn.parent_key(dn_key) == base
        return dn_key.startswith(base) and (scope == WHOLE_SUBTREE or dn_key != base)


def _is_of_everything(query: Query, root_key: str) -> bool:
    """Whether a search is the one that a plain replica makes."""
    everywhere = query.base_key == root_key and query.scope == WHOLE_SUBTREE and not query.types_only
    is_all = isinstance(query.filter, Present) and query.filter.attribute.lower() == "objectclass"
    return everywhere and is_all and _WHOLE.issubset(query.attributes)


_WHOLE = frozenset({"*", "entryUUID", "entryCSN"})
