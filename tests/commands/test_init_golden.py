"""What `init` writes, file by file: a change of any byte shows in review. `--update-golden` takes it over."""

import hashlib
import re
from pathlib import Path

import pytest

from tests.conftest import Keys, Taxiway

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
# What no two runs have in common: ciphertext, the moment of sealing, the certificate of the test.
_VARYING = (
    (re.compile(rb"^(    \w+: )A[\w+/]{300,}=*$", re.MULTILINE), rb"\1(sealed)"),
    (re.compile(rb"at=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), b"at=(now)"),
    (re.compile(rb"sha256:[0-9a-f]{64}"), b"sha256:(certificate)"),
    (re.compile(rb"-----BEGIN CERTIFICATE-----.*-----END CERTIFICATE-----", re.DOTALL), b"(certificate)"),
)
_RUNS = {
    "github": ["--repo", "https://github.com/acme/envs.git"],
    "gitlab-flux": ["--repo", "https://gitlab.com/acme/envs.git", "--controller", "flux",
                    "--environment", "dev", "--environment", "staging", "--environment", "prod"],
    "gitea": ["--repo", "https://git.example.com/acme/envs.git", "--forge", "gitea", "--environment", "one"],
}  # fmt: skip


@pytest.mark.parametrize("name", _RUNS)
def test_init_writes_what_is_recorded(
    name: str, tmp_path: Path, taxiway: Taxiway, keys: Keys, update_golden: bool
) -> None:
    folder = tmp_path / "envs"
    assert taxiway("init", folder, "--yes", "--sealing-cert", keys.certificate, *_RUNS[name]).code == 0
    lines = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        place = path.relative_to(folder).as_posix()
        if not place.startswith((".git/", ".taxiway/")):  # the folder .taxiway/ holds this very program
            data = path.read_bytes()
            for pattern, masked in _VARYING:
                data = pattern.sub(masked, data)
            lines.append(
                f"{hashlib.sha256(data).hexdigest()[:16]} {'x' if path.stat().st_mode & 0o100 else '-'} {place}\n"
            )
    golden = GOLDEN / f"init-{name}.txt"
    if update_golden:
        golden.write_text("".join(lines))
    assert "".join(lines) == golden.read_text()
