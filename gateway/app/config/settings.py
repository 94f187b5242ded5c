"""The whole of gateway.toml as one frozen value, with the rules that concern several of its tables; and the small tables.

Each table has each of its keys with its default and its rule; conf/gateway.toml shows them all."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal, Self

from pydantic import NonNegativeInt, PositiveInt, SecretStr, field_validator, model_validator

from gateway.app.config import password_sources
from gateway.app.config.authority_table import AuthorityTable
from gateway.app.config.listener_tables import HttpTable, LdapTable, LimitsTable, ManagementTable
from gateway.app.config.posix_table import PosixTable
from gateway.app.config.view_tables import ViewTable
from gateway.app.configured_secrets import ConfiguredSecret, EnvironmentSecret, FileSecret, chosen_secret
from gateway.app.connector_kinds.registry import AnySourceTable
from gateway.app.value_types import FilePath, Table
from gateway.directory.access import UserAccess
from gateway.directory.authentication.password_authority import PasswordAuthority
from gateway.model.connector import LOCAL
from gateway.model.ldap import dn
from gateway.model.objects import Kind
from gateway.store.engine import store_url
from gateway.sync.lifecycle.grace_period import GracePeriods


class GatewayTable(Table):
    """`[gateway]`"""

    data_dir: FilePath = Path("/var/lib/directory-gateway")


class StoreTable(Table):
    """`[store]`: without a URL an embedded SQLite file in data_dir. A PostgreSQL URL may hold a password: it is a secret."""

    url: SecretStr | None = None
    url_file: FileSecret | None = None
    url_env: EnvironmentSecret | None = None
    change_log_days: NonNegativeInt = 30

    @field_validator("url", "url_file", "url_env")
    @classmethod
    def _is_a_store(cls, value: SecretStr | ConfiguredSecret | None) -> SecretStr | ConfiguredSecret | None:
        """Check the form of the URL; whether the store answers is seen when it is opened."""
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value.value if value else ""
        if plain:
            store_url.checked(plain)
        return value

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if sum(value is not None for value in (self.url, self.url_file, self.url_env)) > 1:
            raise ValueError("url, url_file and url_env exclude each other; keep one")
        return self

    def secret_url(self, data_dir: Path) -> str:
        """Return the SQLAlchemy URL; never print it."""
        return chosen_secret(self.url, self.url_file, self.url_env) or f"sqlite:///{data_dir / 'store.sqlite'}"


class LogTable(Table):
    """`[log]`: always on standard error. `searches`: an audit line for each LDAP search."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
    searches: bool = False


class PasswordsTable(Table):
    """`[passwords]`: the rules of local passwords. Those that are kept at a source obey the source's own rules."""

    min_length: PositiveInt = 8


class Settings(Table):
    """The whole file."""

    gateway: GatewayTable = GatewayTable()
    store: StoreTable = StoreTable()
    ldap: LdapTable = LdapTable()
    http: HttpTable = HttpTable()
    management: ManagementTable = ManagementTable()
    log: LogTable = LogTable()
    limits: LimitsTable = LimitsTable()
    passwords: PasswordsTable = PasswordsTable()
    posix: PosixTable = PosixTable()
    authority: AuthorityTable = AuthorityTable()
    view: tuple[ViewTable, ...] = (ViewTable(),)
    source: tuple[AnySourceTable, ...] = ()

    @property
    def data_dir(self) -> Path:
        return self.gateway.data_dir

    @property
    def view_dir(self) -> Path:
        """The folder of the LDAP views; its files can be thrown away while no `serve` runs."""
        return self.data_dir / "views"

    def mapped_names(self, kind: Kind) -> set[str]:
        """Return the attributes of objects of the kind that a mapping of any source names."""
        return {name for source in self.source for name in dict(source.records_tables())[kind].mapped_names}

    def leaver_grace(self) -> GracePeriods:
        """Return the time for which leavers of each source are kept."""
        return GracePeriods({table.name: table.grace_days for table in self.source})

    def password_authority(self) -> PasswordAuthority:
        """Return the rules by which sources decide whose password counts."""
        return password_sources.authority(self.authority, self.source)

    def user_access(self) -> dict[str, UserAccess]:
        """Return what people who are bound see, by view."""
        return {table.name: table.user_access or self.ldap.user_access for table in self.view}

    def reading_rules(self) -> str:
        """Return a digest of all that decides what a source's records become; no secret is in it."""
        rules = self.model_dump_json(include={"source", "authority", "posix"})
        return hashlib.sha256(rules.encode()).hexdigest()

    @property
    def store_url(self) -> str:
        """The SQLAlchemy URL of the store; may hold a password: never print it."""
        return self.store.secret_url(self.data_dir)

    @property
    def store_is_embedded(self) -> bool:
        """True for SQLite: one process owns it and may migrate it by itself."""
        return self.store_url.startswith("sqlite")

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for table, rows in (("view", self.view), ("source", self.source)):
            seen = [row.name.lower() for row in rows]
            repeated = sorted({name for name in seen if seen.count(name) > 1})
            if repeated:
                raise ValueError(f"two [[{table}]] tables are named {repeated[0]!r}; every {table} needs a name of its own")
        if any(source.name.lower() == LOCAL for source in self.source):
            raise ValueError(
                f"[[source]] {LOCAL!r}: this name stands for what is written in the gateway itself; choose another"
            )
        if not self.view:
            raise ValueError("view is empty; leave it out for the default view, or write one [[view]]")
        for number, view in enumerate(self.view):
            same = next((one for one in self.view[:number] if dn.key(one.base_dn) == dn.key(view.base_dn)), None)
            if same is not None:
                raise ValueError(f"[[view]] {view.name!r} and {same.name!r} have the same base_dn; give each view its own")
        unknown = sorted(set(self.ldap.anonymous) - {view.name for view in self.view})
        if unknown:
            names = ", ".join(view.name for view in self.view)
            raise ValueError(f"[ldap] anonymous: there is no view {unknown[0]!r}; the views are: {names}")
        return self

    @model_validator(mode="after")
    def _authority_is_known(self) -> Self:
        custom = {kind: self.mapped_names(kind) for kind in Kind}
        complaints = list(self.authority.complaints([source.name for source in self.source], custom))
        complaints += password_sources.complaints(self.authority, self.source)
        if complaints:
            raise ValueError("; ".join(complaints))
        return self
