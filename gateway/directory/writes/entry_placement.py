"""The place of an entry that is written: where it may stand in a view, and the organizations of its object that follow.
Pure."""

from collections.abc import Sequence

from gateway.directory.access import Access
from gateway.directory.projection.view_definition import View
from gateway.directory.search.visible_rows import Row
from gateway.directory.writes.entry_to_edit import EntryEditor
from gateway.directory.writes.write_errors import Violation, WriteRefused
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind


def may_stand(view: View, kind: Kind, parent_key: str, parent: Row) -> bool:
    """Return whether entries of a kind stand right below this entry."""
    if parent_key == view.container(kind).key:
        return True
    in_tree = kind is Kind.ORGANIZATION or (kind is Kind.USER and view.layout == "tree")
    return in_tree and parent[1] == Kind.ORGANIZATION


def kind_of_new(view: View, classes: Sequence[bytes], parent_key: str, parent: Row) -> Kind:
    """Return the kind of entry that a client means by its object classes and its place. Raises WriteRefused."""
    standing = [kind for kind in view.rules if may_stand(view, kind, parent_key, parent)]
    fitting = [kind for kind in view.rules if EntryEditor(kind, view).classes.fit(classes)]
    for kind in standing:
        if kind in fitting:
            return kind
    if not fitting:
        words = "objectClass names no structural class that entries of this view have"
        raise WriteRefused(Violation.OBJECT_CLASS, words)
    raise WriteRefused(Violation.NAMING, f"entries of this kind stand below {view.container(fitting[0])}")


def organizations_of_new(view: View, kind: Kind, parent: Row, access: Access) -> tuple[str, ...] | None:
    """Return the organizations of a new object: the one below which its entry stands; else the root, or the first organization
    of a party that does not see everything, which would not see it otherwise. Raises WriteRefused where no party would."""
    if kind is Kind.GROUP:
        if view.groups is not None or (access.scope is not None and access.scope.group_ids is not None):
            raise WriteRefused(Violation.UNWILLING, "only some groups are to be seen here, and a new one would not be")
        return None
    if parent[1] == Kind.ORGANIZATION:
        return (parent[2],)
    if access.scope is not None and ROOT_ORGANIZATION_ID not in access.scope.organization_ids:
        if kind is Kind.USER:
            return access.scope.organization_ids[:1]
        raise WriteRefused(Violation.UNWILLING, "only some organizations are to be seen here; add it below one of them")
    if view.organizations is not None:
        raise WriteRefused(Violation.UNWILLING, "this view shows some organizations only; add it below one of them")
    return (ROOT_ORGANIZATION_ID,) if kind is Kind.ORGANIZATION else None
