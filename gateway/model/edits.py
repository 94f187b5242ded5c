"""Edit: a requested change of an object that is mastered here, as the frontends pass it to `sync.local`. Values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model.objects import Attributes, Member


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one object. `attributes`: new values by our names, `()` to remove them; a missing name stays as it is.
    `organizations`: those of a user, the primary one first, or the one parent of an organization; None: unchanged.
    `added_members`, `removed_members`: of a group; adding a member twice, or removing one that is none, is no error."""

    attributes: Attributes = field(default_factory=dict, repr=False)
    organizations: tuple[str, ...] | None = None
    added_members: tuple[Member, ...] = ()
    removed_members: tuple[Member, ...] = ()

    @property
    def named(self) -> Mapping[str, int]:
        """The changed attributes with the number of their new values, for log lines, which hold no values."""
        return {name: len(values) for name, values in self.attributes.items()}
