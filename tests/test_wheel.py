"""The wheel, as a user gets it: into an empty environment, outside of the checkout, and it bootstraps."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.conftest import REPO_URL, Keys

ROOT = Path(__file__).resolve().parents[1]


def run(*argv: object, cwd: Path | None = None, path: str | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in argv],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=environment | ({"PATH": path} if path else {}),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_installed_wheel_bootstraps(keys: Keys, tmp_path: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist", cwd=ROOT)
    (wheel,) = (tmp_path / "dist").glob("taxiway-*.whl")
    shipped = zipfile.ZipFile(wheel).namelist()
    scaffold = {f"bootstrap/_scaffold/{name}" for name in run("git", "ls-files", "base", "overlays", cwd=ROOT).split()}
    assert scaffold <= set(shipped)
    assert "bootstrap/py.typed" in shipped
    assert not [name for name in shipped if name.startswith("tests")]

    environment = tmp_path / "venv"
    run(sys.executable, "-m", "venv", environment)
    # The extra brings kubectl: this machine's own is not on the PATH below, and only Git is.
    pip = (environment / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, f"{wheel}[kubectl]")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").symlink_to(shutil.which("git") or "")
    arguments = ("init", "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate)
    said = run(environment / "bin/taxiway", *arguments, cwd=tmp_path, path=str(tmp_path / "bin"))
    assert "Wrote " in said
    assert (tmp_path / "envs/overlays/complete/base/kustomization.yaml").exists()
