"""Validation engine: builds and examines single environments, with results cached by the ids of all that they read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from functools import cached_property
from typing import Any

from bootstrap.config import model
from bootstrap.config.exemptions import Exemption
from bootstrap.config.model import Environment, Model
from bootstrap.core.errors import BadOption, TaxiwayError
from bootstrap.core.tree import Tree
from bootstrap.gitrepo import object_ids
from bootstrap.gitrepo.snapshot import Commit, PartFiles, WorkTree, files_of
from bootstrap.kustomize.builder import Builder, Built, Sources, identities
from bootstrap.validate import registry
from bootstrap.validate.context import CLUSTERS, Claim, ClusterFiles, EnvironmentContext
from bootstrap.validate.rules.fleet.claims import claims
from bootstrap.validate.violation import Finding
from bootstrap.yamltools.positions import Place

_CACHE_FORMAT = "2"  # bump when `Examined.dump` changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """Result of one environment: its findings, and its claims for the rules that compare environments."""

    findings: tuple[Finding, ...] = ()
    claims: tuple[Claim, ...] = ()

    def dump(self) -> dict[str, Any]:
        """Convert to plain data for the cache."""
        findings = [
            [finding.rule.name, *astuple(finding.place), finding.message, finding.hint, finding.environments]
            for finding in self.findings
        ]
        return {"findings": findings, "claims": [asdict(claim) for claim in self.claims]}

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> "Examined":
        """Restore from `dump`. Raises BadOption for an unknown rule."""
        return cls(
            findings=tuple(
                Finding(
                    rule=registry.find(rule),
                    place=Place(path, line),
                    message=message,
                    hint=hint,
                    environments=tuple(environments),
                )
                for rule, path, line, message, hint, environments in data["findings"]
            ),
            claims=tuple(Claim(**claim) for claim in data["claims"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Input:
    """A context, and what decides whether its result is cached: its sources, and the other parts read (`beside`)."""

    context: EnvironmentContext
    sources: Sources
    beside: Mapping[str, PartFiles]
    sound: bool


@dataclass(frozen=True, kw_only=True)
class Examiner:
    """Examines the environments of a work tree. (No slots: it caches.)

    `before` is the base commit, None if there is none. Rules see an environment's own files; files of no environment
    are added to the environment `first` only, so that each is examined once.
    """

    model: Model
    first: str
    work: WorkTree
    before: Commit | None
    builder: Builder

    def cached(self, environment: Environment) -> Examined | None:
        """Result from the cache; None if there is none for this state of the files."""
        hint = self.builder.hint(self.work, environment.overlay)
        key = self._key(environment, hint) if hint else None
        data = self.builder.cache.get(key) if key else None
        try:
            return None if data is None else Examined.load(json.loads(data))
        except (AttributeError, BadOption, ValueError, KeyError, TypeError):  # an entry of another version of taxiway
            return None

    def examine(self, environment: Environment) -> Examined:
        """Build an environment, run the rules on it, and cache the result."""
        read = self._read(environment)
        result = Examined(findings=tuple(registry.examine(read.context)), claims=tuple(claims(read.context)))
        read.context.forget()
        key = self._key(environment, read.sources.parts)
        # A file that was changed while it was read must not end up under the key of its new content.
        unchanged = all(reading.object_id == self.work.object_id(part) for part, reading in read.beside.items())
        if key and read.sound and unchanged:
            self.builder.cache.put(key, json.dumps(result.dump()).encode())
        return result

    def context(self, environment: Environment) -> EnvironmentContext:
        """The input of the rules, with a build that may come from the cache."""
        return self._read(environment).context

    def _read(self, environment: Environment) -> "_Input":
        overlay = environment.overlay
        sources = self.builder.sources(self.work, overlay)
        built = self.builder.remembered(self.work, overlay) if sources.whole else None
        built = built or self.builder.build(self.work, overlay, sources)
        broken = built.failure is not None or not sources.whole
        beside = self.work.read(self.work.parts() if broken else self._beside(environment))
        files = {path: data for reading in beside.values() for path, data in reading.tree.files.items()}
        if not broken and environment.name != self.first:
            others = self._clusters.keys() - self._cluster_files.of(environment)
            files = {path: data for path, data in files.items() if path not in others}
        context = EnvironmentContext(
            model=self.model,
            environment=environment,
            tree=Tree({**files, **sources.tree.files}),
            rendered=built.rendered,
            failure=built.failure,
            before=self._rendered_before(overlay, sources.parts, built),
            problems=tuple(
                problem for reading in (*sources.readings, *beside.values()) for problem in reading.problems
            ),
        )
        return _Input(context=context, sources=sources, beside=beside, sound=built.sound)

    def differs(self, environment: Environment) -> bool:
        """Whether an environment may differ from the base commit, decided by object ids, without a build."""
        if self.before is None or not self._is_declared_as_before(environment):
            return True
        rest = [part for part in self._beside(environment) if part not in (model.PATH, CLUSTERS)]
        parts = self.builder.parts(self.work, environment.overlay)
        return parts is None or not self._as_before([*parts, *rest])

    def _is_declared_as_before(self, environment: Environment) -> bool:
        """Whether what taxiway.yaml and `clusters/` say about an environment is as in the base commit."""
        if self._model_before is None or environment not in self._model_before.environments:
            return False
        if replace(self._model_before, environments=()) != replace(self.model, environments=()):
            return False
        paths = self._cluster_files.of(environment) | self._cluster_files_before.of(environment)
        return all(self._clusters.get(path) == self._clusters_before.get(path) for path in paths)

    @cached_property
    def _model_before(self) -> Model | None:
        text = files_of(self.before, model.PATH).get(model.PATH) if self.before else None
        try:
            return None if text is None else Model.parse(text)
        except TaxiwayError:
            return None

    @property
    def exemptions_before(self) -> tuple[Exemption, ...] | None:
        """Exemptions of the base commit; None if there is no commit."""
        if self.before is None:
            return None
        return self._model_before.exemptions if self._model_before else ()

    @cached_property
    def _clusters_before(self) -> Mapping[str, bytes]:
        return files_of(self.before, CLUSTERS) if self.before else {}

    def _as_before(self, parts: Sequence[str]) -> bool:
        now = identities(self.work, parts)
        return now is not None and self.before is not None and identities(self.before, parts) == now

    def _rendered_before(self, overlay: str, parts: Sequence[str], built: Built) -> bytes | None:
        if self._as_before(parts):
            return built.rendered
        if self.before is None or not self.before.object_id(overlay):
            return None
        before = self.builder.rendered(self.before, overlay)
        return None if before.failure is not None else before.rendered

    def _beside(self, environment: Environment) -> list[str]:
        """Parts of the repo that rules may read besides the overlay and its sources."""
        return self.work.parts() if environment.name == self.first else [model.PATH, CLUSTERS]

    @cached_property
    def _clusters(self) -> Mapping[str, bytes]:
        return files_of(self.work, CLUSTERS)

    @cached_property
    def _cluster_files(self) -> ClusterFiles:
        return ClusterFiles(self._clusters)

    @cached_property
    def _cluster_files_before(self) -> ClusterFiles:
        return ClusterFiles(self._clusters_before)

    def _key(self, environment: Environment, parts: Sequence[str]) -> str | None:
        """Cache key of the findings: everything that they depend on; None if that is not known."""
        beside = self._beside(environment)
        now, around = identities(self.work, parts), identities(self.work, beside)
        before = identities(self.before, parts) if self.before else []
        if now is None or around is None or before is None:
            return None
        about = ("findings", _CACHE_FORMAT, self.builder.code, self.builder.renderer)
        at = (_key_of(environment), parts, now, beside, around, _key_of_before(before, now))
        return object_ids.cache_key(*about, *at)


def _key_of(environment: Environment) -> tuple[str, ...]:
    return environment.name, environment.namespace, environment.cluster, str(environment.node_port)


def _key_of_before(before: list[str], now: list[str]) -> str | list[str]:
    """Ids at the base commit, or one constant if they equal the present ones: a new commit must not miss the cache."""
    return "same" if before == now else before
