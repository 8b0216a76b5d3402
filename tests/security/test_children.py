"""What other programs get of our environment, and what Git is kept from running while we only look at a repo."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from bootstrap.cluster.kubectl import Kubectl
from bootstrap.core.errors import BadTarget
from bootstrap.gitrepo import command as git_command
from bootstrap.gitrepo import gitpython, status
from bootstrap.gitrepo import repository as git_repository
from bootstrap.gitrepo.snapshot import Commit, WorkTree, files_of
from bootstrap.kustomize.build import Kustomize
from bootstrap.system import files as writer
from bootstrap.system import process
from bootstrap.system.child_environment import Child
from tests import environment_repo
from tests.commands.test_init import git as run_git
from tests.conftest import Taxiway

SECRETS = (
    "TAXIWAY_TOKEN", "GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN", "GITEA_TOKEN",
    "FORGEJO_TOKEN", "NPM_TOKEN", "PYPI_PASSWORD", "MISE_GITHUB_TOKEN", "SOPS_AGE_KEY", "ACTIONS_RUNTIME_TOKEN",
)  # fmt: skip
CLOUD = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_CLIENT_SECRET", "GOOGLE_APPLICATION_CREDENTIALS")
# Where a hook starts us, or a hostile wrapper: these lead Git to another repository, or have it run something.
STRAY = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR",
    "GIT_NAMESPACE", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH", "GIT_EXTERNAL_DIFF",
    "GIT_EDITOR", "GIT_PAGER", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_SHALLOW_FILE", "GIT_ATTR_SOURCE",
    "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_REPLACE_REF_BASE", "GIT_REFLOG_ACTION", "GIT_SEQUENCE_EDITOR",
)  # fmt: skip
MEANT = ("GIT_SSH_COMMAND", "GIT_AUTHOR_NAME", "GIT_COMMITTER_EMAIL", "GIT_CONFIG_GLOBAL", "GIT_SSL_CAINFO")


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Secrets and stray variables all around, and programs that write down what they get of it."""
    for name in (*SECRETS, *CLOUD, *STRAY):
        monkeypatch.setenv(name, str(tmp_path / f"value-of-{name}"))
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("git", "kubectl", "kustomize"):
        real = shutil.which("kubectl") if name == "kustomize" else shutil.which(name)
        words = 'kustomize "$2"' if name == "kustomize" else '"$@"'
        script = f'#!/bin/sh\n{{ echo "$*"; env; }} >>{tmp_path}/{name}.log\nexec {real} {words}\n'
        (folder / name).write_text(script)
        (folder / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def seen(log: Path) -> set[str]:
    """The names of the variables that a program got, in any of its runs."""
    return {line.partition("=")[0] for line in log.read_text().splitlines()}


def repository(folder: Path, **files: str) -> Path:
    run_git(folder.parent, "init", "--quiet", folder.name)
    writer.write_new(folder, environment_repo.repo("dev"))
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "-m", "all")
    return folder


def test_each_program_gets_what_it_needs(tmp_path: Path, taxiway: Taxiway, monkeypatch: pytest.MonkeyPatch) -> None:
    top = repository(tmp_path / "clone")
    with monkeypatch.context() as patch:
        folder = surroundings.__wrapped__(tmp_path, patch)  # type: ignore[attr-defined]
        said = taxiway("render", "dev", "--directory", top)
        assert said.code == 0, said.err
        assert taxiway("validate", "--server", "--directory", top).code
        assert taxiway("diff", "--directory", top).code == 0
        assert os.environ["GIT_DIR"]  # ours is as it was
    got = {name: seen(folder / f"{name}.log") for name in ("git", "kubectl", "kustomize")}
    assert all(got[name] >= {"PATH", "HOME"} for name in got)
    assert not got["kustomize"] & {*SECRETS, *CLOUD, *STRAY}
    assert f"KUBECONFIG={os.devnull}\n" in (folder / "kustomize.log").read_text()
    assert not got["kubectl"] & {*SECRETS, *STRAY} and got["kubectl"] >= {*CLOUD, "KUBECONFIG"}
    assert not got["git"] & {*STRAY, "TAXIWAY_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN"}
    assert got["git"] >= {"GIT_CONFIG_NOSYSTEM"}


