"""Changes of the log → the view file, a transaction for each handful (apply_step.py does the work of one), and the first build
from the store. Runs in a thread and blocks on the store alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from gateway.directory.materialization.apply_step import EPOCH, ApplyStep
from gateway.directory.materialization.view_scope import ViewScope
from gateway.directory.projection.projection import Projection
from gateway.directory.view_file import view_file
from gateway.directory.view_file.csn import Moment
from gateway.directory.view_file.entry_writer import ViewWriter
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.changes import Change
from gateway.model.objects import ROOT_ORGANIZATION_ID, DirectoryObject, Kind, Organization
from gateway.store.engine.column_codecs import milliseconds
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.store_threads import PAGE_SECONDS
from gateway.store.log import changes, epoch
from gateway.store.objects import organizations
from gateway.store.objects.by_kind import OBJECT_STORES
from gateway.store.operations import instance

BUILD_PAGE = 1_000
"""Objects read and written in one transaction of a build."""

_ANALYZE_AFTER_SHARE = 5
"""The planner's statistics are taken anew when a fifth as many entries were written as are there."""


class LogApplier:
    """The applier of the log to one view file. Not shared between threads."""

    def __init__(self, file: ViewFile, database: Database) -> None:
        self._file = file
        self._database = database
        self.connection = file.open_writer()
        self._projection = Projection(file.view)
        self._writer = ViewWriter(self.connection, file.view)
        self._scope = ViewScope(file.view, database, self.connection)
        self._written_since_analyze = 0
        self.analyze_is_due = False
        """True when so much has changed that the planner's statistics are wrong."""

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    @property
    def position(self) -> int:
        """The last change that is in the file."""
        return view_file.position(self.connection)

    @property
    def digest(self) -> str:
        """The digest of the log at `position`, as the file was written."""
        return str(view_file.read_meta(self.connection, "digest"))

    def is_usable(self) -> bool:
        """Return whether the file was built to its end, from this store, and from a log that is still the store's (it is not
        when the store was restored from a backup, or failed over without its last transactions)."""
        position = self.position
        identity, digest = self._database.read_blocking(lambda c: (instance.instance_id(c), epoch.digest_at(c, position)))
        same_store = view_file.read_meta(self.connection, "instance") == identity
        return same_store and bool(view_file.read_meta(self.connection, "complete")) and self.digest == digest

    def build(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Build the file from the store, from nothing. The log goes on meanwhile: what it brings later is applied on top. Ends
        early, with a file that is not usable, when `goes_on()` returns False."""
        self.connection.close()
        self._file.remove()
        self.connection = self._file.open_writer()
        self._writer = ViewWriter(self.connection, self._file.view)
        self._scope = ViewScope(self._file.view, self._database, self.connection)
        position, digest, identity, root = self._database.read_blocking(_beginning)
        created = root.created_at if root else EPOCH
        # Later than any moment of an earlier file, even if this one is older (a store restored from a backup).
        beginning = (Moment(position, milliseconds(datetime.now(UTC))),)
        with view_file.transaction(self.connection):
            self._writer.begin(beginning)
            view_file.write_meta(self.connection, "floor", position)
            for entry in self._projection.containers(created):
                self._writer.put(entry)
            view_file.write_meta(self.connection, "instance", identity)
            view_file.write_meta(self.connection, "digest", digest)
            self._writer.finish(position, complete=False)
        for kind in (Kind.ORGANIZATION, Kind.USER, Kind.GROUP):
            for page in self._pages(kind):
                if not goes_on():
                    return
                self._apply({kind: {item.id: item for item in page}}, beginning, digest, complete=False)
        with view_file.transaction(self.connection):
            self._writer.index.analyze()
            self._writer.finish(position)
            self._writer.index.optimize_fragments()
        self._written_since_analyze = 0

    def _pages(self, kind: Kind) -> Iterator[Sequence[DirectoryObject]]:
        after = ""
        while True:
            page = self._page(kind, after)
            if not page:
                return
            yield page
            after = page[-1].id

    def _page(self, kind: Kind, after: str) -> Sequence[DirectoryObject]:
        return self._database.read_blocking(lambda connection: OBJECT_STORES[kind].iterate(connection, after, BUILD_PAGE))

    def read_and_apply(self, read: Callable[[Connection], list[Change]]) -> list[Change]:
        """Apply the changes that `read` finds in the store, and return them."""
        log = self._database.read_blocking(read, PAGE_SECONDS)
        if log:
            self.apply(log)
        return log

    def apply(self, log: Sequence[Change]) -> None:
        """Apply changes that follow the present position, in one transaction. Idempotent."""
        latest: dict[Kind, dict[str, DirectoryObject | None]] = {}
        for change in log:
            latest.setdefault(change.kind, {})[change.object_id] = change.object
        moments = [Moment(change.number, milliseconds(change.time)) for change in log]
        self._apply(latest, moments, epoch.digest_after(self.digest, log[-1]))

    def _apply(
        self,
        latest: Mapping[Kind, Mapping[str, DirectoryObject | None]],
        moments: Sequence[Moment],
        digest: str,
        *,
        complete: bool = True,
    ) -> None:
        try:
            with view_file.transaction(self.connection):
                self._writer.begin(moments)
                step = ApplyStep(self._database, self._projection, self._writer, self._scope, building=not complete)
                self._written_since_analyze += step.run(latest)
                view_file.write_meta(self.connection, "digest", digest)
                self._writer.finish(moments[-1].number, complete=complete)
                self.analyze_is_due = complete and self._is_analyze_due()
        except BaseException:
            self._writer.discard()
            self._scope.discard()
            raise

    def analyze(self) -> None:
        """Refresh the planner's statistics and merge the trigram indexes. For a quiet moment, when `analyze_is_due`."""
        with view_file.transaction(self.connection):
            self._writer.index.analyze()
            self._writer.index.optimize_fragments()
        self._written_since_analyze = 0
        self.analyze_is_due = False
        self.connection.execute("PRAGMA shrink_memory")  # single changes do not need the memory of a large load

    def _is_analyze_due(self) -> bool:
        entries = int(self.connection.execute("SELECT coalesce(max(id), 0) FROM entry").fetchone()[0])
        return self._written_since_analyze > 0 and self._written_since_analyze * _ANALYZE_AFTER_SHARE >= entries


def _beginning(connection: Connection) -> tuple[int, str, str, Organization | None]:
    """Return, of one state of the store, the log's end with its digest, the instance, and the root."""
    last = changes.last(connection)
    root = organizations.get(connection, ROOT_ORGANIZATION_ID)
    return last, epoch.digest_at(connection, last), instance.instance_id(connection), root
