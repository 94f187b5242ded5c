"""The journal of a view: what changed in it, as one party sees it through one search. For replication (RFC 4533), persistent
searches and change notifications.

Read as a snapshot, or as the difference between a position and the present (journal_reader.py). An entry has changed when what
is stored of it has. Not reported is what is only computed on request: that a group lists an entry changes the group, not the
entry; and memberOf, which a view of kind ad shows unasked elsewhere, is not part of a journal."""

from gateway.directory.journal.journal_reader import DifferenceReader, JournalReader, SnapshotReader
from gateway.directory.journal.past_visibility import Told
from gateway.directory.search.query import Query
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.view_file import history, view_file
from gateway.directory.view_file.csn import Moment, mark_of
from gateway.wire.filters import Present
from gateway.wire.messages import WHOLE_SUBTREE


class Journal:
    """The journal of one search by one party. Raises NoSuchObject when the search's base is not there."""

    def __init__(self, searcher: ViewSearcher, query: Query) -> None:
        self.searcher = searcher
        self.query = query
        searcher.check_base(query)
        visible = searcher.reader.visibilities.get(searcher.access, searcher.reader.connection)
        self._told = Told(visible.only if visible else None)

    @property
    def is_current(self) -> bool:
        """True while the view is still served from the file that this journal reads."""
        return not self.searcher.reader.is_closed

    @property
    def mark(self) -> int:
        """The mark of this search in CSNs (csn.py): it differs for every search, view or access that finds or shows something
        else, so that a cookie of one is no starting point for another."""
        query, access, view = self.query, self.searcher.access, self.searcher.reader.view
        if access.is_everything and access.attributes is None and _is_plain_replica(query, view.base.key):
            return mark_of(view.name)
        search = (query.base_key, query.scope, query.filter, sorted(map(str.lower, query.attributes)), query.types_only)
        scope = access.scope and (
            sorted(access.scope.organization_ids),
            access.scope.group_ids and sorted(access.scope.group_ids),
        )
        readable = access.attributes and sorted(access.attributes)
        return mark_of(view.name, search, scope, sorted(access.only), readable, *(("own",) if access.own else ()))

    def position(self) -> int:
        """Return the log position that the view has reached."""
        return self.searcher.reader.position

    def everything(self) -> JournalReader:
        """Return a reader of all entries, each as ADDED."""
        return SnapshotReader(self.searcher, self.query, self._told)

    def since(self, position: int, *, resumed: bool = False) -> JournalReader:
        """Return a reader of the difference between a position, of which `knows` or `remembers` is true, and the present.

        `resumed`: the client may have received a part of what came after the position; then an entry is rather reported as
        REMOVED once too often than never."""
        return DifferenceReader(self.searcher, self.query, self._told, position, resumed=resumed)

    def knows(self, moment: Moment) -> bool:
        """Return whether the view has been at this moment of this log and has kept its history since. Which groups a person was
        in is not kept: who sees the own ones alone is sent them all again."""
        return not self.searcher.access.own and history.knows(self.searcher.reader.connection, moment)

    def remembers(self, position: int) -> bool:
        """Return whether the view has kept its history since a position that it has had."""
        return position >= view_file.floor(self.searcher.reader.connection)


def _is_plain_replica(query: Query, root_key: str) -> bool:
    """Return whether the search is the one that a replica of the whole view makes."""
    whole_tree = query.base_key == root_key and query.scope == WHOLE_SUBTREE and not query.types_only
    every_entry = isinstance(query.filter, Present) and query.filter.attribute.lower() == "objectclass"
    return whole_tree and every_entry and _REPLICATED.issubset(query.attributes)


_REPLICATED = frozenset({"*", "entryUUID", "entryCSN"})