def test_tokens_reach_git_only_where_it_goes_to_a_remote(surroundings: Path) -> None:
    """`gh auth git-credential` and helpers of CI hand out what is in the environment; ours is nobody's."""
    top = surroundings / "clone"
    clean = {name: value for name, value in os.environ.items() if name not in STRAY}
    subprocess.run(["git", "init", "--quiet", top], check=True, env=clean)
    (surroundings / "git.log").unlink()
    git_command.git(top, "status")
    assert not seen(surroundings / "git.log") & {"TAXIWAY_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"}
    git_command.try_git(top, "ls-remote", "--heads", "origin")
    assert seen(surroundings / "git.log") >= {"GH_TOKEN", "GITHUB_TOKEN"}
    assert "TAXIWAY_TOKEN" not in seen(surroundings / "git.log")


def test_init_that_a_hook_starts_works_on_its_own_repository(surroundings: Path) -> None:
    """GitPython gives its children all of our environment, unless that is another for so long."""
    before = dict(os.environ)
    (surroundings / "new").mkdir()
    made = gitpython.ScaffoldRepository.create(surroundings / "new", "main", None)
    (surroundings / "new/a").write_text("a")
    made.commit_all("all")
    assert not seen(surroundings / "git.log") & {*STRAY, "TAXIWAY_TOKEN", "GH_TOKEN"}
    assert dict(os.environ) == before


@pytest.mark.parametrize("child", list(Child), ids=lambda child: child.name)
def test_the_lists_of_each_kind(child: Child) -> None:
    names = {
        *SECRETS,
        *CLOUD,
        *STRAY,
        *MEANT,
        "PATH",
        "HOME",
        "LC_ALL",
        "XDG_CACHE_HOME",
        "GIT_DIR2",
        "git_dir",
        "PATHX",
    }
    got = set(child.environment(dict.fromkeys(names, "x")))
    assert got >= {"PATH", "HOME", "LC_ALL", "XDG_CACHE_HOME"}
    assert not got & {*STRAY, "TAXIWAY_TOKEN", "GIT_DIR2"}
    if child in (Child.GIT, Child.GIT_REMOTE):
        assert got >= {*MEANT, "NPM_TOKEN", "PATHX"}  # the user's own hooks may need anything
    else:
        assert not got & {*SECRETS, *MEANT, "PATHX"}
    assert (child in (Child.PLAIN, Child.FORGE_CLI)) is not bool(got & {*CLOUD})


def test_without_a_word_a_program_gets_the_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GH_TOKEN", "x")
    assert b"GH_TOKEN" not in process.run(["env"]).out
    assert b"OWN=1" in process.run(["env"], env={"OWN": "1"}).out


def test_kustomize_and_kubectl_ask_for_their_kind(surroundings: Path) -> None:
    (surroundings / "a/b").mkdir(parents=True)
    (surroundings / "a/b/kustomization.yaml").write_text("resources: []\n")
    Kustomize.find().identity()
    Kubectl.find()
    assert not seen(surroundings / "kustomize.log") & {*SECRETS, *CLOUD, *STRAY}


def embedded(folder: Path, marker: Path) -> Path:
    """A folder of a work tree that is made like a bare repository, so that all of it can be committed and cloned."""
    run_git(folder, "init", "--quiet", "--bare", "docs")
    docs = folder / "docs"
    for name, value in {
        "core.bare": "false",
        "core.worktree": ".",
        "core.fsmonitor": f"touch {marker}; false",
        "core.hooksPath": str(docs / "hooks"),
        "filter.x.clean": f"touch {marker}; cat",
        "remote.origin.url": "https://evil.example/a/b.git",
    }.items():
        subprocess.run(["git", "config", "--file", docs / "config", name, value], check=True)
    (docs / "taxiway.yaml").write_bytes(environment_repo.model("dev").render())
    (docs / ".gitattributes").write_text("* filter=x\n")
    return docs


