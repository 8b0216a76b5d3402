"""Every request that we cause at GitHub and GitLab is one that the forge's own API description allows."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from httpx import Response

from bootstrap.config.remote import Forge
from bootstrap.core.errors import ForgeFailed
from bootstrap.forges import http
from bootstrap.forges.client import PullRequests
from bootstrap.forges.errors import Refused
from bootstrap.forges.github import GithubApi
from bootstrap.forges.pull_request import Proposal, PullRequest, PullRequestState, Revision
from tests.cluster.cache import forget_others, key
from tests.forge import prism
from tests.forge.conftest import CACHE, Connect, build_lock
from tests.forge.loopback import Reply, Server, serving

# What the examples of the descriptions are about.
OF_GITHUB = Proposal(branch="new-topic", base="master", title="Amazing new feature", body="Text.")
OF_GITLAB = Proposal(
    branch="taxiway/promote-dev-complete-1f2e3d", base="main", title="Promote dev to complete", body="Text."
)


@pytest.fixture(scope="session")
def installed() -> Path:
    """Prism; where Node and npm are missing the tests say so and are skipped."""
    if missing := [name for name in ("node", "npm") if not shutil.which(name)]:
        pytest.skip(f"no server to check requests with: {' and '.join(missing)} missing, which run Prism")
    made_from = (prism.DESCRIBED / "package-lock.json").read_bytes(), Path(prism.__file__).read_bytes()
    folder = CACHE / f"prism-{key(*made_from)}"
    with build_lock("prism"):
        if not folder.is_dir():
            prism.install(folder)
            forget_others(folder)
    return folder


@pytest.fixture(scope="session")
def github_url(installed: Path) -> Iterator[str]:
    with prism.running(installed, installed / "github.json", "/api/v3/repos/octocat/Hello-World") as url:
        yield f"{url}/octocat/Hello-World.git"


@pytest.fixture(scope="session")
def gitlab_url(installed: Path) -> Iterator[str]:
    with prism.running(installed, prism.DESCRIBED / "gitlab.yaml", "/api/v4/projects/7") as url:
        yield f"{url}/acme/data/envs.git"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs of all requests, in order."""
    urls: list[str] = []
    real = http.redirect_target

    def check(answer: Response) -> object:
        urls.append(str(answer.url))
        return real(answer)

    monkeypatch.setattr(http, "redirect_target", check)
    return urls


@pytest.fixture
def github(github_url: str, connect: Connect) -> PullRequests:
    return connect(github_url, Forge.GITHUB, "tok-1")


@pytest.fixture
def gitlab(gitlab_url: str, connect: Connect) -> PullRequests:
    return connect(gitlab_url, Forge.GITLAB, "tok-1")


