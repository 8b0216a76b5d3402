"""HTTP client of a forge's API: JSON to one host, with retries, proxies and TLS.

Imported only for a connection, because the import of httpx takes a tenth of a second.
"""

import ipaddress
import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import getproxies, proxy_bypass

import httpx

from bootstrap.config.remote import Forge
from bootstrap.core.result import Progress
from bootstrap.forges.errors import Refused, Unreachable
from bootstrap.forges.hosting import HostedRepository
from bootstrap.forges.tokens import Token

_Value = TypeVar("_Value")
TIMEOUT = 30.0  # seconds for one answer
MAX_RETRY_AFTER = 60.0  # seconds
PAUSES = (0.5, 2.0)  # seconds before the second and the third attempt
_REDIRECTS = 5
# The last one is GitHub's; other forges ignore it.
_HEADERS = {b"Accept": b"application/json", b"User-Agent": b"taxiway", b"X-GitHub-Api-Version": b"2022-11-28"}
# Variables of requests, curl and OpenSSL; the first that is set is used.
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Retries: once after the wait that the forge asks for, and reads also after failures of network or server.

    A write is repeated only where the forge said that it was not executed, or where it is idempotent.
    """

    host: str
    progress: Progress

    def read(self, call: Callable[[], _Value]) -> _Value:
        """Make a call; repeat it after a pause where the network or the server failed."""
        for pause in PAUSES:
            try:
                return self.write(call)
            except (Refused, Unreachable) as err:
                if not err.transient:
                    raise
                self._wait(pause, "it did not answer")
        return self.write(call)

    def write(self, call: Callable[[], _Value]) -> _Value:
        """Make a call; repeat it once after the wait that the forge asks for, if that is at most a minute."""
        try:
            return call()
        except Refused as refused:
            seconds = refused.retry_after()
            if seconds is None or seconds > MAX_RETRY_AFTER:
                raise
        self._wait(seconds, "it limits how often it is asked")
        return call()

    def write_idempotent(self, call: Callable[[], object], is_done: Callable[[], bool]) -> None:
        """Make an idempotent write; repeat it after a pause where the network or the server failed, unless `is_done`.

        It may be done by then because only the answer was lost, or because another run did the same at once and the
        server failed one of the two.
        """
        for pause in PAUSES:
            try:
                call()
                return
            except (Refused, Unreachable) as err:
                if not err.transient:
                    raise
                self._wait(pause, "it did not answer")
            if is_done():
                return
        call()

    def _wait(self, seconds: float, why: str) -> None:
        with self.progress(f"waiting {seconds:.0f} s for {self.host}: {why}"):
            time.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """Requests to one API, by paths below its base URL. Raises Refused and Unreachable."""

    base: str
    client: httpx.Client
    retry: RetryPolicy

    def get(self, path: str) -> Any:
        """GET a path and return its JSON."""
        return _json(self.retry.read(partial(self._send, "GET", self._url(path))))

    def get_all(self, path: str, **query: str | int) -> Iterator[Any]:
        """The items of a list, page by page by the `Link` headers of the answers.

        Only the query of a link is used: the server may know itself by another host and path.
        """
        url: httpx.URL | None = self._url(path).copy_with(params=query)
        while url is not None:
            answer = self.retry.read(partial(self._send, "GET", url))
            yield from _json(answer)
            link = answer.links.get("next")
            with _translated(self.retry.host):
                url = answer.url.copy_with(query=httpx.URL(link["url"]).query) if link else None

    def write(self, method: str, path: str, body: Mapping[str, object]) -> Any:
        """Send a JSON body and return the answer's JSON. It is repeated only where the forge said to retry later."""
        return _json(self.retry.write(partial(self._send, method, self._url(path), body)))

    def _url(self, path: str) -> httpx.URL:
        return httpx.URL(f"{self.base}{path}")

    def _send(self, method: str, url: httpx.URL, body: Mapping[str, object] | None = None) -> httpx.Response:
        with _translated(self.retry.host):
            for _ in range(_REDIRECTS):
                answer = self.client.request(method, url, json=body, timeout=TIMEOUT)
                target = redirect_target(answer)
                if target is None:
                    return answer
                url = target  # a renamed repository: as GitHub asks of clients, with the same method and body
        raise ValueError("too many redirects")


