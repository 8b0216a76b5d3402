"""Validation run: findings of the chosen environments, of the environments compared, and of files outside of any."""

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
class Validation:
    """What a run examines: the `chosen` environments, and the `unassigned` files of no environment, unless None.

    `now` is the time that certificates are checked against. `exemptions` are the rules that are switched off. With
    `--since` they are those of the base commit, so that a change can't hide its own findings.
    """

    checkout: Checkout
    chosen: tuple[Environment, ...]
    examiner: Examiner
    now: datetime
    unassigned: UnassignedFiles | None
    exemptions: Sequence[Exemption]

    def of_changed(self) -> "Validation":
        """The same run, limited to environments that differ from the base commit."""
        return replace(self, chosen=tuple(filter(self.examiner.differs, self.chosen)))

    def findings(self, *, progress: Progress) -> list[Finding]:
        """All findings but the API server's. Raises BadTarget if taxiway.yaml switches off a rule that can't be."""
        registry.check_exemptions(self.checkout.model.exemptions)
        examined = self._examined(progress)
        findings: list[Finding] = []
        for environment in self.chosen:
            findings.extend(examined[environment.name].findings)
            findings.extend(self._dated_findings(environment))
        fleet = FleetContext(
            model=self.checkout.model,
            chosen=tuple(examined),
            claims=[(name, claim) for name, result in examined.items() for claim in result.claims],
            exemptions_before=self.examiner.exemptions_before,
            overlays=self.unassigned.overlays if self.unassigned else (),
            clusters=self.unassigned.clusters if self.unassigned else (),
            read=self.checkout.read,
            rules=registry.names(),
        )
        findings.extend(registry.examine(fleet))
        return self.apply_exemptions(findings)

    def server_findings(self, context: str | None, *, progress: Progress) -> list[Finding]:
        """Findings of a server-side dry run in a kubectl context, for the environments that build."""
        with progress("asking the API server"):
            return list(self._server_findings(Kubectl.find(context)))

    def apply_exemptions(self, findings: Iterable[Finding]) -> list[Finding]:
        """Findings as they are reported: merged, and without those that are switched off."""
        return registry.apply_exemptions(findings, self.exemptions)

    def _examined(self, progress: Progress) -> dict[str, Examined]:
        """Results by environment name, in the order of `chosen`: from the cache, or built and examined in parallel."""
        what = "building and examining the overlays"
        # One thread more than cores: Python examines one environment at a time while kustomize builds others.
        with progress(what) as tell, ThreadPoolExecutor(process.cores() + 1) as pool:
            results = {environment.name: self.examiner.cached(environment) for environment in self.chosen}
            missing = [environment for environment in self.chosen if results[environment.name] is None]
            jobs = {pool.submit(self.examiner.examine, environment): environment.name for environment in missing}
            try:
                for number, job in enumerate(as_completed(jobs), 1):
                    results[jobs[job]] = job.result()
                    if tell:
                        tell(f"{what}: {number} of {len(jobs)}")
            finally:
                pool.shutdown(cancel_futures=True)
        return {name: result for name, result in results.items() if result is not None}

    def _dated_findings(self, environment: Environment) -> list[Finding]:
        """Findings that depend on the time, such as an expired certificate: never cached, as no file has to change."""
        path, model = certificates.path(environment), self.checkout.model
        pem = self.checkout.read(path)
        context = EnvironmentContext(model=model, environment=environment, tree=Tree({path: pem} if pem else {}))
        return registry.examine(DatedContext(model=model, environment=context, now=self.now))

    def _server_findings(self, kubectl: Kubectl) -> Iterator[Finding]:
        for environment in self.chosen:
            context = self.examiner.context(environment)
            if context.rendered:
                out, err = kubectl.dry_run(context.rendered)
                yield from registry.examine(ServerContext(model=context.model, environment=context, out=out, err=err))
