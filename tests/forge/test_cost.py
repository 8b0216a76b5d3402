"""What the code of the forges costs those who don't need it, and what it must not do to those who do."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
LIBRARIES = ("ogr", "github", "gitlab", "pyforgejo", "requests", "httpx", "pydantic", "urllib3")


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., str]:
    """What a script prints in a Python of its own; a file, since python-dotenv treats `python -c` as something else."""

    def run(script: str, *folders: Path) -> str:
        file = tmp_path / "script.py"
        file.write_text(script)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*folders, PROJECT)))}
        done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=True, env=environment)
        return done.stdout.strip()

    return run


def test_without_a_connection_nothing_of_it_is_loaded(python: Callable[..., str]) -> None:
    ours = "bootstrap.cli, bootstrap.offer"
    assert python(f"import sys, {ours}\nprint([name for name in {LIBRARIES!r} if name in sys.modules])") == "[]"


def test_a_dotenv_file_of_the_project_stays_out_of_the_environment(python: Callable[..., str], tmp_path: Path) -> None:
    """pyforgejo loads one at its import, looking upwards from where it is installed: often a folder of the project."""
    there = tmp_path / "project" / ".venv"
    there.mkdir(parents=True)
    (there / "pyforgejo").symlink_to(python("import pyforgejo\nprint(pyforgejo.__path__[0])"))
    (tmp_path / "project" / ".env").write_text("TAXIWAY_TEST_LEAK=1\n")
    seen = "import os\nprint(*(os.environ.get(name) for name in ('TAXIWAY_TEST_LEAK', 'PYTHON_DOTENV_DISABLED')))"
    assert python(f"import pyforgejo.client\n{seen}", there) == "1 None"  # as long as this is so, our guard is needed
    assert python(f"import bootstrap.forges.services\n{seen}", there) == "None None"
