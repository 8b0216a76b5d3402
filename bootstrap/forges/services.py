"""ogr's services, with our time-outs and without their own retries.

Each of the three libraries below ogr repeats what failed, writes too, for up to minutes and without a word: ogr's own
default for GitHub repeats a POST that was answered 401, 403 or 500 after 30, 60 and 120 seconds. Here every answer
passes `wire.check` first, and `wire.Line` alone decides what is tried again.
"""

import os
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from bootstrap.forges import wire
from bootstrap.forges.hosting import Hosted
from bootstrap.forges.tokens import Token

# pyforgejo, at its import, reads the first `.env` file above its own folder into this process's environment: with a
# virtual environment in a project folder that is the project's own, with whatever secrets it has.
_before = os.environ.get("PYTHON_DOTENV_DISABLED")
os.environ["PYTHON_DOTENV_DISABLED"] = "1"
try:
    import github
    import gitlab
    import httpx
    import requests
    from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester
    from ogr.services.forgejo.service import ForgejoService
    from ogr.services.github.service import GithubService
    from ogr.services.gitlab.service import GitlabService
    from pyforgejo import PyforgejoApi
finally:
    if _before is None:
        del os.environ["PYTHON_DOTENV_DISABLED"]
    else:
        os.environ["PYTHON_DOTENV_DISABLED"] = _before


def _authorities() -> str | bool:
    """The certificates to trust: one variable for all forges, where the libraries have one each."""
    names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    return next((os.environ[name] for name in names if os.environ.get(name)), True)


def _check(answer: requests.Response, *_: object, **__: object) -> None:
    try:
        wire.check(answer.status_code, answer.headers, answer.url, lambda: answer.text)
    except wire.Refused:
        answer.close()  # nobody else will: the library never sees it
        raise


class _Http(HTTPRequestsConnectionClass):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session.hooks["response"].append(_check)

    def getresponse(self) -> Any:
        """The answer; after a bad one PyGithub would leave the connection open."""
        with _closed_on_error(self.session):
            return super().getresponse()


class _Https(HTTPSRequestsConnectionClass):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session.hooks["response"].append(_check)

    def getresponse(self) -> Any:
        """The answer; after a bad one PyGithub would leave the connection open."""
        with _closed_on_error(self.session):
            return super().getresponse()


@contextmanager
def _closed_on_error(session: requests.Session) -> Iterator[None]:
    try:
        yield
    except BaseException:
        session.close()
        raise


class Github(GithubService):
    """GitHub, and GitHub Enterprise, whose address ogr has no way to give."""

    def __init__(self, hosted: Hosted, token: Token, clients: ExitStack) -> None:
        super().__init__(token=None, max_retries=0)
        self.hosted, self.secret, self.clients = hosted, token.secret, clients

    def get_pygithub_instance(self, namespace: str, repo: str) -> github.Github:  # noqa: ARG002  (ogr's signature)
        """The client, made when first asked for."""
        Requester.injectConnectionClasses(_Http, _Https)
        client = github.Github(
            auth=github.Auth.Token(self.secret.reveal().decode()),
            base_url=self.hosted.api,
            timeout=int(wire.TIMEOUT),
            retry=0,
            verify=_authorities(),
            seconds_between_requests=None,
            seconds_between_writes=None,  # a promotion writes four times at most; GitHub says when that is too fast
        )
        return self.clients.enter_context(client)


class Gitlab(GitlabService):
    """GitLab, without a first call that asks who we are, which a project's own token may not make."""

    def __init__(self, hosted: Hosted, token: Token, clients: ExitStack) -> None:
        super().__init__(instance_url=hosted.web)  # type: ignore[no-untyped-call]
        self.hosted, self.secret, self.clients = hosted, token.secret, clients

    @cached_property
    def gitlab_instance(self) -> gitlab.Gitlab:
        """The client, made when first asked for."""
        session = self.clients.enter_context(requests.Session())
        session.hooks["response"].append(_check)
        return gitlab.Gitlab(
            self.hosted.web,
            # As a bearer: unlike PRIVATE-TOKEN, `requests` drops it where an answer leads to another host.
            oauth_token=self.secret.reveal().decode(),
            ssl_verify=_authorities(),
            timeout=wire.TIMEOUT,
            session=session,
            keep_base_url=True,  # the next page is asked of the host that we know, whatever the server calls itself
        )


class Forgejo(ForgejoService):
    """Forgejo, and Gitea, from which its API comes and which answers the same calls."""

    def __init__(self, hosted: Hosted, token: Token, clients: ExitStack) -> None:
        super().__init__(instance_url=hosted.web)
        self.hosted, self.secret, self.clients = hosted, token.secret, clients

    @cached_property
    def api(self) -> PyforgejoApi:
        """The client, made when first asked for."""
        client = httpx.Client(
            timeout=wire.TIMEOUT,
            verify=_context(),
            follow_redirects=True,
            event_hooks={"response": [_check_httpx]},
        )
        return PyforgejoApi(
            base_url=self.hosted.api,
            api_key=self.secret.reveal().decode(),
            httpx_client=self.clients.enter_context(client),
        )


def _check_httpx(answer: httpx.Response) -> None:
    answer.read()
    wire.check(answer.status_code, answer.headers, str(answer.request.url), lambda: answer.text)


def _context() -> Any:
    authorities = _authorities()
    if authorities is True:
        return True
    place = Path(str(authorities))
    if place.is_dir():
        return ssl.create_default_context(capath=place)
    return ssl.create_default_context(cafile=place)