def redirect_target(answer: httpx.Response) -> httpx.URL | None:
    """The URL of a redirect to the same server; None for a JSON answer. Raises Refused for anything else."""
    if 300 <= answer.status_code < 400:
        with suppress(KeyError, httpx.InvalidURL):
            target = answer.url.join(answer.headers["location"])
            if (target.scheme, target.host, target.port) == (answer.url.scheme, answer.url.host, answer.url.port):
                return target
        raise Refused(answer.status_code, answer.headers, "")
    if answer.status_code >= 400:
        raise Refused(answer.status_code, answer.headers, answer.text)
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    if answer.content and not (kind == "application/json" or kind.endswith("+json")):
        raise Refused(answer.status_code, answer.headers, "")
    return None


def connect(hosted: HostedRepository, token: Token) -> httpx.Client:
    """A client that sends the token with each request. No request is sent yet. Raises Unreachable."""
    # As the forges' documentation has it: GitLab does not accept the scheme `token`.
    scheme = b"Bearer " if hosted.forge is Forge.GITLAB else b"token "
    headers = {**_HEADERS, b"Authorization": scheme + token.secret.reveal()}
    try:
        return httpx.Client(headers=headers, verify=_tls(), proxy=_proxy(hosted), trust_env=False)
    except OSError as err:
        raise _unreachable(err, hosted.host) from None
    except (ValueError, ImportError, httpx.InvalidURL):
        raise Unreachable("the proxy can't be used", hint="see HTTPS_PROXY and NO_PROXY") from None


def _tls() -> ssl.SSLContext | bool:
    for name in _CA_VARIABLES:
        if path := os.environ.get(name):
            is_dir = Path(path).is_dir()
            return ssl.create_default_context(capath=path if is_dir else None, cafile=None if is_dir else path)
    folders = os.environ.get("SSL_CERT_DIR")
    return ssl.create_default_context(capath=folders) if folders else True


def _proxy(hosted: HostedRepository) -> str | None:
    """The proxy of the environment or of macOS. httpx itself would ignore networks and `[::1]` in NO_PROXY."""
    proxies = getproxies()
    excluded = proxies.get("no", "").split(",")
    proxy = proxies.get(hosted.address.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(hosted.host) or any(_is_within(hosted.address.host, network) for network in excluded):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_within(host: str, network: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host) in ipaddress.ip_network(network.strip(" []"), strict=False)
    return False


def _json(answer: httpx.Response) -> Any:
    return answer.json() if answer.content else None


@contextmanager
def _translated(host: str) -> Iterator[None]:
    # `from None`: the request, in the frames and in httpx's errors, holds the token.
    try:
        yield
    except httpx.TransportError as err:
        raise _unreachable(err, host) from None
    except (httpx.HTTPError, httpx.InvalidURL) as err:
        raise ValueError(type(err).__name__) from None


def _unreachable(err: Exception, host: str) -> Unreachable:
    """Classify a failed connection by httpx's exception and the exceptions of the operating system that caused it."""
    chain = list(_causes(err))
    if any(isinstance(cause, ssl.SSLError) for cause in chain):
        why = next((cause.verify_message for cause in chain if isinstance(cause, ssl.SSLCertVerificationError)), "")
        return Unreachable(
            f"its TLS certificate is not trusted{f' ({why})' if why else ''}",
            hint="for a certificate authority of your own: REQUESTS_CA_BUNDLE=/path/to/ca.pem",
        )
    if isinstance(err, httpx.ProxyError):
        return Unreachable("the proxy can't be used", hint="see HTTPS_PROXY and NO_PROXY")
    if any(type(cause).__name__ == "gaierror" for cause in chain):
        return Unreachable(f"no address is known for {host}", hint="see the host's name, the network and the VPN")
    if any(isinstance(cause, ConnectionRefusedError) for cause in chain):
        return Unreachable(
            f"nothing listens there (connection refused by {host})", hint="see the host, its port and the firewall"
        )
    if any(isinstance(cause, httpx.TimeoutException | TimeoutError) for cause in chain):
        return Unreachable(f"no answer within {TIMEOUT:.0f} s", hint="run the same command again", transient=True)
    dropped = httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError | ConnectionError
    if any(isinstance(cause, dropped) for cause in chain):
        return Unreachable("it hung up", hint="run the same command again", transient=True)
    return Unreachable(f"{host} can't be reached", hint="see the network, the VPN and HTTPS_PROXY")


def _causes(err: BaseException | None) -> Iterator[BaseException]:
    while err is not None:
        yield err
        err = err.__cause__ or err.__context__
