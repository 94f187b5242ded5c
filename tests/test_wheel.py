"""The wheel has all that an installation needs: the program with its migrations, and the samples of its configuration."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_has_the_program_its_migrations_and_the_samples(tmp_path: Path) -> None:
    tree = tmp_path / "tree"  # building writes into the tree
    for name in ("gateway", "conf"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-input"]
    subprocess.run([*pip, "--no-deps", "--wheel-dir", str(tmp_path), str(tree)], check=True, timeout=180)
    [wheel] = tmp_path.glob("directory_gateway-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        shown = {name.partition(".data/data/")[2]: archive.read(name) for name in names if ".data/data/" in name}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "gateway").rglob("*.py")}
    assert modules - set(names) == set()
    for sample in ("gateway.toml", "gateway.service", "sample/directory.ldif"):
        assert shown[f"share/directory-gateway/{sample}"] == (ROOT / "conf" / sample).read_bytes()
