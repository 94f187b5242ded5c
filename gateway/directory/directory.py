"""The directory: all views of this process, each as a bound party sees it. It is handed to the frontends."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.directory.access import Access
from gateway.directory.projection.view_definition import View
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.model.applications import Application

_MAX_SEARCHERS = 1_000
"""Different (view, access) pairs kept; people who bind share nothing, applications do."""


class Follower(Protocol):
    """A view that keeps up with the log: written by this process (LogFollower), or read while another process of ours writes it
    (SharedView). Belongs to the reactor's thread."""

    @property
    def view(self) -> View:
        """The view's definition."""

    @property
    def reader(self) -> ViewReader | None:
        """The reader that searches go through; None while there is no complete file."""

    @property
    def position(self) -> int:
        """The number of the last change of the log that the view has."""

    @property
    def on_change(self) -> list[Callable[[], None]]:
        """The callbacks for a new position, and for the beginning and the end of serving. Called in the reactor; they must not
        raise. A subscriber adds and removes its own."""


class ViewNotReady(Exception):
    """The view is being built: try again shortly. Never an empty answer (law 8)."""

    def __init__(self, view: View) -> None:
        super().__init__(f"the view {view.name} is being built; try again shortly")


@dataclass(frozen=True, slots=True)
class Party:
    """The identity bound to a connection. `dn` is "" for anonymous. `views`: the names of those that may be searched.
    `proved`: the person has shown the own password here, and so may change it; an application password, or an application
    that acts for the person, does not count. `vouched_by`: the source that accepted that password ("" for the gateway itself;
    None: nothing was proved). `application_password`: the id of the one by which the person is bound."""

    dn: str
    views: tuple[str, ...]
    access: Access
    application: Application | None = None
    user_id: str | None = None
    proved: bool = False
    application_password: str = ""
    vouched_by: str | None = None

    @property
    def is_anonymous(self) -> bool:
        """True when the connection has not bound with a name."""
        return not self.dn


class Directory:
    """The views, by name, in the order of the configuration."""

    def __init__(self, followers: Sequence[Follower]) -> None:
        self.followers: Mapping[str, Follower] = {follower.view.name: follower for follower in followers}
        bases = [(follower.view.base.key, follower.view) for follower in followers]
        self._bases = tuple(sorted(bases, key=lambda one: -len(one[0])))
        """The longest first: when one view's base is below another's, the lower view has what is below it."""
        self._searchers: dict[tuple[str, Access], ViewSearcher] = {}

    @property
    def views(self) -> tuple[View, ...]:
        """The definitions, first one first."""
        return tuple(follower.view for follower in self.followers.values())

    def reader(self, name: str) -> ViewReader:
        """Return the reader of a view. Raises ViewNotReady."""
        follower = self.followers[name]
        if follower.reader is None:
            raise ViewNotReady(follower.view)
        return follower.reader

    def granted(self, party: Party) -> tuple[View, ...]:
        """Return the views that a party may search."""
        return tuple(self.followers[name].view for name in party.views if name in self.followers)

    def view_of(self, party: Party, base_key: str) -> View | None:
        """Return the granted view that a DN lies in; None for none."""
        for key, view in self._bases:
            if base_key.startswith(key) and view.name in party.views:
                return view
        return None

    def searcher(self, name: str, access: Access) -> ViewSearcher:
        """Return a view as seen through an access. Raises ViewNotReady."""
        reader = self.reader(name)
        known = self._searchers.get((name, access))
        if known is None or known.reader is not reader:
            if len(self._searchers) >= _MAX_SEARCHERS:
                self._searchers.clear()
            known = self._searchers[name, access] = ViewSearcher(reader, access)
        return known

    def view_at(self, key: str) -> View | None:
        """Return the view that the DN with this key lies in, granted or not; None for none."""
        for base, view in self._bases:
            if key.startswith(base):
                return view
        return None
