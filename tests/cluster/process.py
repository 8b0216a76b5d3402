"""The harness's one door to other programs."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.cluster.errors import CommandFailed

Arg = str | Path


def run(
    argv: Sequence[Arg],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> str:
    """Run a program to its end and return its standard output; `env` is added to this process's own.

    Raises CommandFailed with both outputs when the program ends with an error or is out of time.
    """
    words = [str(a) for a in argv]
    try:
        done = subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            text=True,
            env=environment(env),
            cwd=cwd,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as err:
        raise CommandFailed(f"{words[0]} is not installed") from err
    except subprocess.TimeoutExpired as err:
        raise CommandFailed(f"{' '.join(words)}: no end after {timeout} s") from err
    if done.returncode:
        raise CommandFailed(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def succeeds(argv: Sequence[Arg]) -> bool:
    """Run a program and tell only whether it ended well."""
    return subprocess.run([str(a) for a in argv], capture_output=True, check=False).returncode == 0


def start(
    argv: Sequence[Arg],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cgroups: Sequence[Path] = (),
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, its output appended to `log`; it joins `cgroups` before it runs."""

    def join() -> None:
        for procs in cgroups:
            procs.write_text("0")

    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return subprocess.Popen(
            [str(a) for a in argv],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            # The alternative, joining after the start, races with the server's own first children.
            preexec_fn=join,
            cwd="/",
            env=environment(env),
            pass_fds=pass_fds,
        )


def follow(
    argv: Sequence[Arg], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.Popen[str]:
    """Start a program whose two outputs come together, line by line, on the returned process's stdout."""
    return subprocess.Popen(
        [str(a) for a in argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(env),
        cwd=cwd,
    )


def interact(argv: Sequence[Arg], *, env: Mapping[str, str] | None = None) -> int:
    """Run a program on this terminal and return its exit code."""
    return subprocess.run([str(a) for a in argv], env=environment(env), check=False).returncode


def environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """This process's environment with `extra` over it."""
    return {**os.environ, **(extra or {})}
