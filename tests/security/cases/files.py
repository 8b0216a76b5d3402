"""Files that are none, or lead out of the repo."""

import os
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.security.hostile import Case, Place

ENV = "overlays/dev/airflow.env"


def _link(name: str, path: str, target: Callable[[Place], Path | str], **says: str) -> Case:
    told = {command.replace("_", " "): pattern for command, pattern in says.items()}
    return Case(name=f"link: {name}", plant=lambda place: place.link(path, target(place)), says=told)


def _special(name: str, make: Callable[[Path], None], path: str = ENV) -> Case:
    def plant(place: Place) -> None:
        place.remove(path)
        make(place.repo / path)

    return Case(
        name=f"special: {name}", plant=plant, says={"validate": r"airflow\.env|not a regular file"}, committed=False
    )


def _bind(path: Path) -> None:
    # A socket's address is short: bind beside it and move it into place.
    server = socket.socket(socket.AF_UNIX)
    short = Path("s")
    server.bind(str(short))
    short.rename(path)
    server.close()


def _sparse(place: Place) -> None:
    with (place.repo / "overlays/dev/large.bin").open("wb") as file:
        file.truncate(1 << 31)


def _submodule(place: Place) -> None:
    commit = "1" * 40
    entry = f"160000,{commit},overlays/dev/module"
    subprocess.run(["git", "update-index", "--add", "--cacheinfo", entry], cwd=place.repo, check=True)
    place.write(".gitmodules", f'[submodule "x"]\n\tpath = overlays/dev/module\n\turl = {place.url}/x.git\n')


def _monitored(place: Place) -> None:
    """A bare repository in the tree, whose configuration starts a program."""
    bare = place.repo / "overlays/dev/objects.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
    owned = place.outside / "owned"
    place.write("overlays/dev/objects.git/config", f'[core]\n\tbare = true\n\tfsmonitor = "touch {owned}"\n')


def _many_links(place: Place) -> None:
    for number in range(40):
        place.link(f"overlays/dev/l{number}", f"l{number + 1}")
    place.link("overlays/dev/l40", "l0")


CASES = (
    _link("overlay out of the repo", "overlays/dev", lambda p: p.outside, validate="overlays/dev", set="overlays/dev"),
    _link("environment that env add makes", "overlays/qa", lambda p: p.outside, env_add="overlays/qa"),
    _link("settings out of the repo", ENV, lambda p: p.outside / "airflow.env", validate="airflow.env", set="."),
    _link("base out of the repo", "base", lambda p: p.outside, validate="base"),
    _link("base's folder out of the repo", "base/airflow", lambda p: p.outside, validate="base/airflow"),
    _link("pinned base out of the repo", "overlays/prod/base", lambda p: p.outside, validate="overlays/prod/base"),
    _link("release out of the repo", "overlays/prod/release", lambda p: p.outside, promote="overlays/prod/release"),
    _link("clusters out of the repo", "clusters/default", lambda p: p.outside, env_add="clusters/default"),
    _link("runbook out of the repo", "README.md", lambda p: p.outside / "secret.txt", validate="README.md"),
    _link("all overlays out of the repo", "overlays", lambda p: p.outside, validate="."),
    _link("secrets of another environment", "overlays/prod/secrets", lambda p: "../dev/secrets", validate="secrets"),
    _link("into another environment", ENV, lambda p: "../prod/airflow.env", validate="airflow.env"),
    _link("to the root", "overlays/dev/root", lambda p: "/", validate="overlays/dev/root"),
    _link("to the home folder", "base/airflow", lambda p: Path.home(), set="."),
    _link("into Git's folder", "overlays/dev/release", lambda p: "../../.git", validate="release"),
    _link("to itself", "overlays/dev/loop", lambda p: "loop", validate="overlays/dev/loop"),
    _link("to its own parent", "overlays/dev/up", lambda p: "..", validate="."),
    _link("to nothing", ENV, lambda p: "nowhere", validate="airflow.env"),
    _link("to endless zeros", ENV, lambda p: "/dev/zero", validate="airflow.env"),
    _link("to a terminal", ENV, lambda p: "/dev/tty", validate="airflow.env"),
    _link("to the environment of a process", ENV, lambda p: "/proc/self/environ", validate="airflow.env"),
    Case(name="link: a long circle", plant=_many_links, says={"validate": "overlays/dev/l"}),
    _special("FIFO", os.mkfifo),
    _special("socket", _bind),
    _special("device", lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))),
    _special("folder in a file's place", Path.mkdir),
    Case(name="a file that never ends", plant=_sparse, says={"validate": "large.bin"}, committed=False),
    Case(name="a submodule", plant=_submodule, says={}),
    Case(name="a bare repository in an overlay", plant=_monitored, says={}),
)
