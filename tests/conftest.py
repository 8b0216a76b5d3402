"""What all tests share: a home folder, a Git configuration and a cluster configuration that are theirs alone."""

import ast
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import settings

from bootstrap import cli
from bootstrap.core.secret import Secret
from bootstrap.secrets import sealing

# No deadline: a slow machine is no mistake. `--hypothesis-profile=deep` looks for what the gate's examples don't show.
settings.register_profile("gate", deadline=None, max_examples=60, derandomize=True)
settings.register_profile("deep", deadline=None, max_examples=5000, print_blob=True)
settings.load_profile("gate")
# Tests send SIGINT to what they start, which would inherit that it is ignored: under nohup, or in a shell's background.
signal.signal(signal.SIGINT, signal.default_int_handler)
REPO_URL = "https://git.example.com/acme/airflow-environments.git"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden/ anew from what is rendered now")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written, not compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(
        "[user]\n  name = Test\n  email = test@example.com\n[init]\n  defaultBranch = main\n"
    )
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "EMAIL", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("KUBECONFIG", str(home / "no-kubeconfig"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A sealing key pair in files."""

    key: Path
    certificate: Path

    @property
    def fingerprint(self) -> str:
        """The certificate's, as openssl has it, in taxiway's form."""
        certificate = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        return f"sha256:{certificate.fingerprint(hashes.SHA256()).hex()}"

    def open(self, sealed: str, scope: sealing.Scope, namespace: str, name: str) -> bytes:
        """The plaintext of a sealed value."""
        return sealing.unseal(sealed, _read(self.key), sealing.oaep_label(scope, namespace, name)).reveal()


@cache
def _read(key: Path) -> rsa.RSAPrivateKey:
    """A private key: to read one takes half a second."""
    return sealing.read_key(Secret(key.read_bytes()), source="test key")


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """A sealing key pair that the whole session shares: making one takes up to a second."""
    folder = tmp_path_factory.mktemp("keys")
    pair = Keys(key=folder / "key.pem", certificate=folder / "cert.pem")
    pem = sealing.new_key()
    pair.key.write_bytes(pem.reveal())
    pair.certificate.write_bytes(sealing.certify(sealing.read_key(pem, source="test key"), now=datetime.now(UTC)))
    return pair


@pytest.fixture(scope="session")
def fresh(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment repo of dev and complete, which the whole session shares: it stays as it is."""
    folder = tmp_path_factory.mktemp("fresh") / "envs"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@example.com")
        cli.main(["init", str(folder), "--yes", "--repo", REPO_URL, "--sealing-cert", str(keys.certificate)])
    assert not end.value.code
    return folder


def warm(repo: Path) -> None:
    """Give this test taxiway's cache as it is after `validate` of a repo that the session shares."""
    shutil.copytree(_cache_of(repo), os.environ["XDG_CACHE_HOME"])


@cache
def _cache_of(repo: Path) -> Path:
    folder = repo.with_name(f"{repo.name}-cache")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        cli.main(["validate", "-C", str(repo)])
    assert not end.value.code
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run of taxiway left behind."""

    code: int
    out: str
    err: str


Taxiway = Callable[..., Ran]


def loaded(names: Sequence[str], *arguments: str) -> tuple[str, list[str]]:
    """What `taxiway ARGUMENTS…` prints in a process of its own, and which of these modules it has loaded then."""
    script = (
        "import sys\nfrom bootstrap.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {[*names]!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    *lines, last = done.stdout.splitlines(keepends=True)
    return "".join(lines), ast.literal_eval(last)


@pytest.fixture
def taxiway(capsys: pytest.CaptureFixture[str]) -> Taxiway:
    """Run `taxiway ARGUMENTS…` in this process, as the console script does."""

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        code = end.value.code
        return Ran(code=code if isinstance(code, int) else int(code is not None), out=said.out, err=said.err)

    return run
