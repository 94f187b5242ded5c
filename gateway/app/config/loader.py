"""The configuration: the file, over it the environment, over both the command line; one value, or all complaints at once.

Nothing is opened, connected or created here but the configuration file and the files that hold secrets.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from gateway.app.config import exposure_warnings, name_warnings, password_sources
from gateway.app.config.complaints import complaints_of
from gateway.app.config.document import Document
from gateway.app.config.settings import Settings
from gateway.app.value_types import Surroundings
from gateway.model.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Loaded:
    """`settings` as they are in force, the `file` they came from, and `warnings` about what is allowed but unwise."""

    settings: Settings
    file: Path
    warnings: tuple[str, ...] = ()


def load(file: Path, environ: Mapping[str, str], assignments: Sequence[str] = ()) -> Loaded:
    """Read and check everything. `assignments` are "table.key=value" from the command line.

    Raises ConfigurationError with one line for each complaint, each naming file and line (or variable), table and key.
    """
    text = _read(file)
    try:
        document = Document(file, text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(_syntax_complaint(file, error)) from None
    readable = list(exposure_warnings.of_inline_secrets(file, document.tables))  # before the environment adds its own
    document.apply_environment(environ)
    document.apply_assignments(assignments)
    surroundings = Surroundings(file.absolute().parent, environ)
    try:
        settings = Settings.model_validate(document.tables, context=surroundings)
    except ValidationError as error:
        document.complaints += complaints_of(error, document.tables, document.place)
    if document.complaints:
        raise ConfigurationError("\n".join(str(complaint) for complaint in document.complaints))
    warnings = [*readable, *surroundings.warnings, *exposure_warnings.warnings(settings), *name_warnings.warnings(settings)]
    warnings += password_sources.warnings(settings.authority, settings.source)
    warnings += [warning for table in settings.source for warning in table.warnings()]
    return Loaded(settings, file, tuple(dict.fromkeys(warnings)))


TOML_CURE = 'a line is key = value, [table] or [[table]]; a text stands in quotes: "…"'
SYNTAX_CURES = {
    "Invalid value": 'a text stands in quotes ("…"), a list in [ ] with commas, true and false in small letters',
    "Unescaped": "write the text in single quotes ('…'), in which a backslash means itself",
    "Illegal character": "a text ends on the line where it begins; close its quotes",
    "Cannot declare": "join the two tables, or write [[table]] where there are to be several",
    "Cannot overwrite": "a key stands twice in one table; keep one",
    "Invalid statement": "a key with other characters than A-Z a-z 0-9 _ - stands in quotes",
}
"""The beginning of tomllib's sentence → the cure."""


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        raise ConfigurationError(f"{file}: this configuration file does not exist") from None
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}; check its owner and mode") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def _syntax_complaint(file: Path, error: tomllib.TOMLDecodeError) -> str:
    at = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
    place, sentence = (f"{file}:{at[1]}", str(error)[: at.start()]) if at else (str(file), str(error))
    cure = next((cure for start, cure in SYNTAX_CURES.items() if sentence.startswith(start)), TOML_CURE)
    return f"{place}: not valid TOML: {sentence}; {cure}"
