"""The tests of ldap3 from its source distribution, at a pinned version."""

import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

VERSION: Final = "2.9.1"


def fetched(folder: Path) -> Path:
    """Return the folder of the tests, after a download into `folder` when they are not there yet."""
    tests = folder / f"ldap3-{VERSION}" / "test"
    if not tests.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "ldap3", "--dest", str(folder)]
        subprocess.run([*pip, f"ldap3=={VERSION}"], check=True)
        with tarfile.open(folder / f"ldap3-{VERSION}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
    return tests
