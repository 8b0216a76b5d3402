"""Builds the parts once, and finds the programs that they gave."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from functools import cache as once
from pathlib import Path

from tests.cluster import cache
from tests.cluster.builds.parts import PARTS, Part
from tests.cluster.console import Console
from tests.cluster.errors import ClusterError, CommandFailed
from tests.cluster.process import follow, run

HEARTBEAT = 30.0  # seconds between two lines about one long build


def home(part: Part) -> Path:
    """The folder for what `part` gives, built or not yet."""
    made_from = (part.folder / "go.mod").read_bytes(), (part.folder / "go.sum").read_bytes()
    return cache.folder() / "bin" / f"{part.name}-{cache.key(*made_from, repr(_settings(part)), _toolchain())}"


def build(names: Iterable[str], console: Console) -> None:
    """Build the named parts that are not built yet; say which, and how far each is."""
    todo = [p for p in (PARTS[n] for n in names) if not home(p).is_dir()]
    for number, part in enumerate(todo, 1):
        console.step(f"building {part.name} from source ({number} of {len(todo)})")
        _build(part, console)


def program(name: str) -> Path:
    """The path of a built program."""
    for part in PARTS.values():
        if (home(part) / name).exists():
            return home(part) / name
    raise ClusterError(f"the program {name} is not built", hint="run: python -m tests.cluster build")


def search_path() -> str:
    """A PATH that begins with every built part."""
    return os.pathsep.join([*(str(home(p)) for p in PARTS.values()), os.environ.get("PATH", os.defpath)])


def _settings(part: Part) -> tuple[list[str], dict[str, str]]:
    flags = ["-trimpath", "-tags", part.tags, "-ldflags", f"-s -w {part.ldflags}"]
    return flags, {"GOFLAGS": "-buildvcs=false -mod=readonly", "CGO_ENABLED": str(int(part.cgo))}


@once
def _toolchain() -> str:
    return run(["go", "env", "GOVERSION", "GOOS", "GOARCH"])


def _build(part: Part, console: Console) -> None:
    done = home(part)
    done.parent.mkdir(parents=True, exist_ok=True)
    for left in done.parent.glob(".building-*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=done.parent) as temporary:
        out = Path(temporary) / "out"
        out.mkdir()
        _compile(part, out, console)
        for given, ours in part.renamed:
            (out / given).rename(out / ours)
        # A build that is cut off leaves no folder under the final name.
        out.rename(done)
    cache.forget_others(done)


def _compile(part: Part, out: Path, console: Console) -> None:
    flags, env = _settings(part)
    # Low priority: a person may be at work on this machine meanwhile.
    nice = ["nice", "-n", "10"] if sys.platform == "linux" else []
    go = follow([*nice, "go", "build", "-v", *flags, "-o", f"{out}/", "tool"], env=env, cwd=part.folder)
    assert go.stdout is not None
    lines: list[str] = []
    spoke = time.monotonic()
    try:
        for line in go.stdout:
            lines.append(line)
            if time.monotonic() - spoke > HEARTBEAT:
                spoke = time.monotonic()
                console.step(f"  {part.name}: {len(lines)} packages, last {line.strip()}")
        if go.wait():
            raise CommandFailed(f"go build of {part.name} failed\n{''.join(lines[-20:])}".rstrip())
    finally:
        go.kill()
        go.wait()
