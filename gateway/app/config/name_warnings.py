"""Warnings about names in the settings that look like a slip of the pen. They are legal, as names of custom fields, so that
none of them is a complaint."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gateway.app.config.settings import Settings
from gateway.app.value_types import closest
from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.projection.view_definition import NAMED
from gateway.model.attributes import ATTRIBUTES
from gateway.model.ldap import schema
from gateway.model.mapping.defaults import REFERENCES
from gateway.sync.rules.correlation_keys import EXTERNAL_ID, PATH
from gateway.wire import filters


def warnings(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each doubtful name: of mappings, of filters, of correlation rules, of views."""
    yield from _of_mappings(settings)
    yield from _of_filters(settings)
    yield from _of_correlation(settings)
    yield from _of_views(settings)


def unshown(settings: Settings, attribute: str) -> str | None:
    """Return None for an LDAP attribute that a view shows, or that any entry has; else the near one that is shown, or ""."""
    key = schema.canonical(attribute.partition(";")[0])
    rules = [rules for table in settings.view for rules in table.view().rules.values()]
    shown = {schema.canonical(name): name for each in rules for name in each.attributes}
    shown |= {schema.canonical(name): name for table in settings.view for name in table.view().member_attributes}
    if schema.is_operational(key) or key == "objectclass" or not shown.keys().isdisjoint(schema.subtypes(key)):
        return None
    return shown.get(closest(key, shown) or "", "")


NEARLY_THE_SAME = 0.85
"""The likeness (difflib's) from which an unknown name in a filter is doubted: one letter of a word of four. Names that are
others (employeeStatus, employeeType) are less alike."""

_TYPES = {name.lower(): name for each in schema.ATTRIBUTE_TYPES.values() for name in each.names} | {"ismemberof": "isMemberOf"}
_CLASSES = {name.lower(): name for each in schema.OBJECT_CLASSES.values() for name in each.names}


def _meant(name: str, known: Collection[str]) -> str | None:
    return None if name in known else closest(name, known)


def _of_mappings(settings: Settings) -> Iterator[str]:
    for source in settings.source:
        for kind, table in source.records_tables():
            known = {*ATTRIBUTES[kind], *REFERENCES[kind]}
            for name in table.mapped_names:
                if near := _meant(name, known):
                    yield f'source {source.name}: "{name}" becomes a custom field; did you mean "{near}"?'


def _of_filters(settings: Settings) -> Iterator[str]:
    """Yield warnings of attribute types and object classes that no schema has, and that are nearly one: such a filter matches
    nothing, and nothing else says so. A source's own schema is not known here, so that only near names are doubted."""
    for source in settings.source:
        for kind, table in source.records_tables():
            text = getattr(table, "filter", None)
            for name, is_class in _asserted(filters.parse(text)) if text else ():
                known = _CLASSES if is_class else _TYPES
                near = None if name.lower() in known else closest(name.lower(), known, NEARLY_THE_SAME)
                if near:
                    what = "object class" if is_class else "attribute type"
                    yield (
                        f'source {source.name}: {kind}s: filter {text}: "{name}" is no {what} that is known; '
                        f'did you mean "{known[near]}"?'
                    )


def _asserted(filter: filters.Filter) -> Iterator[tuple[str, bool]]:
    """Yield the attribute types of a filter, and the object classes that it asks for (True)."""
    match filter:
        case filters.And(inner) | filters.Or(inner):
            for one in inner:
                yield from _asserted(one)
        case filters.Not(one):
            yield from _asserted(one)
        case filters.Equality(attribute, value) if attribute.lower() == "objectclass":
            yield value.decode("utf-8", "replace"), True
        case _ if filter.attribute:
            yield filter.attribute.partition(";")[0], False


def _of_correlation(settings: Settings) -> Iterator[str]:
    """Yield warnings of names that no mapping fills: there is no value to correlate by."""
    for source in settings.source:
        for kind, rules in source.correlation().items():
            known = {*ATTRIBUTES[kind], EXTERNAL_ID, PATH, *settings.mapped_names(kind)}
            for rule in rules.rules:
                for name in rule.names:
                    if near := _meant(name, known):
                        yield f'source {source.name}: {rule.text!r}: no source has "{name}"; did you mean "{near}"?'


def _of_views(settings: Settings) -> Iterator[str]:
    """Yield warnings of slips, and of attributes that clients which check the schema would refuse."""
    for table in settings.view:
        view = table.view()
        for kind, written in table.rules.items():
            known, rules = {*ATTRIBUTES[kind], *NAMED[kind]}, view.rules[kind]
            for attribute, rule in written.items():
                for name in rule.asked:
                    if near := _meant(name, known):
                        yield f'view {view.name}: {attribute}: "{name}" is a custom field; did you mean "{near}"?'
                extensible = "extensibleobject" in map(str.lower, rules.object_classes)
                if rule.asked + rule.constants and not extensible and attribute_key(attribute) not in rules.allowed:
                    classes = ", ".join(rules.object_classes)
                    yield f"view {view.name}: {attribute} is allowed by none of {classes}; add an object class"
