"""Hosting and pull requests without a forge: web pages and API of a URL, revisions of a pull request."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.config.remote import Forge, Remote
from bootstrap.core.errors import BadOption
from bootstrap.forges.hosting import HostedRepository
from bootstrap.forges.pull_request import Proposal, PullRequest, PullRequestState, Revision, revise


@pytest.mark.parametrize(
    ("url", "forge", "web", "api", "slug"),
    [
        ("https://github.com/acme/envs.git", Forge.GITHUB, "https://github.com", "https://api.github.com", "acme/envs"),
        ("git@github.com:acme/envs.git", Forge.GITHUB, "https://github.com", "https://api.github.com", "acme/envs"),
        (
            "ssh://git@ssh.github.com:443/acme/envs.git",
            Forge.GITHUB,
            "https://github.com",
            "https://api.github.com",
            "acme/envs",
        ),
        ("https://acme.ghe.com/a/envs", Forge.GITHUB, "https://acme.ghe.com", "https://api.acme.ghe.com", "a/envs"),
        (
            "https://git.acme.example:8443/a/envs",
            Forge.GITHUB,
            "https://git.acme.example:8443",
            "https://git.acme.example:8443/api/v3",
            "a/envs",
        ),
        (
            "git@gitlab.com:acme/data/envs.git",
            Forge.GITLAB,
            "https://gitlab.com",
            "https://gitlab.com/api/v4",
            "acme/data/envs",
        ),
        (
            "ssh://git@git.acme.example:2222/acme/envs.git",
            Forge.GITEA,
            "https://git.acme.example",
            "https://git.acme.example/api/v1",
            "acme/envs",
        ),
        (
            "http://10.0.0.7:3000/git/acme/envs.git",
            Forge.GITEA,
            "http://10.0.0.7:3000/git",
            "http://10.0.0.7:3000/git/api/v1",
            "acme/envs",
        ),
        (
            "https://codeberg.org/acme/envs.git",
            Forge.FORGEJO,
            "https://codeberg.org",
            "https://codeberg.org/api/v1",
            "acme/envs",
        ),
    ],
)
def test_the_web_and_api_urls_follow_from_the_remote(url: str, forge: Forge, web: str, api: str, slug: str) -> None:
    hosted = HostedRepository.of(Remote.parse(url), forge)
    assert (hosted.web, hosted.api, hosted.slug) == (web, api, slug)


def test_web_replaces_the_address_of_the_remote() -> None:
    ssh = Remote.parse("ssh://git@git.acme.example:2222/acme/envs.git")
    assert (
        HostedRepository.of(ssh, Forge.GITEA, "https://git.acme.example:3000/").page
        == "https://git.acme.example:3000/acme/envs"
    )
    folder = Remote.parse("https://acme.example/gitlab/acme/data/envs.git")
    hosted = HostedRepository.of(folder, Forge.GITLAB, "https://acme.example/gitlab")
    assert (hosted.api, hosted.slug) == ("https://acme.example/gitlab/api/v4", "acme/data/envs")


@pytest.mark.parametrize(
    ("url", "forge"),
    [("https://github.com/envs", Forge.GITHUB), ("git@gitea.acme.example:a/b/envs.git", Forge.GITEA)],
)
def test_a_url_without_an_owner_is_refused(url: str, forge: Forge) -> None:
    with pytest.raises(BadOption, match="does not name an owner"):
        HostedRepository.of(Remote.parse(url), forge)


@pytest.mark.parametrize(
    ("forge", "compare", "proposing"),
    [
        (Forge.GITHUB, "/compare/main...a/b%23c", "/compare/main...a/b%23c?expand=1"),
        (
            Forge.GITLAB,
            "/-/compare/main...a/b%23c",
            "/-/merge_requests/new?merge_request%5Bsource_branch%5D=a%2Fb%23c&merge_request%5Btarget_branch%5D=main",
        ),
        (Forge.GITEA, "/compare/main...a/b%23c", "/compare/main...a/b%23c"),
        (Forge.FORGEJO, "/compare/main...a/b%23c", "/compare/main...a/b%23c"),
    ],
)
def test_the_urls_to_compare_and_to_open_a_pull_request(forge: Forge, compare: str, proposing: str) -> None:
    hosted = HostedRepository.of(Remote.parse("https://git.acme.example/acme/envs.git"), forge)
    assert hosted.compare_url("main", "a/b#c") == f"https://git.acme.example/acme/envs{compare}"
    assert hosted.new_pull_request_url("main", "a/b#c") == f"https://git.acme.example/acme/envs{proposing}"


PROPOSALS = st.builds(
    Proposal,
    branch=st.just("taxiway/x"),
    base=st.just("main"),
    title=st.text(min_size=1, max_size=20),
    body=st.text(max_size=40),
    labels=st.lists(st.sampled_from(["a", "b", "C"]), max_size=3).map(tuple),
    reviewers=st.lists(st.sampled_from(["ada", "Bob", "acme/team", "me"]), max_size=3).map(tuple),
    draft=st.sampled_from([None, True, False]),
)


def revised(now: PullRequest, change: Revision) -> PullRequest:
    return replace(
        now,
        title=now.title if change.title is None else change.title,
        body=now.body if change.body is None else change.body,
        draft=now.draft if change.draft is None else change.draft,
        labels=now.labels | set(change.labels),
        reviewers=now.reviewers | set(change.reviewers),
    )


@given(PROPOSALS, PROPOSALS)
def test_a_revised_pull_request_needs_no_revision(first: Proposal, second: Proposal) -> None:
    now = PullRequest(
        number=1,
        url="",
        branch=first.branch,
        base=first.base,
        title=first.title,
        body=first.body,
        author="me",
        state=PullRequestState.OPEN,
        draft=bool(first.draft),
        labels=frozenset(first.labels),
        reviewers=frozenset(first.reviewers),
    )
    after = revised(now, revise(now, second))
    assert not revise(after, second)
    assert now.labels <= after.labels and now.reviewers <= after.reviewers
    assert after.title == second.title
    assert "acme/team" not in revise(now, second).reviewers and "me" not in revise(now, second).reviewers
