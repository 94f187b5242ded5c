"""What somebody wants to become of an object that is written here, in our words: what the faces bring to the door. Values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model.objects import Attributes, Member


@dataclass(frozen=True, slots=True)
class Edit:
    """`attributes`: new values by our names, `()` to take them away; a name that is missing stays as it is. `organizations`:
    where a user belongs, the primary one first, or the one organization above an organization; None: as it is. `joining` and
    `leaving`: members of a group; who is one already, or is none, is no error."""

    attributes: Attributes = field(default_factory=dict, repr=False)
    organizations: tuple[str, ...] | None = None
    joining: tuple[Member, ...] = ()
    leaving: tuple[Member, ...] = ()

    @property
    def named(self) -> Mapping[str, int]:
        """What is touched and how many values it is to have: for the log, which is told no values."""
        return {name: len(values) for name, values in self.attributes.items()}
