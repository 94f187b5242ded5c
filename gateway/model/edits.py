"""Edit: a requested change of an object that is mastered here, as the frontends pass it to `sync.local`. Values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model.attributes import referring
from gateway.model.objects import Attributes, Member


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one object. `attributes`: new values by our names, `()` to remove them; a missing name stays as it is; ids of
    objects under names of `reference_to`.
    `organizations`: those of a user, the primary one first, or the one parent of an organization; None: unchanged.
    `added_members`, `removed_members`: of a group; adding a member twice, or removing one that is none, is no error."""

    attributes: Attributes = field(default_factory=dict, repr=False)
    organizations: tuple[str, ...] | None = None
    added_members: tuple[Member, ...] = ()
    removed_members: tuple[Member, ...] = ()

    @property
    def named(self) -> Mapping[str, int]:
        """The changed attributes with the number of their new values, for log lines, which hold no values."""
        return {referring(name) or name: len(values) for name, values in self.attributes.items()}

    @property
    def referenced(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of the objects that attributes refer to from now on, by the attribute's own name."""
        found = ((referring(name), values) for name, values in self.attributes.items())
        return {name: tuple(one for one in values if isinstance(one, str)) for name, values in found if name is not None}
