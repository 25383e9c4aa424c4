"""The wheel brings its migrations and examples along: no checkout is needed to set up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from onboarding.store import schema

ROOT = Path(__file__).parents[2]


def build_command(out: Path) -> list[str] | None:
    """Return how a wheel is built here; ``None`` if nothing that builds one is installed."""
    if find_spec("hatchling"):
        return [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    uv = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".boot" / "bin"))
    return [uv, "build", "--quiet", "--wheel", "--out-dir", str(out)] if uv else None


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's content, as an installation lays it out."""
    out, site = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("site")
    command = build_command(out)
    if command is None:
        pytest.skip("neither hatchling nor uv is here to build a wheel")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode and "hatchling" in done.stderr:
        pytest.skip("the build backend cannot be fetched here")
    assert done.returncode == 0, done.stderr
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def run(installed: Path, folder: Path, *command: str, **settings: str) -> str:
    """Run a command with the wheel's package, in a folder of its own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ONBOARDING_")}
    environment |= settings
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_has_all_that_belongs_to_it(installed: Path) -> None:
    bundled = installed / "onboarding" / "_bundled"
    for name in ("alembic/env.py", "examples/numbers.csv", "examples/demo.yaml"):
        assert (bundled / name).read_bytes() == (ROOT / name).read_bytes()
    ours = {file.name for file in (ROOT / "alembic" / "versions").glob("*.py")}
    assert {file.name for file in (bundled / "alembic" / "versions").glob("*.py")} == ours
    assert (installed / "onboarding" / "py.typed").exists()
    assert not (installed / "tests").exists()
    assert not (installed / "alembic").exists()  # it would shadow the library


def test_a_schema_is_made_and_checked_without_a_checkout(installed: Path, tmp_path: Path) -> None:
    where = run(installed, tmp_path, "-c", "import onboarding; print(onboarding.__file__)")
    assert where.startswith(str(installed))
    run(installed, tmp_path, "-m", "onboarding", "db", "upgrade")
    assert (tmp_path / "onboarding.db").exists()
    told = run(installed, tmp_path, "-m", "onboarding", "db", "current")
    assert f"needed    {schema.HEAD}" in told
    run(installed, tmp_path, "-m", "onboarding", "db", "check")


@pytest.mark.on("postgresql")
def test_a_schema_is_made_on_postgresql_too(installed: Path, tmp_path: Path, url: str) -> None:
    settings = {
        "ONBOARDING_DATABASE_URL": url,
        "ONBOARDING_SECRET_KEY": os.environ["ONBOARDING_SECRET_KEY"],
    }
    for verb, told in (("upgrade", schema.HEAD), ("check", "complete")):
        assert told in run(installed, tmp_path, "-m", "onboarding", "db", verb, **settings)
