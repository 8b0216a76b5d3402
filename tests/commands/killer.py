"""Run one command again and again, each time killed at a later write or process start, and look at what it leaves.

    python -m tests.commands.killer FIRST STEP EVENT KIND CERTIFICATE FOLDER

Each event counts, or where EVENT is not empty, those of that kind. A run is forked from this process, which has loaded
everything, and kills itself with SIGKILL just before its Nth event. Prints one JSON line a run: the event, what the
target looked like, and what a second run made of it.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from bootstrap import cli
from bootstrap.commands import init

assert init  # loaded before the fork, so that a run is only its own work
URL = "https://git.example.com/acme/airflow-environments.git"
EVENTS = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "subprocess.Popen", "shutil.rmtree"}
_state: dict[str, Any] = {"left": -1, "seen": 0, "only": ""}


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _state["left"] < 0:
        return
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if (writes or event in EVENTS) and _state["only"] in ("", event):
        _state["seen"] += 1
        if _state["seen"] == _state["left"]:
            os.write(3, event.encode())
            os.kill(os.getpid(), signal.SIGKILL)


sys.addaudithook(_watch)


def run(arguments: list[str], kill_at: int, only: str = "") -> tuple[int, str]:
    """One run in a child: its exit code (-9 when killed) and the event that it was killed at; `only` these count."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(writing, 3)
        os.set_inheritable(3, False)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        _state.update(left=kill_at, seen=0, only=only)
        try:
            cli.main(arguments)
        except SystemExit as end:
            os._exit(int(end.code or 0))
        finally:
            os._exit(99)
    os.close(writing)
    event = os.read(reading, 100).decode()
    os.close(reading)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), event


def git(target: Path, *arguments: str) -> str:
    """What Git says in a folder; empty where it fails."""
    return subprocess.run(["git", *arguments], cwd=target, capture_output=True, text=True, check=False).stdout.strip()


def look(target: Path) -> dict[str, Any]:
    """What a target is: absent, or its commits and what Git says of its files."""
    if not (target / ".git").exists():
        return {"there": target.exists() and sorted(path.name for path in target.iterdir())}
    return {
        "commits": git(target, "rev-list", "--count", "--all"),
        "held": len(git(target, "ls-tree", "-r", "--name-only", "HEAD").splitlines()),
        "status": git(target, "status", "--porcelain"),
    }


def main(first: int, step: int, only: str, kind: str, certificate: str, folder: Path) -> None:
    """Kill at event `first`, `first + step`, … until a run ends by itself."""
    number = first
    while True:
        target = folder / f"{only}-{number}" / "envs"
        target.parent.mkdir()
        if kind == "repository":
            subprocess.run(["git", "init", "--quiet", str(target)], check=True)
            (target / "NOTES").write_text("ours\n")
            git(target, "add", "."), git(target, "commit", "--quiet", "-m", "before")
        arguments = ["init", str(target), "--repo", URL, "--environment", "dev", "--sealing-cert", certificate]
        code, event = run(arguments, number, only)
        killed = look(target)
        again, _ = run(arguments, 0)
        beside = sorted(path.name for path in target.parent.iterdir())
        left = (target / ".git/taxiway").exists()
        print(json.dumps({
            "number": number, "event": event, "code": code, "killed": killed, "again": again, "after": look(target),
            "beside": beside, "left": left,
        }), flush=True)  # fmt: skip
        if code != -signal.SIGKILL:
            return
        number += step


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5], Path(sys.argv[6]))
