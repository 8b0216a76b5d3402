"""Law 9 for writing: whatever the repo holds, nothing outside of it is written or deleted, and nothing half done."""

import contextlib
import hashlib
import itertools
import json
import os
import resource
import socket
import stat
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.core import paths
from bootstrap.core.changeset import ChangeSet
from bootstrap.core.errors import BadTarget, GitFailed
from bootstrap.core.tree import Tree
from bootstrap.gitrepo import commit
from bootstrap.kubernetes import formats
from bootstrap.system import files
from bootstrap.system.locks import exclusive_folder
from tests.commands import conftest as shared
from tests.commands.test_init import git
from tests.conftest import REPO_URL, Keys, Ran, Taxiway

origin, remote, repo = shared.origin, shared.remote, shared.repo
Facts = dict[str, tuple[int, bytes | str]]


def facts(folder: Path) -> Facts:
    """Everything below a folder but Git's own: its mode, and what it holds or, for a link, leads to."""
    found: Facts = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        for path in (Path(place, name) for name in (*folders, *names) if name != ".git"):
            mode = path.lstat().st_mode
            held = str(path.readlink()) if stat.S_ISLNK(mode) else path.read_bytes() if stat.S_ISREG(mode) else b""
            found[path.relative_to(folder).as_posix()] = (mode, held)
    return found


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A folder that nobody may touch, with files of the names that taxiway writes."""
    folder = tmp_path / "canary"
    for name in ("kustomization.yaml", "airflow.env", "README.md", "base/airflow/kustomization.yaml", "file"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("photos\n")
    (folder / "empty").mkdir()
    return folder


def clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        files.remove_folder(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)


def link(end: str) -> Callable[[Path, Path], None]:
    def put(path: Path, canary: Path) -> None:
        clear(path)
        path.symlink_to(end.format(canary=canary))

    return put


def loop(path: Path, canary: Path) -> None:
    clear(path)
    path.symlink_to(path.name)


def fifo(path: Path, canary: Path) -> None:
    clear(path)
    os.mkfifo(path)


def unix_socket(path: Path, canary: Path) -> None:
    clear(path)
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket has 108 bytes at most
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(path.name)
    os.chdir(here)


def folder(path: Path, canary: Path) -> None:
    clear(path)
    (path / "in").mkdir(parents=True)
    (path / "in/photo").write_text("mine\n")


def file(path: Path, canary: Path) -> None:
    clear(path)
    path.write_text("mine\n")


SHAPES = {
    "outside": link("{canary}"),
    "outside-relative": link("../../../../../../../../../../../../../../../{canary}"),
    "file-outside": link("{canary}/file"),
    "empty-outside": link("{canary}/empty"),
    "new-outside": link("{canary}/new"),
    "dangling": link("nothing-of-this-name"),
    "loop": loop,
    "null": link("/dev/null"),
    "zero": link("/dev/zero"),
    "proc": link("/proc/self/cwd"),
    "git": link("../../.git"),
    "hooks": link("{canary}/../repo/.git/hooks"),
    "environment": link("../prod"),
    "escapes": link("\x1b]0;owned\x07\n::error::"),
    "fifo": fifo,
    "socket": unix_socket,
    "folder": folder,
    "file": file,
}


def publish(repo: Path) -> None:
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "a pull request of a stranger's")
    git(repo, "push", "--quiet", "origin", "HEAD:main")


def refused(said: Ran, *says: str, code: int = 5) -> None:
    assert said.code == code, said.err
    assert said.err.count("error: ") == 1, said.err
    assert "Traceback" not in said.err
    assert "\x1b" not in said.err
    assert said.out == ""
    for each in says:
        assert each in said.err


CONFIG = ("set", "config", "dev", "AIRFLOW__CORE__PARALLELISM=64")
ADD = ("env", "add", "qa")
LINK = "is a symbolic link to"
COMMANDS: list[tuple[tuple[str, ...], str, str, str]] = [
    (ADD, "overlays/qa", "outside", LINK),
    (ADD, "overlays/qa", "environment", f"overlays/qa {LINK} ../prod, and taxiway writes through no link"),
    (ADD, "overlays/qa", "loop", LINK),
    (ADD, "overlays/qa", "git", LINK),
    (ADD, "overlays/qa", "escapes", r"'\x1b]0;owned\x07\n::error::'"),
    (ADD, "overlays/qa", "fifo", "is a named pipe, where a folder is needed"),
    (ADD, "overlays/qa", "file", "overlays/qa is a file, where a folder is needed"),
    (ADD, "overlays/qa/base/airflow", "outside-relative", f"overlays/qa/base/airflow {LINK}"),
    (ADD, "overlays/qa/secrets", "empty-outside", LINK),
    (ADD, "overlays/qa/airflow.env", "file-outside", f"overlays/qa/airflow.env {LINK}"),
    (ADD, "overlays/qa/airflow.env", "null", f"{LINK} /dev/null"),
    (ADD, "overlays/qa/airflow.env", "socket", "is a socket, where a file is needed"),
    (ADD, "overlays/qa/airflow.env", "folder", "overlays/qa/airflow.env/in/photo is in the way"),
    (ADD, "clusters/default", "hooks", f"clusters/default {LINK}"),
    (ADD, "clusters/default/qa.yaml", "new-outside", LINK),
    ((*ADD, "--pr"), "overlays/qa", "outside", LINK),
    ((*ADD, "--pr"), "clusters/default/qa.yaml", "dangling", f"{LINK} nothing-of-this-name"),
    (CONFIG, "overlays/dev/airflow.env", "file-outside", LINK),
    (CONFIG, "overlays/dev/airflow.env", "zero", f"{LINK} /dev/zero"),
    (CONFIG, "overlays/dev/airflow.env", "folder", "overlays/dev/airflow.env is a folder, where a file is needed"),
    ((*CONFIG, "--pr"), "overlays/dev/airflow.env", "proc", LINK),
    (("set", "image", "airflow=apache/airflow:3.3.4"), "overlays/dev/release/release.env", "file-outside", LINK),
    (("promote", "dev", "staging"), "overlays/staging/base/components/x", "outside", LINK),
    (("promote", "dev", "staging"), "overlays/staging/base/components/x/kustomization.yaml", "environment", LINK),
]


@pytest.mark.parametrize(("arguments", "place", "shape", "says"), COMMANDS)
def test_a_command_writes_nothing_but_in_the_repo(
    repo: Path,
    remote: Path,
    canary: Path,
    taxiway: Taxiway,
    arguments: tuple[str, ...],
    place: str,
    shape: str,
    says: str,
) -> None:
    if arguments[0] == "promote":
        (repo / "base/components/x").mkdir()
        component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
        (repo / "base/components/x/kustomization.yaml").write_text(component)
    SHAPES[shape](repo / place, canary)
    publish(repo)
    before = facts(canary), facts(repo), git(repo, "status", "--porcelain"), git(remote, "for-each-ref")
    refused(taxiway(*arguments), says)
    assert (facts(canary), facts(repo), git(repo, "status", "--porcelain"), git(remote, "for-each-ref")) == before
    assert git(repo, "worktree", "list").count("\n") == 0


def test_a_release_is_not_put_back_through_a_link(repo: Path, remote: Path, canary: Path, taxiway: Taxiway) -> None:
    place, release = repo / "overlays/staging/base/extra", repo / "overlays/staging/release/kustomization.yaml"
    place.mkdir()
    (place / "file").write_text("a: b\n")
    shared.edit(release, '"3.3.2"', '"3.3.3"')
    publish(repo)
    old = git(repo, "rev-parse", "HEAD")
    shared.edit(release, '"3.3.3"', '"3.3.2"')
    link("{canary}")(place, canary)
    publish(repo)
    before = facts(canary), facts(repo), git(remote, "for-each-ref")
    refused(taxiway("rollback", "staging", "--to", old), "overlays/staging/base/extra is a symbolic link to")
    assert (facts(canary), facts(repo), git(remote, "for-each-ref")) == before


@pytest.mark.parametrize(
    ("place", "shape"),
    [
        ("base", "outside"), ("base", "environment"), ("base/airflow", "outside-relative"),
        ("README.md", "file-outside"),
        ("taxiway.yaml", "dangling"), (".github", "hooks"), ("overlays/dev", "loop"), ("clusters", "null"),
        ("clusters/default", "escapes"),
    ],
)  # fmt: skip
def test_init_puts_nothing_behind_a_link(
    tmp_path: Path, canary: Path, keys: Keys, taxiway: Taxiway, place: str, shape: str
) -> None:
    repo = tmp_path / "repo"
    git(tmp_path, "init", "--quiet", "repo")
    SHAPES[shape](repo / place, canary)
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "a stranger's")
    before = facts(canary), facts(repo)
    refused(
        taxiway("init", repo, "--repo", REPO_URL, "--sealing-cert", keys.certificate), f"{place} is a symbolic link"
    )
    assert (facts(canary), facts(repo)) == before
    assert not (repo / ".git/taxiway").exists()


@pytest.mark.parametrize("name", [".envs.taxiway"])
@pytest.mark.parametrize("shape", ["outside", "dangling", "loop", "fifo", "file"])
def test_what_stands_beside_a_new_folder_is_not_followed(
    tmp_path: Path, canary: Path, keys: Keys, taxiway: Taxiway, name: str, shape: str
) -> None:
    SHAPES[shape](tmp_path / name, canary)
    before = facts(tmp_path)
    refused(taxiway("init", tmp_path / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate), name)
    assert facts(tmp_path) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_folder_of_another_user_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/photo").write_text("theirs\n")
    os.chown(tmp_path / "own", 1234, 1234)
    with pytest.raises(BadTarget, match="another user's folder"), exclusive_folder(tmp_path, "own"):
        pass
    assert (tmp_path / "own/photo").exists()


@pytest.mark.parametrize("path", ["../canary/file", "/etc/passwd", "a/../../x", ".git/config", "a\0b", 7])
def test_a_journal_takes_back_only_what_is_in_the_repo(
    tmp_path: Path, canary: Path, keys: Keys, taxiway: Taxiway, path: object
) -> None:
    repo = tmp_path / "repo"
    git(tmp_path, "init", "--quiet", "repo")
    (repo / ".git/taxiway").mkdir()
    digest = hashlib.sha256(b"photos\n").hexdigest()
    (repo / ".git/taxiway/journal.json").write_text(json.dumps({path: digest} if isinstance(path, str) else [path]))
    before = facts(canary), (repo / ".git/config").read_bytes()
    refused(taxiway("init", repo, "--repo", REPO_URL, "--sealing-cert", keys.certificate))
    assert (facts(canary), (repo / ".git/config").read_bytes()) == before


def test_a_journal_takes_nothing_back_through_a_link(
    tmp_path: Path, canary: Path, keys: Keys, taxiway: Taxiway
) -> None:
    repo = tmp_path / "repo"
    git(tmp_path, "init", "--quiet", "repo")
    (repo / ".git/taxiway").mkdir()
    digest = hashlib.sha256(b"photos\n").hexdigest()
    (repo / ".git/taxiway/journal.json").write_text(json.dumps({"base/file": digest}))
    (repo / "base").symlink_to(canary)
    before = facts(canary)
    refused(taxiway("init", repo, "--repo", REPO_URL, "--sealing-cert", keys.certificate), "base is a symbolic link to")
    assert facts(canary) == before


@pytest.mark.parametrize("call", [1, 2, 3])  # before all, by the commit, and once more by the writer
@pytest.mark.parametrize("arguments", [CONFIG, ("env", "remove", "prod", "--yes")], ids=["writes", "deletes"])
def test_a_folder_that_becomes_a_link_after_the_check_is_not_followed(
    repo: Path, tmp_path: Path, taxiway: Taxiway, monkeypatch: pytest.MonkeyPatch, call: int, arguments: tuple[str, ...]
) -> None:
    place, outside = repo / "overlays" / arguments[2], tmp_path / "outside"
    real, calls = files.check_writable, iter(range(1, 9))

    def check(*asked: Any) -> None:
        real(*asked)
        if next(calls) == call:
            place.rename(outside)
            place.symlink_to(outside)
            found.update(facts(outside))

    found: Facts = {}
    monkeypatch.setattr(files, "check_writable", check)
    refused(taxiway(*arguments), "is a symbolic link")
    assert found
    assert facts(outside) == found


@pytest.mark.parametrize("place", ["overlays/dev", "overlays/dev/release"])
def test_a_refused_commit_is_not_taken_back_through_a_link(
    repo: Path, tmp_path: Path, taxiway: Taxiway, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    outside = tmp_path / "outside"
    hook = repo / ".git/hooks/pre-commit"
    hook.write_text(f"#!/bin/sh\nmv {place} {outside} && ln -s {outside} {place}\necho no >&2\nexit 1\n")
    hook.chmod(0o755)
    said = taxiway("set", "image", "airflow=apache/airflow:3.3.4")
    assert "Traceback" not in said.err
    assert said.code == 8
    assert "3.3.4" in "".join(path.read_text() for path in outside.rglob("kustomization.yaml"))  # as the hook moved it


def test_a_file_called_like_a_pattern_takes_no_other_along(repo: Path, taxiway: Taxiway) -> None:
    (repo / "overlays/dev/release/*").write_text("x\n")
    publish(repo)
    own = repo / "overlays/dev/release/mine.env"
    own.write_text("mine\n")
    git(repo, "add", str(own))
    commit.commit(repo, ChangeSet(writes={"overlays/dev/release/*": b"y\n"}), "x")
    assert git(repo, "show", "--name-only", "--format=", "HEAD").splitlines() == ["overlays/dev/release/*"]
    hook = repo / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    shared.edit(repo / "overlays/dev/release/kustomization.yaml", "3.3.2", "3.3.9")
    with pytest.raises(GitFailed):
        commit.commit(repo, ChangeSet(writes={"overlays/dev/release/*": b"z\n"}), "x")
    assert "3.3.9" in (repo / "overlays/dev/release/kustomization.yaml").read_text()
    assert own.read_text() == "mine\n"


def test_folders_in_gits_own_are_for_the_user_alone(repo: Path, taxiway: Taxiway) -> None:
    os.umask(os.umask(0o002))
    assert taxiway(*CONFIG, "--pr").code == 0
    assert stat.S_IMODE((repo / ".git/taxiway").stat().st_mode) == 0o700
    cache = Path(os.environ["XDG_CACHE_HOME"])
    assert {stat.S_IMODE(path.stat().st_mode) for path in (cache, *cache.rglob("*")) if path.is_dir()} == {0o700}


# The writer by itself.


@pytest.fixture
def top(tmp_path: Path, canary: Path) -> Path:
    """A folder with a file."""
    folder = tmp_path / "top/inner"
    (folder / "overlays/dev").mkdir(parents=True)
    (folder / "overlays/dev/airflow.env").write_text("A=1\n")
    return folder


@pytest.mark.parametrize("shape", sorted(SHAPES.keys() - {"folder", "file"}))
@pytest.mark.parametrize("place", ["overlays", "overlays/dev", "overlays/dev/new", "overlays/dev/airflow.env"])
@pytest.mark.parametrize("delete", [False, True])
def test_nothing_is_written_or_deleted_through_any_shape(
    top: Path, canary: Path, shape: str, place: str, delete: bool
) -> None:
    target = place if place.endswith(".env") else f"{place}/file"
    (top / "other").write_text("old\n")
    SHAPES[shape](top / place, canary)
    before = facts(top), facts(canary)
    with pytest.raises(BadTarget) as end:
        files.apply(top, {"other": b"new\n", **({} if delete else {target: b"x"})}, [target] if delete else [])
    assert end.value.message.startswith(place)
    assert end.value.message.isprintable()
    assert (facts(top), facts(canary)) == before


BAD = [
    "", "/", "/etc/passwd", "..", "../x", "a/../../x", "a/..", ".", "./a", "a//b", "a/", "a\0b", "\ud800",
    ".git",    ".git/hooks/pre-commit", "a/.git/config", ".GIT/config", ".Git", "git~1/config", "GIT~1",
    ".git./x", ".git /x", ".git. ./x",
    ".git::$INDEX_ALLOCATION/x", ".g\u200cit/x", "\ufeff.git", ".gi\u206at\u202e",
    "a\\.git\\x",
]  # fmt: skip


@pytest.mark.parametrize("path", BAD)
def test_a_path_that_leaves_the_folder_or_enters_gits_is_refused(top: Path, path: str) -> None:
    before = facts(top.parent)
    for writes, deletes in (({"ok": b"", path: b""}, []), ({"ok": b""}, [path])):
        with pytest.raises(BadTarget) as end:
            files.apply(top, writes, deletes)
        assert end.value.message.isprintable()
    for bad in (path, f"a/{path}"):
        assert paths.problem(bad) or bad == "a//etc/passwd"
    assert facts(top.parent) == before


@pytest.mark.parametrize(
    "path", [".gitignore", ".gitattributes", ".github/x", "a.git/x", "git/x", "...", "a b", "é", "-x", "a\\b"]
)
def test_other_names_are_written(top: Path, path: str) -> None:
    files.apply(top, {path: b"x"})
    assert (top / path).read_bytes() == b"x"
    files.apply(top, {}, [path])
    assert not (top / path).exists()


NAMES = st.text(st.sampled_from("a./\\~gitGIT1 :\0\u200c\n"), max_size=12)


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True), st.lists(NAMES, max_size=2))
def test_whatever_the_paths_nothing_outside_changes(writes: list[str], deletes: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder, "a/top")
        (top / ".git").mkdir(parents=True)
        (top / ".git/config").write_text("x")
        Path(folder, "a/a").write_text("photos\n")
        before = facts(top)
        try:
            files.apply(top, dict.fromkeys(writes, b"x"), deletes)
        except BadTarget:
            assert facts(top) == before
        else:
            assert all((top / path).read_bytes() == b"x" for path in writes)
        assert (top / ".git/config").read_text() == "x"
        assert [path.name for path in (top / ".git").iterdir()] == ["config"]
        assert sorted(path.name for path in Path(folder, "a").iterdir()) == ["a", "top"]
        assert Path(folder, "a/a").read_text() == "photos\n"


def test_a_folder_that_is_swapped_all_the_time_leads_nowhere(top: Path, canary: Path, tmp_path: Path) -> None:
    place, aside = top / "overlays/dev", tmp_path / "aside"
    before, ended, written = facts(canary), threading.Event(), 0
    aside.mkdir()

    def swap() -> None:
        for number in itertools.count():
            if ended.is_set():
                return
            for step in (lambda: place.rename(aside / f"{number}"), lambda: place.symlink_to(canary), place.unlink):  # noqa: B023
                with contextlib.suppress(OSError):
                    step()

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for number in range(400):
            with contextlib.suppress(BadTarget, OSError):
                files.apply(top, {"overlays/dev/file": b"%d" % number}, ["overlays/dev/airflow.env"])
                written += 1
    finally:
        ended.set()
        swapper.join()
    assert facts(canary) == before
    assert written > 0


def test_a_mode_stays_and_a_hard_link_is_not_written_through(top: Path, canary: Path) -> None:
    path = top / "run.sh"
    path.hardlink_to(canary / "file")
    path.chmod(0o750)
    files.apply(top, {"run.sh": b"new\n"})
    assert (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) == (0o750, b"new\n")
    assert (canary / "file").read_text() == "photos\n"


def test_a_file_and_a_folder_take_each_others_place(top: Path) -> None:
    files.apply(top, {"overlays/dev": b"x"}, ["overlays/dev/airflow.env"])
    assert (top / "overlays/dev").read_bytes() == b"x"
    files.apply(top, {"overlays/dev/airflow.env": b"y"}, ["overlays/dev"])
    assert (top / "overlays/dev/airflow.env").read_bytes() == b"y"
    with pytest.raises(BadTarget, match="would be in a, which is a file"):
        files.apply(top, {"a": b"", "a/b": b""})


def test_a_failed_write_leaves_the_old_file_and_nothing_else(top: Path) -> None:
    before = facts(top)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))
    try:
        with pytest.raises(OSError, match=r"too large.*overlays/dev/airflow\.env"):
            files.apply(top, {"overlays/dev/airflow.env": b"x" * 5000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert facts(top) == before


def test_what_a_killed_run_left_is_removed_unless_it_is_committed(repo: Path, taxiway: Taxiway) -> None:
    own = repo / "overlays/dev/.taxiway-0123456789abcdef.part"
    left = repo / "overlays/dev/.taxiway-fedcba9876543210.part"
    own.write_text("a stranger's\n")
    publish(repo)
    left.write_text("half")
    assert taxiway(*CONFIG).code == 0
    assert own.exists()
    assert not left.exists()
    assert git(repo, "status", "--porcelain") == ""


# render --out


OBJECTS = """---
apiVersion: v1
kind: ../../../canary/ConfigMap
metadata: {name: a}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: ../../../../canary/file}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "a/../..\\0%2e\\n\\u200c", namespace: x}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "system:airflow"}
"""


def test_names_of_objects_are_no_paths(tmp_path: Path, canary: Path) -> None:
    found = formats.files(OBJECTS.encode())
    assert "clusterrole.system:airflow.yaml" in found
    assert len(found) == 4
    assert not [path for path in found if paths.problem(path) or "/" in path]
    before = facts(canary)
    files.replace_folder(tmp_path / "repo", tmp_path / "out", found.at("dev"))
    assert facts(canary) == before
    assert len([*(tmp_path / "out/dev").iterdir()]) == 4


@pytest.mark.parametrize("shape", ["outside", "empty-outside", "dangling", "loop", "git", "fifo", "socket"])
@pytest.mark.parametrize("place", ["out", "inner/out", "out/dev", "out/.taxiway-render"])
def test_a_render_goes_through_no_link_of_the_repo(tmp_path: Path, canary: Path, shape: str, place: str) -> None:
    repo = tmp_path / "repo"
    SHAPES[shape](repo / place, canary)
    target = repo / ("out" if place.startswith("out") else "inner/out/deeper")
    before = facts(canary), facts(repo)
    for asked in (target, tmp_path / "alias" / target.relative_to(repo)):
        if not (tmp_path / "alias").exists():
            (tmp_path / "alias").symlink_to(repo)
        with pytest.raises(BadTarget):
            files.replace_folder(repo, asked, Tree({"dev/a.yaml": b"x"}))
    assert (facts(canary), facts(repo)) == before


@pytest.mark.parametrize("marker", ["", "{empty}  photo\n", "{other}  photo\n", "photo\n", "*"])
def test_a_marker_of_a_strangers_deletes_nothing(tmp_path: Path, marker: str) -> None:
    out = tmp_path / "repo/out"
    out.mkdir(parents=True)
    (out / "photo").write_text("mine\n")
    texts = {"empty": b"", "other": b"other\n"}
    text = marker.format(**{name: hashlib.sha256(data).hexdigest() for name, data in texts.items()})
    (out / ".taxiway-render").write_text(text)
    before = facts(out)
    with pytest.raises(BadTarget, match="holds a file that taxiway did not write: photo"):
        files.replace_folder(tmp_path / "repo", out, Tree({"dev/a.yaml": b"x"}))
    assert facts(out) == before


@pytest.mark.parametrize("strange", ["link", "folder-link", "fifo", "changed", "new"])
def test_a_rendered_folder_with_anything_else_in_it_is_kept(tmp_path: Path, canary: Path, strange: str) -> None:
    out = tmp_path / "out"
    files.replace_folder(tmp_path / "repo", out, Tree({"dev/a.yaml": b"x", "dev/b.yaml": b"y"}))
    if strange == "changed":
        (out / "dev/a.yaml").write_text("mine\n")
    elif strange == "new":
        (out / "dev/mine").write_text("mine\n")
    elif strange == "fifo":
        os.mkfifo(out / "dev/pipe")
    else:
        (out / "dev/link").symlink_to(canary / "file" if strange == "link" else canary)
    before = facts(out), facts(canary)
    with pytest.raises(BadTarget, match="did not write"):
        files.replace_folder(tmp_path / "repo", out, Tree({"dev/a.yaml": b"z"}))
    assert (facts(out), facts(canary)) == before


def test_a_render_that_was_killed_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = Tree({"dev/a.yaml": b"1", "dev/b.yaml": b"1"}), Tree({"dev/a.yaml": b"2", "dev/c.yaml": b"2"})
    real = os.rename
    for number in range(1, 9):
        out = tmp_path / f"{number}"
        files.replace_folder(tmp_path / "repo", out, old)
        calls = iter(range(1, 99))

        def rename(*asked: Any, **named: Any) -> None:
            if next(calls) == number:  # noqa: B023
                raise KeyboardInterrupt
            real(*asked, **named)

        monkeypatch.setattr(os, "rename", rename)
        with contextlib.suppress(KeyboardInterrupt):
            files.replace_folder(tmp_path / "repo", out, new)
        monkeypatch.setattr(os, "rename", real)
        assert files.replace_folder(tmp_path / "repo", out, new) == 2
        assert {path.name for path in (out / "dev").iterdir()} == {"a.yaml", "c.yaml"}


def test_the_program_renders_into_a_folder_of_its_own(repo: Path, canary: Path, taxiway: Taxiway) -> None:
    before = facts(canary)
    assert taxiway("render", "dev", "--out", "rendered/dev").code == 0
    assert taxiway("render", "dev", "--out", "rendered/dev").code == 0
    (repo / "rendered/dev/dev/mine").write_text("mine\n")
    refused(taxiway("render", "dev", "--out", "rendered/dev"), "holds a file that taxiway did not write: dev/mine")
    (repo / "out").symlink_to(canary)
    refused(taxiway("render", "dev", "--out", "out"), "out is a symbolic link to")
    refused(taxiway("render", "dev", "--out", "out/new"), "out is a symbolic link to")
    refused(taxiway("render", "dev", "--out", ".git/hooks"), "goes into Git's own folder")
    refused(taxiway("render", "dev", "--out", "."), "holds a file that taxiway did not write")
    assert facts(canary) == before