@pytest.mark.parametrize(
    "command",
    [("validate",), ("render", "dev"), ("diff",), ("diff", "--comment", "7"), ("hold", "dev", "--reason", "x")],
    ids=" ".join,
)
def test_a_committed_bare_repository_runs_nothing(tmp_path: Path, taxiway: Taxiway, command: tuple[str, ...]) -> None:
    top = repository(tmp_path / "clone")
    docs = embedded(top, tmp_path / "run")
    said = taxiway(*command, "--directory", docs)
    assert (said.code, "made like a bare Git repository" in said.err) == (5, True), said.err
    assert not (tmp_path / "run").exists()
    run_git(docs, "status")  # a plain Git does
    assert (tmp_path / "run").exists()


def test_a_bare_repository_that_is_only_there_is_no_matter(tmp_path: Path, taxiway: Taxiway) -> None:
    top = repository(tmp_path / "clone")
    docs = embedded(top, tmp_path / "run")
    (docs / "taxiway.yaml").unlink()
    assert taxiway("render", "dev", "--directory", top).code == 0
    assert not (tmp_path / "run").exists()
    with pytest.raises(BadTarget, match="made like a bare"):
        git_command.git(docs / "objects", "status")


def driven(tmp_path: Path) -> Path:
    """A repo whose .gitattributes chooses what the user has configured for other repos: filters, drivers of diffs."""
    top = repository(tmp_path / "clone", __gitattributes="* filter=x diff=x\n*.env eol=crlf\n")
    run = f"touch {tmp_path}/run"
    for name, value in {
        "filter.x.clean": f"{run}; cat",
        "filter.x.smudge": f"{run}; cat",
        "filter.x.required": "true",
        "filter.y z.process": run,
        "diff.x.textconv": f"{run}; cat",
        "diff.x.command": run,
        "diff.external": run,
        "core.fsmonitor": run,
        "log.showSignature": "true",
        "gpg.program": f"{tmp_path}/gpg",
    }.items():
        run_git(top, "config", "--global", name, value)
    return top


def test_what_only_looks_runs_no_filter_and_no_driver(tmp_path: Path, taxiway: Taxiway) -> None:
    top = driven(tmp_path)
    path = top / "overlays/dev/airflow.env"
    (tmp_path / "run").unlink(missing_ok=True)
    path.write_bytes(path.read_bytes() + b"# another line\n")
    for other in top.rglob("*.yaml"):
        os.utime(other)  # so that Git has to look into it
    commit = Commit.of(top, "HEAD")
    files = commit.read(["overlays/dev", "base"])["overlays/dev"].tree.files
    assert b"\r" not in files["overlays/dev/airflow.env"]
    assert status.altered(top) == {"overlays/dev/airflow.env"}
    assert WorkTree(top).parts() == commit.parts()
    git_command.git(top, "diff", "HEAD", "--", "overlays/dev/airflow.env")
    git_command.git(top, "log", "-p", "--format=%H")
    for command in (("validate",), ("render", "dev"), ("diff",), ("diff", "--to", "HEAD")):
        taxiway(*command, "--directory", top)
    assert not (tmp_path / "run").exists()
    run_git(top, "status")
    assert (tmp_path / "run").exists()  # a plain Git does


def test_what_is_committed_goes_through_the_user_s_filter(tmp_path: Path) -> None:
    """git-crypt is one: without it, what is meant to be encrypted would be committed in the clear."""
    top = repository(tmp_path / "clone", __gitattributes="secret filter=x\n")
    run_git(top, "config", "filter.x.clean", "tr a-z A-Z")
    (top / "secret").write_text("plain")
    git_repository.Repository(top).stage(["secret"])
    git_command.git(top, "commit", "--quiet", "--message", "a secret")
    assert run_git(top, "cat-file", "blob", "HEAD:secret") == "PLAIN"


NAMES = (
    "*",
    "?",
    "[a-z]",
    ":(exclude)x",
    ":(glob)**",
    ":!x",
    ":/",
    "-x",
    "--force",
    "a\nb",
    "a b",
    "é",
    '"q"',
    "--",
    ":(literal)y",
)


