"""Fuzzing: `validate` never raises for mutated input, and ignores the layout of YAML."""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootstrap.config.model import Model
from bootstrap.core.errors import TaxiwayError
from bootstrap.core.tree import Tree
from bootstrap.gitrepo.environment_repo import open_work_tree
from bootstrap.validate import formats, registry, violation
from bootstrap.validate.context import EnvironmentContext, FleetContext
from bootstrap.validate.rules.fleet import claims as fleet_claims
from tests import rendering
from tests.conftest import Taxiway
from tests.validate import files

EACH = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
ODD: tuple[Any, ...] = (None, True, 0, -1, 1.5, "", "\x00", "ü", "a: b", [], [None], [[]], {}, {"": None}, {"name": []})


@pytest.fixture(scope="module", params=["complete", pytest.param("dev", marks=pytest.mark.deep)])
def context(request: pytest.FixtureRequest, fresh: Path) -> EnvironmentContext:
    """An environment of it, as the rules see it."""
    checkout = open_work_tree(fresh)
    (environment,) = checkout.select([request.param])
    return EnvironmentContext(
        model=checkout.model,
        environment=environment,
        tree=files.of(checkout, environment),
        rendered=rendering.build(fresh / environment.overlay),
    )


def examine(context: EnvironmentContext) -> list[violation.Finding]:
    """All that is found, told in every form."""
    found = registry.examine(context)
    claims = [(context.environment.name, claim) for claim in fleet_claims.claims(context)]
    findings = violation.merged([*found, *registry.examine(FleetContext(model=context.model, claims=claims))])
    for form in ("text", "github", "gitlab", "sarif"):
        assert "\n".join(formats.lines(findings, [context.environment.name], (), form)).encode()
    json.dumps(formats.data(findings, [context.environment.name], ()))
    return findings


def flipped(chance: random.Random, data: bytes) -> bytes:
    """Bytes changed, taken out or put in."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed) + 1)
        changed[at : at + chance.randint(0, 3)] = bytes(chance.randrange(256) for _ in range(chance.randint(0, 3)))
    return bytes(changed)


def restructured(change: Callable[[random.Random, Any], Any]) -> Callable[[random.Random, bytes], bytes]:
    """A change to what a YAML text holds, at a random place of a random document."""

    def mutate(chance: random.Random, data: bytes) -> bytes:
        try:
            held = list(yaml.load_all(data, Loader=yaml.CSafeLoader))
        except yaml.YAMLError:
            return data
        places = list(_places(held))
        for container, key in chance.sample(places, min(len(places), chance.randint(1, 3))):
            if key in container if isinstance(container, dict) else key < len(container):
                change(chance, (container, key))
        text: bytes = yaml.dump_all(held, Dumper=yaml.CSafeDumper, encoding="utf-8")
        return text

    return mutate


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield value, key
        yield from _places(inner)


def _drop(chance: random.Random, place: tuple[Any, Any]) -> None:
    container, key = place
    del container[key]


def _swap(chance: random.Random, place: tuple[Any, Any]) -> None:
    container, key = place
    container[key] = chance.choice(ODD)


MUTATIONS = {"bytes flipped": flipped, "keys dropped": restructured(_drop), "types swapped": restructured(_swap)}


@pytest.mark.parametrize("mutation", MUTATIONS)
@given(seed=st.integers(0, 2**32))
@EACH
def test_validate_never_raises_for_mutated_files(context: EnvironmentContext, mutation: str, seed: int) -> None:
    chance = random.Random(seed)
    files = dict(context.tree.files)
    paths = [path for path in sorted(files) if path.endswith((".yaml", ".env", ".pem")) and files[path]]
    for path in chance.sample(paths, chance.randint(1, 3)):
        files[path] = MUTATIONS[mutation](chance, files[path])
    model = context.model
    try:
        model = Model.parse(files["taxiway.yaml"])
    except TaxiwayError:  # told before any rule looks
        files["taxiway.yaml"] = context.tree["taxiway.yaml"]
    # Half of them as after a build that went well, and half as after one that failed.
    built = {"rendered": context.rendered} if chance.random() < 0.5 else {"failure": "kustomize can't build it"}
    examine(
        EnvironmentContext(
            model=model, environment=context.environment, tree=Tree(files), before=context.rendered, **built
        )
    )


@pytest.mark.parametrize("mutation", ["keys dropped", "types swapped"])
@given(seed=st.integers(0, 2**32))
@EACH
def test_validate_never_raises_for_mutated_renders(context: EnvironmentContext, mutation: str, seed: int) -> None:
    mutated = MUTATIONS[mutation](random.Random(seed), context.rendered)
    before, after = random.Random(seed).sample([context.rendered, mutated], 2)
    examine(
        EnvironmentContext(
            model=context.model, environment=context.environment, tree=context.tree, rendered=after, before=before
        )
    )


@pytest.mark.parametrize(
    "style",
    [
        {"sort_keys": True},
        {"sort_keys": False, "indent": 7},
        {"sort_keys": False, "default_style": '"'},
        {"sort_keys": False, "default_flow_style": True},
    ],
    ids=["sorted", "deep", "quoted", "flow"],
)
def test_another_layout_of_the_same_yaml_has_no_finding(
    fresh: Path, taxiway: Taxiway, tmp_path: Path, style: dict[str, Any]
) -> None:
    folder = tmp_path / "envs"
    shutil.copytree(fresh, folder, symlinks=True)
    for path in folder.rglob("*.yaml"):
        # Where kustomize splits text at its quotes, the layout has a meaning.
        if path.name != "pod-template.yaml" and ".git" not in path.parts and ".github" not in path.parts:
            held = list(yaml.safe_load_all(path.read_bytes()))
            path.write_text(yaml.safe_dump_all(held, width=10_000, **style))
    said = taxiway("validate", "-C", folder)
    assert (said.code, said.out) == (0, "2 environments checked: no finding\n")
