"""`taxiway validate`, the command: what it builds and what it remembers, its forms, exit codes and options."""

import json
import os
import shlex
import shutil
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from bootstrap import process, sealing
from bootstrap.commands import validate
from tests.commands.test_init import git, snapshot
from tests.conftest import REPO_URL, Keys, Taxiway, loaded

Builds = Callable[[], list[str]]


@pytest.fixture
def repo(taxiway: Taxiway, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh environment repo, and the current folder somewhere inside of it."""
    said = taxiway("init", tmp_path / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate)
    assert said.code == 0, said.err
    monkeypatch.chdir(tmp_path / "envs/overlays/dev")
    return tmp_path / "envs"


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Builds:
    """The environments that were built since the last call."""
    folder, log = tmp_path / "bin", tmp_path / "builds"
    folder.mkdir()
    real = process.find("kustomize") or f"{process.find('kubectl')} kustomize"
    build = shlex.quote(real) + " build" if process.find("kustomize") else real
    script = folder / "kustomize"
    lines = ('[ "$1" = version ] && exec echo v5', f'echo "${{2##*/}}" >>{shlex.quote(str(log))}', f'exec {build} "$2"')
    script.write_text("\n".join(("#!/bin/sh", *lines, "")))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def since() -> list[str]:
        names = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return sorted(names)

    return since


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def break_it(repo: Path) -> None:
    """A mistake that kustomize refuses, in `dev` alone."""
    edit(repo / "overlays/dev/kustomization.yaml", "  - namespace.yaml\n", "  - namespace.yaml\n  - nothing.yaml\n")


def test_what_was_built_once_is_not_built_again(repo: Path, taxiway: Taxiway, builds: Builds) -> None:
    before = snapshot(repo)
    first = taxiway("validate", "-o", "json")
    assert (first.code, builds()) == (0, ["complete", "dev"])
    assert (taxiway("validate", "-o", "json"), builds()) == (first, [])
    assert taxiway("validate", "--no-cache", "-o", "json") == first
    assert builds() == ["complete", "dev"]
    assert snapshot(repo) == before


def test_what_is_remembered_of_all_is_told_by_little_code(repo: Path, taxiway: Taxiway) -> None:
    """The rules take longer to import than Git takes to say that nothing changed."""
    (repo / "overlays/stray").mkdir()
    (repo / "overlays/stray/kustomization.yaml").write_text("resources: []\n")
    wanted = [taxiway("validate", *options, "-o", "json") for options in ((), ("--strict",))]
    assert [each.code for each in wanted] == [0, 1]
    assert len(json.loads(wanted[0].out)["data"]["findings"]) == 1
    heavy = ("git", "pydantic", "cryptography", "multiprocessing", "bootstrap.survey", "bootstrap.lint.registry")
    for options, each in zip(((), ("--strict",)), wanted, strict=True):
        assert loaded(heavy, "validate", *options, "-o", "json") == (each.out, [])


def test_what_is_remembered_of_all_ends_with_the_certificate(
    repo: Path, taxiway: Taxiway, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [taxiway("validate").code for _ in range(3)] == [0, 0, 0]
    certificate = sealing.read_certificate(keys.certificate.read_bytes(), source="test", now=datetime.now(UTC))
    days = 0

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return certificate.not_after.astimezone(tz) - timedelta(days=days)

    monkeypatch.setattr("bootstrap.commands.validate.datetime", Later)
    # Of the days that are left, and the answer then; each twice, for what is remembered of it.
    for left, says in ((31, "no finding"), (29, "expires on"), (31, "no finding"), (-1, "expired on")):
        days = left
        for _ in range(2):
            assert says in taxiway("validate").out


def test_only_what_changed_is_built(repo: Path, taxiway: Taxiway, builds: Builds) -> None:
    taxiway("validate")
    builds()
    edit(repo / "overlays/complete/airflow.env", "Airflow: complete", "Airflow: other")
    assert (taxiway("validate").code, builds()) == (0, ["complete"])
    git(repo, "commit", "--all", "--quiet", "-m", "other")
    assert (taxiway("validate").code, builds()) == (0, [])  # the same files, now of a commit
    edit(
        repo / "base/airflow/deployment.scheduler.yaml",
        "terminationGracePeriodSeconds: 60",
        "terminationGracePeriodSeconds: 90",
    )
    assert (taxiway("validate").code, builds()) == (0, ["dev"])  # `complete` has a base of its own
    git(repo, "checkout", "--quiet", ".")
    assert (taxiway("validate").code, builds()) == (0, [])
    edit(repo / "taxiway.yaml", "airflow-dev", "airflow-other")
    taxiway("validate")
    assert builds() == []  # what is rendered is still the same


def test_what_a_shared_file_no_longer_says_of_an_environment_is_a_change_of_it(repo: Path, taxiway: Taxiway) -> None:
    dev, complete = (repo / f"clusters/default/{name}.yaml" for name in ("dev", "complete"))
    text = dev.read_text()
    dev.write_text(f"{text}---\n{complete.read_text()}")
    complete.unlink()
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "one file for both")

    def changed() -> list[str]:
        found: list[str] = json.loads(taxiway("validate", "--since", "HEAD", "-o", "json").out)["data"]["environments"]
        return found

    assert changed() == []
    dev.write_text(text)
    assert changed() == ["dev", "complete"]


@pytest.mark.parametrize("how", ["untracked", "staged", "assume-unchanged", "skip-worktree", "removed"])
def test_no_change_is_missed(repo: Path, taxiway: Taxiway, how: str) -> None:
    kustomization = repo / "overlays/dev/kustomization.yaml"
    # What is built, what is remembered of each environment, what is remembered of all at once.
    assert [taxiway("validate").code for _ in range(3)] == [0, 0, 0]
    if how in ("assume-unchanged", "skip-worktree"):
        git(repo, "update-index", f"--{how}", "overlays/dev/kustomization.yaml")
    if how == "removed":
        (repo / "overlays/dev/namespace.yaml").unlink()
    elif how == "untracked":
        (repo / "overlays/dev/kustomization.yml").write_text("resources: []\n")
    else:
        break_it(repo)
    if how == "staged":
        git(repo, "add", "--all")
    assert taxiway("validate").code == 1
    for flag in ("--no-assume-unchanged", "--no-skip-worktree"):
        git(repo, "update-index", flag, "overlays/dev/kustomization.yaml")
    git(repo, "reset", "--quiet", "--hard")
    git(repo, "clean", "--quiet", "--force")
    assert kustomization.exists()
    assert taxiway("validate").code == 0


def test_a_file_that_git_ignores_makes_no_stale_answer(repo: Path, taxiway: Taxiway, builds: Builds) -> None:
    edit(repo / "overlays/dev/kustomization.yaml", "  - namespace.yaml\n", "  - namespace.yaml\n  - local.yaml\n")
    (repo / "overlays/dev/local.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: local}\n")
    (repo / ".gitignore").write_text("local.yaml\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "reads what is not committed")
    first = taxiway("render", "dev", "--object", "ConfigMap/local").out
    edit(repo / "overlays/dev/local.yaml", "{name: local}", "{name: local, labels: {a: b}}")
    assert taxiway("render", "dev", "--object", "ConfigMap/local").out != first
    builds()
    taxiway("validate", "dev")
    assert builds() == ["dev"]
    for _ in range(2):  # nor is it remembered of all at once
        taxiway("validate")
        assert "dev" in builds()


def test_what_git_converts_makes_no_stale_answer(repo: Path, taxiway: Taxiway, builds: Builds) -> None:
    """A filter such as git-crypt's shows other bytes than those of the ids, and Git calls that unchanged."""
    (repo / ".gitattributes").write_text("overlays/dev/airflow.env filter=other\n")
    git(repo, "config", "filter.other.clean", "sed 's/OTHER/dev/'")
    git(repo, "config", "filter.other.smudge", "sed 's/Airflow: dev/Airflow: OTHER/'")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "a filter")
    (repo / "overlays/dev/airflow.env").unlink()
    git(repo, "checkout", "--quiet", "overlays/dev/airflow.env")
    assert "OTHER" in taxiway("render", "dev").out
    git(repo, "config", "filter.other.smudge", "cat")
    (repo / "overlays/dev/airflow.env").unlink()
    git(repo, "checkout", "--quiet", "overlays/dev/airflow.env")
    assert git(repo, "status", "--porcelain") == ""
    assert "OTHER" not in taxiway("render", "dev").out


