"""A branch that a stranger has pushed under the name, and with the record, of a change of ours."""

import json
from pathlib import Path

import pytest

from bootstrap.pullrequests.record import ChangeKind, ChangeRecord, ChangeRef
from tests.commands.test_init import git
from tests.commands.test_promote import new_image, succeed
from tests.conftest import Keys, Taxiway
from tests.security.hostile import Place

FORGED = "overlays/prod/kustomization.yaml"


def forge(repo: Path, remote: Path, route: ChangeRef, digest: str, start: str) -> tuple[str, str]:
    """Push a commit with a record of our own form, and another content; the branch and the commit."""
    folder = repo.parent / "stranger"
    git(repo.parent, "clone", "--quiet", str(remote), str(folder))
    git(folder, "checkout", "--quiet", "-b", route.branch(digest), start)
    (folder / FORGED).write_text((folder / FORGED).read_text().replace("airflow-prod", "kube-system"))
    block = ChangeRecord(ref=route, commit=git(folder, "rev-parse", "origin/main"), digest=digest, version="1")
    git(folder, "commit", "--quiet", "--all", "--message", f"A change\n\n{block.trailer}")
    git(folder, "push", "--quiet", "--force", "origin", "HEAD")
    return route.branch(digest), git(folder, "rev-parse", "HEAD")


@pytest.mark.parametrize("beside", [False, True])
def test_a_record_is_not_believed(place: Place, taxiway: Taxiway, beside: bool) -> None:
    """What is offered is what was planned: neither another content, nor that and a file more."""
    new_image(place.repo)
    remote = place.repo.parent / "remote.git"
    planned = json.loads(taxiway("promote", "dev", "prod", "--dry-run", "--output", "json").out)["data"]["digest"]
    start = "origin/main"
    if beside:
        assert taxiway("promote", "dev", "prod").code == 0
        start = f"origin/taxiway/promote-dev_prod-{planned}"
    route = ChangeRef(kind=ChangeKind.PROMOTE, target="prod", source="dev")
    branch, forged = forge(place.repo, remote, route, planned, start)
    told = succeed(taxiway("promote", "dev", "prod", "--output", "json"), "pushed")
    assert told["branch"] == branch
    assert git(remote, "rev-parse", branch) == told["commit"] != forged
    assert FORGED not in git(remote, "diff", "--name-only", "main", branch)
    assert succeed(taxiway("promote", "dev", "prod", "--output", "json"), "unchanged")["commit"] == told["commit"]


def test_nor_for_a_new_environment(place: Place, taxiway: Taxiway, keys: Keys) -> None:
    """Its sealed values are others each time, so they alone may differ."""
    remote = place.repo.parent / "remote.git"
    words = ("env", "add", "qa", "--pr", "--sealing-cert", str(keys.certificate), "--output", "json")
    first = succeed(taxiway(*words), "pushed")
    assert succeed(taxiway(*words), "unchanged")["commit"] == first["commit"]
    route, branch = ChangeRef(kind=ChangeKind.ADD, target="qa"), str(first["branch"])
    _, forged = forge(place.repo, remote, route, branch[-12:], f"origin/{branch}")
    assert succeed(taxiway(*words), "pushed")["commit"] != forged
    assert FORGED not in git(remote, "diff", "--name-only", "main", branch)