def assert_declared(urls: list[str], document: prism.Document) -> None:
    """Every query parameter is one of its path's: Prism passes over those that it doesn't know."""
    assert urls
    for url in urls:
        parts = urlsplit(url)
        for template, operations in document["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), parts.path):
                listed = [*operations.get("parameters", ()), *operations["get"].get("parameters", ())]
                names = {_resolved(each, document)["name"] for each in listed}
                assert set(parse_qs(parts.query)) <= names, url
                break
        else:
            pytest.fail(f"{url} is in no description")


def _resolved(node: prism.Document, document: prism.Document) -> prism.Document:
    return document["components"]["parameters"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node


def everything(pulls: PullRequests, known: Proposal) -> PullRequest:
    """All that the flows ask for: with answers that are the description's examples, whatever was asked."""
    (found,) = pulls.find(known.branch, known.base)
    assert found.state is PullRequestState.OPEN
    assert [each.number for each in pulls.open_from_prefix(known.branch)] == [found.number]
    wanted = replace(known, branch=f"{known.branch}-2", labels=("taxiway",), reviewers=("grace",), draft=True)
    opened = pulls.open(wanted)
    assert opened.changed and opened.notes == ()
    newer = replace(known, title="Newer", body="Newer.", labels=("other",), reviewers=("grace",))
    updated = pulls.update(found, newer)
    assert updated.changed and updated.notes == ()
    assert pulls.comment(found, "Overtaken.")
    assert pulls.close(found, "Overtaken.")
    return pulls.get(found.number)


def test_github_s_description_allows_all_requests(github: PullRequests, sent: list[str], installed: Path) -> None:
    pull = everything(github, OF_GITHUB)
    assert (pull.branch, pull.base, pull.title) == ("new-topic", "master", "Amazing new feature")
    assert {"other_user"} < pull.reviewers
    assert pull.mergeable
    assert_declared(sent, json.loads((installed / "github.json").read_text()))


def test_gitlab_s_description_allows_all_requests(gitlab: PullRequests, sent: list[str]) -> None:
    pull = everything(gitlab, OF_GITLAB)
    assert (pull.title, pull.draft, pull.reviewers) == ("Promote dev to complete", True, frozenset({"ada"}))
    gitlab.api.update(3, Revision(draft=False))
    document = yaml.safe_load((prism.DESCRIBED / "gitlab.yaml").read_text())
    assert_declared([url.replace("acme%2Fdata%2Fenvs", "7") for url in sent], document)


def test_prism_refuses_an_undescribed_request(github: PullRequests, gitlab: PullRequests) -> None:
    """Without this the tests above could not fail."""
    assert isinstance(github.api, GithubApi)
    with pytest.raises(Refused, match="422"):
        github.api.http.write("POST", "/repos/octocat/Hello-World/issues/1347/labels", {"labels": []})
    with pytest.raises(ForgeFailed, match="422"):
        gitlab.open(replace(OF_GITLAB, branch="x", title="t" * 256))


def of_github(server: Server, number: int) -> dict[str, object]:
    """An open pull request as GitHub tells it."""
    branch = {"ref": f"taxiway/{number}", "repo": REPOSITORY, "sha": "1"}
    return {
        "url": f"{server.url}/api/v3/repos/acme/envs/pulls/{number}",
        "node_id": f"PR_{number}",
        "number": number,
        "html_url": f"https://github.example/acme/envs/pull/{number}",
        "head": branch,
        "base": {**branch, "ref": "main"},
        "title": "T",
        "body": None,
        "user": {"login": "acme"},
        "state": "open",
        "merged_at": None,
        "draft": False,
        "labels": [],
        "requested_reviewers": [],
        "mergeable": None,
    }


def of_gitlab(server: Server, number: int) -> dict[str, object]:
    """An open merge request as GitLab tells it."""
    document = yaml.safe_load((prism.DESCRIBED / "gitlab.yaml").read_text())
    value = document["components"]["examples"]["open"]["value"]
    return {**value, "iid": number, "source_branch": f"taxiway/{number}"}


REPOSITORY = {"id": 7, "name": "envs", "full_name": "acme/envs", "owner": {"login": "acme"}}


@pytest.mark.parametrize(
    ("kind", "repository", "listing", "told"),
    [
        (Forge.GITHUB, "/api/v3/repos/acme/envs", "/api/v3/repos/acme/envs/pulls", of_github),
        (Forge.GITLAB, "/api/v4/projects/acme%2Fenvs", "/api/v4/projects/7/merge_requests", of_gitlab),
    ],
)
def test_all_pages_are_read(
    connect: Connect,
    kind: Forge,
    repository: str,
    listing: str,
    told: Callable[[Server, int], dict[str, object]],
) -> None:
    """Of a forge that gives one pull request a page, by the links that it sends along."""
    with serving() as server:
        server.on(f"GET {repository}", Reply(body={**REPOSITORY, "url": f"{server.url}{repository}"}))
        replies = [
            Reply(
                body=[told(server, number)],
                headers={"Link": f'<{server.url}{listing}?page={number + 1}>; rel="next"'} if number < 3 else {},
            )
            for number in (1, 2, 3)
        ]
        server.on(f"GET {listing}", *replies)
        pulls = connect(f"{server.url}/acme/envs.git", kind, "tok-1")
        assert [each.number for each in pulls.open_from_prefix("taxiway/")] == [3, 2, 1]
        assert server.count(f"GET {listing}") == 3


def test_github_makes_a_draft_by_graphql(connect: Connect) -> None:
    """The one call that is in no description: GitHub's REST API can open a draft, and not make one of what is open."""
    with serving() as server:
        path = "/api/v3/repos/acme/envs"
        server.on(f"GET {path}", Reply(body={**REPOSITORY, "url": f"{server.url}{path}"}))
        server.on(f"GET {path}/pulls/1", Reply(body=of_github(server, 1)))
        server.on(f"GET {path}/pulls/1/reviews", Reply(body=[]))
        done = {"data": {"convertPullRequestToDraft": {"clientMutationId": None, "pullRequest": {"isDraft": True}}}}
        server.on("POST /api/graphql", Reply(body=done))
        pulls = connect(f"{server.url}/acme/envs.git", Forge.GITHUB, "tok-1")
        now = pulls.get(1)
        pulls.update(now, Proposal(branch="taxiway/1", base="main", title="T", body="", draft=True))
        (asked,) = [each for each in server.received if each.path == "/api/graphql"]
        assert "convertPullRequestToDraft" in asked.body["query"]
        assert asked.body["variables"]["input"]["pullRequestId"] == "PR_1"
        server.on("POST /api/graphql", Reply(body={"data": None, "errors": [{"message": "not here"}]}))
        with pytest.raises(ForgeFailed, match="not here"):
            pulls.update(now, Proposal(branch="taxiway/1", base="main", title="T", body="", draft=True))
