"""The object classes of an entry that is written (RFC 4512 §2.4): the rules for them and for the attributes they allow. Pure.

A view gives each kind of entry its classes, so a client cannot choose them: it names those that the entry has anyway, and may
ask for an auxiliary one that comes by itself with the attributes that it needs."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.projection.view_definition import EntryRules
from gateway.directory.writes.write_errors import Violation, WriteRefused
from gateway.model.ldap import schema
from gateway.wire.messages import DELETE, REPLACE

_NAMING_A_KIND = frozenset({"posixgroup"})
"""The auxiliary classes that say what an entry is: in RFC 2307 they are structural, and clients give them alone."""


class EntryClasses:
    """The classes that entries of one kind have in one view. `optional`: attributes (keys) that are not required after all."""

    def __init__(self, rules: EntryRules, optional: frozenset[str] = frozenset()) -> None:
        self._optional = optional
        self._always = _with_superiors(tuple(rules.object_classes))
        self._conditional = {name.lower(): needed for name, needed in rules.conditional_classes.items()}
        self._structural = {one for one in self._always if schema.OBJECT_CLASSES[one].kind == "STRUCTURAL"}
        self._naming = self._structural | (_NAMING_A_KIND & self._conditional.keys())
        """Those by which a client says that it means an entry of this kind."""
        own = tuple(one.lower() for one in rules.object_classes)
        self.must = _attributes(own, "must") - optional
        """The attributes (keys) that every such entry must have."""
        self._always_allowed = _attributes(own, "must") | _attributes(own, "may")
        self._only_beside = {
            name: (_attributes((name,), "must") | _attributes((name,), "may")) - self._always_allowed
            for name in self._conditional
        }
        everything = _with_superiors((*rules.object_classes, *rules.conditional_classes))
        self._allowed = _attributes(everything, "must") | _attributes(everything, "may")

    def allows(self, key: str) -> bool:
        """Return whether an entry may have the attribute (its key)."""
        return key in self._allowed or "extensibleobject" in self._always

    def shown(self, key: str, present: Collection[str]) -> bool:
        """Return whether an attribute is shown in an entry that has these (keys): some are shown beside an auxiliary class
        alone."""
        beside = [name for name, allowed in self._only_beside.items() if key in allowed]
        return not beside or any(self._lacks(name, present) == [] for name in beside)

    def _lacks(self, name: str, present: Collection[str]) -> list[str]:
        return [one for one in self._conditional.get(name, ()) if attribute_key(one) not in present]

    def check_shown(self, key: str, present: Collection[str]) -> None:
        """Raise WriteRefused for an attribute that would not be shown."""
        if self.shown(key, present):
            return
        name = next(name for name, allowed in self._only_beside.items() if key in allowed)
        lacking = ", ".join(self._lacks(name, present))
        raise WriteRefused(Violation.OBJECT_CLASS, f"{key} is allowed beside {name} only, which requires {lacking}")

    def fit(self, values: Sequence[bytes]) -> bool:
        """Return whether a client that gives these classes means an entry of this kind."""
        return bool({_known(value) for value in values} & self._naming)

    def check_new(self, values: Sequence[bytes], present: Collection[str]) -> None:
        """`values`: of objectClass in the request; `present`: the keys of attributes that the entry is going to have. Raises
        WriteRefused."""
        given = {self._own(value) for value in values}
        if not given & self._naming:
            raise WriteRefused(Violation.OBJECT_CLASS, "objectClass names no structural class")
        self._check_asked(given, present)
        missing = sorted(
            (self.must | _attributes(tuple(sorted(given)), "must")) - self._optional - set(present) - {"objectclass"}
        )
        if missing:
            raise WriteRefused(Violation.OBJECT_CLASS, f"its object classes require {', '.join(missing)}")

    def changed(self, present: set[str], operation: int, values: Sequence[bytes]) -> set[str]:
        """The classes (keys) that a modification asks for. Raises WriteRefused."""
        given = {self._own(value) for value in values}
        if operation == REPLACE:
            wanted = given
        elif operation == DELETE:
            if given - present:
                raise WriteRefused(Violation.NO_SUCH_ATTRIBUTE, "objectClass does not have this value")
            wanted = present - given if given else set()
        else:
            if not given or given & present:
                raise WriteRefused(Violation.EXISTS, "objectClass has this value already")
            wanted = present | given
        if not wanted & self._structural:
            raise WriteRefused(Violation.CLASS_CHANGE, "an entry stays of the structural class that it has")
        return wanted

    def check_changed(self, wanted: set[str], values: Mapping[str, Sequence[bytes]]) -> None:
        """Check the classes of a changed entry. `values`: those that it is going to have, by attribute key. An auxiliary class
        comes and goes with the attributes it needs: raises WriteRefused when it is asked for without, or taken away with
        them."""
        present = {key for key, found in values.items() if found}
        self._check_asked(wanted, present)
        for name, needed in self._conditional.items():
            if name not in wanted and present.issuperset(map(attribute_key, needed)):
                raise WriteRefused(Violation.OBJECT_CLASS, f"{name} stays while the entry has {', '.join(needed)}")

    def present(self, values: Mapping[str, Sequence[bytes]]) -> set[str]:
        """Return the classes (keys) of an entry with these values."""
        has = {key for key, found in values.items() if found}
        extra = {name for name, needed in self._conditional.items() if has.issuperset(map(attribute_key, needed))}
        return {*self._always, *extra}

    def _check_asked(self, wanted: Collection[str], present: Collection[str]) -> None:
        for name in wanted:
            if lacking := self._lacks(name, present):
                raise WriteRefused(Violation.OBJECT_CLASS, f"{name} requires {', '.join(lacking)}")

    def _own(self, value: bytes) -> str:
        name = _known(value)
        if name not in self._always and name not in self._conditional:
            raise WriteRefused(
                Violation.OBJECT_CLASS, f"entries of this kind are of no class {value.decode(errors='replace')!r}"
            )
        return name


def _known(value: bytes) -> str:
    """Return the key of a class: its first name in lower case, also for a class given by OID."""
    text = value.decode("utf-8", "replace").lower()
    known = schema.OBJECT_CLASSES.get(text)
    return known.names[0].lower() if known else text


@lru_cache(maxsize=256)
def _with_superiors(names: tuple[str, ...]) -> frozenset[str]:
    found: set[str] = set()
    for name in names:
        known = schema.OBJECT_CLASSES[name.lower()]
        found |= {one.lower() for one in (known.names[0], *known.superiors)}
    return frozenset(found)


@lru_cache(maxsize=256)
def _attributes(names: tuple[str, ...], which: str) -> frozenset[str]:
    """Return the keys of the attributes that these classes, with those above them, require or allow."""
    classes = [schema.OBJECT_CLASSES[name] for name in _with_superiors(names)]
    return frozenset(schema.canonical(attribute) for one in classes for attribute in getattr(one, which))
