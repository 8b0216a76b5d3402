"""Where the file of a private sealing key may be, and who may read it."""

import ctypes
import os
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from bootstrap.core.errors import BadCertificate
from bootstrap.core.secret import Secret
from bootstrap.gitrepo import enclosing
from bootstrap.secrets import private_keys
from bootstrap.system import signals
from tests.commands.test_init import git
from tests.conftest import REPO_URL, Keys, Taxiway

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may")


def bare(tmp: Path) -> Path:
    git(tmp, "init", "--quiet", "--bare", "bare.git")
    return tmp / "bare.git/keys/key.pem"


def renamed(tmp: Path) -> Path:
    git(tmp, "init", "--quiet", "--bare", "backup")
    return tmp / "backup/key.pem"


def in_gits_own(tmp: Path) -> Path:
    git(tmp, "init", "--quiet", "repo")
    return tmp / "repo/.git/key.pem"


def separate(tmp: Path) -> Path:
    git(tmp, "init", "--quiet", f"--separate-git-dir={tmp}/own", "tree")
    return tmp / "tree/a/b/key.pem"


def elsewhere(tmp: Path) -> Path:
    """As dotfiles are kept: the repository is beside the files."""
    (tmp / "home/keys").mkdir(parents=True)
    git(tmp, "init", "--quiet", "--bare", "home/.cfg")
    git(tmp, "--git-dir=home/.cfg", "config", "core.bare", "false")
    git(tmp, "--git-dir=home/.cfg", "config", "core.worktree", str(tmp / "home"))
    return tmp / "home/keys/key.pem"


def relative(tmp: Path) -> Path:
    path = elsewhere(tmp)
    git(tmp, "--git-dir=home/.cfg", "config", "core.worktree", "..")
    return path


def through_a_link(tmp: Path) -> Path:
    git(tmp, "init", "--quiet", "repo")
    (tmp / "keys").symlink_to("repo")
    return tmp / "keys/key.pem"


def broken(tmp: Path) -> Path:
    (tmp / "tree").mkdir()
    (tmp / "tree/.git").symlink_to("nothing")
    return tmp / "tree/key.pem"


def worktree(tmp: Path) -> Path:
    git(tmp, "init", "--quiet", "repo")
    git(tmp / "repo", "commit", "--quiet", "--allow-empty", "-m", "x")
    git(tmp / "repo", "worktree", "add", "--quiet", str(tmp / "second"))
    return tmp / "second/key.pem"


def target(tmp: Path) -> Path:
    return tmp / "envs/key.pem"


REPOSITORIES = [bare, renamed, in_gits_own, separate, elsewhere, relative, through_a_link, broken, worktree, target]


@pytest.mark.parametrize("place", REPOSITORIES)
@pytest.mark.parametrize("there", [False, True])
def test_a_key_is_in_no_repository(tmp_path: Path, keys: Keys, place: Callable[[Path], Path], there: bool) -> None:
    path = place(tmp_path)
    if there:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(keys.key.read_bytes())
        path.chmod(0o600)
    with pytest.raises(BadCertificate, match="where a private key could be committed"):
        private_keys.read(path, enclosing.search(tmp_path / "envs"))


def test_the_program_says_so_and_writes_nothing(tmp_path: Path, taxiway: Taxiway) -> None:
    path = bare(tmp_path)
    said = taxiway("init", tmp_path / "envs", "--repo", REPO_URL, "--new-sealing-key", path)
    assert (said.code, said.err.count("error: ")) == (4, 1), said.err
    assert f"is inside the Git repository {tmp_path}/bare.git" in said.err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bare.git"]
    assert not path.parent.exists()


