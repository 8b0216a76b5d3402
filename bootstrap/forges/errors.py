"""Each way in which a forge can fail a call, as one sentence and what to do about it."""

import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.errors import ForgeFailed
from bootstrap.forges import wire
from bootstrap.forges.hosting import Hosted
from bootstrap.forges.tokens import Token
from bootstrap.forges.wire import Refused
from bootstrap.remote import Forge

_RIGHTS = {
    Forge.GITHUB: "read and write for pull requests (a classic token: scope repo)",
    Forge.GITLAB: "scope api, and the role Developer in the project",
    Forge.GITEA: "read and write for repository and issue",
    Forge.FORGEJO: "read and write for repository and issue",
}
_LONGEST = 200  # characters of what a forge says


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Tells what went wrong with one repository's forge. The token is here only to be kept out of what it said."""

    hosted: Hosted
    token: Token

    def explain(self, err: BaseException, doing: str, after: str) -> ForgeFailed:
        """The error for the user: what failed and why, then what to do, and `after`: what is done and how to go on."""
        refused = wire.answer(err)
        why, hint = self._answered(refused) if refused else self._unreached(err)
        hints = "; ".join(each for each in (hint, after) if each)
        return ForgeFailed(self._clean(f"{self.hosted.host}: {doing} failed: {why}"), hint=self._clean(hints))

    def note(self, refused: Refused, what: str) -> str:
        """A sentence about a nicety that the forge refused while the pull request itself is well."""
        said = _said(refused) or f"status {refused.status}"
        return self._clean(f"{what} failed: {said}")

    def _answered(self, refused: Refused) -> tuple[str, str]:
        said = _said(refused)
        quoted = f" ({said})" if said else ""
        wait = refused.wait()
        if wait is not None:
            return (
                f"it limits how often it is asked ({refused.status}), for {_time(wait)} more",
                f"run the same command again in {_time(wait)}",
            )
        name, source = self.hosted.forge.proper_name, self.token.source
        rights = f"give it {_RIGHTS[self.hosted.forge]}"
        sentences: Mapping[int, tuple[str, str]] = {
            401: (f"it does not take the token from {source} (401): expired, revoked or for another host", "renew it"),
            403: (f"the token from {source} lacks the right to do that (403){quoted}", rights),
            404: (
                f"it knows no {self.hosted.slug}, or the token from {source} may not see it (404){quoted}",
                f"look at {self.hosted.page} in a browser, and {rights}",
            ),
            405: (f"it does not allow that here (405){quoted}", ""),
            409: (f"it is at odds with what is there now (409){quoted}", "run the same command again"),
            413: ("what was sent is too long for it (413)", ""),
            422: (f"it does not accept it (422){quoted}", ""),
            429: (f"it limits how often it is asked (429){quoted}", "run the same command again later"),
        }
        if refused.status in sentences:
            return sentences[refused.status]
        if refused.status < 300:
            kind = refused.headers.get("content-type", "nothing")[:_LONGEST]
            return (
                f"its answer is {kind}, no JSON: something stands between, a proxy or a page for signing in",
                f"see that {self.hosted.api} is the API of {name}; `forge:` in taxiway.yaml says which forge it is",
            )
        if refused.status < 400:
            target = refused.headers.get("location", "another place")[:_LONGEST]
            return (
                f"it sends on to {target} ({refused.status}), where the token does not go",
                "set `repository:` in taxiway.yaml and the remote `origin` to the new URL",
            )
        if refused.status >= 500:
            return f"the server is in trouble ({refused.status}){quoted}", "run the same command again later"
        return f"status {refused.status}{quoted}", ""

    def _unreached(self, err: BaseException) -> tuple[str, str]:
        host, chain = self.hosted.host, list(wire.chain(err))
        names = {type(each).__name__ for each in chain}
        if any(isinstance(each, ssl.SSLError) for each in chain):
            why = next((each.verify_message for each in chain if isinstance(each, ssl.SSLCertVerificationError)), "")
            return (
                f"its TLS certificate is not trusted{f' ({why})' if why else ''}",
                "for a certificate authority of your own: REQUESTS_CA_BUNDLE=/path/to/ca.pem",
            )
        if "ProxyError" in names:
            return "the proxy can't be used", "see HTTPS_PROXY and NO_PROXY"
        if "gaierror" in names:
            return f"no address is known for {host}", "see the host's name, the network and the VPN"
        if any(isinstance(each, ConnectionRefusedError) for each in chain):
            return f"nothing listens there (connection refused by {host})", "see the host, its port and the firewall"
        if wire.passing(err):
            seconds = f"within {wire.TIMEOUT:.0f} s"
            slow = any(isinstance(each, TimeoutError) for each in chain) or any("Timeout" in name for name in names)
            return (f"no answer {seconds}" if slow else "it hung up"), "run the same command again"
        # What `requests` raises for bad JSON is an OSError too.
        if any(isinstance(each, OSError) and not isinstance(each, ValueError) for each in chain):
            return f"{host} can't be reached", "see the network, the VPN and HTTPS_PROXY"
        kind = self.hosted.forge.proper_name
        return (
            f"its answer is not one that {kind} gives ({type(err).__name__})",
            f"see that {self.hosted.api} is the API of {kind}; `forge:` in taxiway.yaml says which forge it is",
        )

    def _clean(self, text: str) -> str:
        return text.replace(self.token.secret.reveal().decode(), "***")


def _said(refused: Refused) -> str:
    """The forge's own words, on one line, without control characters and not longer than a sentence."""
    try:
        data = json.loads(refused.text)
    except ValueError:
        return ""
    words = " ".join(_words(data))
    words = re.sub(r"[^\x20-\x7e\xa0-\U0010ffff]+", " ", words).strip()
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"


def _words(data: Any) -> list[str]:
    """The texts of an answer: GitHub has `message` and `errors` of `message`, GitLab lists in it, Gitea a `message`."""
    if isinstance(data, str):
        return [data]
    if isinstance(data, list):
        return [word for each in data for word in _words(each)]
    if isinstance(data, dict):
        known = [data[name] for name in ("message", "error", "errors") if data.get(name)]
        fields = [data[name] for name in data if isinstance(data[name], list)]
        return [word for each in known or fields for word in _words(each)]
    return []


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds > 90 else f"{seconds:.0f} s"
