"""What the tests of the rules share."""

from pathlib import Path

import pytest

from bootstrap import cli
from tests.conftest import REPO_URL, Keys


@pytest.fixture(scope="session")
def fresh(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment repo, which stays as it is."""
    folder = tmp_path_factory.mktemp("fresh") / "envs"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@example.com")
        cli.main(["init", str(folder), "--yes", "--repo", REPO_URL, "--sealing-cert", str(keys.certificate)])
    assert not end.value.code
    return folder
