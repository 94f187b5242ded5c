"""The `[[view]]` tables of gateway.toml: one LDAP tree each, as a few lines over what its kind shows by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from gateway.app.value_types import DNText, Name, Table, Texts, closest, texts_of
from gateway.directory.access import UserAccess
from gateway.directory.projection import view_overrides
from gateway.directory.projection.attribute_rules import NAME, Rule, pieces
from gateway.directory.projection.view_definition import View
from gateway.directory.projection.view_kinds import KINDS, NETBIOS_CHARACTERS, domain_of
from gateway.model.ldap import schema
from gateway.model.ldap.dn import DN
from gateway.model.objects import Kind

MEMBER_ATTRIBUTES = ("member", "uniqueMember", "memberUid")
APPLICATIONS = "ou=applications,"


def _unknown(word: str, what: str, known: Iterable[str]) -> ValueError:
    near = closest(word, known)
    cure = f'did you mean "{near}"?' if near else "programs would not know how to compare its values; take a standard one"
    return ValueError(f'"{word}" is no {what} of the schema; {cure}')


def _attribute_description(text: str) -> str:
    """Check that the schema defines the attribute type and that nothing else fills it; `;binary` is the only option."""
    name, _, options = text.partition(";")
    known = schema.ATTRIBUTE_TYPES.get(name.lower())
    if known is None:
        raise _unknown(name, "attribute type", (one.name for one in schema.ATTRIBUTE_TYPES.values() if not one.operational))
    if options not in ("", "binary"):
        raise ValueError(f'"{text}": ";binary" is the only option that is kept')
    if known.operational or known.key == "objectclass":
        raise ValueError(f"{known.name} is made by the gateway itself; object classes are given by object_classes")
    if known.name in MEMBER_ATTRIBUTES:
        raise ValueError(f"{known.name} shows the members of a group; give it in member_attributes of the [[view]]")
    return text


def _naming_attribute(text: str) -> str:
    if ";" in text:
        raise ValueError("the naming attribute has no options")
    return _attribute_description(text) if text else ""


def _object_class(text: str) -> str:
    if text.lower() not in schema.OBJECT_CLASSES:
        raise _unknown(text, "object class", (one.names[0] for one in schema.OBJECT_CLASSES.values()))
    return text


def _texts(value: object, key: str) -> tuple[str, ...]:
    """Return a text or a list of texts as a tuple, in which "" counts as no text."""
    texts = texts_of(value)
    if texts is None:
        raise ValueError(f"{key} takes a text or a list of texts")
    return tuple(text for text in texts if text)


def _template(text: str) -> str:
    pieces(text)
    return text


RULE_KEYS = ("from", "template", "constant", "lower", "first")


def read_rule(value: object) -> Rule:
    """Read "email", ["display_name", "username"], { from = …, template = …, constant = …, lower = …, first = … } or "". Raises
    ValueError."""
    if isinstance(value, Rule):
        return value
    table = value if isinstance(value, dict) else {"from": value}
    unknown = sorted(set(table) - set(RULE_KEYS))
    if unknown:
        raise ValueError(f'a rule has no key "{unknown[0]}"; its keys are: {", ".join(RULE_KEYS)}')
    names = _texts(table.get("from", ()), "from")
    template = table.get("template", "")
    if not isinstance(template, str):
        raise ValueError('template takes a text such as "/home/{username}"')
    for name in names:
        if not NAME.fullmatch(name):
            raise ValueError(f'"{name}" names no attribute of the gateway; they are written like display_name')
    pieces(template)
    if not all(isinstance(table.get(key, False), bool) for key in ("lower", "first")):
        raise ValueError("lower and first are true or false")
    constants = _texts(table.get("constant", ()), "constant")
    return Rule(names, template, constants, "lower" if table.get("lower") else "", bool(table.get("first")))


def write_rule(rule: Rule) -> str | list[str] | dict[str, object]:
    """Return a rule as it is written in the configuration."""
    texts = {"template": rule.template, "constant": list(rule.constants)}
    flags = {"lower": rule.form == "lower", "first": rule.only_first}
    table = {key: value for key, value in {**texts, **flags}.items() if value}
    if not table:
        return list(rule.names) if rule.names else ""
    return {"from": list(rule.names), **table} if rule.names else table


Template = Annotated[str, AfterValidator(_template)]
AttributeDescription = Annotated[str, AfterValidator(_attribute_description)]
AttributeRule = Annotated[Rule, BeforeValidator(read_rule), PlainSerializer(write_rule)]
ObjectClassName = Annotated[str, AfterValidator(_object_class)]
ObjectClasses = Annotated[tuple[ObjectClassName, ...], BeforeValidator(lambda value: _texts(value, "object_classes"))]


class EntriesTable(Table):
    """`[view.users]`: the entries of the objects of one kind. `container`: the name below base_dn that holds them; `naming`:
    the attribute type of their RDN; `object_classes`: the structural one last; `attributes`: laid over the kind's own."""

    container: DNText | None = None
    naming: Annotated[str, AfterValidator(_naming_attribute)] = ""
    object_classes: ObjectClasses = ()
    attributes: dict[AttributeDescription, AttributeRule] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _no_application(self) -> Self:
        if self.container and DN.parse(self.container).key.startswith(APPLICATIONS):
            raise ValueError("container: below ou=applications applications have their bind names; take another")
        return self

    def overlay(self) -> view_overrides.EntryOverrides:
        """Return the table as overrides of what the view's kind shows."""
        container = None if self.container is None else DN.parse(self.container).rdns
        return view_overrides.EntryOverrides(container, self.naming, self.object_classes, self.attributes)


