"""Secrets of the configuration file, each read from a file, an environment variable or systemd's credentials, never shown."""

from __future__ import annotations

import contextlib
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, SecretStr, ValidationInfo

from gateway.app.value_types import Surroundings, surroundings_of

MASK = "********"
READABLE_BY_OTHERS = stat.S_IRGRP | stat.S_IROTH


@dataclass(frozen=True, slots=True)
class ConfiguredSecret:
    """A secret that was read from elsewhere: `origin` (file or variable) may be shown, `value` never. `path`: its file."""

    origin: str
    value: str = field(repr=False)
    path: Path | None = None

    def current(self) -> str:
        """Return what the file holds by now; what it held at the start while it cannot be read. Never print it."""
        if self.path is not None:
            with contextlib.suppress(OSError, UnicodeDecodeError):
                return secret_in(self.path) or self.value
        return self.value


def secret_in(path: Path) -> str:
    """Return the content of a secret's file without what editors add: a byte order mark, and line ends after it.

    Raises OSError, UnicodeDecodeError.
    """
    return path.read_text("utf-8-sig").rstrip("\r\n")


def secret_from_file(value: object, info: ValidationInfo) -> ConfiguredSecret:
    """Return the content of the file (secret_in). A relative name is sought in systemd's credentials first."""
    surroundings = surroundings_of(info)
    if not isinstance(value, str) or not value:
        raise ValueError("write the name of the file that holds the secret")
    path = _secret_path(Path(value).expanduser(), surroundings)
    try:
        secret = secret_in(path)
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist; write the secret into it, readable by the gateway only (chmod 600)") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ValueError(f"{path} cannot be read ({reason}); check its owner and mode") from None
    if mode & READABLE_BY_OTHERS and path.parent != surroundings.credentials:
        surroundings.warnings.append(f"{path} holds a secret and is readable by other users: chmod 600 {path}")
    if not secret:
        raise ValueError(f"{path} is empty; write the secret into it")
    return ConfiguredSecret(str(path), secret, path)


def secret_from_environment(value: object, info: ValidationInfo) -> ConfiguredSecret:
    """Return the content of the environment variable of that name."""
    secret = surroundings_of(info).environ.get(str(value), "")
    if not secret:
        raise ValueError(f"the environment variable {value} is not set or empty; set it, or use a file instead")
    return ConfiguredSecret(str(value), secret)


def _secret_path(path: Path, surroundings: Surroundings) -> Path:
    credentials = surroundings.credentials
    if credentials is not None and not path.is_absolute() and (credentials / path).exists():
        return credentials / path
    return surroundings.folder / path


def _origin(secret: ConfiguredSecret) -> str:
    return secret.origin


FileSecret = Annotated[ConfiguredSecret, BeforeValidator(secret_from_file), PlainSerializer(_origin)]
EnvironmentSecret = Annotated[ConfiguredSecret, BeforeValidator(secret_from_environment), PlainSerializer(_origin)]


def chosen_secret(plain: SecretStr | None, *elsewhere: ConfiguredSecret | None) -> str | None:
    """Return the one secret that was given, in any of the ways; None when there is none."""
    given = [plain.get_secret_value()] if plain is not None else []
    given += [secret.value for secret in elsewhere if secret is not None]
    return given[0] if given else None
