"""The current folder is a stranger's: no module that stands in it is imported."""

import shutil
import subprocess
import sys
from pathlib import Path


def test_nothing_of_the_current_folder_is_imported(pristine: Path, tmp_path: Path) -> None:
    mark, repo = tmp_path / "ran", tmp_path / "repo"
    shutil.copytree(pristine / "envs", repo)
    for name in ("multiprocessing", "pickle", "runpy", "json", "yaml", "typer", "bootstrap", "concurrent"):
        (repo / f"{name}.py").write_text(f"open({str(mark)!r}, 'a').write(__name__)\n")
    taxiway = Path(sys.executable).with_name("taxiway")
    done = subprocess.run([taxiway, "validate", "--no-cache"], cwd=repo, capture_output=True, text=True, check=False)
    assert (done.stderr, mark.exists()) == ("", False)
    assert "no finding" in done.stdout
