"""`taxiway init` beside the same work done by hand: time, the making of a key, and memory."""

import shutil
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bootstrap.kustomize.build import Kustomize
from bootstrap.secrets import sealing
from bootstrap.system import process
from tests.bench.programs import TAXIWAY, Home, Peak, Spent
from tests.bench.samples import Samples, Unit, in_turns
from tests.bench.table import NotMeasured, Row, Section, above, below

_URL = "https://git.example.com/acme/airflow-environments.git"
_ONE_BY_ONE = '"$@" overlays/dev; "$@" overlays/complete'
_SIDE_BY_SIDE = '"$@" overlays/dev & dev=$!; "$@" overlays/complete; wait $dev'
_TAXIWAY = "from bootstrap.cli import main; main()"
_ANY = "import subprocess; subprocess.run(sys.argv[1:], check=True)"


def wall_and_cpu(home: Home) -> Section:
    """Wall time beside two floors, CPU time beside one, and a sealing key."""
    files = _files(home)
    ours = partial(_ours, home)
    by_hand, at_once = (partial(_by_hand, home, files, builds) for builds in (_ONE_BY_ONE, _SIDE_BY_SIDE))
    for way in (ours, by_hand, at_once):  # into the caches of the operating system and of Python
        way()
    init, floor, lower = in_turns(9, ours, by_hand, at_once)
    (mine, theirs, lowest) = (Samples(tuple(each.seconds for each in runs)) for runs in (init, floor, lower))
    cpu = [Samples(tuple(each.cpu for each in runs)) for runs in (init, floor)]
    return Section(
        title="taxiway init, two environments, certificate given; "
        "by hand: cp of the same files, git init, add, commit, both builds by the same kustomize",
        rows=(
            Row(
                figure="wall time",
                ours=mine,
                instead="by hand, builds one after the other",
                theirs=theirs,
                target=above(mine, theirs, most=0.25),
            ),
            Row(figure="wall time", ours=mine, instead="by hand, builds side by side", theirs=lowest),
            Row(figure="CPU time, children included", ours=cpu[0], instead="by hand", theirs=cpu[1]),
            _key(home),
        ),
    )


def memory(home: Home) -> Section:
    """The peak of taxiway's own process, and of the largest one that it starts."""
    files = _files(home)
    ours, theirs = in_turns(3, partial(_our_peak, home), partial(_peak_by_hand, home, files))
    own = Samples(tuple(each.own for each in ours), Unit.BYTES)
    any_of_ours = Samples(tuple(max(each.own, each.children) for each in ours), Unit.BYTES)
    by_hand = Samples(tuple(each.children for each in theirs), Unit.BYTES)
    instead = "largest process by hand (kustomize)"
    return Section(
        title="Peak memory of the same init: resident set of one process, not a sum",
        rows=(
            Row(
                figure="taxiway itself, no child",
                ours=own,
                instead=instead,
                theirs=by_hand,
                target=below(own, most=100e6),
            ),
            Row(figure="largest, children included", ours=any_of_ours, instead=instead, theirs=by_hand),
        ),
    )


def _key(home: Home) -> Row | NotMeasured:
    figure, instead = "a key and its certificate", "openssl req -x509 -newkey rsa:4096"
    openssl = process.find_program("openssl")
    if openssl is None:
        return NotMeasured(figure=figure, instead=instead, bound="no target", reason="no openssl on PATH")
    argv = [openssl, "req", "-x509", "-newkey", "rsa:4096", "-nodes", "-days", "3650", "-subj", "/CN=sealing"]
    argv += ["-keyout", str(home.folder / "other-key.pem"), "-out", str(home.folder / "other-cert.pem")]
    ours, theirs = (Samples(values) for values in in_turns(9, _new_key, lambda: home.run(argv).seconds))
    return Row(figure=figure, ours=ours, instead=instead, theirs=theirs)


def _new_key() -> float:
    began = time.perf_counter()
    sealing.certify(sealing.read_key(sealing.new_key(), source="the new key"), now=datetime.now(UTC))
    return time.perf_counter() - began


def _files(home: Home) -> Path:
    """The files of an environment repo, without a repository."""
    files = _fresh(home, "files")
    home.run([TAXIWAY, *_arguments(home, files), "--no-commit"])
    shutil.rmtree(files / ".git")
    return files


def _ours(home: Home) -> Spent:
    return home.run([TAXIWAY, *_arguments(home, _fresh(home, "ours"))])


def _by_hand(home: Home, files: Path, builds: str) -> Spent:
    return home.run(_script(files, _fresh(home, "by-hand"), builds))


def _our_peak(home: Home) -> Peak:
    return home.peak(_TAXIWAY, _arguments(home, _fresh(home, "ours")))


def _peak_by_hand(home: Home, files: Path) -> Peak:
    return home.peak(_ANY, _script(files, _fresh(home, "by-hand"), _ONE_BY_ONE))


def _arguments(home: Home, target: Path) -> Sequence[str]:
    given = [
        "--repo",
        _URL,
        "--sealing-cert",
        str(home.certificate),
        "--environment",
        "dev",
        "--environment",
        "complete",
    ]
    return ["init", str(target), "--yes", *given]


def _script(files: Path, target: Path, builds: str) -> Sequence[str]:
    steps = (
        'cp -R "$1" "$2"; cd "$2"; shift 2',
        f"git init --quiet --initial-branch=main; git remote add origin {_URL}",
        builds,
        "git add .; git commit --quiet --message Bootstrap",
    )
    return ["sh", "-ec", "\n".join(steps), "sh", str(files), str(target), *Kustomize.find().command]


def _fresh(home: Home, name: str) -> Path:
    folder = home.folder / name
    shutil.rmtree(folder, ignore_errors=True)
    return folder
