"""Kill `taxiway promote`, or an edit, at some of its events, each time in a fresh copy of a repo and its remote.

    python -m tests.commands.killer_of_moves STEP EVENT FOLDER TAXIWAY-ARGUMENTS...

Each STEPth event counts; where EVENT is not empty, each STEPth of that kind. FOLDER holds `remote.git`, and `repo`,
which is a clone of it. Prints one JSON line a run.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from bootstrap.commands import promote
from bootstrap.commands import set as edit
from tests.commands.killer import git, run

assert edit and promote  # loaded before the fork, so that a run is only its own work


def look(folder: Path) -> dict[str, object]:
    """The user's checkout, and what the remote has."""
    repo, remote = folder / "repo", folder / "remote.git"
    heads = git(remote, "for-each-ref", "--format=%(refname:short) %(tree)", "refs/heads").splitlines()
    return {
        "head": git(repo, "rev-parse", "HEAD"),
        "tree": git(repo, "rev-parse", "HEAD^{tree}"),
        "status": git(repo, "status", "--porcelain"),
        "remote": dict(line.split() for line in heads),
        "worktrees": len(git(repo, "worktree", "list").splitlines()),
        "left": sorted(path.name for path in (repo / ".git/taxiway").glob("*")),
    }


def main(step: int, only: str, source: Path, arguments: list[str]) -> None:
    """Kill at the first event, `step` events later, … until a run ends by itself."""
    number = 1
    while True:
        folder = source.with_name(f"{source.name}-{only}-{number}")
        shutil.copytree(source, folder, symlinks=True)
        os.chdir(folder / "repo")
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")  # what one run remembers leaves another less to do
        git(folder / "repo", "remote", "set-url", "origin", str(folder / "remote.git"))
        before = look(folder)
        code, event = run(arguments, number, only)
        killed = look(folder)
        again, _ = run(arguments, 0)
        told = {"number": number, "event": event, "code": code, "before": before, "killed": killed, "again": again}
        print(json.dumps({**told, "after": look(folder)}), flush=True)
        os.chdir(source)
        shutil.rmtree(folder)
        if code != -signal.SIGKILL:
            return
        number += step


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
