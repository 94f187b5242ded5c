"""Warnings about names in the settings that look like a slip of the pen. They are legal, as names of custom fields, so that
none of them is a complaint."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gateway.app.config.settings import Settings
from gateway.app.value_types import closest
from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.projection.view_definition import NAMED
from gateway.model.attributes import ATTRIBUTES
from gateway.model.mapping.defaults import REFERENCES
from gateway.sync.rules.correlation_keys import EXTERNAL_ID, PATH


def warnings(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each doubtful name: of mappings, then of correlation rules, then of views."""
    yield from _of_mappings(settings)
    yield from _of_correlation(settings)
    yield from _of_views(settings)


def _meant(name: str, known: Collection[str]) -> str | None:
    return None if name in known else closest(name, known)


def _of_mappings(settings: Settings) -> Iterator[str]:
    for source in settings.source:
        for kind, table in source.records_tables():
            known = {*ATTRIBUTES[kind], *REFERENCES[kind]}
            for name in table.mapped_names:
                if near := _meant(name, known):
                    yield f'source {source.name}: "{name}" becomes a custom field; did you mean "{near}"?'


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
