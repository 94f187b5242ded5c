"""The rules by which an LDAP attribute gets its values from an object's attributes: first-of, template, constant, in a given
form.

Pure values; a view is made of them (view_definition.py). A value that does not fit the form is left out."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import Formatter
from typing import Literal, TypeAlias

from gateway.model.ldap import times, windows_identifiers
from gateway.model.objects import Attributes, Value

Form: TypeAlias = Literal["", "lower", "guid", "sid", "filetime"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: the first of `names` (our attribute names) that has a value gives all its values; else the `template`, else the
    `constants`. `form`: the spelling of each value (FORMS). `only_first`: one value, where others have several."""

    names: tuple[str, ...] = ()
    template: str = ""
    constants: tuple[str, ...] = ()
    form: Form = ""
    only_first: bool = False

    def values(self, attributes: Attributes, named: Attributes) -> list[bytes]:
        """Return the attribute's values, none when there is nothing to make one of. `named`: the values of an object besides
        its attributes (username, id, …); they come before an attribute of the same name."""
        for name in self.names:
            found = named.get(name) or attributes.get(name)
            if found:
                values = self._formed(found[:1] if self.only_first else found)
                if values:
                    return values
        if self.template:
            text = filled(self.template, attributes, named)
            if text is not None:
                return self._formed((text,))
        return self._formed(self.constants) if self.constants else []

    def _formed(self, found: Sequence[Value]) -> list[bytes]:
        if not self.form:
            return [value.encode() if isinstance(value, str) else value for value in found]
        write = FORMS[self.form]
        return [value for value in map(write, found) if value is not None]

    @property
    def asked(self) -> tuple[str, ...]:
        """The names of our attributes that the rule reads."""
        return (*self.names, *(name for _, name in pieces(self.template) if name is not None))

    @property
    def written_to(self) -> str | None:
        """The name of our attribute that a value written to the LDAP attribute would go to; None where the rule is not
        invertible."""
        return self.names[0] if self.names and not self.form and not self.template and not self.constants else None


def first_of(*names: str) -> Rule:
    """Return the rule: the values of the first of these attributes that has any."""
    return Rule(names)


def constant(*values: str) -> Rule:
    """Return the rule: these values for every object."""
    return Rule(constants=values)


# Templates ------------------------------------------------------------------------------------------------------------

NAME = re.compile(r"[a-z][a-z0-9_]*")


@lru_cache(maxsize=256)
def pieces(template: str) -> tuple[tuple[str, str | None], ...]:
    """Return the pieces of a template, (text, attribute name or None) in turn: of "/home/{username}". "{{" and "}}" are braces.
    Raises ValueError."""
    found = []
    try:
        parsed = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f'"{template}" is no template ({error}); write for example "/home/{{username}}"') from None
    for text, name, form, conversion in parsed:
        if name is not None and (form or conversion or not NAME.fullmatch(name)):
            raise ValueError(f'{{{name}}} in "{template}" names no attribute; write for example {{username}}')
        found.append((text, name))
    return tuple(found)


def filled(template: str, attributes: Attributes, named: Attributes) -> str | None:
    """Return the template with the first value of each attribute that it names; None when one of them has none, or is
    binary."""
    parts: list[str] = []
    for text, name in pieces(template):
        parts.append(text)
        if name is not None:
            value = (named.get(name) or attributes.get(name) or (None,))[0]
            if not value or not isinstance(value, str):
                return None
            parts.append(value)
    return "".join(parts)


# Forms ----------------------------------------------------------------------------------------------------------------


_NUMBER = re.compile(r"[0-9]{1,19}")


def _lower(value: Value) -> bytes | None:
    return value.lower().encode() if isinstance(value, str) else value


def _filetime(value: Value) -> bytes | None:
    """Return a FILETIME, or a Generalized Time, as a FILETIME."""
    if not isinstance(value, str):
        return None
    ticks = int(value) if _NUMBER.fullmatch(value) else times.ticks_of(value)
    return b"%d" % ticks if ticks is not None and 0 <= ticks <= times.NEVER else None


FORMS: Mapping[str, Callable[[Value], bytes | None]] = {
    "lower": _lower,
    "guid": windows_identifiers.guid,
    "sid": windows_identifiers.sid,
    "filetime": _filetime,
}