def test_a_build_that_fails_is_a_finding_and_is_tried_again(repo: Path, taxiway: Taxiway, builds: Builds) -> None:
    break_it(repo)
    for _ in range(2):
        said = taxiway("validate", "-o", "json")
        assert (said.code, json.loads(said.out)["status"]) == (1, "failed")
        assert "dev" in builds()
    assert str(repo) not in said.out
    assert {name for each in json.loads(said.out)["data"]["findings"] for name in each["environments"]} == {"dev"}


def test_an_environment_may_read_another_one_s_files(repo: Path, taxiway: Taxiway, builds: Builds) -> None:
    edit(
        repo / "overlays/complete/kustomization.yaml", "  - namespace.yaml\n", "  - namespace.yaml\n  - ../dev/extra\n"
    )
    (repo / "overlays/dev/extra").mkdir()
    (repo / "overlays/dev/extra/kustomization.yaml").write_text("resources: [x.yaml]\n")
    (repo / "overlays/dev/extra/x.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "shared")
    before = taxiway("render", "complete").out
    assert "name: extra" in before
    builds()
    assert (taxiway("render", "complete").out, builds()) == (before, [])
    edit(repo / "overlays/dev/extra/x.yaml", "name: extra", "name: other")
    assert "name: other" in taxiway("render", "complete").out
    assert "ConfigMap/other" in taxiway("diff", "complete").out
    builds()
    git(repo, "checkout", "--quiet", ".")
    assert (taxiway("render", "complete").out, builds()) == (before, [])


def test_the_result_of_an_edit_is_built_before_its_commit_and_not_again(
    repo: Path, taxiway: Taxiway, builds: Builds
) -> None:
    said = taxiway("set", "config", "dev", "AIRFLOW__CORE__PARALLELISM=64", "--dry-run")
    assert (said.code, builds()) == (0, ["dev", "dev"]), said.err
    assert (taxiway("set", "config", "dev", "AIRFLOW__CORE__PARALLELISM=64").code, builds()) == (0, [])
    assert "AIRFLOW__CORE__PARALLELISM: '64'" in taxiway("render", "dev").out.replace('"', "'")
    assert builds() == []


def test_a_plain_secret_is_copied_nowhere(repo: Path, taxiway: Taxiway, tmp_path: Path) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: open}\nstringData: {password: correct-horse}\n"
    (repo / "overlays/dev/open.yaml").write_text(secret)
    edit(repo / "overlays/dev/kustomization.yaml", "  - namespace.yaml\n", "  - namespace.yaml\n  - open.yaml\n")
    assert "correct-horse" in taxiway("render", "dev").out
    taxiway("validate")
    import zlib

    kept = [path.read_bytes()[26:] for path in Path(os.environ["XDG_CACHE_HOME"]).rglob("*") if path.is_file()]
    assert kept
    assert not [each for each in kept if b"correct-horse" in zlib.decompress(each)]


