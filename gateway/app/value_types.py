"""The single values of the configuration file (addresses, paths, names), each with its own rule and complaint, and the base of
its tables.

A value never looks at the environment by itself: what it may look at (folder, variables) comes in the validation context.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    ValidationInfo,
)

from gateway.model.expressions import expression
from gateway.model.expressions.expression import Expression
from gateway.model.ldap import dn
from gateway.model.mapping.values import normalized
from gateway.model.trusted_networks import TrustedNetworks
from gateway.wire import filters


class Table(BaseModel):
    """A table that knows its keys and refuses others."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The validation context: the folder that relative paths start at, the environment variables, and the warnings so far."""

    folder: Path
    environ: Mapping[str, str] = field(repr=False)
    warnings: list[str] = field(default_factory=list)

    @property
    def credentials(self) -> Path | None:
        """systemd's LoadCredential folder (systemd.exec(5)), when there is one."""
        folder = self.environ.get("CREDENTIALS_DIRECTORY")
        return Path(folder) if folder else None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address to listen on. Port 0 takes any free port, which a log line then names."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_endpoint(text: str) -> Endpoint:
    """Read `host:port` or `[address]:port`. Raises ValueError with the cure."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535 or (":" in host and not host.startswith("[")):
        raise ValueError(f'{text!r} is not an address to listen on; write "127.0.0.1:3890", "[::1]:3890" or "0.0.0.0:3890"')
    return Endpoint(host.strip("[]") or "0.0.0.0", int(port))  # noqa: S104 (the administrator wrote ":port")


def _trusted(value: object) -> TrustedNetworks:
    if isinstance(value, TrustedNetworks):
        return value
    texts = texts_of(value)
    try:
        if texts is None:
            raise ValueError("not texts")
        return TrustedNetworks.parse(text for text in texts if text)
    except ValueError as error:
        raise ValueError(f'{error}; write addresses and networks such as "192.0.2.7" and "10.1.0.0/16"') from None


def _trusted_texts(trusted: TrustedNetworks) -> list[str]:
    return [str(network) for network in trusted.networks]


def _endpoints(value: object) -> tuple[Endpoint, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)):
        raise ValueError('write an address such as "127.0.0.1:3890", or a list of them')
    return tuple(part if isinstance(part, Endpoint) else parse_endpoint(str(part)) for part in parts if part != "")


def listed(value: object) -> tuple[object, ...]:
    """Return a list's values, or the one value that was written in place of a list."""
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def closest(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Return the known word that the administrator may have meant: the most like it, else one of the same letters ("lpad").
    `likeness` is difflib's, 1 for the same word."""
    words = list(known)
    near = difflib.get_close_matches(word, words, 1, likeness)
    letters = sorted(word.lower())
    return next(iter(near or (one for one in words if sorted(one.lower()) == letters)), None)


def texts_of(value: object) -> tuple[str, ...] | None:
    """Return a text or a list of texts as a tuple; None for anything else."""
    values = listed(value)
    texts = tuple(one for one in values if isinstance(one, str))
    return texts if len(texts) == len(values) else None


def _resolved(path: Path, info: ValidationInfo) -> Path:
    expanded = path.expanduser()
    return expanded if info.context is None else Path(os.path.normpath(info.context.folder / expanded))


def _existing(path: Path) -> Path:
    if not path.exists():
        raise ValueError(f"{path} does not exist; give the path of a file that the gateway may read")
    if not os.access(path, os.R_OK):
        raise ValueError(f"{path} is not readable by this user; change its owner or mode")
    return path


def surroundings_of(info: ValidationInfo) -> Surroundings:
    """Return the validation context; this process's folder and environment where a value is validated by itself."""
    return info.context if isinstance(info.context, Surroundings) else Surroundings(Path.cwd(), os.environ)


def _dn(text: str) -> str:
    try:
        dn.key(text)
    except dn.InvalidDN as error:
        raise ValueError(f'{error}; write it like "ou=people,dc=example,dc=com"') from None
    return text


def _filter(text: str) -> str:
    try:
        filters.parse(text)
    except filters.FilterSyntaxError as error:
        raise ValueError(f'{text!r} is not an LDAP filter ({error}); write for example "(objectClass=person)"') from None
    return text


def read_mapped(value: object) -> tuple[str, ...] | Expression:
    """Read "mail", ["mail", "email"], "" or { expression = "lower(mail)" }. Raises ValueError."""
    if isinstance(value, Expression):
        return value
    if isinstance(value, dict):
        text = value.get("expression")
        if not isinstance(text, str) or len(value) > 1:
            raise ValueError("""the one key of a rule is expression, such as { expression = "lower(split(mail, '@', 1))" }""")
        return expression.compile(text, normalized)
    names = texts_of(value)
    if names is None:
        raise ValueError('write the name of an attribute, a list of names, or { expression = "…" }')
    return names


def write_mapped(mapped: tuple[str, ...] | Expression) -> dict[str, str] | list[str]:
    """Return a mapping's value as it is written in the configuration."""
    return {"expression": mapped.text} if isinstance(mapped, Expression) else list(mapped)


def _endpoint_texts(endpoints: tuple[Endpoint, ...]) -> list[str]:
    return [str(endpoint) for endpoint in endpoints]


Endpoints = Annotated[tuple[Endpoint, ...], BeforeValidator(_endpoints), PlainSerializer(_endpoint_texts)]
TrustedProxies = Annotated[TrustedNetworks, BeforeValidator(_trusted), PlainSerializer(_trusted_texts)]
FilePath = Annotated[Path, AfterValidator(_resolved)]
ExistingPath = Annotated[FilePath, AfterValidator(_existing)]
AttributeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Whole = Annotated[int, Field(ge=0)]
NotNegative = Annotated[float, Field(ge=0)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
DNText = Annotated[str, AfterValidator(_dn)]
DNTexts = Annotated[tuple[DNText, ...], BeforeValidator(listed)]
FilterText = Annotated[str, AfterValidator(_filter)]
Mapped = Annotated[tuple[str, ...] | Expression, PlainValidator(read_mapped), PlainSerializer(write_mapped)]
Texts = Annotated[tuple[str, ...], BeforeValidator(listed)]
