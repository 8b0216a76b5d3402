"""Temporary worktrees: commits that leave the user's checkout alone, and pushes that a remote refuses."""

import contextlib
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.core.changeset import ChangeSet
from bootstrap.core.errors import GitFailed
from bootstrap.gitrepo import remote, worktree
from bootstrap.gitrepo.remote import PushRefused, Reason
from tests.commands.test_init import git, snapshot

CHANGE = ChangeSet(
    writes={"overlays/dev/a.env": b"A=2\n", "overlays/dev/new/b.env": b"B=1\n"}, deletes=frozenset({"base/c.yaml"})
)


@contextlib.contextmanager
def silent(what: str) -> Iterator[None]:
    yield


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A clone of a bare repository, with one commit pushed, something staged, something changed and something new."""
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    git(tmp_path, "clone", "--quiet", "remote.git", "repo")
    repo = tmp_path / "repo"
    for path in ("README.md", "base/c.yaml", "overlays/dev/a.env", "overlays/far/a.env", "docs/d.md"):
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).write_text("A=1\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "first")
    git(repo, "push", "--quiet", "origin", "main")
    (repo / "docs/d.md").write_text("staged\n")
    git(repo, "add", "docs")
    (repo / "README.md").write_text("changed\n")
    (repo / "overlays/dev/untracked").write_text("new\n")
    return repo


def commit_change(repo: Path) -> str:
    """Commit CHANGE in a temporary worktree and return the commit's id."""
    with worktree.worktree(repo, git(repo, "rev-parse", "HEAD"), ("overlays/dev", "base")) as folder:
        return worktree.commit(folder, CHANGE, "a change")


def push(repo: Path, commit: str, expected: str | None = None, branch: str = "taxiway/x") -> None:
    worktree.push(repo, "origin", commit, branch, expected, progress=silent)


def user_state(repo: Path) -> dict[str, bytes | str]:
    """What belongs to the user: files, index, stash, settings, branches."""
    files = {path: data for path, data in snapshot(repo).items() if not path.startswith(".git/")}
    shown = (("branch", "--all"), ("worktree", "list"), ("stash", "list"), ("config", "--list", "--local"))
    commands = (("status", "--porcelain=v2", "--branch"), *shown)
    return {**files, **{" ".join(command): git(repo, *command) for command in commands}}


def test_only_the_named_folders_are_checked_out_and_indexed(repo: Path) -> None:
    with worktree.worktree(repo, git(repo, "rev-parse", "HEAD"), ("overlays/dev", "base")) as folder:
        assert set(snapshot(folder)) == {".git", "README.md", "base/c.yaml", "overlays/dev/a.env"}
        settings = ("core.sparseCheckout=true", "core.sparseCheckoutCone=true", "index.sparse=true")
        options = [word for setting in settings for word in ("-c", setting)]
        listed = git(folder, *options, "ls-files", "--sparse").splitlines()
    assert listed == ["README.md", "base/c.yaml", "docs/", "overlays/dev/a.env", "overlays/far/"]


def test_a_commit_has_the_change_only_and_the_user_s_checkout_stays(repo: Path) -> None:
    before = user_state(repo)
    commit = commit_change(repo)
    assert user_state(repo) == before
    changed = git(repo, "diff", "--name-status", "HEAD", commit).splitlines()
    assert changed == ["D\tbase/c.yaml", "M\toverlays/dev/a.env", "A\toverlays/dev/new/b.env"]
    assert git(repo, "show", f"{commit}:overlays/dev/a.env") == "A=2"
    assert git(repo, "log", "-1", "--format=%an %s %P", commit) == f"Test a change {git(repo, 'rev-parse', 'HEAD')}"
    assert not list((repo / ".git/taxiway").iterdir())


def test_only_the_named_folders_are_on_disk(repo: Path) -> None:
    with worktree.worktree(repo, "HEAD", ("overlays/dev",)) as folder:
        there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert there == {".git", "README.md", "overlays/dev/a.env"}


def test_the_remains_of_a_killed_run_are_removed(repo: Path) -> None:
    before = user_state(repo)
    script = (
        "import os, sys, pathlib; from bootstrap.gitrepo import worktree\n"
        "with worktree.worktree(pathlib.Path(sys.argv[1]), 'HEAD', ('base',)): os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", script, repo], check=False).returncode == 9
    assert (repo / ".git/taxiway/worktree/tree/base/c.yaml").is_file()
    commit_change(repo)
    assert user_state(repo) == before