@pytest.mark.parametrize("variable", ["GIT_WORK_TREE", "GIT_DIR"])
def test_a_work_tree_that_the_environment_names(
    tmp_path: Path, taxiway: Taxiway, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    elsewhere(tmp_path)
    shutil.move(tmp_path / "home/.cfg", tmp_path / "other.git/deep/cfg")
    monkeypatch.setenv(variable, str(tmp_path / ("home" if variable == "GIT_WORK_TREE" else "other.git/deep/cfg")))
    asked = ("init", tmp_path / "envs", "--repo", REPO_URL, "--new-sealing-key", tmp_path / "home/keys/key.pem")
    said = taxiway(*asked)
    assert (said.code, "could be committed" in said.err) == (4, True), said.err
    assert said.err.count("error: ") == 1
    monkeypatch.delenv(variable)
    assert private_keys.read(tmp_path / "home/keys/key.pem", enclosing.search(tmp_path / "envs")) is None


def test_the_work_tree_of_the_target_may_be_elsewhere(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "repo")
    (tmp_path / "tree/keys").mkdir(parents=True)
    git(tmp_path / "repo", "config", "core.worktree", str(tmp_path / "tree"))
    with pytest.raises(BadCertificate, match="could be committed"):
        private_keys.read(tmp_path / "tree/keys/key.pem", enclosing.search(tmp_path / "repo"))


def mounted(source: Path, target: Path) -> bool:
    """Whether a bind mount was made (mount(2), MS_BIND), as a container with rights may."""
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.mount(os.fsencode(source), os.fsencode(target), None, 4096, None) == 0)


@ROOT
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("outward", [True, False])
def test_a_bind_mount_hides_no_repository(tmp_path: Path, whole: bool, outward: bool) -> None:
    """A part of the repo, or all of it, that is shown elsewhere; or a folder from elsewhere that the repo shows."""
    git(tmp_path, "init", "--quiet", "repo")
    (tmp_path / "repo/a b").mkdir()
    (tmp_path / "other keys").mkdir()
    inside = tmp_path / ("repo" if whole and outward else "repo/a b")
    source, place = (inside, tmp_path / "other keys") if outward else (tmp_path / "other keys", inside)
    if not mounted(source, place):
        pytest.skip("bind mounts are not allowed here")
    try:
        with pytest.raises(BadCertificate, match="could be committed"):
            private_keys.read(tmp_path / "other keys/deep/key.pem", enclosing.search(tmp_path / "envs"))
    finally:
        ctypes.CDLL(None).umount2(os.fsencode(place), 2)
    assert private_keys.read(tmp_path / "other keys/deep/key.pem", enclosing.search(tmp_path / "envs")) is None


def test_mounts_are_read_as_the_kernel_writes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "--quiet", "re po")
    shown = str(tmp_path).replace(" ", "\\040")
    (tmp_path / "mounts").write_text(
        "21 1 8:1 / / rw - ext4 /dev/sda rw\n"
        f"22 21 8:1 {shown}/re\\040po/keys {shown}/k rw shared:1 - ext4 /dev/sda rw\n"
        "23 21 0:4 / /dev rw - tmpfs x rw\nbroken\n"
    )
    (tmp_path / "k").mkdir()
    monkeypatch.setattr(enclosing, "_MOUNTS", tmp_path / "mounts")
    with pytest.raises(BadCertificate, match="could be committed"):
        private_keys.read(tmp_path / "k/key.pem", enclosing.search(tmp_path / "envs"))


def test_without_mounts_to_read_the_rest_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enclosing, "_MOUNTS", tmp_path / "nothing")
    assert private_keys.read(tmp_path / "key.pem", enclosing.search(tmp_path / "envs")) is None
    with pytest.raises(BadCertificate):
        private_keys.read(bare(tmp_path), enclosing.search(tmp_path / "envs"))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602, 0o601, 0o777, 0o610])
def test_a_key_that_others_can_read_is_refused_with_the_way_out(
    tmp_path: Path, keys: Keys, taxiway: Taxiway, mode: int
) -> None:
    path = tmp_path / "a key.pem"
    path.write_bytes(keys.key.read_bytes())
    path.chmod(mode)
    said = taxiway("init", tmp_path / "envs", "--repo", REPO_URL, "--new-sealing-key", path)
    assert (said.code, said.err.count("error: ")) == (4, 1), said.err
    assert f"can be read or written by others (mode {mode:04o})" in said.err
    assert f"chmod 600 '{path}'" in said.err
    assert not (tmp_path / "envs").exists()


