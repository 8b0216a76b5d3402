"""`taxiway validate`, the command: its forms, exit codes and options."""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bootstrap.commands import validate
from bootstrap.system import process
from tests.commands.conftest import Builds, break_it, edit
from tests.commands.test_init import git
from tests.conftest import Taxiway


@pytest.fixture
def repo(fresh: Path) -> Path:
    """One that was made a moment ago."""
    return fresh


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


def test_environments_are_examined_side_by_side_as_one_by_one(
    repo: Path, taxiway: Taxiway, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_it(repo)
    alone = taxiway("validate", "-o", "json")
    monkeypatch.setattr("bootstrap.system.process.cores", lambda: 1)
    assert taxiway("validate", "--no-cache", "-o", "json") == alone


def test_a_missing_renderer_is_told(repo: Path, taxiway: Taxiway, monkeypatch: pytest.MonkeyPatch) -> None:
    find = process.find_program
    monkeypatch.setattr(process, "find_program", lambda name: None if name in ("kustomize", "kubectl") else find(name))
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


@pytest.mark.parametrize(
    ("bounds", "left"),
    [
        ("", []),
        ("environments: [dev]", ["complete"]),
        ("environments: [dev, complete, gone]", []),
        ("environments: [gone]", ["dev", "complete"]),
        ("paths: ['base/airflow/*']", ["complete"]),
        ("paths: [base]", ["dev", "complete"]),
        ("paths: ['overlays/*', 'base/*.yaml']", []),
        ("environments: [complete], paths: ['base/*']", ["dev", "complete"]),
    ],
)
def test_a_rule_is_switched_off_in_a_part_of_the_repo(
    repo: Path, taxiway: Taxiway, bounds: str, left: list[str]
) -> None:
    for folder in ("base", "overlays/complete/base"):
        edit(repo / folder / "airflow/pod-template.yaml", "restartPolicy: Never", "restartPolicy: OnFailure")
    with (repo / "taxiway.yaml").open("a") as file:
        file.write(f"validate:\n  off:\n  - {{rule: airflow/template-restarts, reason: known, {bounds}}}\n")
    git(repo, "commit", "--all", "--quiet", "-m", "known")
    said = json.loads(taxiway("validate", "-o", "json").out)["data"]
    assert [name for each in said["findings"] for name in each["environments"]] == left
    assert {each["rule"] for each in said["findings"]} <= {"airflow/template-restarts"}
    (off,) = said["switchedOff"]
    assert (off["rule"], off["reason"]) == ("airflow/template-restarts", "known")
    assert ({"environments", "paths"} & off.keys()) == {key for key in ("environments", "paths") if key in bounds}


def test_an_unknown_rule_is_told_with_the_nearest_one(repo: Path, taxiway: Taxiway) -> None:
    with (repo / "taxiway.yaml").open("a") as file:
        file.write("validate:\n  off:\n  - rule: kustomize/remotes\n    reason: known\n")
    said = taxiway("validate", "-o", "json")
    (found,) = json.loads(said.out)["data"]["findings"]
    assert (said.code, found["rule"], found["severity"]) == (0, "fleet/unknown-rule", "warning")
    assert found["hint"] == "did you mean kustomize/remote?"


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


def test_progress_is_told_as_far_as_it_is(repo: Path) -> None:
    told: list[str] = []

    @contextlib.contextmanager
    def progress(what: str) -> Iterator[Callable[[str], None]]:
        told.append(what)
        yield told.append

    validate.run(validate.Request(directory=repo), progress=progress)
    built = [f"building and examining the overlays: {number} of 2" for number in (1, 2)]
    assert told[-2:] == built
