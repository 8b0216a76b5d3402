"""SIGINT and SIGTERM end every command, at any moment, with 130 or 143, no traceback, no child, and nothing changed.

Commands end within a second: where the machine is busy with other tests, these wait for longer, and only then fail.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.commands.test_init import git
from tests.conftest import REPO_URL, Keys
from tests.depth import strided

LONGEST = 5.0  # seconds to wait for the end of a process that has one
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
SLEEPER = "#!/bin/sh\ncase $1 in version) echo v5;; *) sleep 60; exit 1;; esac\n"
DEAF = "#!/bin/sh\ntrap '' TERM INT\ncase $1 in version) echo v5;; *) sleep 60; sleep 60;; esac\n"

each_signal = pytest.mark.parametrize("number", CODES, ids=lambda each: each.name)


@pytest.fixture
def repo(fresh: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(fresh, tmp_path / "envs", symlinks=True)
    return tmp_path / "envs"


class Started:
    """A command of taxiway in a process of its own."""

    def __init__(
        self, *arguments: object, programs: Path | None = None, start: tuple[str, ...] = ("-m", "bootstrap")
    ) -> None:
        path = f"{programs}:{os.environ['PATH']}" if programs else os.environ["PATH"]
        self.mark = f"taxiway-test-{os.getpid()}-{time.monotonic_ns()}"
        self.process = subprocess.Popen(
            [sys.executable, *start, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PATH": path, "LC_TAXIWAY_TEST": self.mark},
            start_new_session=True,
        )

    def listens(self) -> None:
        """Wait until it takes SIGTERM: before, Python itself is about to start."""
        status = Path(f"/proc/{self.process.pid}/status")
        wait_for(lambda: _caught(status.read_text(), signal.SIGTERM))

    def end(self, number: signal.Signals, *, group: bool = False) -> tuple[int, str]:
        """Send a signal, to it alone or as a terminal does; its exit code, and what it said of it."""
        (os.killpg if group else os.kill)(self.process.pid, number)
        begun = time.monotonic()
        _, said = self.process.communicate(timeout=60)
        assert time.monotonic() - begun < LONGEST
        return self.process.returncode, said.decode()

    def family(self) -> list[int]:
        """The processes that have its environment and still run."""
        return [pid for pid in _all() if self.mark.encode() in _environment(pid)]


def _caught(status: str, number: signal.Signals) -> bool:
    mask = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), 16)
    return bool(mask >> (number - 1) & 1)


def _all() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def wait_for(what: object, seconds: float = 60) -> None:
    assert callable(what)
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)


def fake(folder: Path, name: str, script: str) -> Path:
    """A program to be found before the real one."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)
    return folder


def state(repo: Path) -> tuple[str, ...]:
    """All that a command may change in a repo."""
    return git(repo, "rev-parse", "HEAD"), git(repo, "status", "--porcelain", "--ignored"), git(repo, "diff", "HEAD")


def check(said: str, code: int, number: signal.Signals, started: Started) -> None:
    assert code == CODES[number], said
    assert said == "error: interrupted; nothing was changed\n"
    wait_for(lambda: not started.family(), 1)


DELAYS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.1, 1.5, 2.0, 3.0)  # seconds
GROUPS = (False, True)  # to the process alone, or to its group, as a terminal sends a signal
COMMANDS = (
    ("validate",), ("diff", "--from", "HEAD", "--to", "HEAD"), ("render",), ("promote", "dev", "complete", "--dry-run"),
    ("set", "config", "dev", "A=B", "--dry-run"),
)  # fmt: skip


def _named(value: object) -> str:
    names = {SLEEPER: "sleeper", DEAF: "deaf", GROUPS[0]: "alone", GROUPS[1]: "as a terminal"}
    if isinstance(value, tuple):
        return " ".join(value)
    if isinstance(value, signal.Signals):
        return value.name
    return names[value] if isinstance(value, str | bool) else f"{value:g}"


@pytest.mark.parametrize(
    ("arguments", "script", "number"), strided([*product(COMMANDS, [SLEEPER, DEAF], CODES)], 5), ids=_named
)
def test_a_command_that_waits_for_kustomize_ends(
    number: signal.Signals, arguments: tuple[str, ...], script: str, repo: Path, tmp_path: Path
) -> None:
    with (repo / "base/airflow/service.yaml").open("a") as file:
        file.write("# changed\n")
    git(repo, "commit", "--quiet", "--all", "--message", "change")
    before = state(repo)
    more = ("--from", "HEAD~1") if "diff" in arguments else ()
    started = Started(*arguments, *more, "-C", repo, programs=fake(tmp_path / "bin", "kustomize", script))
    wait_for(lambda: any(b"sleep" in _command(pid) for pid in started.family()))
    code, said = started.end(number)
    check(said, code, number, started)
    assert state(repo) == before


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(("delay", "number", "group"), strided([*product(DELAYS, CODES, GROUPS)], 9), ids=_named)
def test_a_signal_may_come_at_any_moment(
    number: signal.Signals, group: bool, delay: float, repo: Path, tmp_path: Path
) -> None:
    # Imports, Git's answers, threads: whatever the command is at then.
    before = state(repo)
    started = Started("validate", "--no-cache", "-C", repo, programs=fake(tmp_path / "bin", "kustomize", SLEEPER))
    started.listens()
    time.sleep(delay)
    code, said = started.end(number, group=group)
    check(said, code, number, started)
    assert state(repo) == before


