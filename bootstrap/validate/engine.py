"""What the rules find in environments: looked for where something changed, remembered where nothing did."""

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
from bootstrap.validate.context import CLUSTERS, Claim, Concerned, EnvironmentContext
from bootstrap.validate.rules.fleet.claims import claims
from bootstrap.validate.violation import Finding
from bootstrap.yamltools.positions import Place

_LAYOUT = "2"  # of what is kept in the cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What was found in one environment, and what it takes for itself."""

    findings: tuple[Finding, ...] = ()
    claims: tuple[Claim, ...] = ()

    def dump(self) -> dict[str, Any]:
        """As plain data, which `load` reads back."""
        findings = [
            [each.rule.name, *astuple(each.place), each.message, each.hint, each.environments] for each in self.findings
        ]
        return {"findings": findings, "claims": [asdict(each) for each in self.claims]}

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> "Examined":
        """Read what `dump` made. Raises BadOption where a rule of that name is not there."""
        return cls(
            findings=tuple(
                Finding(
                    rule=registry.named(rule),
                    place=Place(path, line),
                    message=message,
                    hint=hint,
                    environments=tuple(environments),
                )
                for rule, path, line, message, hint, environments in data["findings"]
            ),
            claims=tuple(Claim(**each) for each in data["claims"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """A scene, and what tells whether it may be remembered: what it is made of, and what was read beside that."""

    scene: EnvironmentContext
    sources: Sources
    beside: Mapping[str, PartFiles]
    sound: bool


@dataclass(frozen=True, kw_only=True)
class Examiner:
    """Looks at the environments of a work tree. (No slots: it caches.)

    `before` is the commit that changes are measured against, None where there is none yet. The rules see an
    environment's own files; those that belong to no environment they see beside `first` alone, so that each is looked
    at once.
    """

    model: Model
    first: str
    work: WorkTree
    before: Commit | None
    builder: Builder

    def remembered(self, environment: Environment) -> Examined | None:
        """What was found in just this environment before."""
        hint = self.builder.hint(self.work, environment.overlay)
        key = self._key(environment, hint) if hint else None
        held = self.builder.cache.get(key) if key else None
        try:
            return None if held is None else Examined.load(json.loads(held))
        except (AttributeError, BadOption, ValueError, KeyError, TypeError):  # of a program that was made differently
            return None

    def examine(self, environment: Environment) -> Examined:
        """Build an environment and look at it."""
        look = self._look(environment)
        found = Examined(findings=tuple(registry.examine(look.scene)), claims=tuple(claims(look.scene)))
        look.scene.forget()
        key = self._key(environment, look.sources.parts)
        same = all(each.object_id == self.work.object_id(part) for part, each in look.beside.items())
        if key and look.sound and same:
            self.builder.cache.put(key, json.dumps(found.dump()).encode())
        return found

    def scene(self, environment: Environment) -> EnvironmentContext:
        """What there is to look at."""
        return self._look(environment).scene

    def _look(self, environment: Environment) -> "_Look":
        overlay = environment.overlay
        sources = self.builder.sources(self.work, overlay)
        built = self.builder.remembered(self.work, overlay) if sources.whole else None
        built = built or self.builder.build(self.work, overlay, sources)
        broken = built.failure is not None or not sources.whole
        beside = self.work.read(self.work.parts() if broken else self._beside(environment))
        files = {path: data for each in beside.values() for path, data in each.tree.files.items()}
        if not broken and environment.name != self.first:
            others = self._clusters.keys() - self._concerned.of(environment)
            files = {path: data for path, data in files.items() if path not in others}
        scene = EnvironmentContext(
            model=self.model,
            environment=environment,
            tree=Tree({**files, **sources.tree.files}),
            rendered=built.rendered,
            failure=built.failure,
            before=self._rendered_before(overlay, sources.parts, built),
            problems=tuple(each for read in (*sources.readings, *beside.values()) for each in read.problems),
        )
        return _Look(scene=scene, sources=sources, beside=beside, sound=built.sound)

    def differs(self, environment: Environment) -> bool:
        """Whether an environment is not as it was before, as far as that is known without a build."""
        if self.before is None or not self._is_declared_as_before(environment):
            return True
        rest = [part for part in self._beside(environment) if part not in (model.PATH, CLUSTERS)]
        parts = self.builder.parts(self.work, environment.overlay)
        return parts is None or not self._as_before([*parts, *rest])

    def _is_declared_as_before(self, environment: Environment) -> bool:
        """Whether taxiway.yaml and what the controller syncs by still say the same of an environment."""
        if self._model_before is None or environment not in self._model_before.environments:
            return False
        if replace(self._model_before, environments=()) != replace(self.model, environments=()):
            return False
        paths = self._concerned.of(environment) | self._concerned_before.of(environment)
        return all(self._clusters.get(path) == self._clusters_before.get(path) for path in paths)

    @cached_property
    def _model_before(self) -> Model | None:
        text = files_of(self.before, model.PATH).get(model.PATH) if self.before else None
        try:
            return None if text is None else Model.parse(text)
        except TaxiwayError:
            return None

    @property
    def off_before(self) -> tuple[Exemption, ...] | None:
        """The rules that were switched off before; None where there is no commit yet."""
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
        """The parts that the rules may look at beside the environment's own."""
        return self.work.parts() if environment.name == self.first else [model.PATH, CLUSTERS]

    @cached_property
    def _clusters(self) -> Mapping[str, bytes]:
        return files_of(self.work, CLUSTERS)

    @cached_property
    def _concerned(self) -> Concerned:
        return Concerned(self._clusters)

    @cached_property
    def _concerned_before(self) -> Concerned:
        return Concerned(self._clusters_before)

    def _key(self, environment: Environment, parts: Sequence[str]) -> str | None:
        """A name for all that the findings depend on."""
        beside = self._beside(environment)
        now, around = identities(self.work, parts), identities(self.work, beside)
        before = identities(self.before, parts) if self.before else []
        if now is None or around is None or before is None:
            return None
        about = ("findings", _LAYOUT, self.builder.code, self.builder.renderer)
        return object_ids.cache_key(*about, _facts(environment), parts, now, beside, around, _told(before, now))


def _facts(environment: Environment) -> tuple[str, ...]:
    return environment.name, environment.namespace, environment.cluster, str(environment.node_port)


def _told(before: list[str], now: list[str]) -> str | list[str]:
    """The ids of before, and nothing but that where they are those of now: the commit itself does not count."""
    return "same" if before == now else before
