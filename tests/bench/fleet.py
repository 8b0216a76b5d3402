"""`taxiway validate` and `taxiway diff` over a thousand environments, beside a loop of the same kustomize."""

import os
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bootstrap.kustomize.build import Kustomize
from bootstrap.system import process
from tests.bench.programs import PYTHON, TAXIWAY, Home
from tests.bench.samples import Samples, Unit, in_turns
from tests.bench.table import NotMeasured, Row, Section, above, below, faster, overhead

MANY, FEW = 1000, 100
_LOSS = 0.15  # of what all cores could do
_SAMPLE = 30  # builds from which a loop over all environments is reckoned
_URL = "https://git.example.com/acme/airflow-environments.git"
_TAXIWAY = "from bootstrap.cli import main; main()"
_TIED = "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); os.execv(sys.argv[1], sys.argv[1:])"
_LOOP = f'for each in $(ls -d overlays/* | head -n {_SAMPLE}); do "$@" "$each" || exit; done'


def thousand(home: Home) -> Section:
    """Everything new, nothing changed, one environment changed."""
    repo = repo_of(home, MANY)
    loop = partial(_loop, home, repo)
    validate = partial(_validate, home, repo)
    loop()
    # A machine's speed changes by the minute: the first look stands beside loops right before and after it.
    before, cold, after = in_turns(1, loop, partial(_cold, home, repo), loop)
    unchanged, changed, builds = in_turns(5, validate, partial(_changed, home, repo), loop)
    mine, one, by_loop = Samples(unchanged), Samples(changed), Samples(builds)
    # What the builds alone would take, if they shared the cores without any loss.
    ideal = Samples(((before[0] + after[0]) / 2 / process.cores(),))
    instead = f"a loop of kustomize build, reckoned from {_SAMPLE}"
    return Section(
        title=f"taxiway validate, {MANY} environments, wall time",
        rows=(
            Row(figure="nothing changed", ours=mine, instead=instead, theirs=by_loop, target=below(mine, most=2.0)),
            Row(figure="one changed", ours=one, instead=instead, theirs=by_loop, target=faster(one, by_loop, least=80)),
            Row(
                figure="nothing known yet",
                ours=Samples(cold),
                instead=f"{instead}, shared by all cores without loss",
                theirs=ideal,
                target=overhead(Samples(cold), ideal, most=_LOSS),
            ),
        ),
    )


def first(home: Home) -> Section:
    """How well the cores are used where nothing is known yet."""
    repo = repo_of(home, FEW)
    figure, title = "nothing known yet", f"taxiway validate, {FEW} environments, wall time"
    instead = ("the same on one core", f"a loop of kustomize build, reckoned from {_SAMPLE}")
    if not hasattr(os, "sched_setaffinity"):
        reason = "this system ties no process to a core"
        none = NotMeasured(figure=figure, instead=instead[0], bound=f"at most {_LOSS:+.0%}", reason=reason)
        return Section(title=title, rows=(none,))
    tied = (PYTHON, "-c", _TIED)
    ours, *theirs = in_turns(
        3, partial(_cold, home, repo), partial(_cold, home, repo, *tied), partial(_loop, home, repo, FEW)
    )
    rows = []
    for name, taken in zip(instead, theirs, strict=True):
        mine, shared = Samples(ours), Samples(tuple(each / process.cores() for each in taken))
        what, target = f"{name}, shared by all cores without loss", overhead(mine, shared, most=_LOSS)
        rows.append(Row(figure=figure, ours=mine, instead=what, theirs=shared, target=target))
    return Section(title=title, rows=tuple(rows))


def one(home: Home) -> Section:
    """The difference of one environment among a thousand."""
    repo = repo_of(home, MANY)
    sides = repo.with_name("sides")
    shutil.rmtree(sides, ignore_errors=True)
    for side in ("old", "new"):
        shutil.copytree(repo / overlay_of(1), sides / side)
    build = Kustomize.find().command
    by_hand = ["sh", "-ec", '"$@" old; "$@" new', "sh", *build]
    ours, theirs = in_turns(
        9,
        lambda: _edited(home, repo, ["diff", "--no-cache", name_of(1)]),
        lambda: home.run(["sh", "-ec", 'cd "$1"; shift; exec "$@"', "sh", str(sides), *by_hand]).seconds,
    )
    pair = Samples(ours), Samples(theirs)
    return Section(
        title=f"taxiway diff of one environment among {MANY}, wall time",
        rows=(
            Row(
                figure="one changed value",
                ours=pair[0],
                instead="both builds, one after the other",
                theirs=pair[1],
                target=above(*pair, most=0.2),
            ),
        ),
    )


