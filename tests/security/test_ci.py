"""The CI of an environment repo, step by step in a clean environment: it works, and runs only what we wrote.

The pull request is hostile: it replaces all that the jobs could run by mistake with programs that leave a mark.
"""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bootstrap import __version__
from bootstrap.config.remote import Forge
from bootstrap.core.tree import Tree
from bootstrap.scaffold import ci, wheel
from tests.ci_runner import SAME_REPOSITORY, Ran, Runner, load
from tests.commands.test_init import git
from tests.conftest import Keys, Taxiway
from tests.environment_repo import model
from tests.forge.loopback import Reply, Server, serving
from tests.forge.test_described import REPOSITORY, of_github, of_gitlab

TOKEN = "tok-of-the-job"
NUMBER = 3
WHEEL = f"taxiway-{__version__}-py3-none-any.whl"
IS_PULL_REQUEST = "!cancelled() && github.event_name == 'pull_request'"
SAID = {
    "id": 1,
    "body": "as sent",
    "user": {"login": "acme"},
    "author": {"username": "acme"},
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
}
MAY_COMMENT = f"!cancelled() && needs.validate.outputs.comment != '' && {SAME_REPOSITORY}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """A repo on its forge, with a pull request whose programs write to `mark`, and whose links lead to `victim`."""

    forge: str
    remote: Path
    base: str
    head: str
    merge: str
    mark: Path
    victim: Path
    squatted: Path


@pytest.fixture
def server() -> Iterator[Server]:
    """What the forges answer when they are asked for the pull request and its comments."""
    with serving() as server:
        there = {**of_github(server, NUMBER), "comments_url": f"{server.url}/api/v3/repos/acme/envs/issues/3/comments"}
        there["issue_url"] = f"{server.url}/api/v3/repos/acme/envs/issues/{NUMBER}"
        urls = {"url": f"{server.url}/api/v3/repos/acme/envs"}
        server.on("GET /api/v3/repos/acme/envs", Reply(body={**REPOSITORY, **urls}))
        server.on(f"GET /api/v3/repos/acme/envs/pulls/{NUMBER}", Reply(body=there))
        server.on(f"GET /api/v3/repos/acme/envs/pulls/{NUMBER}/reviews", Reply(body=[]))
        server.on(f"GET /api/v3/repos/acme/envs/issues/{NUMBER}", Reply(body=there))
        server.on(f"GET /api/v3/repos/acme/envs/issues/{NUMBER}/comments", Reply(body=[]))
        server.on(f"POST /api/v3/repos/acme/envs/issues/{NUMBER}/comments", Reply(status=201, body=SAID))
        gitea = "/api/v1/repos/acme/envs"
        server.on(f"GET {gitea}/pulls/{NUMBER}", Reply(body=there))
        server.on(f"GET {gitea}/pulls/{NUMBER}/reviews", Reply(body=[]))
        server.on(f"GET {gitea}/issues/{NUMBER}/comments", Reply(body=[]))
        server.on(f"POST {gitea}/issues/{NUMBER}/comments", Reply(status=201, body=SAID))
        project = "/api/v4/projects/7/merge_requests"
        server.on("GET /api/v4/projects/acme%2Fenvs", Reply(body={"id": 7, "path_with_namespace": "acme/envs"}))
        server.on(f"GET {project}/{NUMBER}", Reply(body={**of_gitlab(server, NUMBER), "reviewers": []}))
        server.on(f"GET {project}/{NUMBER}/notes", Reply(body=[]))
        server.on(f"POST {project}/{NUMBER}/notes", Reply(status=201, body=SAID))
        yield server


def evil(mark: Path) -> str:
    """A program that leaves a mark, in a language that both Python and a shell read."""
    return f"import os; os.system('env >> {mark}')\n"


def evil_wheel(mark: Path) -> bytes:
    """A wheel in our name that leaves a mark as soon as Python starts, and when it is called."""
    metadata = f"Metadata-Version: 2.1\nName: taxiway\nVersion: {__version__}\n".encode()
    info = f"taxiway-{__version__}.dist-info"
    files = {
        "bootstrap/__init__.py": b"",
        "bootstrap/cli.py": f"{evil(mark)}def main(): pass\n".encode(),
        "evil.pth": evil(mark).encode(),
        f"{info}/METADATA": metadata,
        f"{info}/entry_points.txt": b"[console_scripts]\ntaxiway = bootstrap.cli:main\n",
    }
    return wheel.build(__version__, Tree(files))


@pytest.fixture(params=[pytest.param(each, marks=pytest.mark.deep) for each in ("github", "gitlab", "gitea")])
def hostile(request: pytest.FixtureRequest, taxiway: Taxiway, keys: Keys, server: Server, tmp_path: Path) -> Hostile:
    """A repo of each forge, and a pull request that changes a setting beside all else that it does."""
    repo, remote, mark = tmp_path / "repo", tmp_path / "acme/envs.git", tmp_path / "mark"
    victim = tmp_path / "victim"
    victim.write_text("mine\n")
    url = f"{server.url}/acme/envs.git"
    said = taxiway("init", repo, "--repo", url, "--sealing-cert", keys.certificate, "--forge", request.param)
    assert said.code == 0, said.err
    base = git(repo, "rev-parse", "HEAD")
    git(repo, "switch", "--quiet", "--create", "evil")
    with (repo / "overlays/dev/airflow.env").open("a") as file:
        file.write("AIRFLOW__CORE__PARALLELISM=64\n")
    code = evil(mark)
    data = evil_wheel(mark)
    (repo / ".taxiway" / WHEEL).write_bytes(data)
    digest = subprocess.run(["sha256sum"], input=data, capture_output=True, check=True).stdout.split()[0].decode()
    (repo / ".taxiway/requirements.txt").write_text(f"./{WHEEL} --hash=sha256:{digest}\n")
    for name in ("sitecustomize", "usercustomize", "bootstrap", "pip", "venv", "json", "typer", "ensurepip", "yaml"):
        for folder in (repo, repo / ".taxiway"):
            (folder / f"{name}.py").write_text(code)
    for name in ("git", "kubectl", "kustomize", "python3", "tar", "taxiway", "base64"):
        (repo / name).write_text(f"#!/bin/sh\nenv >> {mark}\n")
        (repo / name).chmod(0o755)
    for name in ("pip.conf", "pip.ini", "setup.cfg", ".pydistutils.cfg", "pyvenv.cfg"):
        (repo / name).write_text("[install]\nno-require-hashes = true\n[global]\nindex-url = http://127.0.0.1:9/\n")
    (repo / "requirements.txt").write_text("evil\n")
    (repo / ".gitattributes").write_text("* export-ignore filter=evil\n.taxiway/* export-subst\n")
    (repo / ".env").write_text(f"BASH_ENV=$(env >> {mark})\n")
    for name in ("taxiway-comment.md", "gl-code-quality-report.json", "comment.md"):
        (repo / name).symlink_to(victim)
    git(repo, "add", "--all", "--force")
    git(repo, "commit", "--quiet", "-m", "evil")
    head = git(repo, "rev-parse", "HEAD")
    git(repo, "switch", "--quiet", "main")
    git(repo, "merge", "--quiet", "--no-ff", "-m", "merge", "evil")
    merge = git(repo, "rev-parse", "HEAD")
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    heads = [f"{commit}:refs/pull/{NUMBER}/{name}" for name, commit in (("head", head), ("merge", merge))]
    git(repo, "push", "--quiet", str(remote), f"{base}:refs/heads/main", "evil", *heads)
    squatted = tmp_path / "squatted"
    squatted.mkdir()
    (squatted / WHEEL).write_bytes(data)
    return Hostile(
        forge=request.param,
        remote=remote,
        base=base,
        head=head,
        merge=merge,
        mark=mark,
        victim=victim,
        squatted=squatted,
    )


def test_a_hostile_pull_request_is_judged_and_none_of_it_runs(hostile: Hostile, server: Server, tmp_path: Path) -> None:
    workflow = tmp_path / "repo"
    if (workflow / ".gitlab-ci.yml").exists():
        validated, commented, text = on_gitlab(hostile, server, load(workflow / ".gitlab-ci.yml"), tmp_path)
        said = [each.body for each in server.received if each.method == "POST" and each.path.endswith("/notes")]
    else:
        (path,) = workflow.glob(".git*/workflows/taxiway.yaml")
        validated, commented, text = on_github(hostile, server, load(path), tmp_path)
        said = [each.body for each in server.received if each.method == "POST" and each.path.endswith("/comments")]
    for ran in (validated, commented):
        # Once from the base branch: no index was asked for a package of that name.
        assert f"Processing ./{WHEEL}" in ran.log, ran.log
        assert "Collecting taxiway" not in ran.log
        assert TOKEN not in ran.log
    assert not hostile.mark.exists(), hostile.mark.read_text()
    assert hostile.victim.read_text() == "mine\n"
    assert "environment checked: " in validated.log or "environments checked: " in validated.log, validated.log
    assert commented.passed, commented.log
    assert "told: " in commented.log
    assert "### dev" in text and "AIRFLOW__CORE__PARALLELISM" in text
    assert [each["body"].strip() for each in said] == [text.strip()]
    # No request but those with the token of the job that may comment.
    tokens = {each.headers.get("Authorization") or each.headers.get("PRIVATE-TOKEN") for each in server.received}
    assert all(TOKEN in str(each) for each in tokens), tokens


def on_github(hostile: Hostile, server: Server, workflow: dict[str, Any], folder: Path) -> tuple[Ran, Ran, str]:
    """Both jobs, and the text that went from one to the other."""
    # Gitea and Forgejo look at the branch itself, GitHub at what a merge would make of it.
    commit, ref = (hostile.head, "head") if hostile.forge == "gitea" else (hostile.merge, "merge")
    variables = {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": server.url,
        "GITHUB_REPOSITORY": "acme/envs",
        "GITHUB_REF": f"refs/pull/{NUMBER}/{ref}",
        "GITHUB_SHA": commit,
        "GITHUB_BASE_REF": "main",
        # As the runners of Gitea and Forgejo set it.
        "GITHUB_TOKEN": TOKEN,
    }
    facts = {
        "github.event.pull_request.base.sha": hostile.base,
        "github.event.pull_request.number": str(NUMBER),
        "github.sha": commit,
        "github.token": TOKEN,
        IS_PULL_REQUEST: "true",
    }
    first = Runner(
        folder=folder / "first",
        remote=str(hostile.remote),
        variables=variables,
        facts=facts,
        squatted=hostile.squatted,
    )
    validated = first.actions(workflow["jobs"]["validate"], {})
    python = folder / "first/temp/taxiway/bin/python"
    check = subprocess.run([python, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert check.stdout == "No broken requirements found.\n"
    assert workflow["jobs"]["comment"]["needs"] == "validate"
    assert " ".join(workflow["jobs"]["comment"]["if"].split()) == f"${{{{ {MAY_COMMENT} }}}}"
    second = replace(first.tidied(), facts=facts)
    commented = second.actions(
        workflow["jobs"]["comment"], {"needs.validate.outputs.comment": validated.outputs["comment"]}
    )
    return validated, commented, base64.b64decode(validated.outputs["comment"]).decode()


def on_gitlab(hostile: Hostile, server: Server, workflow: dict[str, Any], folder: Path) -> tuple[Ran, Ran, str]:
    """The same of GitLab, where the user gave the variable no scope: the first job has it, and none of its programs."""
    project = f"{server.url}/acme/envs"
    variables = {
        "CI": "true",
        "CI_PROJECT_URL": project,
        "CI_SERVER_URL": server.url,
        "CI_MERGE_REQUEST_IID": str(NUMBER),
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": hostile.base,
        "CI_JOB_TOKEN": TOKEN,
        "TAXIWAY_TOKEN": TOKEN,
    }
    first = Runner(
        folder=folder / "first", remote=str(hostile.remote), variables=variables, squatted=hostile.squatted
    )  # fmt: skip
    first.folder.mkdir()
    work = first.clone(
        hostile.head, f"http://gitlab-ci-token:{TOKEN}@{server.url.removeprefix('http://')}/acme/envs.git"
    )
    validated = first.gitlab(workflow["validate"], {})
    assert TOKEN not in (work / ".git/config").read_text()
    report = work / workflow["validate"]["artifacts"]["reports"]["codequality"]
    assert not report.is_symlink() and isinstance(json.loads(report.read_text()), list)
    (path,) = workflow["validate"]["artifacts"]["paths"]
    assert not (work / path).is_symlink()
    second = replace(first, folder=folder / "second")
    second.folder.mkdir()
    # As GitLab's runner does with GIT_CHECKOUT: false, and then with the artifacts of the job before.
    there = second.clone(hostile.base, f"{project}.git")
    shutil.copy(work / path, there / path)
    return validated, second.gitlab(workflow["comment"], {}), (work / path).read_text()


@pytest.mark.parametrize("forge", Forge)
def test_no_job_has_more_rights_than_it_needs(forge: Forge, tmp_path: Path) -> None:
    (path,) = ci.plan(replace(model(), forge=forge)).items()
    (tmp_path / "workflow.yaml").write_bytes(path[1])
    workflow = load(tmp_path / "workflow.yaml")
    text = path[1].decode()
    assert "pip install taxiway" not in text and "taxiway[" not in text
    jobs = workflow if forge is Forge.GITLAB else workflow["jobs"]
    validate, comment = (json.dumps(jobs[name]) for name in ("validate", "comment"))
    assert "TAXIWAY_TOKEN" not in validate
    assert "TAXIWAY_TOKEN" in comment
    assert "--require-hashes" in validate and "--only-binary :all:" in validate
    if forge in (Forge.GITHUB, Forge.GITEA):
        assert workflow["permissions"] == {}
        assert jobs["validate"]["permissions"] == {"contents": "read"}
        assert jobs["comment"]["permissions"] == {"contents": "read", "pull-requests": "write"}
    if forge is Forge.GITLAB:
        assert jobs["comment"]["environment"] == {"name": "taxiway-comment", "action": "access"}
        assert "environment" not in jobs["validate"]
        return
    for job in jobs.values():
        for step in job["steps"]:
            if "uses" in step:
                assert step["with"]["persist-credentials"] == "false"
            # What the forge fills in could be a program where a shell reads it.
            assert "${{" not in step.get("run", "")
        with_token = [step["name"] for step in job["steps"] if "github.token" in json.dumps(step.get("env", {}))]
        assert not set(with_token) & {"Validate the environments that change", "Tell what changes in the cluster"}


def test_actions_are_pinned_by_commit_with_their_version(tmp_path: Path) -> None:
    for forge in Forge:
        (text,) = (data.decode() for data in ci.plan(replace(model(), forge=forge)).values())
        for line in text.splitlines():
            if "uses:" in line:
                assert forge is Forge.GITHUB
                name, _, version = line.partition(" # ")
                assert len(name.rpartition("@")[2]) == 40 and version.startswith("v"), line


def test_gitea_and_forgejo_run_the_same_steps() -> None:
    """So that Gitea's, which are executed above, stand for both."""
    gitea, forgejo = (
        load_text(next(iter(ci.plan(replace(model(), forge=each)).values()))) for each in (Forge.GITEA, Forge.FORGEJO)
    )
    for name in ("validate", "comment"):
        assert gitea["jobs"][name]["steps"] == forgejo["jobs"][name]["steps"]


def load_text(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(data, Loader=yaml.BaseLoader)
    return found


@pytest.mark.parametrize("branch", ['x"]\n', "<install>", "@branch@", "a: b #c", "${{ github.token }}", "é"])
def test_a_branch_of_any_name_is_only_a_name(branch: str) -> None:
    workflow = load_text(next(iter(ci.plan(replace(model(), forge=Forge.GITHUB, branch=branch)).values())))
    assert workflow["on"]["push"] == {"branches": [branch]}
