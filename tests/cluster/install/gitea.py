"""Gitea: a real Git host with private repositories, in the cluster."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.kit.environment import reach
from tests.cluster.kit.forge import Forge
from tests.cluster.kit.kubectl import Kubectl

MANIFESTS = Path(__file__).resolve().parent.parent / "manifests" / "gitea"
URL = "http://gitea.gitea.svc.cluster.local:3000"
_GITEA = ("gitea", "--config", "/data/app.ini", "admin", "user")


def begin(kubectl: Kubectl) -> None:
    """Let Gitea start, for who wants it later."""
    kubectl.apply_folder(MANIFESTS)


@contextmanager
def installed(kubectl: Kubectl) -> Iterator[Forge]:
    """Gitea, with a new user who may make repositories, for as long as the context lasts."""
    begin(kubectl)
    here = kubectl.within("gitea")
    here.wait_ready("deployment/gitea", seconds=120)
    user = f"tester-{secrets.token_hex(3)}"
    words = ("create", "--username", user, "--email", f"{user}@example.test", "--admin", "--random-password")
    here.exec("deployment/gitea", *_GITEA, *words, "--must-change-password=false")
    grant = ("generate-access-token", "--username", user, "--token-name", "tests", "--scopes", "all", "--raw")
    token = here.exec("deployment/gitea", *_GITEA, *grant).strip().splitlines()[-1]
    with reach(here, "gitea", 3000) as address:
        yield Forge(url=URL, address=address, user=user, token=token)
