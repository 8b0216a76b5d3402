"""Both sides of a difference, from where Git has looked to where kustomize is done."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap.commands.diff import Looked, Request
from bootstrap.config import model
from bootstrap.config.model import Environment
from bootstrap.config.parts import OVERLAYS, part_of
from bootstrap.diff.consequences import Consequence
from bootstrap.diff.consequences import repository as impact_repo
from bootstrap.diff.consequences.repository import State
from bootstrap.gitrepo import environment_repo
from bootstrap.gitrepo.environment_repo import Checkout
from bootstrap.gitrepo.snapshot import Commit, Snapshot, files_of
from bootstrap.kustomize.builder import Builder
from bootstrap.system.cache import Cache

Side = tuple[Snapshot, str]  # a state of the repo, and the overlay to build there


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What both sides render to, empty where an environment is not there; `between` are two of them at one time.

    `beside` follows from what is not rendered.
    """

    name: str
    before: bytes
    after: bytes
    between: tuple[Environment, Environment] | None = None
    beside: tuple[Consequence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """A Pair before it is built."""

    name: str
    before: Side | None = None
    after: Side | None = None
    between: tuple[Environment, Environment] | None = None
    beside: tuple[Consequence, ...] = ()

    def pair(self, texts: Iterator[bytes]) -> Pair:
        """With what the sides that are there render to, in their order."""
        before, after = (next(texts) if side else b"" for side in (self.before, self.after))
        return Pair(name=self.name, before=before, after=after, between=self.between, beside=self.beside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What there is to build."""

    builder: Builder
    sides: tuple[Sides, ...]

    def build(self) -> list[Pair]:
        """Build it all. Raises BuildFailed for the first that fails."""
        texts = iter(self.builder.render([side for each in self.sides for side in (each.before, each.after) if side]))
        return [each.pair(texts) for each in self.sides]


def over_time(top: Path, request: Request, looked: Looked) -> Wanted:
    """An environment each, in two states of the repo; where one alone is named, kustomize begins at once."""
    builder = Builder.find(Cache.find(wanted=request.cached))
    before = looked.before.result()
    # Who names one expects it to be changed: it need not be read first what the environments are.
    alone = f"{OVERLAYS}/{request.environments[0]}" if len(request.environments) == 1 else ""
    if before.identity(alone):
        builder.begin(before, alone)
    now = looked.after.result()
    if now.identity(alone) and now.identity(alone) != before.identity(alone):
        builder.begin(now, alone)
    old = environment_repo.at(before, called=before.commit if request.since else request.before)
    if isinstance(now, Commit):
        new = environment_repo.at(now, called=request.after or now.commit)
    else:
        new = environment_repo.working(top)
    known = {each.name: each for each in (*old.model.environments, *new.model.environments)}
    chosen = new.choose(request.environments) if request.environments else tuple(known.values())
    there = [{each.name for each in side.model.environments} for side in (old, new)]
    wanted = {each.overlay: each.name not in there[0] or _differs(before, now, each.overlay) for each in chosen}
    beside = impact_repo.consequences(_state(old, before), _state(new, now), lambda part: wanted.get(part, False))
    repo = (Sides(name=model.PATH, beside=beside[model.PATH]),) if model.PATH in beside else ()
    sides = (
        Sides(
            name=each.name,
            beside=beside.get(each.name, ()),
            before=(before, each.overlay) if each.name in there[0] else None,
            after=(now, each.overlay) if each.name in there[1] else None,
        )
        if builder.differ(before, now, each.overlay)
        else Sides(name=each.name, beside=beside.get(each.name, ()))
        for each in chosen
    )
    return Wanted(builder=builder, sides=(*repo, *sides))


def _state(checkout: Checkout, snapshot: Snapshot) -> State:
    return State(model=checkout.model, read=lambda path: files_of(snapshot, str(part_of(path))).get(path, b""))


def _differs(before: Snapshot, now: Snapshot, part: str) -> bool:
    identity = now.identity(part)
    return identity is None or identity != before.identity(part)


def between(top: Path, request: Request) -> Wanted:
    """Two environments, as they are now."""
    checkout = environment_repo.working(top)
    left, right = (checkout.choose([name])[0] for name in request.between or ())
    snapshot = checkout.snapshot((left, right))
    before, after = ((snapshot, each.overlay) for each in (left, right))
    sides = Sides(name=f"{left.name} → {right.name}", before=before, after=after, between=(left, right))
    return Wanted(builder=Builder.find(Cache.find(wanted=request.cached)), sides=(sides,))
