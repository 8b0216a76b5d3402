"""All that is wrong with an environment repo: with its environments, with each beside the others, with what is left."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bootstrap import crew, finding
from bootstrap.builds import Builder
from bootstrap.cache import Cache
from bootstrap.examination import Examined, Examiner
from bootstrap.finding import Finding
from bootstrap.kubectl import Kubectl
from bootstrap.lint import fleet, registry, secrets, secrets_certificate, server
from bootstrap.lint.scene import Scene
from bootstrap.model import Environment
from bootstrap.repository import Checkout, Strays
from bootstrap.result import Progress
from bootstrap.snapshot import Commit, WorkTree
from bootstrap.tree import Tree


def aging(checkout: Checkout, environments: Iterable[Environment], now: datetime) -> dict[str, list[Finding]]:
    """What time alone has done to environments, by their names."""
    found: dict[str, list[Finding]] = {}
    for each in environments:
        place = f"{each.overlay}/{secrets_certificate.FILE}"
        try:
            tree = Tree({place: checkout.read(place)})
        except OSError:
            tree = Tree()
        found[each.name] = list(secrets.aging(Scene(model=checkout.model, environment=each, tree=tree), now))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What is to be looked at: the environments `chosen`, and the `strays`, if any.

    `aging` is what `aging` found. With `strict`, each finding is an error.
    """

    checkout: Checkout
    chosen: tuple[Environment, ...]
    examiner: Examiner
    aging: Mapping[str, Sequence[Finding]]
    strays: Strays | None
    strict: bool

    @classmethod
    def of(
        cls,
        checkout: Checkout,
        chosen: tuple[Environment, ...],
        work: WorkTree,
        before: Commit | None,
        cache: Cache,
        *,
        aging: Mapping[str, Sequence[Finding]],
        strays: Strays | None,
        strict: bool,
    ) -> "Survey":
        """Of a work tree; `before` is the commit that changes are measured against, None where there is none yet."""
        builder = Builder.find(cache)
        first = chosen[0].name
        examiner = Examiner(model=checkout.model, first=first, work=work, before=before, builder=builder)
        return cls(checkout=checkout, chosen=chosen, examiner=examiner, aging=aging, strays=strays, strict=strict)

    def of_changed(self) -> "Survey":
        """The same of those alone that differ from the commit before."""
        return replace(self, chosen=tuple(each for each in self.chosen if self.examiner.differs(each)))

    def findings(self, *, progress: Progress) -> list[Finding]:
        """Every finding. Raises BadTarget at once where a rule is switched off that does not exist."""
        self.judged(())
        examined = self._examined(progress)
        found = [each for environment in self.chosen for each in examined[environment.name].findings]
        found.extend(each for environment in self.chosen for each in self.aging[environment.name])
        claims = [(each.name, claim) for each in self.chosen for claim in examined[each.name].claims]
        found.extend(fleet.check(self.checkout.model, claims))
        if self.strays:
            found.extend(
                fleet.strays(self.checkout.model, self.strays.overlays, self.strays.clusters, self.checkout.read)
            )
        return found

    def asked(self, context: str | None, *, progress: Progress) -> list[Finding]:
        """What the API server of a kubectl context says of the environments that build."""
        with progress("asking the API server"):
            return list(self._asked(Kubectl.find(context)))

    def judged(self, found: Iterable[Finding]) -> list[Finding]:
        """Findings as they are told."""
        return finding.merged(registry.judged(found, self.checkout.model.switched_off, strict=self.strict))

    def _examined(self, progress: Progress) -> dict[str, Examined]:
        """What is in each environment: all that is remembered, and the others as they get ready."""
        if (known := self.examiner.all_remembered(self.chosen)) is not None:
            return known
        remembered = ((each.name, self.examiner.remembered(each)) for each in self.chosen)
        found = {name: examined for name, examined in remembered if examined}
        left = [each for each in self.chosen if each.name not in found]
        if not left:
            self.examiner.remember_all(found, self.chosen)
        what = "building and examining the overlays"
        with progress(what) as tell:
            for number, (each, examined) in enumerate(crew.examine(self.examiner, left), 1):
                found[each.name] = examined
                if tell:
                    tell(f"{what}: {number} of {len(left)}")
        return found

    def _asked(self, kubectl: Kubectl) -> Iterator[Finding]:
        for each in self.chosen:
            scene = self.examiner.scene(each)
            if scene.rendered:
                yield from server.check(scene, *kubectl.dry_run(scene.rendered))
