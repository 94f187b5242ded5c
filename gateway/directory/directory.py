"""The directory: all views of this process, each as a bound party sees it. What the LDAP frontend is handed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gateway.directory.access import Access
from gateway.directory.materialization.follower import Follower
from gateway.directory.materialization.shared_view import SharedView
from gateway.directory.projection.view_definition import View
from gateway.directory.search.search import ViewSearcher
from gateway.directory.search.view_reader import Reader
from gateway.model.applications import Application
from gateway.model.ldap.dn import DN

Followed: TypeAlias = Follower | SharedView
"""A view that this process writes, or that it reads as another one writes it."""

_MAX_SEARCHERS = 1_000
"""Different (view, access) pairs kept; people who bind share nothing, applications do."""


class ViewNotReady(Exception):
    """The view is being built: try again shortly. Never an empty answer (law 8)."""

    def __init__(self, view: View) -> None:
        super().__init__(f"the view {view.name} is being built; try again shortly")


@dataclass(frozen=True, slots=True)
class Party:
    """Who is bound to a connection. `dn` is "" for anonymous. `views`: the names of those that may be searched.
    `proved`: a person who has shown the own password here, and so may change it; an application password, or an application
    that acts for the person, does not do."""

    dn: str
    views: tuple[str, ...]
    access: Access
    application: Application | None = None
    user_id: str | None = None
    proved: bool = False

    @property
    def is_anonymous(self) -> bool:
        """Nobody has bound."""
        return not self.dn


class Directory:
    """The views, by name, in the order of the configuration."""

    def __init__(self, followers: Sequence[Followed]) -> None:
        self.followers: Mapping[str, Followed] = {follower.view.name: follower for follower in followers}
        bases = [(follower.view.base.key, follower.view) for follower in followers]
        self._bases = tuple(sorted(bases, key=lambda one: -len(one[0])))
        """The longest first: when one view's base is below another's, the lower view has what is below it."""
        self._searchers: dict[tuple[str, Access], ViewSearcher] = {}

    @property
    def views(self) -> tuple[View, ...]:
        """The definitions, first one first."""
        return tuple(follower.view for follower in self.followers.values())

    def reader(self, name: str) -> Reader:
        """The reader of a view. Raises ViewNotReady."""
        follower = self.followers[name]
        if follower.reader is None:
            raise ViewNotReady(follower.view)
        return follower.reader

    def granted(self, party: Party) -> tuple[View, ...]:
        """The views that a party may search."""
        return tuple(self.followers[name].view for name in party.views if name in self.followers)

    def view_of(self, party: Party, base_key: str) -> View | None:
        """The granted view in which a DN lies."""
        for key, view in self._bases:
            if base_key.startswith(key) and view.name in party.views:
                return view
        return None

    def searcher(self, name: str, access: Access) -> ViewSearcher:
        """A view as seen through an access. Raises ViewNotReady."""
        reader = self.reader(name)
        known = self._searchers.get((name, access))
        if known is None or known.reader is not reader:
            if len(self._searchers) >= _MAX_SEARCHERS:
                self._searchers.clear()
            known = self._searchers[name, access] = ViewSearcher(reader, access)
        return known

    def locate(self, name: DN) -> tuple[View, str] | None:
        """In which view a DN lies, whoever asks (for binding), and its key; None when in none."""
        key = name.key
        view = self.view_at(key)
        return None if view is None else (view, key)

    def view_at(self, key: str) -> View | None:
        """In which view the DN with this key lies, whoever asks; None when in none."""
        for base, view in self._bases:
            if key.startswith(base):
                return view
        return None
