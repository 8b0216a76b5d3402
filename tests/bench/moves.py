"""`taxiway promote`, `env add` and `set` in a large repo, beside the commands that they come down to."""

import shutil
from functools import partial
from pathlib import Path

from bootstrap.kustomize.build import Kustomize
from tests.bench.fleet import MANY, name_of, overlay_of, repo_of
from tests.bench.programs import TAXIWAY, Home
from tests.bench.samples import Samples, in_turns
from tests.bench.table import Row, Section, above, overhead

COMMITS = 10_000
_TENTH = 10
_SOURCE, _TARGET = 1, 2
_BY_HAND = """cd "$1"; source=$2; target=$3; shift 3
"$@" "$source" >/dev/null; "$@" "$target" >/dev/null
git commit --quiet --all --message 'by hand'; git push --quiet origin HEAD:refs/heads/by-hand --force"""

_numbers = iter(range(1_000_000))


def promote(home: Home) -> Section:
    """A promotion between two of a thousand environments, after ten thousand commits."""
    repo = _shared(home)
    ours, theirs = in_turns(5, partial(_promote, home, repo), partial(_promote_by_hand, home, repo))
    mine, floor = Samples(ours), Samples(theirs)
    return Section(
        title=f"taxiway promote, {MANY} environments, {COMMITS} commits, a local bare remote, wall time",
        rows=(
            Row(
                figure="a new image",
                ours=mine,
                instead="two kustomize builds, one commit, one push",
                theirs=floor,
                target=above(mine, floor, most=0.3),
            ),
        ),
    )


def add(home: Home) -> Section:
    """The last of a thousand environments beside the last of ten."""
    few, many = (repo_of(home, count - 1) for count in (_TENTH, MANY))
    ours, theirs = in_turns(5, partial(_add, home, many), partial(_add, home, few))
    mine, tenth = Samples(ours), Samples(theirs)
    return Section(
        title="taxiway env add, its commit included, wall time",
        rows=(
            Row(
                figure=f"environment number {MANY}",
                ours=mine,
                instead=f"environment number {_TENTH}",
                theirs=tenth,
                target=overhead(mine, tenth, most=0.1),
            ),
        ),
    )


def change(home: Home) -> Section:
    """One setting of one environment of ten."""
    repo = repo_of(home, _TENTH)
    build = Kustomize.find().command
    floor_script = 'cd "$1"; "$2" --version; overlay=$3; shift 3; "$@" "$overlay"'
    ours, theirs = in_turns(
        7,
        partial(_set, home, repo),
        lambda: home.run(["sh", "-ec", floor_script, "sh", str(repo), TAXIWAY, overlay_of(1), *build]).seconds,
    )
    mine, floor = Samples(ours), Samples(theirs)
    return Section(
        title="taxiway set config, wall time",
        rows=(
            Row(
                figure="one setting",
                ours=mine,
                instead="the start of the process and one build",
                theirs=floor,
                target=above(mine, floor, most=0.1),
            ),
        ),
    )


def _promote(home: Home, repo: Path) -> float:
    _release(home, repo)
    home.run(["git", "-C", str(repo), "push", "--quiet", "origin", "main"])
    return home.run([TAXIWAY, "promote", name_of(_SOURCE), name_of(_TARGET), "--no-pr", "-C", str(repo)]).seconds


def _promote_by_hand(home: Home, repo: Path) -> float:
    _release(home, repo)
    home.run(["git", "-C", str(repo), "push", "--quiet", "origin", "main"])
    for path in ("kustomization.yaml", "release.env"):
        shutil.copy(repo / overlay_of(_SOURCE) / "release" / path, repo / overlay_of(_TARGET) / "release" / path)
    try:
        overlays = (overlay_of(_SOURCE), overlay_of(_TARGET))
        return home.run(["sh", "-ec", _BY_HAND, "sh", str(repo), *overlays, *Kustomize.find().command]).seconds
    finally:
        home.run(["git", "-C", str(repo), "reset", "--quiet", "--hard", "origin/main"])


def _release(home: Home, repo: Path) -> None:
    """Another image in the source, as the runbook has it, committed."""
    tag = f"3.3.{next(_numbers) + 3}"
    folder = repo / overlay_of(_SOURCE) / "release"
    release = tag.replace(".", "-")
    for path, key, value in (("kustomization.yaml", "newTag: ", f'"{tag}"'), ("release.env", "RELEASE=", release)):
        lines = (folder / path).read_text().splitlines(keepends=True)
        place = next(number for number, line in enumerate(lines) if line.lstrip().startswith(key))
        lines[place] = f"{lines[place].partition(key)[0]}{key}{value}\n"
        (folder / path).write_text("".join(lines))
    home.run(["git", "-C", str(repo), "commit", "--quiet", "--all", "--message", f"Airflow {tag}"])


def _add(home: Home, repo: Path) -> float:
    try:
        return home.run([TAXIWAY, "env", "add", "the-last", "-C", str(repo)]).seconds
    finally:
        home.run(["git", "-C", str(repo), "reset", "--quiet", "--hard", "HEAD~1"])


def _set(home: Home, repo: Path) -> float:
    setting = f"AIRFLOW__CORE__PARALLELISM={next(_numbers) + 33}"
    return home.run([TAXIWAY, "set", "config", name_of(1), setting, "-C", str(repo)]).seconds


def _shared(home: Home) -> Path:
    """The large repo with a long history and a remote. Made once."""
    repo, remote = repo_of(home, MANY), home.folder / "remote.git"
    if remote.exists():
        return repo
    home.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(remote)])
    stream = home.folder / "history"
    with stream.open("w") as file:
        for number in range(COMMITS):
            file.write("commit refs/heads/main\ncommitter Bench <bench@example.com> 0 +0000\ndata 4\nstep\n")
            file.write("from refs/heads/main^0\n" if not number else "")
            file.write(f"M 100644 inline HISTORY\ndata {len(str(number))}\n{number}\n\n")
    home.run(["sh", "-ec", 'git -C "$1" fast-import --quiet <"$2"', "sh", str(repo), str(stream)])
    home.run(["git", "-C", str(repo), "reset", "--quiet", "--hard"])
    home.run(["git", "-C", str(repo), "remote", "set-url", "origin", str(remote)])
    home.run(["git", "-C", str(repo), "push", "--quiet", "origin", "main"])
    return repo
