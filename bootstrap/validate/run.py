"""All that is wrong with an environment repo: with its environments, with each beside the others, with what is left."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import datetime

from bootstrap.cluster.kubectl import Kubectl
from bootstrap.config.exemptions import Exemption
from bootstrap.config.model import Environment
from bootstrap.core.result import Progress
from bootstrap.core.tree import Tree
from bootstrap.gitrepo.environment_repo import Checkout, UnassignedFiles
from bootstrap.secrets import certificates
from bootstrap.system import process
from bootstrap.validate import registry
from bootstrap.validate.context import DatedContext, EnvironmentContext, FleetContext, ServerContext
from bootstrap.validate.engine import Examined, Examiner
from bootstrap.validate.violation import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What is to be looked at: the environments `chosen`, and the `unassigned` files, if any.

    `now` is the time that certificates are judged by. `off` are the rules that are switched off: of a change that is
    judged, those of the commit that it is measured against, so that no change silences what is said of it.
    """

    checkout: Checkout
    chosen: tuple[Environment, ...]
    examiner: Examiner
    now: datetime
    unassigned: UnassignedFiles | None
    off: Sequence[Exemption]

    def of_changed(self) -> "Survey":
        """The same of those alone that differ from the commit before."""
        return replace(self, chosen=tuple(each for each in self.chosen if self.examiner.differs(each)))

    def findings(self, *, progress: Progress) -> list[Finding]:
        """Every finding. Raises BadTarget at once where the rule is switched off that can't be."""
        registry.check_off(self.checkout.model.exemptions)
        examined = self._examined(progress)
        found = [each for environment in self.chosen for each in examined[environment.name].findings]
        found.extend(each for environment in self.chosen for each in self._dated(environment))
        claims = [(each.name, claim) for each in self.chosen for claim in examined[each.name].claims]
        fleet = FleetContext(
            model=self.checkout.model,
            chosen=tuple(each.name for each in self.chosen),
            claims=claims,
            off_before=self.examiner.off_before,
            overlays=self.unassigned.overlays if self.unassigned else (),
            clusters=self.unassigned.clusters if self.unassigned else (),
            read=self.checkout.read,
            rules=registry.names(),
        )
        found.extend(registry.examine(fleet))
        return self.judged(found)

    def asked(self, context: str | None, *, progress: Progress) -> list[Finding]:
        """What the API server of a kubectl context says of the environments that build."""
        with progress("asking the API server"):
            return list(self._asked(Kubectl.find(context)))

    def judged(self, found: Iterable[Finding]) -> list[Finding]:
        """Findings as they are told."""
        return registry.judged(found, self.off)

    def _examined(self, progress: Progress) -> dict[str, Examined]:
        """What is in each environment: read from the cache, or built and examined, several at a time."""
        what = "building and examining the overlays"
        # One thread more than cores: Python examines one environment at a time while kustomize builds others.
        with progress(what) as tell, ThreadPoolExecutor(process.cores() + 1) as pool:
            found = {each.name: known for each in self.chosen if (known := self.examiner.remembered(each))}
            jobs = {
                pool.submit(self.examiner.examine, each): each.name for each in self.chosen if each.name not in found
            }
            try:
                for number, job in enumerate(as_completed(jobs), 1):
                    found[jobs[job]] = job.result()
                    if tell:
                        tell(f"{what}: {number} of {len(jobs)}")
            finally:
                pool.shutdown(cancel_futures=True)
        return found

    def _dated(self, environment: Environment) -> list[Finding]:
        """What time alone has done to an environment: looked for at each run, also where nothing else changed."""
        path, model = certificates.path(environment), self.checkout.model
        pem = self.checkout.read(path)
        known = EnvironmentContext(model=model, environment=environment, tree=Tree({path: pem} if pem else {}))
        return registry.examine(DatedContext(model=model, environment=known, now=self.now))

    def _asked(self, kubectl: Kubectl) -> Iterator[Finding]:
        for each in self.chosen:
            scene = self.examiner.scene(each)
            if scene.rendered:
                out, err = kubectl.dry_run(scene.rendered)
                yield from registry.examine(ServerContext(model=scene.model, environment=scene, out=out, err=err))