@pytest.mark.parametrize("harm", ["removed", "cut", "unwritable"])
def test_a_harmed_cache_harms_nothing(repo: Path, taxiway: Taxiway, harm: str) -> None:
    wanted = taxiway("validate", "-o", "json")
    folder = Path(os.environ["XDG_CACHE_HOME"])
    if harm == "removed":
        shutil.rmtree(folder)
    elif harm == "cut":
        for path in folder.rglob("*"):
            if path.is_file():
                path.write_bytes(path.read_bytes()[:-1])
    else:
        shutil.rmtree(folder)
        folder.write_text("no folder")
    assert taxiway("validate", "-o", "json") == wanted


def test_only_what_differs_from_a_branch_is_looked_at(repo: Path, taxiway: Taxiway, builds: Builds) -> None:
    def looked_at() -> list[str]:
        said = taxiway("validate", "--since", "main", "-o", "json")
        assert said.code == 0, said.out
        names: list[str] = json.loads(said.out)["data"]["environments"]
        return names

    git(repo, "switch", "--quiet", "--create", "change")
    assert (looked_at(), builds()) == ([], [])
    edit(repo / "overlays/complete/airflow.env", "Airflow: complete", "Airflow: other")
    git(repo, "commit", "--all", "--quiet", "-m", "other")
    assert looked_at() == ["complete"]
    git(repo, "switch", "--quiet", "main")
    edit(repo / "overlays/dev/airflow.env", "Airflow: dev", "Airflow: other")
    git(repo, "commit", "--all", "--quiet", "-m", "main goes on")
    git(repo, "switch", "--quiet", "change")
    assert looked_at() == ["complete"]  # what others did on main is not this branch's change
    edit(repo / "clusters/default/dev.yaml", "limit: 10", "limit: 9")
    assert looked_at() == ["dev", "complete"]
    said = taxiway("validate", "--since", "nope")
    assert (said.code, "'nope' is not a commit" in said.err) == (2, True)
    said = taxiway("diff", "--since", "main")
    assert ("dev: no difference" in said.out, "Airflow: complete → Airflow: other" in said.out) == (True, True)


