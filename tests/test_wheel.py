"""The wheel, as a user gets it: into an empty environment, outside of the checkout, and it bootstraps."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bootstrap import __version__
from bootstrap.core.errors import BadOption
from bootstrap.scaffold import sources, wheel
from bootstrap.scaffold.wheel import Download
from bootstrap.system import process
from tests.conftest import REPO_URL, Keys, Taxiway

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


@pytest.mark.parametrize("packages", ["ours", pytest.param("the index's", marks=pytest.mark.deep)])
def test_an_installed_wheel_bootstraps(keys: Keys, tmp_path: Path, packages: str) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist", cwd=ROOT)
    (built,) = (tmp_path / "dist").glob("taxiway-*.whl")
    shipped = zipfile.ZipFile(built).namelist()
    scaffold = {f"bootstrap/_scaffold/{name}" for name in run("git", "ls-files", "base", "overlays", cwd=ROOT).split()}
    assert scaffold <= set(shipped)
    assert "bootstrap/py.typed" in shipped
    assert not [name for name in shipped if name.startswith("tests")]

    environment = tmp_path / "venv"
    run(sys.executable, "-m", "venv", environment)
    # The extra brings kubectl: this machine's own is not on the PATH below, and only Git is.
    pip = (environment / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    if packages == "ours":
        (site,) = environment.glob("lib/python*/site-packages")
        (site / "ours.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
        run(*pip, "--no-deps", built)
        shutil.copy(process.find_program("kubectl") or "", environment / "bin/kubectl")
    else:
        run(*pip, f"{built}[kubectl]")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").symlink_to(shutil.which("git") or "")
    arguments = ("init", "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate)
    said = run(environment / "bin/taxiway", *arguments, cwd=tmp_path, path=str(tmp_path / "bin"))
    assert "Wrote " in said
    assert (tmp_path / "envs/overlays/complete/base/kustomization.yaml").exists()

    # The wheel that an installed wheel makes for CI holds what that itself holds.
    (vendored,) = (tmp_path / "envs/.taxiway").glob("*.whl")
    assert vendored.name == built.name
    ours = {name: data for name, data in contents(built).items() if not name.endswith(("/RECORD", "/WHEEL"))}
    assert {name: data for name, data in contents(vendored).items() if name in ours} == ours
    assert contents(vendored).keys() == contents(built).keys()
    # So does that of a checkout, whose METADATA has the README as it was when the checkout was installed.
    (tmp_path / "here.whl").write_bytes(wheel.build(__version__, sources.package()))
    here = contents(tmp_path / "here.whl")
    assert here.keys() == contents(built).keys()
    assert {name for name, data in ours.items() if here[name] != data} <= {f"taxiway-{__version__}.dist-info/METADATA"}


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_is_the_same_each_time_and_small() -> None:
    first, second = (wheel.build(__version__, sources.package()) for _ in range(2))
    assert first == second
    assert len(first) < 1_000_000


def test_the_lock_is_complete_and_has_hashes() -> None:
    """Of all that pyproject.toml asks for; what that needs in turn, pip checks in tests/security/test_ci.py."""
    blocks = sources.lock().decode().replace("\\\n", " ").splitlines()
    pinned = [Requirement(line.split(" --hash")[0]) for line in blocks if line and not line.startswith("#")]
    assert all(line.count("--hash=sha256:") for line in blocks if line and not line.startswith("#"))
    versions: dict[str, list[str]] = {}
    for each in pinned:
        (exact,) = each.specifier
        assert exact.operator == "=="
        versions.setdefault(canonicalize_name(each.name), []).append(exact.version)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in (*project["dependencies"], *project["optional-dependencies"]["kubectl"]):
        wanted = Requirement(text)
        found = versions[canonicalize_name(wanted.name)]
        assert found and all(wanted.specifier.contains(version) for version in found), text


HASH = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        "taxiway",
        "taxiway==0.1.0",
        "https://example.com/taxiway-0.1.0-py3-none-any.whl",
        f"http://example.com/taxiway-0.1.0-py3-none-any.whl#sha256={HASH}",
        f"https://example.com/taxiway.tar.gz#sha256={HASH}",
        f"https://example.com/taxiway.whl#sha256={HASH[1:]}",
        f"https://example.com/taxiway.whl#sha256={HASH.upper()}",
        f"https://example.com/taxiway.whl#md5={HASH[:32]}",
        f"https://user:pass@example.com/taxiway.whl#sha256={HASH}",
        f"https://example.com/taxiway.whl\n--index-url https://evil.example\n#sha256={HASH}",
        f"https://example.com/taxiway.whl#sha256={HASH}\n",
        f"https://example.com/a.whl --extra-index-url https://evil.example/b.whl#sha256={HASH}",
        f"https://example.com/$(id).whl#sha256={HASH}",
        "",
    ],
)
def test_a_source_without_a_hash_is_refused(text: str) -> None:
    with pytest.raises(BadOption, match="is not the URL of a wheel with its hash"):
        Download.parse(text)


def test_a_source_with_a_hash_is_what_ci_installs(taxiway: Taxiway, keys: Keys, tmp_path: Path) -> None:
    url = "https://example.com/wheels/taxiway-0.1.0-py3-none-any.whl"
    arguments = ("init", tmp_path / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate)
    assert taxiway(*arguments, "--install", url).code == 2
    assert not (tmp_path / "envs").exists()
    said = taxiway(*arguments, "--install", f"{url}#sha256={HASH}")
    assert said.code == 0, said.err
    assert [each.name for each in (tmp_path / "envs/.taxiway").iterdir()] == ["requirements.txt"]
    lines = (tmp_path / "envs/.taxiway/requirements.txt").read_text().splitlines()
    assert f"{url} --hash=sha256:{HASH}" in lines
    again = taxiway(*arguments, "--install", f"{url}#sha256={HASH}")
    assert (again.code, again.out) == (0, "unchanged\n")
    assert "--install was not followed" in again.err
