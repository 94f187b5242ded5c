"""Which source wins: from what the records of one object say to the attributes of the object. Pure.

Today the record that was linked first and has seen an attribute decides it; rules for single attributes belong here."""

from collections.abc import Mapping, Sequence

from gateway.model.attributes import ATTRIBUTES, NAMING_ATTRIBUTE
from gateway.model.objects import Attributes, Kind, Value, first_text

_SINGLE: Mapping[Kind, frozenset[str]] = {
    kind: frozenset(name for name, definition in definitions.items() if definition.single)
    for kind, definitions in ATTRIBUTES.items()
}

ENABLED = "enabled"


def resolve(kind: Kind, records: Sequence[Attributes]) -> dict[str, tuple[Value, ...]]:
    """The attributes of an object from those of its records, in the order of their authority.

    A record in which a name is missing has said nothing about it; one that has it empty has cleared it, and that counts
    (law 9). Of an attribute that can have one value the first is kept.
    """
    single = _SINGLE[kind]
    resolved: dict[str, tuple[Value, ...]] = {}
    for attributes in records:
        for name, values in attributes.items():
            if name not in resolved:
                resolved[name] = values[:1] if name in single else values
    return {name: values for name, values in resolved.items() if values}


def name_of(kind: Kind, attributes: Attributes) -> str:
    """The value that names an object of this kind; "" when it has none, and so cannot be an object."""
    return first_text(attributes, NAMING_ATTRIBUTE[kind]).strip()


def is_enabled(attributes: Attributes) -> bool:
    """Whether a user may log in: yes, unless a source says no."""
    return first_text(attributes, ENABLED).lower() != "false"


def described(kind: Kind, attributes: Mapping[str, tuple[Value, ...]]) -> dict[str, tuple[Value, ...]]:
    """The attributes without those that are fields of the object itself (its name, whether it is enabled)."""
    fields = (NAMING_ATTRIBUTE[kind], ENABLED) if kind is Kind.USER else (NAMING_ATTRIBUTE[kind],)
    return {name: values for name, values in attributes.items() if name not in fields}