def test_hooks_run_and_may_refuse(repo: Path) -> None:
    hook = repo / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\ntest -f overlays/dev/new/b.env || exit 9\necho 'no commits today' >&2\nexit 1\n")
    hook.chmod(0o755)
    before = user_state(repo)
    with pytest.raises(GitFailed, match="no commits today"):
        commit_change(repo)
    assert user_state(repo) == before


def test_commits_are_signed_as_configured(repo: Path, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    for key, value in (
        ("gpg.format", "ssh"),
        ("user.signingkey", str(tmp_path / "key.pub")),
        ("commit.gpgsign", "true"),
    ):
        git(repo, "config", key, value)
    assert "-----BEGIN SSH SIGNATURE-----" in git(repo, "cat-file", "commit", commit_change(repo))


def test_a_push_creates_and_updates_the_branch(repo: Path) -> None:
    commit = commit_change(repo)
    push(repo, commit)
    assert remote.heads(repo, "origin", "taxiway/*") == {"taxiway/x": commit}
    other = git(repo, "rev-parse", "HEAD")
    push(repo, other, expected=commit)
    assert remote.heads(repo, "origin", "taxiway/*") == {"taxiway/x": other}
    assert worktree.fetch(repo, "origin", "taxiway/x") == other


@pytest.mark.parametrize("expected", [None, "first"])
def test_a_branch_that_someone_else_moved_is_not_overwritten(repo: Path, expected: str | None) -> None:
    theirs, ours = git(repo, "commit-tree", "-m", "theirs", "HEAD^{tree}"), commit_change(repo)
    push(repo, theirs)
    with pytest.raises(PushRefused) as caught:
        push(repo, ours, expected=git(repo, "rev-parse", "HEAD") if expected else None)
    assert caught.value.reason is Reason.MOVED
    assert remote.heads(repo, "origin", "*") == {"main": git(repo, "rev-parse", "HEAD"), "taxiway/x": theirs}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("GH006: Protected branch update failed for refs/heads/taxiway/x.", Reason.PROTECTED),
        ("GitLab: You are not allowed to push code to protected branches on this project.", Reason.PROTECTED),
        ("commit messages need a ticket", Reason.HOOK),
    ],
)
def test_a_declined_push_quotes_the_remote(repo: Path, said: str, reason: Reason) -> None:
    hook = repo.parent / "remote.git/hooks/pre-receive"
    hook.write_text(f"#!/bin/sh\necho 'error: {said}' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(PushRefused) as caught:
        push(repo, commit_change(repo))
    assert (caught.value.reason, said in caught.value.message) == (reason, True)
    assert caught.value.hint


def test_a_login_without_write_access_is_reported(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\necho 'git@git.example.com: Permission denied (publickey).' >&2\nexit 255\n")
    ssh.chmod(stat.S_IRWXU)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    git(repo, "remote", "set-url", "origin", "git@git.example.com:acme/envs.git")
    with pytest.raises(PushRefused) as caught:
        push(repo, commit_change(repo))
    assert caught.value.reason is Reason.DENIED


def test_a_push_is_retried_after_a_network_failure_and_no_login_is_shown(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("bootstrap.gitrepo.worktree.time.sleep", pauses.append)
    git(repo, "remote", "set-url", "origin", "http://team:s3cret-token@127.0.0.1:1/envs.git")
    with pytest.raises(PushRefused) as caught:
        push(repo, commit_change(repo))
    assert caught.value.reason is Reason.NETWORK
    assert pauses == [2.0, 4.0]
    assert "s3cret-token" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fatal: unable to access 'https://team:s3cret@h/a.git/'", "fatal: unable to access 'https://h/a.git/'"),
        ("https://team:p@ss@h/a.git and ssh://git@h/b", "https://h/a.git and ssh://h/b"),
        ("https://h/a@b.git", "https://h/a@b.git"),
    ],
)
def test_no_login_of_a_url_is_left(text: str, shown: str) -> None:
    assert remote.without_login(text) == shown
