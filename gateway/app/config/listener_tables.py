"""The tables of gateway.toml about listeners and about what they let pass: `[ldap]`, `[http]`, `[management]`, `[limits]`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, field_validator, model_validator

from gateway.app.configured_secrets import EnvironmentSecret, FileSecret, chosen_secret
from gateway.app.value_types import Endpoint, Endpoints, ExistingPath, Table, Texts, TrustedProxies, Whole
from gateway.directory.access import DEFAULT_USER_ACCESS, UserAccess
from gateway.model.trusted_networks import NOBODY

MIN_TOKEN_CHARACTERS = 24  # a word that a person makes up is guessed
MAX_TOKEN_CHARACTERS = 1_024


HostName = Annotated[str, Field(pattern=r"^([A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,9})?$")]


class CertifiedTable(Table):
    """A listener that can speak TLS. `tls_ciphers`: of TLS 1.2, in OpenSSL's words; None: the modern ones."""

    listen: Endpoints = ()
    certificate: ExistingPath | None = None
    key: ExistingPath | None = None
    min_tls_version: Literal["1.2", "1.3"] = "1.2"
    tls_ciphers: str | None = None

    @field_validator("tls_ciphers")
    @classmethod
    def _known_ciphers(cls, text: str | None) -> str | None:
        if text is not None:
            import ssl

            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(text)
            except ssl.SSLError:
                raise ValueError(f'OpenSSL knows no cipher {text!r}; write them like "ECDHE+AESGCM:ECDHE+CHACHA20"') from None
        return text

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.certificate is None) is not (self.key is None):
            missing, given = ("key", "certificate") if self.key is None else ("certificate", "key")
            raise ValueError(f"{given} is given without {missing}; give both PEM files, or none")
        return self


class LdapTable(CertifiedTable):
    """`[ldap]`: the LDAP listeners. `tls_listen` counts only when there is a certificate. `trusted_proxies`: connections from
    there begin with a header of the PROXY protocol. `cldap_listen`: UDP ports for pings of programs for Active Directory.
    `host_name`: of this machine, as views of kind `ad` tell it; "": as the machine has it. `workers`: processes that serve
    LDAP; with 1 the process that does everything does that too."""

    listen: Endpoints = (Endpoint("127.0.0.1", 3890),)
    tls_listen: Endpoints = (Endpoint("127.0.0.1", 6360),)
    cldap_listen: Endpoints = ()
    host_name: HostName = ""
    client_ca: ExistingPath | None = None
    client_crl: ExistingPath | None = None
    require_tls: bool = False
    anonymous: Texts = ()
    user_access: UserAccess = DEFAULT_USER_ACCESS
    trusted_proxies: TrustedProxies = NOBODY
    workers: Annotated[int, Field(ge=1, le=64)] = 1

    @model_validator(mode="after")
    def _tls_possible(self) -> Self:
        if self.require_tls and self.certificate is None:
            raise ValueError("require_tls needs certificate and key; give both PEM files")
        if self.client_ca is not None and self.certificate is None:
            raise ValueError("client_ca is for TLS, which needs certificate and key; give both PEM files")
        if self.client_crl is not None and self.client_ca is None:
            raise ValueError("client_crl is for certificates of client_ca; give that PEM file, too")
        return self


class HttpTable(CertifiedTable):
    """`[http]`: the Developer API. With a certificate it speaks HTTPS only. `trusted_proxies`: what they say of a client's
    address is taken."""

    listen: Endpoints = (Endpoint("127.0.0.1", 8080),)
    trusted_proxies: TrustedProxies = NOBODY


class ManagementTable(CertifiedTable):
    """`[management]`: health, readiness, metrics; the admin API for clients with the token. With a certificate it speaks HTTPS
    only. Keep it away from strangers."""

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
        """The token that a client of the admin API shows; never print it. None: there is no admin API."""
        return chosen_secret(None, self.token_file, self.token_env)


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