def test_a_file_s_name_is_a_name_and_nothing_else(tmp_path: Path) -> None:
    top = repository(tmp_path / "clone")
    folder = top / "overlays/dev/odd"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n") if not name.endswith("/") else None
    odd = sorted(f"overlays/dev/odd/{path.name}" for path in folder.iterdir())
    there = git_repository.Repository(top)
    assert [sorted(there.files(path)) for path in odd] == [[path] for path in odd]
    assert status.altered(top, *odd) == set(odd)
    there.stage(odd)
    assert [there.changed([path]) for path in odd] == [[path] for path in odd]
    git_command.git(top, "commit", "--quiet", "--message", "odd", "--only", "--", *odd)
    assert there.in_head(["overlays/dev/odd/*"]) == {"overlays/dev/odd/*"}
    read = Commit.of(top, "HEAD").read(["overlays/dev"])["overlays/dev"].tree.files
    assert {path: read[path] for path in odd} == {path: (top / path).read_bytes() for path in odd}
    (folder / "*").write_text("changed\n")
    assert status.altered(top, *[path for path in odd if not path.endswith("*")]) == frozenset()


@pytest.mark.parametrize("name", NAMES)
def test_at_the_top_too(tmp_path: Path, name: str) -> None:
    top = tmp_path / "clone"
    run_git(tmp_path, "init", "--quiet", "clone")
    if name == ":/":
        return
    (top / name).write_text("odd\n")
    (top / "x").write_text("x\n")
    there = gitpython.ScaffoldRepository(top)
    there.commit([name], "odd")
    assert git_command.git(top, "ls-tree", "-z", "--name-only", "HEAD").split("\0")[:-1] == [name]
    assert there.in_head([name]) == {name} and there.in_head(["x"]) == set()
    assert files_of(Commit.of(top, "HEAD"), name) == {name: b"odd\n"}
    assert there.files(name) == [name]
    there.forget([name])
    assert status.altered(top, name) == {name}


def test_a_line_end_in_a_name_asks_for_no_other_object(tmp_path: Path) -> None:
    """`git cat-file --batch` reads one question a line."""
    top = repository(tmp_path / "clone")
    other = run_git(top, "rev-parse", "HEAD:taxiway.yaml")
    name = f"overlays/dev/a\n{other} b"
    (top / name).write_text("its own\n")
    (top / "overlays/dev/zzz").write_text("last\n")
    run_git(top, "add", "--all")
    run_git(top, "commit", "--quiet", "-m", "odd")
    read = Commit.of(top, "HEAD").read(["overlays/dev"])["overlays/dev"].tree.files
    assert (read[name], read["overlays/dev/zzz"]) == (b"its own\n", b"last\n")


def test_a_file_can_t_pass_off_a_part_of_itself_as_another(tmp_path: Path) -> None:
    """With `--filters`, `git cat-file --batch` tells the size before line ends are converted."""
    top = repository(tmp_path / "clone", __gitattributes="* text eol=crlf\n")
    forged = "x: forged"
    blob = run_git(top, "rev-parse", "HEAD:taxiway.yaml")
    (top / "overlays/dev/a.yaml").write_text("\n" * 60 + f"\n{blob} blob {len(forged)}\n{forged}\n" * 3)
    (top / "overlays/dev/b.yaml").write_text("x: true\n")
    run_git(top, "add", "--all")
    run_git(top, "commit", "--quiet", "-m", "odd")
    read = Commit.of(top, "HEAD").read(["overlays/dev"])["overlays/dev"].tree.files
    assert read["overlays/dev/b.yaml"] == b"x: true\n"
    for path, data in read.items():
        assert (
            data == subprocess.run(["git", "-C", top, "show", f"HEAD:{path}"], capture_output=True, check=True).stdout
        )


def test_check_version_changes_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/somewhere")
    git_repository.check_version()
    assert os.environ["GIT_DIR"] == "/somewhere"