class ChosenEntriesTable(EntriesTable):
    """`[view.organizations]` and `[view.groups]`; `only`: those that are in the view. A list instead of the table is `only`."""

    only: Texts = ()

    @model_validator(mode="before")
    @classmethod
    def _list_is_only(cls, value: object) -> object:
        return {"only": value} if isinstance(value, str | list | tuple) else value


class PosixTable(Table):
    """`[view.posix]`: values of POSIX accounts that come from no source."""

    home: Template = ""
    shell: Template = ""
    private_groups: bool = False
    shadow: bool = False


class ViewTable(Table):
    """`[[view]]`: one LDAP tree, built from the directory. A key that is not written is as the kind has it."""

    name: Name = "openldap"
    kind: Literal["openldap", "tree", "ad", "custom"] = "openldap"
    base_dn: DNText = "dc=directory,dc=example"
    layout: Literal["flat", "tree"] | None = None
    member_attributes: tuple[Literal["member", "uniqueMember", "memberUid"], ...] | None = None
    transitive_member_of: bool = False
    bind_names: tuple[Literal["dn", "principal", "domain", "login"], ...] | None = None
    domain: str = ""
    netbios: str = ""
    leavers: bool = False
    user_access: UserAccess | None = None
    posix: PosixTable = PosixTable()
    users: EntriesTable = EntriesTable()
    organizations: ChosenEntriesTable = ChosenEntriesTable()
    groups: ChosenEntriesTable = ChosenEntriesTable()

    @model_validator(mode="after")
    def _domain_is_known(self) -> Self:
        view = self.view()
        needs = self.kind == "ad" or {"principal", "domain"}.intersection(self.bind_names or ())
        if needs and not (view.domain and view.netbios):
            raise ValueError('domain is missing, and base_dn has no dc= to take it from; add domain = "example.com"')
        if len(self.netbios) > NETBIOS_CHARACTERS:
            raise ValueError(f"netbios: a NetBIOS name has at most {NETBIOS_CHARACTERS} characters")
        return self

    def view(self) -> View:
        """Return the definition of the view."""
        base = DN.parse(self.base_dn)
        make, layout = KINDS[self.kind]
        view = make(self.name, base, self.layout or layout)
        if self.member_attributes is not None:
            view = view_overrides.with_members(view, self.member_attributes)
        view = view_overrides.with_posix(view, view_overrides.Posix(**self.posix.model_dump()))
        view = view_overrides.with_overrides(view, self._overlays())
        domain = self.domain or domain_of(base)
        return replace(
            view,
            transitive_member_of=self.transitive_member_of,
            bind_names=frozenset(_bind_names(domain) if self.bind_names is None else self.bind_names),
            domain=domain,
            netbios=self.netbios or domain.partition(".")[0].upper()[:NETBIOS_CHARACTERS],
            organizations=self.organizations.only or None,
            groups=self.groups.only or None,
            leavers=self.leavers,
        )

    @property
    def rules(self) -> Mapping[Kind, Mapping[str, Rule]]:
        """The attribute rules that were written, by kind of object."""
        return {kind: over.attributes for kind, over in self._overlays().items()}

    def in_force(self) -> Mapping[str, object]:
        """Return the keys that were not written, as they are worked out from the others."""
        view = self.view()
        forms = list(_bind_names(view.domain) if self.bind_names is None else self.bind_names)
        return {"layout": view.layout, "bind_names": forms, "domain": view.domain, "netbios": view.netbios}

    def _overlays(self) -> Mapping[Kind, view_overrides.EntryOverrides]:
        tables = {Kind.USER: self.users, Kind.ORGANIZATION: self.organizations, Kind.GROUP: self.groups}
        return {kind: table.overlay() for kind, table in tables.items()}


def _bind_names(domain: str) -> tuple[str, ...]:
    """Return the forms that a view takes unless it says otherwise: all that it can tell apart."""
    return ("dn", "principal", "domain", "login") if domain else ("dn", "login")