def link(path: Path, keys: Keys) -> None:
    (path.parent / "real").write_bytes(keys.key.read_bytes())
    (path.parent / "real").chmod(0o600)
    path.symlink_to("real")


def a_socket(path: Path, keys: Keys) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        here = Path.cwd()
        os.chdir(path.parent)
        end.bind(path.name)
        os.chdir(here)


STRANGE: dict[str, tuple[Callable[[Path, Keys], object], str]] = {
    "link": (link, "is a symbolic link"),
    "dangling": (lambda path, keys: path.symlink_to("nothing"), "is a symbolic link"),
    "loop": (lambda path, keys: path.symlink_to(path.name), "is a symbolic link"),
    "null": (lambda path, keys: path.symlink_to("/dev/null"), "is a symbolic link"),
    "fifo": (lambda path, keys: os.mkfifo(path), "is no regular file"),
    "socket": (a_socket, "No such device"),
    "folder": (lambda path, keys: path.mkdir(), "is a folder"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, keys: Keys, taxiway: Taxiway, name: str) -> None:
    make, says = STRANGE[name]
    make(tmp_path / "key.pem", keys)
    said = taxiway("init", tmp_path / "envs", "--repo", REPO_URL, "--new-sealing-key", tmp_path / "key.pem")
    assert (said.code, said.err.count("error: ")) == (4, 1), said.err
    assert says in said.err
    assert not (tmp_path / "envs").exists()


NOWHERE = ["/dev/null", "/dev/tty", "/dev/zero", "loop/key.pem", "file/key.pem", "~no-such-user/k"]


@pytest.mark.parametrize("path", NOWHERE)
def test_devices_and_paths_that_lead_nowhere_are_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadCertificate):
        private_keys.read(
            Path(path) if path.startswith("~") else tmp_path / path,
            enclosing.search(tmp_path / "envs"),
        )


@ROOT
def test_a_key_of_another_user_is_refused(tmp_path: Path, keys: Keys) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(keys.key.read_bytes())
    path.chmod(0o600)
    assert private_keys.read(path, enclosing.search(tmp_path / "envs")) is not None
    os.chown(path, 1234, 1234)
    with pytest.raises(BadCertificate, match="belongs to another user"):
        private_keys.read(path, enclosing.search(tmp_path / "envs"))


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077, 0o277, 0o777])
def test_a_new_key_is_for_its_user_alone(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with private_keys.write(tmp_path / ".a/b/key.pem", Secret(b"key")):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / ".a/b/key.pem").read_bytes() == b"key"
    modes = [stat.S_IMODE((tmp_path / each).stat().st_mode) for each in (".a", ".a/b", ".a/b/key.pem")]
    assert modes == [0o700, 0o700, 0o600]
    assert [each.name for each in (tmp_path / ".a/b").iterdir()] == ["key.pem"]


def test_a_key_and_its_folders_are_taken_back(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    signals.command_started()
    with pytest.raises(KeyboardInterrupt), private_keys.write(tmp_path / "a/b/c/key.pem", Secret(b"key")):
        assert (tmp_path / "a/b/c/key.pem").read_bytes() == b"key"
        raise KeyboardInterrupt
    assert [each.name for each in tmp_path.rglob("*")] == ["a"]


def test_a_file_that_came_meanwhile_is_not_overwritten_nor_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("precious")
    with pytest.raises(BadCertificate, match="is there by now"), private_keys.write(path, Secret(b"key")):
        pass
    assert path.read_text() == "precious"
    path.unlink()
    with pytest.raises(KeyboardInterrupt), private_keys.write(path, Secret(b"key")):
        path.unlink()
        path.write_text("another's")
        raise KeyboardInterrupt
    assert path.read_text() == "another's"


def test_what_a_killed_run_left_of_a_key_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".taxiway-0123456789abcdef.part").write_text("half a key")
    (tmp_path / ".taxiway-mine.part").write_text("not ours")
    with private_keys.write(tmp_path / "key.pem", Secret(b"key")):
        pass
    assert sorted(each.name for each in tmp_path.iterdir()) == [".taxiway-mine.part", "key.pem"]
