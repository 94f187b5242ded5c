"""The tables of gateway.toml as frozen values, each key with its default and its rule; the sources are in connector_kinds.

`description` is the one sentence that documents a key; conf/gateway.toml shows them all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, SecretStr, model_validator

from gateway.app.config.authority_table import AuthorityTable
from gateway.app.config.view_tables import ViewTable
from gateway.app.connector_kinds.registry import AnySourceTable
from gateway.app.value_types import (
    Endpoint,
    Endpoints,
    EnvironmentSecret,
    ExistingPath,
    FilePath,
    FileSecret,
    Texts,
    Whole,
    chosen_secret,
)
from gateway.model.connector import LOCAL
from gateway.model.ldap import dn
from gateway.model.objects import Kind
from gateway.store.engine.normalized_keys import MAX_POSIX_NUMBER
from gateway.sync.lifecycle.grace_period import Grace
from gateway.sync.objects.posix_allocation import DEFAULT_RANGE, PosixNumbers, Range

MIN_TOKEN_CHARACTERS = 24  # a word that a person makes up is guessed
MAX_TOKEN_CHARACTERS = 1_024


class Table(BaseModel):
    """A table that knows its keys and refuses others."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, validate_default=False)


class GatewayTable(Table):
    """`[gateway]`"""

    data_dir: FilePath = Path("/var/lib/directory-gateway")


class StoreTable(Table):
    """`[store]`: without a URL an embedded SQLite file in data_dir. A PostgreSQL URL may hold a password: it is a secret."""

    url: SecretStr | None = None
    url_file: FileSecret | None = None
    url_env: EnvironmentSecret | None = None

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if sum(value is not None for value in (self.url, self.url_file, self.url_env)) > 1:
            raise ValueError("url, url_file and url_env exclude each other; keep one")
        return self

    def secret_url(self, data_dir: Path) -> str:
        """The SQLAlchemy URL; never print it."""
        return chosen_secret(self.url, self.url_file, self.url_env) or f"sqlite:///{data_dir / 'store.sqlite'}"


class Certified(Table):
    """A listener that can speak TLS."""

    certificate: ExistingPath | None = None
    key: ExistingPath | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.certificate is None) is not (self.key is None):
            missing, given = ("key", "certificate") if self.key is None else ("certificate", "key")
            raise ValueError(f"{given} is given without {missing}; give both PEM files, or none")
        return self


class LdapTable(Certified):
    """`[ldap]`: the LDAP listeners. `tls_listen` counts only when there is a certificate. `workers`: processes that serve
    LDAP; with 1 the process that does everything does that too."""

    listen: Endpoints = (Endpoint("127.0.0.1", 3890),)
    tls_listen: Endpoints = (Endpoint("127.0.0.1", 6360),)
    client_ca: ExistingPath | None = None
    require_tls: bool = False
    anonymous: Texts = ()
    user_access: Literal["none", "self"] = "self"
    workers: Annotated[int, Field(ge=1, le=64)] = 1

    @model_validator(mode="after")
    def _tls_possible(self) -> Self:
        if self.require_tls and self.certificate is None:
            raise ValueError("require_tls needs certificate and key; give both PEM files")
        if self.client_ca is not None and self.certificate is None:
            raise ValueError("client_ca is for TLS, which needs certificate and key; give both PEM files")
        return self


class HttpTable(Certified):
    """`[http]`: the Developer API. With a certificate it speaks HTTPS only."""

    listen: Endpoints = (Endpoint("127.0.0.1", 8080),)


class ManagementTable(Table):
    """`[management]`: health, readiness, metrics; the admin API for whoever shows the token. Keep it away from strangers."""

    listen: Endpoints = (Endpoint("127.0.0.1", 9390),)
    token_file: FileSecret | None = None
    token_env: EnvironmentSecret | None = None

    @model_validator(mode="after")
    def _one_good_token(self) -> Self:
        if self.token_file is not None and self.token_env is not None:
            raise ValueError("token_file and token_env exclude each other; keep one")
        token = self.secret_token
        if token is not None and not (MIN_TOKEN_CHARACTERS <= len(token) <= MAX_TOKEN_CHARACTERS and token.isascii()):
            raise ValueError(
                f"the token of the admin API has {MIN_TOKEN_CHARACTERS} to {MAX_TOKEN_CHARACTERS} characters of ASCII; "
                "make one with: openssl rand -hex 32"
            )
        return self

    @property
    def secret_token(self) -> str | None:
        """What a client of the admin API shows; never print it. None: there is no admin API."""
        return chosen_secret(None, self.token_file, self.token_env)


class LogTable(Table):
    """`[log]`: always on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class LimitsTable(Table):
    """`[limits]`: what a stranger may cost (law 13). 0 means no limit where it says so in conf/gateway.toml."""

    max_message_bytes: PositiveInt = 1024 * 1024
    connections: PositiveInt = 4096
    connections_per_address: PositiveInt = 1024
    operations_in_flight: PositiveInt = 64
    size_limit: Whole = 0
    time_limit_seconds: Whole = 60
    bind_seconds: PositiveFloat = 30
    idle_seconds: PositiveFloat = 900
    write_stall_seconds: PositiveFloat = 60
    bind_failures: PositiveInt = 5
    bind_failure_seconds: PositiveFloat = 60


class PasswordsTable(Table):
    """`[passwords]`: what is asked of local passwords. Those that are kept at a source obey the source's own rules."""

    min_length: PositiveInt = 8


def _range(numbers: tuple[int, int]) -> tuple[int, int]:
    first, last = numbers
    if not 1 <= first <= last <= MAX_POSIX_NUMBER:
        raise ValueError(
            f"[{first}, {last}] is no range of POSIX numbers; write the first and the last, such as [10000, 59999]"
        )
    return numbers


NumberRange = Annotated[tuple[int, int], AfterValidator(_range)]


class PosixTable(Table):
    """`[posix]`: numbers for people and groups to whom no source gives any. A table that says something gives them, unless
    `allocate` says no; without the table nobody is given any."""

    allocate: bool | None = None
    uid_range: NumberRange = (DEFAULT_RANGE.first, DEFAULT_RANGE.last)
    gid_range: NumberRange = (DEFAULT_RANGE.first, DEFAULT_RANGE.last)
    primary_gid: PositiveInt | None = None

    def numbers(self) -> PosixNumbers | None:
        """The settings in the door's words; None when there is no table."""
        if not self.model_fields_set:
            return None
        return PosixNumbers(
            Range(*self.uid_range), Range(*self.gid_range), self.primary_gid, allocate=self.allocate is not False
        )


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
        """Where the LDAP views are; what is there can be thrown away while no `serve` runs."""
        return self.data_dir / "views"

    def leaver_grace(self) -> Grace:
        """Return how long the leavers of each source stay."""
        return Grace({table.name: table.grace_days for table in self.source})

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
        custom = {
            kind: {name for source in self.source for name in dict(source.records_tables())[kind].mapped_names} for kind in Kind
        }
        complaints = list(self.authority.complaints([source.name for source in self.source], custom))
        if complaints:
            raise ValueError("; ".join(complaints))
        return self