def test_a_repo_without_a_commit_is_examined(repo: Path, taxiway: Taxiway) -> None:
    shutil.rmtree(repo / ".git")
    git(repo, "init", "--quiet")
    assert taxiway("validate").code == 0
    break_it(repo)
    assert taxiway("validate").code == 1


def test_a_linked_work_tree_is_examined(repo: Path, taxiway: Taxiway, tmp_path: Path, builds: Builds) -> None:
    taxiway("validate")
    builds()
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "other"))
    assert (taxiway("validate", "-C", tmp_path / "other").code, builds()) == (0, [])  # the same files
    break_it(tmp_path / "other")
    assert taxiway("validate", "-C", tmp_path / "other").code == 1
    assert taxiway("validate").code == 0


def test_a_link_is_followed_as_kustomize_does(repo: Path, taxiway: Taxiway) -> None:
    shutil.rmtree(repo / "overlays/complete/base")
    (repo / "overlays/complete/base").symlink_to("../../base")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "a link")
    said = taxiway("validate", "complete")
    assert (said.code, said.out) == (0, "1 environment checked: no finding\n")
    edit(
        repo / "base/airflow/deployment.scheduler.yaml",
        "terminationGracePeriodSeconds: 60",
        "terminationGracePeriodSeconds: 90",
    )
    assert "terminationGracePeriodSeconds: 90" in taxiway("render", "complete").out


