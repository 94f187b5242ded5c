"""The `[[source]]` tables of gateway.toml: what all sources have, and those that read LDIF. Those that read directories are in
ldap_source_tables.py; source_kinds.py has the list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    model_validator,
)

from gateway.app.config.correlation_tables import LinkedTable
from gateway.app.config.value_types import DNTexts, FilePath, FilterText, Mapped, Name, Texts, listed
from gateway.connectors.ldap.client.settings import Address
from gateway.connectors.ldif.source import LdifKind, LdifSettings, ldif_kind
from gateway.model.mapping.inbound import EnabledRule, default_mapping
from gateway.model.objects import Kind
from gateway.sync.objects.leavers import GRACE_DAYS
from gateway.sync.rules.correlation import Correlation

DAY_SECONDS = 86_400
AttributeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Whole = Annotated[int, Field(ge=0)]
NotNegative = Annotated[float, Field(ge=0)]
Url = Annotated[str, AfterValidator(lambda text: Address.parse(text).url)]
Urls = Annotated[tuple[Url, ...], BeforeValidator(listed)]
Percent = Annotated[float, Field(ge=0, le=100)]


class SourcePart(BaseModel):
    """A table inside a source."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class KindTable(LinkedTable):
    """`[source.users]`, `[source.organizations]`, `[source.groups]`: where the records of one kind are, and what they say.

    `mapping` is laid over the defaults: our attribute = "theirs", or a list of which the first that has a value counts,
    or "" to leave the attribute alone, or { expression = "…" } over their attributes.
    """

    base: DNTexts = ()
    bases: DNTexts = ()
    filter: FilterText | None = None
    mapping: dict[AttributeName, Mapped] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_spelling(self) -> Self:
        if self.base and self.bases:
            raise ValueError("base and bases exclude each other; keep one (both take one name or a list)")
        return self

    @property
    def all_bases(self) -> tuple[str, ...]:
        return self.base or self.bases


class EnabledTable(SourcePart):
    """`[source.users.enabled]`: when an account may not log in. With `enabled_values` it must have one of them; else it must
    have none of `disabled_values`; without either, any value of the attribute disables."""

    attribute: str
    disabled_values: Texts = ()
    enabled_values: Texts = ()

    def rule(self) -> EnabledRule:
        return EnabledRule(self.attribute, self.disabled_values, self.enabled_values)


class UsersTable(KindTable):
    """`[source.users]`"""

    enabled: EnabledTable | None = None


class LdifKindTable(LinkedTable):
    """The same for an LDIF source: entries are told apart by their object classes."""

    object_classes: Texts | None = None
    mapping: dict[AttributeName, Mapped] = Field(default_factory=dict)


class LdifUsersTable(LdifKindTable):
    """`[source.users]` of an LDIF source."""

    enabled: EnabledTable | None = None


class DeletionGuardTable(SourcePart):
    """`[source.deletion_guard]`: more deletions than this within the window stop the run and ask a person (law 8).

    For each kind the larger of the count and `percent` of the records of that kind is the limit.
    """

    users: Whole = 30
    organizations: Whole = 10
    groups: Whole = 10
    percent: Percent = 5
    window_seconds: PositiveFloat = 600


class Source(SourcePart):
    """What every source has. `schedule_seconds`: how often a source that cannot push is read again; `full_seconds`: how
    often everything is compared, whatever the source said meanwhile. `target_organization`: the id of the organization that
    takes what has none at the source; "" is the root. `grace_days`: how long a user stays, disabled, whose last record is gone
    from this source."""

    name: Name
    schedule_seconds: PositiveFloat = 300
    full_seconds: PositiveFloat = DAY_SECONDS
    grace_days: NotNegative = GRACE_DAYS
    target_organization: str = ""
    deletion_guard: DeletionGuardTable = DeletionGuardTable()

    @model_validator(mode="after")
    def _rules_fit(self) -> Self:
        self.correlation()
        return self

    def correlation(self) -> Correlation:
        """How the source's records find their objects. Raises ValueError naming the table."""
        found = {}
        for kind, table_name in ((Kind.ORGANIZATION, "organizations"), (Kind.USER, "users"), (Kind.GROUP, "groups")):
            table = getattr(self, table_name, None)
            if isinstance(table, LinkedTable):
                try:
                    found[kind] = table.rules(kind)
                except ValueError as error:
                    raise ValueError(f"[source.{table_name}]: {error}") from None
        return found


class LdifSourceTable(Source):
    """`kind = "ldif"`: an LDIF file, or a folder of *.ldif, followed for changes."""

    kind: Literal["ldif"]
    path: FilePath
    poll_seconds: PositiveFloat = 1
    stable_seconds: PositiveFloat = 1
    users: LdifUsersTable = LdifUsersTable()
    organizations: LdifKindTable = LdifKindTable()
    groups: LdifKindTable = LdifKindTable()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.settings()
        return self

    def settings(self) -> LdifSettings:
        """What the connector needs; raises ValueError with a sentence when the keys do not fit together."""
        return LdifSettings(self.name, self.path, tuple(self._kinds()), self.poll_seconds, self.stable_seconds)

    def _kinds(self) -> Iterator[LdifKind]:
        rule = self.users.enabled.rule() if self.users.enabled else None
        for kind, table in ((Kind.ORGANIZATION, self.organizations), (Kind.USER, self.users), (Kind.GROUP, self.groups)):
            mapping = default_mapping(kind, table.mapping, rule if kind is Kind.USER else None)
            yield ldif_kind(kind, table.object_classes, mapping)
