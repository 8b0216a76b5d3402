"""Law 2: no plaintext secret on disk, in argv, in a log, in an error or in Git history."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bootstrap.secrets.sealing import Scope
from tests.commands.test_init import git
from tests.conftest import REPO_URL, Keys

# These are names and numbers that the manifests also say, not secrets.
PUBLIC = {b"airflow", b"airflow-pg", b"5432", b"admin"}

# Runs taxiway with an eye on every process that it starts and every file that it writes, wherever that is.
SPY = """
import os, sys
log = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
def watch(event, arguments):
    if event == "subprocess.Popen":
        os.write(log, repr(arguments[1]).encode() + b"\\n")
        os.write(log, repr(arguments[3]).encode() + b"\\n")
sys.addaudithook(watch)
from bootstrap.cli import main
main(sys.argv[1:])
"""


def forms(value: bytes) -> list[bytes]:
    """How a value may stand somewhere: as it is, in base64 at each alignment, in URL-safe base64, in hex."""
    found = [value, value.hex().encode(), base64.urlsafe_b64encode(value).rstrip(b"=")]
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + value)
        found.append(text[4 if shift else 0 : -4])  # the ends mix with the neighbours
    return found


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("output", ["text", "json"])
def test_no_secret_is_anywhere_but_in_its_sealed_form(keys: Keys, tmp_path: Path, existing: bool, output: str) -> None:
    world, log = tmp_path / "world", tmp_path / "spy.log"
    target = world / "envs"
    world.mkdir()
    (world / "tmp").mkdir()
    if existing:
        git(world, "init", "--quiet", "envs")
    given = {"dev": {"DATABASE_PASSWORD": "given-by-hand-0123456789", "ADMIN_PASSWORD": "another-one-abcdefghijk"}}
    arguments = ["init", str(target), "--repo", REPO_URL, "--sealing-cert", str(keys.certificate), "-o", output]
    done = subprocess.run(
        [sys.executable, "-c", SPY.format(log=str(log)), *arguments, "--secrets-from", "-"],
        input=yaml.safe_dump(given).encode(),
        capture_output=True,
        check=False,
        env=os.environ | {"TMPDIR": str(world / "tmp"), "GIT_TRACE": str(world / "trace"), "GIT_PYTHON_TRACE": "full"},
    )
    assert done.returncode == 0, done.stderr

    values: set[bytes] = set()
    for overlay in ("dev", "complete"):
        for path in (target / f"overlays/{overlay}/secrets").glob("sealedsecret.*.yaml"):
            sealed = yaml.safe_load(path.read_text())
            for item in sealed["spec"]["encryptedData"].values():
                values.add(keys.open(item, Scope.STRICT, f"airflow-{overlay}", sealed["metadata"]["name"]))
    connection = next(value for value in values if value.startswith(b"{"))
    values |= {json.loads(connection)["password"].encode()}
    values -= PUBLIC
    assert (
        len(values) == 2 * 7 + 1
    )  # of each environment: four keys, two passwords, one URL, and one of the connections

    objects = subprocess.run(
        ["git", "cat-file", "--batch-all-objects", "--batch"], cwd=target, capture_output=True, check=True
    ).stdout
    places = everything(world) | {
        "stdout": done.stdout,
        "stderr": done.stderr,
        "objects": objects,
        "argv": log.read_bytes(),
    }
    assert len(places) > 100
    assert b"commit" in places["argv"]
    assert b"overlays/dev" in objects
    for value in values:
        for form in forms(value):
            assert len(form) > 12
            assert not [place for place, data in places.items() if form in data]
