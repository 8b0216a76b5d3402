"""The current folder is a stranger's: no module that stands in it is imported, by new processes neither."""

import os
from pathlib import Path
from typing import Any, cast

import pytest

from bootstrap.config.model import Environment
from bootstrap.validate import parallel


class Nothing:
    """Finds nothing."""

    def examine(self, environment: Environment) -> str:
        return ""


@pytest.mark.parametrize("before", [None, "", "1"])
def test_processes_import_nothing_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    mark = tmp_path / "ran"
    repo = tmp_path / "repo"
    repo.mkdir()
    for name in ("multiprocessing", "pickle", "runpy", "_posixshmem"):
        (repo / f"{name}.py").write_text(f"open({str(mark)!r}, 'a').write(__name__)\n")
    monkeypatch.chdir(repo)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    if before is not None:
        monkeypatch.setenv("PYTHONSAFEPATH", before)
    monkeypatch.setattr("bootstrap.validate.parallel.MANY", 1)
    monkeypatch.setattr("bootstrap.system.process.cores", lambda: 2)
    found = list(parallel.examine(cast(Any, Nothing()), [cast(Environment, number) for number in range(3)]))
    assert len(found) == 3
    assert not mark.exists()
    assert os.environ.get("PYTHONSAFEPATH") == before
