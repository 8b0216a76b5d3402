"""Promotions: what moves, what stays, and which conflicts are refused. Rollbacks."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.config.hold import Hold
from bootstrap.config.model import Model
from bootstrap.core.changeset import ChangeSet
from bootstrap.core.errors import BadOption, BadTarget
from bootstrap.core.tree import Tree
from bootstrap.promotion import plan as promotion
from bootstrap.promotion import release, rollback
from bootstrap.promotion.merge import Part
from bootstrap.promotion.plan import ALL, Plan
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rules.references.configmaps_and_secrets import missing_secret, missing_secret_key
from tests import environment_repo as envs

KNOWN = envs.model()
REPO = envs.repo()
HOLD = Hold(reason="3.3.3 loses logs", author="Ada <ada@example.com>", date="2026-11-23")
Edit = Callable[[Tree], Tree]
SETTINGS = "release/airflow.env"
RELEASE_ENV = "release/release.env"


def at(environment: str, path: str) -> str:
    return f"overlays/{environment}/{path}"


def base_of(environment: str) -> str:
    return "base" if environment == "dev" else at(environment, "base")


def release_edits(name: str) -> st.SearchStrategy[Edit]:
    """Changes that people make in the release of an environment."""
    tags = st.sampled_from(["3.3.2", "3.3.3", "3.4.0", "3.3.3@sha256:" + "a" * 64])
    values = st.none() | st.sampled_from(["", "1", "2", "a=b # c"])
    keys = st.sampled_from(["AIRFLOW__CORE__PARALLELISM", "AIRFLOW__API__WORKERS", "A"])
    files = st.sampled_from(
        ["airflow/service.yaml", "airflow/job.migrate.yaml", "rbac/role.worker.yaml", "new/file.txt"]
    )
    components = st.sampled_from(["json-logging", "dags-from-git"])
    return st.one_of(
        st.builds(
            lambda tag: lambda tree: envs.with_image(tree, name, "apache/airflow", f"apache/airflow:{tag}"), tags
        ),
        st.builds(lambda tag: lambda tree: envs.with_image(tree, name, "acme/tool", f"acme/tool:{tag}"), tags),
        st.builds(
            lambda key, value: lambda tree: envs.with_setting(tree, at(name, SETTINGS), key, value), keys, values
        ),
        st.builds(
            lambda value: lambda tree: envs.with_setting(tree, at(name, RELEASE_ENV), "DAGS_REFERENCE", value), values
        ),
        st.just(lambda tree: envs.edited(tree, at(name, RELEASE_ENV), lambda text: "# a note\r\n" + text)),
        st.builds(
            lambda path, line: lambda tree: envs.edited(tree, f"{base_of(name)}/{path}", lambda text: text + line),
            files,
            st.sampled_from(["# one\n", "# two\n"]),
        ),
        st.builds(lambda path: lambda tree: envs.without(tree, f"{base_of(name)}/{path}"), files),
        st.builds(lambda each: lambda tree: with_component(tree, name, each), components),
    )


def own_edits(name: str) -> st.SearchStrategy[Edit]:
    """Changes of what an environment has of its own."""
    return st.sampled_from(
        [
            lambda tree: envs.edited(
                tree, at(name, "airflow.env"), lambda text: text + "AIRFLOW__CORE__PARALLELISM=7\n"
            ),
            lambda tree: envs.edited(
                tree, at(name, "patches/replicas.yaml"), lambda _: "# three\nspec: {replicas: 3}\n"
            ),
            lambda tree: envs.edited(tree, at(name, "secrets/sealedsecret.mine.yaml"), lambda _: "AgBy…\n"),
            lambda tree: envs.edited(
                tree, at(name, "kustomization.yaml"), lambda text: text + "# mine\nreplicas:\n  - {name: x, count: 3}\n"
            ),
            lambda tree: with_component(tree, name, "ingress"),
            lambda tree: with_component(tree, name, "external-database"),
        ]
    )


def with_component(tree: Tree, name: str, component: str) -> Tree:
    folder = "../../base" if name == "dev" else "base"
    line = f"  - {folder}/components/{component}\n"
    path = at(name, "kustomization.yaml")
    if line in tree[path].decode():
        return tree
    return envs.edited(tree, path, lambda text: text.replace("  - release\n", f"  - release\n{line}"))


def components(tree: Tree, name: str) -> list[str]:
    return [each.rpartition("/")[2] for each in yaml.safe_load(tree[at(name, "kustomization.yaml")])["components"]]


def applied(tree: Tree, edits: list[Edit]) -> Tree:
    for edit in edits:
        tree = edit(tree)
    return tree


def promote(tree: Tree, source: str = "dev", target: str = "staging", **options: object) -> tuple[Plan, Tree]:
    plan = promotion.plan(tree, KNOWN, source, target, **options)  # type: ignore[arg-type]
    return plan, plan.changes.apply(tree)


SCENARIOS = st.tuples(
    st.lists(release_edits("dev"), max_size=4),
    st.lists(release_edits("staging"), max_size=3),
    st.lists(own_edits("staging") | own_edits("dev"), max_size=3),
).map(lambda parts: [edit for part in parts for edit in part])
PARTS = st.just(ALL) | st.frozensets(st.sampled_from(Part), min_size=1)
ANCESTORS = st.sampled_from([None, REPO])


@given(edits=SCENARIOS, only=PARTS, ancestor=ANCESTORS, pin=st.none() | st.just("3.2.1"))
def test_promoting_twice_equals_once(
    edits: list[Edit], only: frozenset[Part], ancestor: Tree | None, pin: str | None
) -> None:
    tree = applied(REPO, edits)
    _, once = promote(tree, only=only, ancestor=ancestor, pin=pin)
    again, twice = promote(once, only=only, ancestor=ancestor, pin=pin)
    assert not again.changes
    assert not again.moved
    assert twice == once


@given(edits=SCENARIOS)
def test_promoting_again_after_the_merge_changes_nothing(edits: list[Edit]) -> None:
    tree = applied(REPO, edits)
    first, merged = promote(tree, ancestor=REPO)
    second, _ = promote(merged, ancestor=tree)  # the tree that the promotion was made from
    assert not second.changes
    assert {each.field for each in first.kept} <= {each.field for each in second.kept}


@given(edits=SCENARIOS, name=st.sampled_from(envs.NAMES), only=PARTS, ancestor=ANCESTORS)
def test_an_environment_promoted_into_itself_is_unchanged(
    edits: list[Edit], name: str, only: frozenset[Part], ancestor: Tree | None
) -> None:
    tree = applied(REPO, edits)
    plan, after = promote(tree, name, name, only=only, ancestor=ancestor)
    assert plan == Plan(changes=ChangeSet())
    assert after == tree


@given(edits=SCENARIOS, only=PARTS, ancestor=ANCESTORS)
def test_what_belongs_to_the_target_stays_byte_for_byte(
    edits: list[Edit], only: frozenset[Part], ancestor: Tree | None
) -> None:
    tree = applied(REPO, edits)
    plan, after = promote(tree, only=only, ancestor=ancestor)
    carried = ("overlays/staging/release/", "overlays/staging/base/")
    kustomization = "overlays/staging/kustomization.yaml"
    assert all(path.startswith(carried) or path == kustomization for path in plan.changes.paths)
    lines = [tree[kustomization].decode().splitlines(), after[kustomization].decode().splitlines()]
    assert [line for line in lines[0] if "components/" not in line] == [
        line for line in lines[1] if "components/" not in line
    ]
    for own in ("ingress", "external-database"):
        assert (own in components(tree, "staging")) == (own in components(after, "staging"))


@given(
    theirs=st.lists(release_edits("dev"), max_size=5), own=st.lists(own_edits("dev") | own_edits("staging"), max_size=2)
)
def test_an_unedited_target_gets_the_sources_files(theirs: list[Edit], own: list[Edit]) -> None:
    tree = applied(REPO, [*theirs, *own])
    plan, after = promote(tree, ancestor=REPO)
    assert not plan.conflicts
    assert not plan.kept
    assert after.under("overlays/staging/base") == after.under("base")
    sides = [dict(after.under(f"overlays/{name}/release")) for name in ("dev", "staging")]
    ids = [side.pop("release.env").decode().splitlines() for side in sides]
    assert sides[0] == sides[1]
    assert [line for line in ids[0] if "RELEASE=" not in line] == [line for line in ids[1] if "RELEASE=" not in line]
    assert set(release.load(after, KNOWN.environments[0]).components) == set(
        release.load(after, KNOWN.environments[1]).components
    )


@given(edits=SCENARIOS, only=PARTS, ancestor=ANCESTORS)
def test_another_image_or_job_gets_another_release_id(
    edits: list[Edit], only: frozenset[Part], ancestor: Tree | None
) -> None:
    tree = applied(REPO, edits)
    _, after = promote(tree, only=only, ancestor=ancestor)
    job = "overlays/staging/base/airflow/job.migrate.yaml"
    changed = envs.image_of(tree, "staging") != envs.image_of(after, "staging")
    if changed or tree.files.get(job) != after.files.get(job):
        assert envs.release_id(after, "staging") != envs.release_id(tree, "staging")


@given(ours=st.sampled_from(["1", "2", None]), theirs=st.sampled_from(["1", "2", None]))
def test_a_setting_is_merged_from_three_sides(ours: str | None, theirs: str | None) -> None:
    path, key = at("staging", SETTINGS), "AIRFLOW__CORE__PARALLELISM"
    old = envs.with_setting(envs.with_setting(REPO, path, key, "1"), at("dev", SETTINGS), key, "1")
    tree = envs.with_setting(envs.with_setting(old, path, key, ours), at("dev", SETTINGS), key, theirs)
    plan, after = promote(tree, ancestor=old)
    value = envs.setting_of(after, path, key)
    if ours in ("1", theirs):
        assert (value, plan.conflicts, plan.kept) == (theirs, (), ())
    elif theirs == "1":
        assert (value, plan.conflicts) == (ours, ())
        assert [(each.field, each.source, each.target) for each in plan.kept] == [(key, theirs, ours)]
    else:
        assert value == ours
        (conflict,) = plan.conflicts
        assert (conflict.path, conflict.field) == (path, key)
        assert (conflict.ancestor, conflict.source, conflict.target) == ("1", theirs, ours)


def test_a_file_of_the_base_that_both_changed_is_a_conflict() -> None:
    ours = envs.edited(REPO, "overlays/staging/base/airflow/service.yaml", lambda text: text + "# ours\n")
    tree = envs.edited(ours, "base/airflow/service.yaml", lambda text: text + "# theirs\n")
    plan, after = promote(tree, ancestor=REPO)
    assert [(each.path, each.field) for each in plan.conflicts] == [
        ("overlays/staging/base/airflow/service.yaml", "airflow/service.yaml")
    ]
    assert after == tree
    (error,) = promotion.refusals(KNOWN, "dev", "staging", plan)
    assert "airflow/service.yaml" in error.message


def test_comments_quotes_and_line_ends_of_an_edited_target_survive() -> None:
    path = at("staging", "release/kustomization.yaml")
    by_hand = envs.edited(
        REPO,
        path,
        lambda text: text.replace('newTag: "3.3.2"', "newTag:  '3.3.2'  # not before May").replace("\n", "\r\n"),
    )
    tree = envs.with_image(by_hand, "dev", "apache/airflow", "registry.example.com/airflow:3.3.3@sha256:" + "b" * 64)
    _, after = promote(tree, ancestor=REPO)
    old, new = tree[path].decode().splitlines(), after[path].decode().splitlines()
    assert [line for line in new if line not in old] == [
        "    newTag:  '3.3.3'  # not before May",
        '    newName: "registry.example.com/airflow"',
        f'    digest: "sha256:{"b" * 64}"',
    ]
    assert [line for line in old if line not in new] == ["    newTag:  '3.3.2'  # not before May"]
    assert after[path].count(b"\r\n") == after[path].count(b"\n")


@pytest.mark.parametrize("part", Part)
def test_only_one_part_moves(part: Part) -> None:
    edits: list[Edit] = [
        lambda tree: envs.with_image(tree, "dev", "postgres", "postgres:18"),
        lambda tree: envs.with_setting(tree, at("dev", RELEASE_ENV), "DAGS_REFERENCE", "v2"),
        lambda tree: envs.with_setting(tree, at("dev", SETTINGS), "A", "1"),
        lambda tree: envs.edited(tree, "base/airflow/service.yaml", lambda text: text + "# more\n"),
    ]
    plan, _ = promote(applied(REPO, edits), only=frozenset({part}), ancestor=REPO)
    field = {
        Part.IMAGES: "postgres",
        Part.DAGS: "DAGS_REFERENCE",
        Part.SETTINGS: "A",
        Part.BASE: "airflow/service.yaml",
    }
    assert [(each.part, each.field) for each in plan.moved] == [(part, field[part])]
    assert len(plan.changes.paths) == 1


def test_parts_promoted_one_after_the_other_are_the_whole() -> None:
    tree = applied(
        REPO,
        [
            lambda tree: envs.with_image(tree, "dev", "postgres", "postgres:18"),
            lambda tree: envs.with_setting(tree, at("dev", RELEASE_ENV), "DAGS_REFERENCE", "v2"),
            lambda tree: envs.edited(tree, "base/airflow/service.yaml", lambda text: text + "# more\n"),
        ],
    )
    _, whole = promote(tree, ancestor=REPO)
    for part in Part:
        _, tree = promote(tree, only=frozenset({part}), ancestor=REPO)
    assert tree == whole


def test_components_keep_their_order() -> None:
    tree = with_component(with_component(REPO, "dev", "dags-from-git"), "staging", "external-database")
    tree = envs.edited(
        tree,
        at("staging", "kustomization.yaml"),
        lambda text: text.replace("  - base/components/external-database\n", "").replace(
            "  - release\n", "  - base/components/external-database\n  - release  # after what it renames\n"
        ),
    )
    _, after = promote(tree, ancestor=REPO)
    assert components(after, "staging") == ["external-database", "release", "dags-from-git", "tutorial-dags"]
    gone = envs.edited(
        after,
        at("dev", "kustomization.yaml"),
        lambda text: text.replace("  - ../../base/components/tutorial-dags\n", ""),
    )
    _, last = promote(gone, ancestor=after)
    assert components(last, "staging") == ["external-database", "release", "dags-from-git"]
    assert b"- release  # after what it renames\n" in last[at("staging", "kustomization.yaml")]


def test_a_pin_takes_the_place_of_the_sources_tag_and_drops_its_digest() -> None:
    tree = envs.with_image(REPO, "dev", "apache/airflow", "acme/airflow:3.3.4@sha256:" + "c" * 64)
    plan, after = promote(tree, pin="3.3.3", ancestor=REPO)
    assert envs.image_of(after, "staging") == "acme/airflow:3.3.3"
    assert envs.release_id(after, "staging") == "3-3-3"
    # The next promotion, told that the target was last given what it has, goes on to the source's.
    assert not plan.conflicts
    _, later = promote(after, ancestor=after, ancestor_of="staging")
    assert envs.image_of(later, "staging") == "acme/airflow:3.3.4@sha256:" + "c" * 64
    with pytest.raises(BadOption, match="not an image's tag"):
        promote(tree, pin="a b")


def test_an_older_release_of_the_source_can_be_promoted() -> None:
    older = envs.with_image(REPO, "dev", "apache/airflow", "apache/airflow:3.3.3")
    older = envs.edited(older, "base/airflow/service.yaml", lambda text: text + "# then\n")
    now = envs.with_image(REPO, "dev", "apache/airflow", "apache/airflow:3.4.0")
    _, after = promote(now, older=older, ancestor=REPO)
    assert envs.image_of(after, "staging") == "apache/airflow:3.3.3"
    assert after["overlays/staging/base/airflow/service.yaml"].endswith(b"# then\n")
    assert envs.image_of(after, "dev") == "apache/airflow:3.4.0"


def test_the_pinned_base_of_an_environment_goes_on_to_the_next() -> None:
    tree = envs.edited(REPO, "overlays/staging/base/rbac/role.worker.yaml", lambda text: text + "# staging\n")
    _, after = promote(
        envs.edited(tree, "base/rbac/role.worker.yaml", lambda text: text + "# dev\n"), "staging", "prod"
    )
    assert after["overlays/prod/base/rbac/role.worker.yaml"].endswith(b"# staging\n")


def test_what_is_promoted_is_rendered() -> None:
    tree = envs.with_image(REPO, "dev", "apache/airflow", "acme/airflow:3.3.3")
    tree = envs.with_setting(tree, at("dev", SETTINGS), "AIRFLOW__CORE__PARALLELISM", "64")
    tree = with_component(tree, "dev", "json-logging")
    tree = envs.edited(tree, at("staging", "airflow.env"), lambda text: text + "AIRFLOW__API__WORKERS=3\n")
    before = envs.render(tree, "staging")
    _, merged = promote(tree, ancestor=REPO)
    after = envs.render(merged, "staging")
    names = {each["metadata"]["name"] for each in after}
    # Pinned so that another image has a Job of another name.
    assert {"airflow-migrate-3-3-2"} <= {each["metadata"]["name"] for each in before}
    assert "airflow-migrate-3-3-2" not in names
    assert {each["metadata"]["namespace"] for each in after if "namespace" in each["metadata"]} == {"airflow-staging"}
    settings = next(each["data"] for each in after if each["metadata"]["name"].startswith("airflow-env-"))
    wanted = {
        "AIRFLOW__CORE__PARALLELISM": "64",
        "AIRFLOW__LOGGING__JSON_LOGS": "True",
        "AIRFLOW__API__WORKERS": "3",
        "AIRFLOW__API__INSTANCE_NAME": "Airflow: staging",
    }
    assert settings.items() >= wanted.items()
    images = {
        c["image"]
        for each in after
        if each["kind"] == "Deployment"
        for c in each["spec"]["template"]["spec"]["containers"]
    }
    assert {image for image in images if "airflow" in image} == {"acme/airflow:3.3.3"}


def test_each_refusal_says_what_to_do() -> None:
    held = replace(KNOWN, environments=(*KNOWN.environments[:2], replace(KNOWN.environments[2], hold=HOLD)))
    told = {
        ("dev", "qa"): "environment 'qa' is not in taxiway.yaml",
        ("staging", "staging"): "promoted into itself",
        ("prod", "dev"): "the first environment",
        ("staging", "prod"): "prod is on hold: 3.3.3 loses logs (by Ada <ada@example.com> on 2026-11-23)",
    }
    for (source, target), says in told.items():
        (error,) = promotion.refusals(held, source, target)
        assert says in error.message
        assert error.hint
    assert promotion.refusals(held, "dev", "staging") == []
    with pytest.raises(BadOption, match="qa"):
        promotion.plan(REPO, KNOWN, "qa", "dev")


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        ("3.3.3", "3.3.2", True),
        ("3.10.0", "3.9.9", True),
        ("3.3.3-python3.12", "v3.3.2", True),
        ("3.3.2", "3.3.3", False),
        ("3.3.3", "main-2f1c", False),
        ("3.3.3", "3.3.3-python3.13", False),
    ],
)
def test_a_database_is_not_taken_back_to_an_older_airflow(before: str, after: str, refused: bool) -> None:
    tree = envs.with_image(REPO, "staging", "apache/airflow", f"apache/airflow:{before}")
    tree = envs.with_image(tree, "dev", "apache/airflow", f"acme/airflow:{after}")
    plan, _ = promote(tree)
    errors = promotion.refusals(KNOWN, "dev", "staging", plan)
    assert [f"back to acme/airflow:{after}" in each.message for each in errors] == [True] * refused


def test_skipping_or_going_backwards_is_a_remark() -> None:
    assert promotion.remarks(KNOWN, "dev", "staging") == ()
    assert promotion.remarks(KNOWN, "dev", "prod") == ("staging is skipped",)
    assert promotion.remarks(KNOWN, "prod", "staging") == ("staging comes before prod in promotion order",)


@given(edits=SCENARIOS, earlier=st.lists(release_edits("staging"), max_size=4))
def test_a_rollback_restores_the_release_and_only_that(edits: list[Edit], earlier: list[Edit]) -> None:
    now, then = applied(REPO, edits), applied(REPO, earlier)
    plan = rollback.plan(now, KNOWN, "staging", then, HOLD)
    after = plan.changes.apply(now)
    restored = "overlays/staging/release/", "overlays/staging/base/"
    for path in (each for each in {*now, *then} if each.startswith(restored) and not each.endswith("/release.env")):
        assert after.files.get(path) == then.files.get(path)
    assert set(release.load(after, KNOWN.environments[1]).components) == set(
        release.load(then, KNOWN.environments[1]).components
    )
    others = {path for path in plan.changes.paths if not path.startswith(restored)}
    assert others <= {"taxiway.yaml", "overlays/staging/kustomization.yaml"}
    if plan.changes:
        held = Model.parse(after["taxiway.yaml"])
        assert [each.hold for each in held.environments] == [None, HOLD, None]
        assert not rollback.plan(after, held, "staging", then, HOLD).changes


def test_the_rollback_of_a_promotion_restores_its_bytes() -> None:
    tree = envs.with_image(REPO, "dev", "apache/airflow", "apache/airflow:3.3.3")
    tree = envs.edited(tree, "base/airflow/job.migrate.yaml", lambda text: text + "# more\n")
    _, merged = promote(tree, ancestor=REPO)
    own = envs.with_setting(merged, at("staging", "airflow.env"), "A", "1")
    after = rollback.plan(own, KNOWN, "staging", tree, HOLD).changes.apply(own)
    assert after.under("overlays/staging/release") == REPO.under("overlays/staging/release")
    assert after.under("overlays/staging/base") == REPO.under("overlays/staging/base")
    assert envs.setting_of(after, at("staging", "airflow.env"), "A") == "1"


def test_the_first_environment_is_rolled_back_with_the_live_base_unless_that_was_upgraded() -> None:
    now = envs.edited(REPO, "base/airflow/service.yaml", lambda text: text + "# broken\n")
    after = rollback.plan(now, KNOWN, "dev", REPO, HOLD).changes.apply(now)
    assert after.under("base") == REPO.under("base")
    upgraded = replace(KNOWN, scaffold="0.2.0")
    with pytest.raises(BadTarget, match="upgraded since"):
        rollback.plan(now, upgraded, "dev", REPO, HOLD)


def test_a_secret_that_new_manifests_read_and_is_not_sealed_is_reported() -> None:
    wanted = """
            - name: NEW
              valueFrom:
                secretKeyRef: {name: airflow-jwt, key: NEW_KEY}
            - name: MAYBE
              valueFrom:
                secretKeyRef: {name: airflow-jwt, key: OTHER, optional: true}"""
    tree = envs.edited(
        REPO, "base/airflow/job.migrate.yaml", lambda text: text.replace("          env:", f"          env:{wanted}", 1)
    )
    _, merged = promote(tree, ancestor=REPO)
    before, after = (missing_secrets(each, envs.render(each, "staging")) for each in (tree, merged))
    # Of the tests' own sealed secrets only airflow-jwt is there, before and after.
    assert {secret for secret, _, _ in before} >= {"airflow-postgres", "airflow-fernet"}
    assert "airflow-jwt" not in {secret for secret, _, _ in before}
    assert set(after) - set(before) == {("airflow-jwt", "NEW_KEY", "Job/airflow-migrate")}


def missing_secrets(tree: Tree, objects: Sequence[object]) -> list[tuple[str, str | None, str]]:
    """What `references/missing-secret` and `-key` find: each Secret, the key of it, and who needs it."""
    rendered = yaml.safe_dump_all(objects).encode()
    context = EnvironmentContext(model=KNOWN, environment=KNOWN.find("staging"), tree=tree, rendered=rendered)
    pattern = re.compile(r"Secret (\S+) (?:is made by nothing in|of) \S+?(?: has no key (\S+))?; needed by (.+)")
    violations = [*missing_secret(context), *missing_secret_key(context)]
    found = (pattern.fullmatch(violation.message) for violation in violations)
    return [(each[1], each[2], each[3]) for each in found if each]


@pytest.mark.parametrize(
    ("spec", "missing"),
    [
        ({"containers": [{"envFrom": [{"secretRef": {"name": "gone"}}]}]}, [("gone", None)]),
        ({"containers": [{"envFrom": [{"secretRef": {"name": "there"}}]}]}, []),
        (
            {"initContainers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "there", "key": "b"}}}]}]},
            [("there", "b")],
        ),
        ({"volumes": [{"secret": {"secretName": "gone", "optional": True}}]}, []),
        ({"volumes": [{"secret": {"secretName": "there", "items": [{"key": "a"}, {"key": "c"}]}}]}, [("there", "c")]),
        ({"volumes": [{"projected": {"sources": [{"secret": {"name": "gone"}}]}}]}, [("gone", None)]),
        ({"containers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "outside", "key": "any"}}}]}]}, []),
        ({"containers": "nonsense", "volumes": [None]}, []),
    ],
)
@pytest.mark.parametrize("inside", [False, True], ids=["pod", "template"])
def test_every_way_to_read_a_secret_counts(
    spec: dict[str, object], missing: list[tuple[str, str]], inside: bool
) -> None:
    sealed = {"kind": "SealedSecret", "metadata": {"name": "there"}, "spec": {"encryptedData": {"a": "AgBy"}}}
    external = {"kind": "ExternalSecret", "metadata": {"name": "x"}, "spec": {"target": {"name": "outside"}}}
    pod = {"kind": "Pod", "metadata": {"name": "worker"}, "spec": spec}
    text = {"kind": "ConfigMap", "metadata": {"name": "worker"}, "data": {"pod.yaml": yaml.safe_dump(pod)}}
    found = missing_secrets(Tree(), [sealed, external, text if inside else pod])
    assert [(secret, key) for secret, key, _ in found] == missing


def test_a_plan_reads_no_other_overlay() -> None:
    folders = promotion.folders(KNOWN, "dev", "staging")
    part = Tree({path: data for path, data in REPO.items() if path.startswith(folders)})
    assert not any("prod" in path for path in part if path.startswith("overlays"))
    tree = envs.with_image(part, "dev", "apache/airflow", "apache/airflow:3.3.3")
    whole = envs.with_image(REPO, "dev", "apache/airflow", "apache/airflow:3.3.3")
    assert promotion.plan(tree, KNOWN, "dev", "staging") == promotion.plan(whole, KNOWN, "dev", "staging")


def test_a_file_that_cannot_be_edited_is_named() -> None:
    tree = envs.edited(
        REPO, at("staging", "release/kustomization.yaml"), lambda text: text.replace("images:", "images: &all")
    )
    tree = envs.edited(tree, at("staging", "release/kustomization.yaml"), lambda text: text + "x: *all\n")
    with pytest.raises(BadTarget, match=r"overlays/staging/release/kustomization\.yaml: ") as caught:
        promote(envs.with_image(tree, "dev", "apache/airflow", "apache/airflow:3.3.3"))
    assert caught.value.hint