def test_many_environments_are_examined_by_several_processes(
    repo: Path, taxiway: Taxiway, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_it(repo)
    alone = taxiway("validate", "-o", "json")
    monkeypatch.setattr("bootstrap.crew.MANY", 1)
    assert taxiway("validate", "--no-cache", "-o", "json") == alone


def test_a_missing_renderer_is_told(repo: Path, taxiway: Taxiway, monkeypatch: pytest.MonkeyPatch) -> None:
    find = process.find
    monkeypatch.setattr(process, "find", lambda name: None if name in ("kustomize", "kubectl") else find(name))
    said = taxiway("validate")
    assert (said.code, "neither kustomize nor kubectl is on PATH" in said.err) == (6, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [("environments: [\n", "not valid YAML"), ("- a\n", "taxiway.yaml:"), ("scaffold: 1\n", "is missing")],
)
def test_a_broken_model_is_told(repo: Path, taxiway: Taxiway, text: str, says: str) -> None:
    (repo / "taxiway.yaml").write_text(text)
    said = taxiway("validate", "-o", "json")
    assert (said.code, says in said.err, json.loads(said.out)["exitCode"]) == (5, True, 5)


def test_outside_of_a_repo_and_unknown_environments_are_told(repo: Path, taxiway: Taxiway, tmp_path: Path) -> None:
    assert taxiway("validate", "-C", tmp_path).code == 5
    said = taxiway("validate", "qa")
    assert (said.code, "known: dev, complete" in said.err) == (2, True)


def test_every_form_tells_the_same_findings(repo: Path, taxiway: Taxiway) -> None:
    break_it(repo)
    said = {form: taxiway("validate", "-o", form) for form in ("text", "json", "github", "gitlab", "sarif")}
    assert {each.code for each in said.values()} == {1}
    wanted = [(each["rule"], each["path"], each["line"]) for each in json.loads(said["json"].out)["data"]["findings"]]
    assert wanted
    issues = json.loads(said["gitlab"].out)
    assert [(e["check_name"], e["location"]["path"], e["location"]["lines"]["begin"]) for e in issues] == wanted
    assert len({each["fingerprint"] for each in issues}) == len(wanted)
    (run,) = json.loads(said["sarif"].out)["runs"]
    places = [(each["ruleId"], each["locations"][0]["physicalLocation"]) for each in run["results"]]
    assert [(r, p["artifactLocation"]["uri"], p["region"]["startLine"]) for r, p in places] == wanted
    for rule, path, line in wanted:
        assert f"::error file={path},line={line},title={rule}::" in said["github"].out
        assert f"{path}:{line}: error: " in said["text"].out
    assert said["text"].out.splitlines()[-1].startswith("2 environments checked: ")


def test_a_rule_is_switched_off_with_a_reason(repo: Path, taxiway: Taxiway) -> None:
    break_it(repo)
    found = json.loads(taxiway("validate", "-o", "json").out)["data"]["findings"]
    off = "".join(f"  - rule: {name}\n    reason: known\n" for name in {each["rule"] for each in found})
    with (repo / "taxiway.yaml").open("a") as file:
        file.write(f"validate:\n  off:\n{off}")
    assert taxiway("validate").code == 0
    edit(repo / "taxiway.yaml", "    reason: known\n", "")
    said = taxiway("validate")
    assert (said.code, "without a reason" in said.err) == (5, True)


def test_an_unknown_rule_is_not_switched_off(repo: Path, taxiway: Taxiway) -> None:
    with (repo / "taxiway.yaml").open("a") as file:
        file.write("validate:\n  off:\n  - rule: kustomize/nope\n    reason: known\n")
    said = taxiway("validate")
    assert (said.code, "kustomize/nope" in said.err) == (5, True)


def test_rules_are_listed_and_explained(taxiway: Taxiway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # no repo is needed
    names = [line.split()[0] for line in taxiway("validate", "--list-rules").out.splitlines()]
    listed = json.loads(taxiway("validate", "--list-rules", "-o", "json").out)["data"]["rules"]
    assert [each["name"] for each in listed] == names
    assert len(names) == len(set(names))
    for each in listed:
        said = taxiway("validate", "--explain", each["name"])
        assert said.code == 0
        for part in ("title", "why", "fix"):
            assert each[part] in said.out
    said = taxiway("validate", "--explain", "kustomize/nope")
    assert (said.code, "--list-rules" in said.err) == (2, True)


def test_the_folder_of_the_cache_is_its_owner_s(repo: Path, taxiway: Taxiway) -> None:
    taxiway("validate")
    folder = Path(os.environ["XDG_CACHE_HOME"]) / "taxiway/builds"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_progress_is_told_as_far_as_it_is(repo: Path) -> None:
    import contextlib
    from collections.abc import Iterator

    told: list[str] = []

    @contextlib.contextmanager
    def progress(what: str) -> Iterator[Callable[[str], None]]:
        told.append(what)
        yield told.append

    validate.run(validate.Request(directory=repo), progress=progress)
    built = [f"building and examining the overlays: {number} of 2" for number in (1, 2)]
    assert told[-3:] == [*built, "remembering what was found"]