HOOK = "#!/bin/sh\ntouch {at}\nsleep 60\n"


@pytest.mark.parametrize(("again", "number", "group"), strided([*product([0, 3], CODES, GROUPS)], 3), ids=_named)
def test_a_commit_that_a_signal_ends_is_taken_back(
    number: signal.Signals, group: bool, again: int, repo: Path, tmp_path: Path
) -> None:
    fake(repo / ".git/hooks", "pre-commit", HOOK.format(at=tmp_path / "reached"))
    before = state(repo)
    started = Started("set", "config", "dev", "A=B", "-C", repo)
    wait_for((tmp_path / "reached").exists)

    def insist() -> None:
        for _ in range(again):
            time.sleep(0.03)
            try:
                (os.killpg if group else os.kill)(started.process.pid, number)
            except ProcessLookupError:
                return

    more = threading.Thread(target=insist)
    more.start()
    code, said = started.end(number, group=group)
    more.join()
    check(said, code, number, started)
    assert state(repo) == before


@each_signal
def test_what_a_signal_can_not_undo_is_told(number: signal.Signals, repo: Path, tmp_path: Path) -> None:
    fake(repo / ".git/hooks", "post-commit", HOOK.format(at=tmp_path / "reached"))
    before = git(repo, "rev-parse", "HEAD")
    started = Started("set", "config", "dev", "A=B", "-C", repo)
    wait_for((tmp_path / "reached").exists)
    code, said = started.end(number)
    assert code == CODES[number]
    assert said == "error: interrupted; the change was made, and what comes after it was not\n"
    assert git(repo, "rev-parse", "HEAD~1") == before
    assert git(repo, "status", "--porcelain") == ""


@each_signal
def test_a_push_that_a_signal_ends_is_not_called_nothing(number: signal.Signals, repo: Path, tmp_path: Path) -> None:
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", repo, origin], check=True)
    git(repo, "remote", "set-url", "origin", str(origin))
    fake(repo / ".git/hooks", "pre-push", HOOK.format(at=tmp_path / "reached"))
    before = state(repo)
    started = Started("set", "config", "dev", "A=B", "--pr", "-C", repo)
    wait_for(lambda: (tmp_path / "reached").exists() or started.process.poll() is not None)
    code, said = started.end(number)
    assert code == CODES[number], said
    assert said.startswith("error: interrupted; taxiway/")
    assert "may have been pushed already" in said
    assert "Traceback" not in said
    assert state(repo) == before
    wait_for(lambda: not started.family(), 1)


@each_signal
def test_init_leaves_nothing(number: signal.Signals, keys: Keys, tmp_path: Path) -> None:
    programs = fake(tmp_path / "bin", "kustomize", SLEEPER)
    target = tmp_path / "new/envs"
    arguments = ["init", target, "--yes", "--repo", REPO_URL, "--sealing-cert", keys.certificate]
    started = Started(*arguments, programs=programs)
    wait_for(lambda: any(b"sleep" in _command(pid) for pid in started.family()))
    code, said = started.end(number)
    check(said, code, number, started)
    assert not (tmp_path / "new").exists()


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes calls and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@each_signal
def test_a_command_that_waits_for_the_network_ends(number: signal.Signals, silent: int, repo: Path) -> None:
    script = (
        "from bootstrap.system import signals; signals.install()\n"
        "import threading, urllib.request\n"
        "try:\n"
        "    from concurrent.futures import ThreadPoolExecutor\n"
        f"    ask = lambda: urllib.request.urlopen('http://127.0.0.1:{silent}/')\n"
        "    with ThreadPoolExecutor() as pool:\n"
        "        jobs = [pool.submit(ask) for _ in range(3)]\n"
        "        print('asks', flush=True)\n"
        "        ask()\n"
        "except signals.Stopped:\n"
        "    signals.exit_interrupted()\n"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert started.stdout
    assert started.stdout.readline() == b"asks\n"
    time.sleep(0.2)
    started.send_signal(number)
    begun = time.monotonic()
    _, said = started.communicate(timeout=60)
    assert time.monotonic() - begun < LONGEST
    assert (started.returncode, said) == (CODES[number], b"error: interrupted; nothing was changed\n")


@each_signal
def test_a_signal_in_a_finalizer_is_not_lost(number: signal.Signals) -> None:
    script = (
        "from bootstrap.system import signals; signals.install()\n"
        "import os, time\n"
        "class Slow:\n"
        f"    def __del__(self): os.kill(os.getpid(), {int(number)}); time.sleep(0.05)\n"
        "try:\n"
        "    slow = Slow(); del slow\n"
        "    time.sleep(30)\n"
        "except signals.Stopped:\n"
        "    signals.exit_interrupted()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (CODES[number], "error: interrupted; nothing was changed\n")


def test_a_signal_that_is_ignored_from_the_start_stays_so(repo: Path) -> None:
    # As nohup, and a shell's background, have it.
    command = f"trap '' INT; exec {sys.executable} -m bootstrap validate -C {repo}"
    started = subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    status = Path(f"/proc/{started.pid}/status")
    wait_for(lambda: _caught(status.read_text(), signal.SIGTERM))
    started.send_signal(signal.SIGINT)
    _, said = started.communicate(timeout=120)
    assert (started.returncode, said) == (0, b"")
