"""One run of the suite in this process: `python -m scripts.ldap3_conformance.runner TESTS`, settings in LDAP3_SUITE.

Prints a line of JSON for each test: its name, and the last line of what it raised, or null when it passed."""

import importlib.util
import json
import sys
import types
import unittest
from pathlib import Path
from typing import Final

from scripts.ldap3_conformance import suite_config

ELSEWHERE: Final = ("MicrosoftAD", "Mock", "Restartable", "Transactions")
"""Modules for a server of another kind, for ldap3's stand-in for servers, or that wait for a server to come back."""


class Outcomes(unittest.TestResult):
    """Prints each test's outcome as it ends."""

    def stopTest(self, test: unittest.TestCase) -> None:
        failed = {str(case.id()): trace for case, trace in (*self.errors, *self.failures)}
        trace = failed.get(test.id())
        raised = trace.strip().splitlines()[-1] if trace else None
        print(json.dumps([test.id().removeprefix("test."), raised]), file=sys.__stdout__, flush=True)
        super().stopTest(test)


def loaded(file: Path) -> unittest.TestSuite:
    """Return the tests of one module of the suite."""
    spec = importlib.util.spec_from_file_location(f"test.{file.stem}", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return unittest.defaultTestLoader.loadTestsFromModule(module)


def main(folder: Path) -> None:
    """Run every module that speaks to a server. The suite's package `test` is made by hand: Python has one of that name."""
    package = types.ModuleType("test")
    package.__path__ = [str(folder)]
    sys.modules |= {"test": package, "test.config": suite_config}
    result = Outcomes()
    sys.stdout = sys.stderr  # what tests print
    for file in sorted(folder.glob("test*.py")):
        if b"get_connection" in file.read_bytes() and not any(word in file.stem for word in ELSEWHERE):
            loaded(file).run(result)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