def memory(home: Home) -> Section:
    """Peaks of a first `validate` over few environments, and over ten times as many."""
    found: list[Samples] = []
    for count in (FEW, MANY):
        repo = repo_of(home, count)
        peak = home.peak(_TAXIWAY, ["validate", "--no-cache", "-C", str(repo)])
        found.append(Samples((max(peak.own, peak.children),), Unit.BYTES))
    few, many = found
    return Section(
        title="Peak memory of taxiway validate: resident set of the largest process",
        rows=(
            Row(
                figure=f"{MANY} environments",
                ours=many,
                instead=f"{FEW} environments",
                theirs=few,
                target=overhead(many, few, most=0.1),
            ),
        ),
    )


def _cold(home: Home, repo: Path, *by: str) -> float:
    shutil.rmtree(home.folder / ".cache/taxiway", ignore_errors=True)
    return home.run([*by, TAXIWAY, "validate", "-C", str(repo)]).seconds


def _changed(home: Home, repo: Path) -> float:
    return _edited(home, repo, ["validate"])


_edits = iter(range(1_000_000))


def _edited(home: Home, repo: Path, arguments: Sequence[str]) -> float:
    """A run after a change of one value to what it never was before."""
    path = repo / overlay_of(1) / "airflow.env"
    before = path.read_text()
    path.write_text(f"{before}AIRFLOW__CORE__PARALLELISM={next(_edits) + 33}\n")
    try:
        return home.run([TAXIWAY, *arguments, "-C", str(repo)]).seconds
    finally:
        path.write_text(before)


def _validate(home: Home, repo: Path) -> float:
    return home.run([TAXIWAY, "validate", "-C", str(repo)]).seconds


def _loop(home: Home, repo: Path, count: int = MANY) -> float:
    """What a loop over every environment takes, as far as some of them show it."""
    argv = ["sh", "-ec", f'cd "$1"; shift; {_LOOP}', "sh", str(repo), *Kustomize.find().command]
    return home.run(argv).seconds * count / _SAMPLE


def name_of(number: int) -> str:
    return f"env-{number:04}"


def overlay_of(number: int) -> str:
    return f"overlays/{name_of(number)}"


def repo_of(home: Home, count: int) -> Path:
    """An environment repo of so many environments, each with a base of its own, in one commit. Made once."""
    repo = home.folder / f"fleet-{count}"
    if repo.exists():
        return repo
    made = home.folder / "fleet-made"
    names = ["--environment", "dev", "--environment", name_of(0)]
    options = ["--yes", "--repo", _URL, "--sealing-cert", str(home.certificate), "--no-commit", *names]
    home.run([TAXIWAY, "init", str(made), *options])
    model = (made / "taxiway.yaml").read_text()
    entry = model[model.index(f"- name: {name_of(0)}\n") :]
    sync = made / f"clusters/default/{name_of(0)}.yaml"
    for number in range(1, count - 1):
        shutil.copytree(made / overlay_of(0), made / overlay_of(number))
        for path in (made / overlay_of(number)).rglob("*"):
            if path.is_file() and "base" not in path.relative_to(made / overlay_of(number)).parts:
                path.write_text(path.read_text().replace(name_of(0), name_of(number)))
        sync.with_stem(name_of(number)).write_text(sync.read_text().replace(name_of(0), name_of(number)))
        model += entry.replace(name_of(0), name_of(number))
    (made / "taxiway.yaml").write_text(model)
    home.run(["git", "-C", str(made), "add", "--all"])
    home.run(["git", "-C", str(made), "commit", "--quiet", "--message", "Bootstrap"])
    return made.rename(repo)
