"""A swapped certificate, a rule that a change switches off for itself, and a database that would not start."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa

from bootstrap import cli
from bootstrap.config import edit
from bootstrap.config.model import Environment, Model
from bootstrap.core import certificates
from bootstrap.core.errors import BadOption, BadTarget
from bootstrap.core.tree import Tree
from bootstrap.diff.consequences import Effect, repository
from bootstrap.diff.consequences.repository import State
from bootstrap.secrets import sealing
from bootstrap.secrets.certificates import parse_all
from bootstrap.validate.context import EnvironmentContext
from tests import environment_repo as envs
from tests import validate
from tests.commands.test_init import git, snapshot
from tests.commands.test_promote import branches, refuse, succeed
from tests.conftest import REPO_URL, Keys, Ran, Taxiway, warm

BAD_CERTIFICATE, BAD_TARGET, BUILD_FAILED = 4, 5, 7
MODEL = "taxiway.yaml"
WHY = "whoever holds its private key reads what is sealed from now on"


def file_of(name: str) -> str:
    return f"overlays/{name}/secrets/sealing-cert.pem"


@dataclass(frozen=True)
class Attacker:
    """A certificate whose private key is the attacker's; it is the newest of all."""

    key: rsa.RSAPrivateKey
    pem: bytes
    fingerprint: str


@pytest.fixture(scope="session")
def attacker() -> Attacker:
    key = rsa.generate_private_key(65537, 2048)
    now = datetime.now(UTC)
    pem = sealing.certify(key, now=now + timedelta(minutes=4))
    return Attacker(key, pem, sealing.read_certificate(pem, source="", now=now).fingerprint)


@pytest.fixture(scope="module")
def made(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment repo of dev, staging and prod, which stays as it is."""
    folder = tmp_path_factory.mktemp("trust") / "envs"
    names = [word for name in ("dev", "staging", "prod") for word in ("--environment", name)]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@example.com")
        cli.main(["init", str(folder), "--yes", "--repo", REPO_URL, "--sealing-cert", str(keys.certificate), *names])
    assert not end.value.code
    return folder


@pytest.fixture
def trusting(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which is the current folder, and has a remote; what it renders to is known."""
    warm(made)
    shutil.copytree(made, tmp_path / "envs")
    git(tmp_path, "clone", "--quiet", "--bare", "envs", "remote.git")
    git(tmp_path / "envs", "remote", "set-url", "origin", str(tmp_path / "remote.git"))
    monkeypatch.chdir(tmp_path / "envs")
    return tmp_path / "envs"


def swap_file(repo: Path, attacker: Attacker, keys: Keys) -> None:
    (repo / file_of("prod")).write_bytes(attacker.pem)


def append_file(repo: Path, attacker: Attacker, keys: Keys) -> None:
    with (repo / file_of("prod")).open("ab") as file:
        file.write(attacker.pem)


def prepend_file(repo: Path, attacker: Attacker, keys: Keys) -> None:
    path = repo / file_of("prod")
    path.write_bytes(attacker.pem + path.read_bytes())


def hide_behind_another_block(repo: Path, attacker: Attacker, keys: Keys) -> None:
    """One reader of PEM sees the right certificate first, another one the attacker's alone."""
    path = repo / file_of("prod")
    path.write_bytes(
        path.read_bytes() + b"-----BEGIN X-----\n-----BEGIN CERTIFICATE-----\n-----END X-----\n" + attacker.pem
    )


def swap_fingerprint(repo: Path, attacker: Attacker, keys: Keys) -> None:
    entry(repo, "prod", keys.fingerprint, attacker.fingerprint)


def remove_fingerprint(repo: Path, attacker: Attacker, keys: Keys) -> None:
    entry(repo, "prod", f"\n  certificate: {keys.fingerprint}", "")


def swap_file_and_remove_fingerprint(repo: Path, attacker: Attacker, keys: Keys) -> None:
    swap_file(repo, attacker, keys)
    remove_fingerprint(repo, attacker, keys)


def empty_fingerprint(repo: Path, attacker: Attacker, keys: Keys) -> None:
    swap_file(repo, attacker, keys)
    entry(repo, "prod", keys.fingerprint, "null")


def swap_both(repo: Path, attacker: Attacker, keys: Keys) -> None:
    swap_file(repo, attacker, keys)
    swap_fingerprint(repo, attacker, keys)


def entry(repo: Path, name: str, old: str, new: str) -> None:
    """Change the text of one environment's entry in taxiway.yaml."""
    head, mark, tail = (repo / MODEL).read_text().partition(f"- name: {name}\n")
    assert old in tail
    (repo / MODEL).write_text(head + mark + tail.replace(old, new, 1))


def commit(repo: Path, message: str = "a change") -> None:
    git(repo, "commit", "--quiet", "--all", "--message", message)


def findings(said: Ran) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(said.out)["data"]["findings"]
    return found


SWAPS = (
    swap_file, append_file, prepend_file, hide_behind_another_block, swap_fingerprint, remove_fingerprint,
    swap_file_and_remove_fingerprint, empty_fingerprint,
)  # fmt: skip
Swap = Callable[[Path, Attacker, Keys], None]


@pytest.mark.parametrize("swap", SWAPS)
def test_nothing_is_sealed_for_a_certificate_that_is_not_the_pinned_one(
    trusting: Path, taxiway: Taxiway, attacker: Attacker, keys: Keys, swap: Swap
) -> None:
    swap(trusting, attacker, keys)
    commit(trusting)
    before = snapshot(trusting)
    for arguments in ((), ("--dry-run",)):
        said = taxiway("env", "add", "qa", *arguments)
        refuse(said, BAD_CERTIFICATE, "--trust-certificate sha256:", "kubeseal --fetch-cert")
    assert snapshot(trusting) == before


@pytest.mark.parametrize("swap", [*SWAPS, swap_both])
def test_a_swap_is_told_before_and_after_the_commit_first_of_all(
    trusting: Path, taxiway: Taxiway, attacker: Attacker, keys: Keys, swap: Swap
) -> None:
    swap(trusting, attacker, keys)
    git(trusting, "switch", "--quiet", "--create", "change")
    commit(trusting)
    said = json.loads(taxiway("diff", "--since", "main", "-o", "json").out)
    assert said["status"] == "changed"
    told = [each for diff in said["data"]["environments"] for each in diff["consequences"]]
    assert told[0]["effect"] == "security"
    assert any("certificate" in each["what"] and each["effect"] == "security" for each in told)
    text = taxiway("diff", "--since", "main").out
    assert "certificate" in next(line for line in text.splitlines() if line.startswith("  "))
    markdown = taxiway("diff", "--since", "main", "-o", "markdown").out
    assert "| security |" in markdown
    found = findings(taxiway("validate", "--since", "main", "-o", "json"))
    wanted: dict[Swap, set[str]] = {
        remove_fingerprint: {"secrets/unpinned-certificate"},
        swap_file_and_remove_fingerprint: {"secrets/unpinned-certificate"},
        empty_fingerprint: {"secrets/unpinned-certificate"},
        swap_both: {"fleet/several-certificates"},
    }
    assert wanted.get(swap, {"secrets/untrusted-certificate"}) <= {each["rule"] for each in found}
    if swap in (swap_file, append_file, prepend_file):
        (one,) = [each for each in found if each["rule"] == "secrets/untrusted-certificate"]
        assert (one["severity"], one["path"]) == ("error", file_of("prod"))
        assert attacker.fingerprint in one["message"]
        assert keys.fingerprint in one["message"]
        lines = (trusting / file_of("prod")).read_text().splitlines()
        assert lines[one["line"] - 1] == "-----BEGIN CERTIFICATE-----"
        assert (one["line"] > 1) == (swap is append_file)


def test_a_swap_of_both_is_told_in_words(trusting: Path, taxiway: Taxiway, attacker: Attacker, keys: Keys) -> None:
    swap_both(trusting, attacker, keys)
    out = taxiway("diff").out
    change = f"the sealing certificate of prod changes from {keys.fingerprint} to {attacker.fingerprint}: {WHY}"
    assert change in out
    assert f"trusts for prod changes from {keys.fingerprint} to {attacker.fingerprint}" in out


def test_nothing_is_promoted_into_or_set_in_what_has_a_swapped_certificate(
    trusting: Path, taxiway: Taxiway, attacker: Attacker, keys: Keys
) -> None:
    taxiway("set", "image", "airflow=apache/airflow:3.3.3", "-e", "staging")
    swap_file(trusting, attacker, keys)
    commit(trusting)
    git(trusting, "push", "--quiet", "origin", "main")
    refuse(taxiway("promote", "prod"), BUILD_FAILED, "secrets/untrusted-certificate", attacker.fingerprint)
    refuse(taxiway("set", "config", "prod", "AIRFLOW__CORE__PARALLELISM=64"), BUILD_FAILED, "untrusted-certificate")
    assert branches(trusting.parent / "remote.git") == []


def test_another_environments_certificate_is_another_one(
    trusting: Path, taxiway: Taxiway, attacker: Attacker, keys: Keys
) -> None:
    """Copied together with its line of taxiway.yaml from a cluster that is the attacker's."""
    certificate = trusting.parent / "theirs.pem"
    certificate.write_bytes(attacker.pem)
    said = taxiway("env", "add", "eu", "--cluster", "c2", "--sealing-cert", certificate, "-o", "json")
    data = succeed(said, "committed")
    assert data["certificate"]["fingerprint"] == attacker.fingerprint  # type: ignore[index]
    shutil.copy(trusting / file_of("eu"), trusting / file_of("prod"))
    found = findings(taxiway("validate", "prod", "-o", "json"))
    assert "secrets/untrusted-certificate" in {each["rule"] for each in found}
    entry(trusting, "prod", keys.fingerprint, attacker.fingerprint)
    found = findings(taxiway("validate", "prod", "-o", "json"))
    assert "fleet/several-certificates" in {each["rule"] for each in found}


SPELT: dict[str, Callable[[str], str]] = {
    "as taxiway": lambda digits: f"sha256:{digits}",
    "bare": lambda digits: digits,
    "capitals": lambda digits: f"SHA256:{digits.upper()}",
    "openssl": lambda digits: "sha256 Fingerprint=" + ":".join(digits[at : at + 2] for at in range(0, 64, 2)).upper(),
    "colons": lambda digits: ":".join(digits[at : at + 2] for at in range(0, 64, 2)),
    "an end of a line": lambda digits: f"{digits}\n",
}


@pytest.mark.parametrize("spelt", SPELT)
def test_a_fingerprint_is_read_as_it_is_written_elsewhere(spelt: str) -> None:
    digits = "0a1b" * 16
    assert certificates.parse_fingerprint(SPELT[spelt](digits)) == f"sha256:{digits}"


@pytest.mark.parametrize(
    "text",
    [
        *("", "sha256:", "0a1b", "sha256:" + "0a" * 31, "0a" * 33, "sha1:" + "0a" * 20, "g0" * 32, "\u0660" * 64),
        *("sha256:" + "0a" * 32 + " #", "sha256:" + "0a" * 31 + "…", "\x1b[2m" + "0a" * 32),
        "0a" * 32 + "\n" + "0a" * 32,
    ],
)
def test_a_part_of_a_fingerprint_is_none(text: str) -> None:
    with pytest.raises(BadOption):
        certificates.parse_fingerprint(text)
    known = envs.model().render().decode().replace("name: dev", f"name: dev\n  certificate: {json.dumps(text)}")
    with pytest.raises(BadTarget, match=r"fingerprint|control character"):
        Model.parse(known.encode())


def test_who_compared_the_fingerprint_goes_on(trusting: Path, taxiway: Taxiway, attacker: Attacker, keys: Keys) -> None:
    swap_file(trusting, attacker, keys)  # as after a renewal: the new certificate is in the repo, its fingerprint not
    commit(trusting)
    before = snapshot(trusting)
    for wrong in (keys.fingerprint, "sha256:" + "0" * 64):
        said = taxiway("env", "add", "qa", "--trust-certificate", wrong)
        refuse(said, BAD_CERTIFICATE, attacker.fingerprint, wrong)
    refuse(taxiway("env", "add", "qa", "--trust-certificate", attacker.fingerprint[:20]), 2, "not a certificate's")
    assert snapshot(trusting) == before
    given = SPELT["openssl"](attacker.fingerprint.removeprefix("sha256:"))
    said = taxiway("env", "add", "qa", "--trust-certificate", given)
    assert said.code == 0, said.err
    assert f"sealed for certificate {attacker.fingerprint} (valid until " in said.out
    assert f"sealed for certificate {attacker.fingerprint}" in git(trusting, "log", "-1", "--format=%B")
    entries = {
        each["name"]: each["certificate"] for each in yaml.safe_load((trusting / MODEL).read_text())["environments"]
    }
    assert entries["qa"] == attacker.fingerprint
    assert entries["prod"] == keys.fingerprint  # what was trusted for qa says nothing of prod
    assert findings(taxiway("validate", "qa", "-o", "json"))[0]["rule"] == "fleet/several-certificates"


def test_an_environment_that_was_slipped_in_does_not_lend_its_certificate(
    trusting: Path, taxiway: Taxiway, attacker: Attacker, keys: Keys
) -> None:
    certificate = trusting.parent / "theirs.pem"
    certificate.write_bytes(attacker.pem)
    succeed(taxiway("env", "add", "sandbox", "--sealing-cert", certificate, "-o", "json"), "committed")
    refuse(taxiway("env", "add", "qa"), BAD_CERTIFICATE, attacker.fingerprint, keys.fingerprint, "kubeseal")
    refuse(taxiway("env", "add", "qa", "--after", "prod"), BAD_CERTIFICATE, attacker.fingerprint, keys.fingerprint)
    said = taxiway("env", "add", "qa", "--after", "prod", "--trust-certificate", keys.fingerprint, "-o", "json")
    assert succeed(said, "committed")["certificate"]["fingerprint"] == keys.fingerprint  # type: ignore[index]


def test_an_older_repo_is_asked_once(trusting: Path, taxiway: Taxiway, keys: Keys) -> None:
    text = (trusting / MODEL).read_text()
    (trusting / MODEL).write_text(text.replace(f"  certificate: {keys.fingerprint}\n", ""))
    commit(trusting)
    said = taxiway("validate", "-o", "json")
    assert said.code == 0
    assert [each["rule"] for each in findings(said)] == ["secrets/unpinned-certificate"] * 3
    assert all(keys.fingerprint in each["hint"] for each in findings(said))
    refuse(taxiway("env", "add", "qa"), BAD_CERTIFICATE, "taxiway.yaml pins none", keys.fingerprint)
    # The certificate of the user's own file is the user's.
    succeed(taxiway("env", "add", "qa", "--sealing-cert", keys.certificate, "-o", "json"), "committed")
    succeed(taxiway("env", "add", "qb", "--after", "qa", "-o", "json"), "committed")
    data = succeed(taxiway("env", "add", "qc", "--trust-certificate", keys.fingerprint, "-o", "json"), "committed")
    assert data["certificate"]["fingerprint"] == keys.fingerprint  # type: ignore[index]
    assert (trusting / MODEL).read_text().count(f"certificate: {keys.fingerprint}\n") == 3


def test_env_add_always_shows_whom_it_seals_for(trusting: Path, taxiway: Taxiway, keys: Keys) -> None:
    said = f"sealed for certificate {keys.fingerprint} (valid until "
    assert said in taxiway("env", "add", "qa", "--dry-run").out
    planned = json.loads(taxiway("env", "add", "qa", "--dry-run", "-o", "json").out)["data"]
    assert planned["certificate"]["fingerprint"] == keys.fingerprint
    assert said in planned["body"]
    assert said in taxiway("env", "add", "qa", "--pr").out
    (branch,) = branches(trusting.parent / "remote.git")
    assert said in git(trusting.parent / "remote.git", "log", "-1", "--format=%B", branch)
    wrong = ("--sealing-cert", keys.certificate, "--trust-certificate", "sha256:" + "1" * 64)
    refuse(taxiway("env", "add", "qz", *wrong), BAD_CERTIFICATE, keys.fingerprint)


def test_a_new_environment_for_a_new_certificate_says_so() -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = sealing.certify(key, now=datetime.now(UTC))
    known = envs.model()
    (fingerprint,) = [each.fingerprint for each in parse_all(pem) if not isinstance(each, str)]
    new = Environment(name="qa", namespace="airflow-qa", cluster="default", certificate=fingerprint)
    text = edit.insert(known.render(), known, "prod", new)
    before = State(model=known, read=lambda _: b"")
    after = State(model=Model.parse(text), read=lambda path: pem if "/qa/" in path else b"")
    (told,) = repository.consequences(before, after)["qa"]
    assert (told.effect, fingerprint in told.what) == (Effect.SECURITY, True)
    trusted = edit.insert(known.render(), known, "dev", Environment(
        name="q2", namespace="airflow-q2", cluster="default", certificate=fingerprint
    ))  # fmt: skip
    known = Model.parse(trusted)
    after = State(model=Model.parse(edit.insert(trusted, known, "prod", new)), read=after.read)
    assert repository.consequences(State(model=known, read=lambda _: b""), after) == {}


OFF = "validate:\n  off:\n  - rule: {rule}\n    reason: {reason}\n"
SHAPES = {
    "plain": OFF,
    "quoted": OFF.replace("off", "'off'"),
    "false": OFF.replace("off", "false"),
    "no": OFF.replace("off", "no"),
    "flow": "validate: {{off: [{{rule: {rule}, reason: {reason}}}]}}\n",
    "an alias": "other: &it\n- rule: {rule}\n  reason: {reason}\nvalidate: {{off: *it}}\n",
    "a merge": "other: &it\n  off:\n  - rule: {rule}\n    reason: {reason}\nvalidate:\n  <<: *it\n",
    "twice": "validate: {{}}\n" + OFF,
    "escaped": 'validate:\n  "\\x6fff":\n  - rule: {rule}\n    reason: {reason}\n',
}


def swap_rule(repo: Path, shape: str = OFF, reason: str = "we know") -> None:
    with (repo / MODEL).open("a") as file:
        file.write(shape.format(rule="secrets/untrusted-certificate", reason=reason))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_change_is_judged_with_the_rules_that_it_switches_off(
    trusting: Path, taxiway: Taxiway, attacker: Attacker, keys: Keys, shape: str
) -> None:
    git(trusting, "switch", "--quiet", "--create", "change")
    swap_rule(trusting, SHAPES[shape])
    swap_file(trusting, attacker, keys)
    commit(trusting)
    said = taxiway("validate", "--since", "main", "prod", "-o", "json")
    found = findings(said)
    assert said.code == 1
    assert found[0]["rule"] == "fleet/rule-switched-off"
    assert found[0]["message"] == "this change switches off secrets/untrusted-certificate: we know"
    assert "secrets/untrusted-certificate" in {each["rule"] for each in found}
    assert json.loads(said.out)["data"]["switchedOff"] == []
    told = json.loads(taxiway("diff", "--since", "main", "-o", "json").out)["data"]["environments"]
    assert told[0]["environment"] == MODEL
    assert told[0]["consequences"] == [
        {
            "effect": "security",
            "object": MODEL,
            "what": "switches off the rule secrets/untrusted-certificate: we know",
        }
    ]


def test_once_it_is_merged_a_rule_is_off_and_named_with_its_reason(
    trusting: Path, taxiway: Taxiway, attacker: Attacker, keys: Keys
) -> None:
    swap_rule(trusting, reason="100%::error::x")
    commit(trusting)
    git(trusting, "switch", "--quiet", "--create", "change")
    swap_file(trusting, attacker, keys)
    commit(trusting)
    name, reason = "secrets/untrusted-certificate", "100%::error::x"
    off = [{"rule": name, "reason": reason}]
    for arguments in ((), ("--since", "main"), ()):  # the third is remembered
        said = json.loads(taxiway("validate", *arguments, "-o", "json").out)
        assert said["data"]["switchedOff"] == off
        assert name not in {each["rule"] for each in said["data"]["findings"]}
        assert "fleet/rule-switched-off" not in {each["rule"] for each in said["data"]["findings"]}
    assert f"the rule {name} is switched off: {reason}" in taxiway("validate").out.splitlines()
    github = taxiway("validate", "-o", "github").out.splitlines()
    assert f"::notice title={name}::the rule {name} is switched off: 100%25::error::x" in github
    (run,) = json.loads(taxiway("validate", "-o", "sarif").out)["runs"]
    (note,) = run["invocations"][0]["toolConfigurationNotifications"]
    assert (note["level"], reason in note["message"]["text"]) == ("note", True)
    json.loads(taxiway("validate", "-o", "gitlab").out)


def test_the_work_tree_is_judged_by_its_own_rules_and_the_change_is_told(
    trusting: Path, taxiway: Taxiway, attacker: Attacker, keys: Keys
) -> None:
    swap_file(trusting, attacker, keys)
    assert taxiway("validate").code == 1  # and is remembered
    swap_rule(trusting)
    said = taxiway("validate", "-o", "json")
    assert (said.code, findings(said)[0]["rule"]) == (0, "fleet/rule-switched-off")
    git(trusting, "checkout", "--quiet", "--", MODEL)
    assert taxiway("validate").code == 1


BOUNDED = "  - {{rule: secrets/untrusted-certificate, reason: we know, {bounds}}}\n"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("environments: [dev]", "environments: [dev]", ""),
        ("environments: [dev]", "paths: ['*'], environments: [dev]", ""),  # less than before
        ("environments: [dev]", "environments: [dev, prod]", " in dev, prod"),
        ("environments: [dev]", "", ""),
        ("paths: [base/x]", "paths: ['*']", " at *"),
    ],
)
def test_a_rule_that_is_switched_off_in_more_places_is_told(
    trusting: Path, taxiway: Taxiway, before: str, after: str, told: str
) -> None:
    text = (trusting / MODEL).read_text()
    (trusting / MODEL).write_text(text + "validate:\n  off:\n" + BOUNDED.format(bounds=before))
    commit(trusting)
    git(trusting, "switch", "--quiet", "--create", "change")
    (trusting / MODEL).write_text(text + "validate:\n  off:\n" + BOUNDED.format(bounds=after))
    if before != after:
        commit(trusting)
    widened = [f"this change switches off secrets/untrusted-certificate{told}: we know"]
    expected = widened if told or not after else []
    assert [each["message"] for each in findings(taxiway("validate", "--since", "main", "-o", "json"))] == expected
    changes = json.loads(taxiway("diff", "--since", "main", "-o", "json").out)["data"]["environments"]
    said = [each["what"] for entry in changes for each in entry["consequences"]]
    assert said == [f"switches off the rule secrets/untrusted-certificate{told}: we know"] * len(expected)


def test_a_change_is_judged_where_it_switches_a_rule_off_alone(
    trusting: Path, taxiway: Taxiway, attacker: Attacker, keys: Keys
) -> None:
    git(trusting, "switch", "--quiet", "--create", "change")
    with (trusting / MODEL).open("a") as file:
        file.write("validate:\n  off:\n" + BOUNDED.format(bounds="environments: [prod], paths: ['*']"))
    swap_file(trusting, attacker, keys)
    commit(trusting)
    said = taxiway("validate", "--since", "main", "prod", "-o", "json")
    assert said.code == 1
    assert findings(said)[0]["rule"] == "fleet/rule-switched-off"
    assert "secrets/untrusted-certificate" in {each["rule"] for each in findings(said)}
    assert json.loads(said.out)["data"]["switchedOff"] == []
    git(trusting, "switch", "--quiet", "main")
    git(trusting, "merge", "--quiet", "change")
    assert taxiway("validate", "prod").code == 0


def test_a_rule_comes_back_at_once_in_a_change_that_takes_it_out(trusting: Path, taxiway: Taxiway) -> None:
    text = (trusting / MODEL).read_text()
    swap_rule(trusting)
    commit(trusting)
    git(trusting, "switch", "--quiet", "--create", "change")
    (trusting / MODEL).write_text(text)
    commit(trusting)
    said = json.loads(taxiway("validate", "--since", "main", "-o", "json").out)
    assert (said["status"], len(said["data"]["switchedOff"])) == ("passed", 1)


@pytest.mark.parametrize("base", ["[unclosed", "scaffold: 1\n", ""])
def test_a_base_that_can_not_be_read_switches_nothing_off(trusting: Path, taxiway: Taxiway, base: str) -> None:
    text = (trusting / MODEL).read_text()
    (trusting / MODEL).write_text(base)
    commit(trusting)
    git(trusting, "switch", "--quiet", "--create", "change")
    (trusting / MODEL).write_text(text)
    swap_rule(trusting)
    commit(trusting)
    found = findings(taxiway("validate", "--since", "main", "-o", "json"))
    assert found[0]["rule"] == "fleet/rule-switched-off"


def test_what_can_not_be_switched_off(trusting: Path, taxiway: Taxiway) -> None:
    with (trusting / MODEL).open("a") as file:
        file.write(OFF.format(rule="fleet/rule-switched-off", reason="quiet"))
    refuse(taxiway("validate"), BAD_TARGET, "which can't be")


def side(text: bytes) -> State:
    """A state whose files are of no account."""
    return State(model=Model.parse(text), read=lambda _: b"")


def declared(change: Callable[[str], str]) -> list[str]:
    """What is told of a change of taxiway.yaml alone."""
    before = envs.model().render()
    after = change(before.decode()).encode()
    assert after != before
    found = repository.consequences(side(before), side(after))
    assert {each.effect for several in found.values() for each in several} <= {Effect.SECURITY}
    return [each.what for several in found.values() for each in several]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("git.example.com/acme", "evil.example.com/acme", "repository changes from"),
        ("branch: main", "branch: mine", "branch changes from main to mine"),
        ("forge: gitea", "forge: gitea\nweb: https://evil.example.com", "web changes from nothing to"),
        ("forge: gitea", "forge: gitlab", "forge changes from gitea to gitlab"),
        ("controller: argocd", "controller: flux", "controller changes from argocd to flux"),
    ],
)
def test_what_the_repo_is_trusted_by_is_told(old: str, new: str, what: str) -> None:
    (told,) = declared(lambda text: text.replace(old, new))
    assert what in told


def test_a_hold_that_ends_is_told() -> None:
    held = envs.model().render().decode().replace("name: prod", "name: prod\n  hold: {reason: month end}")
    (told,) = repository.consequences(side(held.encode()), side(envs.model().render()))["prod"]
    assert "the hold of prod ends" in told.what


RELEASE = "overlays/{}/release/kustomization.yaml"
POSTGRES = '  - name: postgres\n    newTag: "17"\n'
DIGEST = "sha256:" + "ab" * 32
MAJORS = {
    "tag": POSTGRES.replace("17", "18"),
    "minor": POSTGRES.replace('"17"', "18.1-bookworm"),
    "digest": POSTGRES.replace("17", "18") + f"    digest: {DIGEST}\n",
    "newName": '  - name: postgres\n    newName: registry.example.com:5000/mirror/postgres\n    newTag: "18"\n',
    "older": POSTGRES.replace("17", "16"),
}  # fmt: skip
UNREAD = {
    "digest alone": f"  - name: postgres\n    digest: {DIGEST}\n",
    "another name": POSTGRES.replace("newTag", "newName: acme/pg\n    newTag").replace("17", "18"),
    "no number": POSTGRES.replace('"17"', "bookworm"),
}
PATCH = """patches:
  - patch: |
      apiVersion: apps/v1
      kind: StatefulSet
      metadata: {name: airflow-pg}
      spec: {template: {spec: {containers: [{name: postgres, image: "docker.io/library/postgres:18"}]}}}
"""


@pytest.mark.parametrize("how", [*MAJORS, *UNREAD, "patch"])
def test_another_major_version_on_the_same_data_is_found(trusting: Path, taxiway: Taxiway, how: str) -> None:
    path = trusting / RELEASE.format("dev")
    if how == "patch":
        with (trusting / "overlays/dev/kustomization.yaml").open("a") as file:
            file.write(PATCH)
    else:
        text = path.read_text()
        assert POSTGRES in text
        path.write_text(text.replace(POSTGRES, (MAJORS | UNREAD)[how]))
    found = [each for each in findings(taxiway("validate", "dev", "-o", "json")) if "/postgres-" in each["rule"]]
    rule, severity = ("unread", "warning") if how in UNREAD else ("major", "error")
    assert [(each["rule"], each["severity"]) for each in found] == [(f"kubernetes/postgres-{rule}", severity)]
    if how not in UNREAD:
        assert "will not start on the data of PostgreSQL 17" in found[0]["message"]
        assert "pg_dump" in found[0]["hint"]
    commit(trusting)
    assert taxiway("validate", "dev").code == 0  # against HEAD: what is done is done
    git(trusting, "switch", "--quiet", "--create", "change")
    git(trusting, "branch", "--force", "main", "HEAD~1")
    assert taxiway("validate", "--since", "main", "dev").code == (0 if how in UNREAD else 1)


def test_set_and_promote_refuse_another_major_version(trusting: Path, taxiway: Taxiway) -> None:
    before = snapshot(trusting)
    for name in ("dev", "prod"):
        said = taxiway("set", "image", "postgres=postgres:18", "-e", name)
        refuse(said, BUILD_FAILED, "PostgreSQL 18 will not start on the data of PostgreSQL 17", "pg_dump")
    refuse(taxiway("set", "image", "postgres=postgres:18", "--dry-run"), BUILD_FAILED, "postgres-major")
    assert snapshot(trusting) == before
    succeed(taxiway("set", "image", "postgres=postgres:17.5", "-o", "json"), "committed")
    path = trusting / RELEASE.format("staging")
    path.write_text(path.read_text().replace(POSTGRES, MAJORS["digest"]))
    commit(trusting)
    git(trusting, "push", "--quiet", "origin", "main")
    refuse(taxiway("promote", "prod"), BUILD_FAILED, "will not start on the data of PostgreSQL 17", "pg_dump")
    assert branches(trusting.parent / "remote.git") == []


def test_who_moved_the_data_goes_on_and_the_reviewer_is_told(trusting: Path, taxiway: Taxiway) -> None:
    with (trusting / MODEL).open("a") as file:
        file.write(OFF.format(rule="kubernetes/postgres-major", reason="pg_upgrade ran on Sunday"))
    refuse(taxiway("set", "image", "postgres=postgres:18"), BUILD_FAILED, "postgres-major")  # not committed yet
    commit(trusting)
    said = taxiway("set", "image", "postgres=postgres:18", "--dry-run")
    assert said.code == 0, said.err
    assert "switched off: pg" in said.out.replace("\\", "")
    assert "PostgreSQL 18 will not start on the data of PostgreSQL 17" in said.out


def test_an_empty_volume_of_another_name_takes_any_version(trusting: Path, taxiway: Taxiway) -> None:
    path = trusting / "base/postgres/statefulset.yaml"
    path.write_text(path.read_text().replace("metadata:\n  name: airflow-pg\n", "metadata:\n  name: airflow-pg18\n"))
    release = trusting / RELEASE.format("dev")
    release.write_text(release.read_text().replace(POSTGRES, MAJORS["tag"]))
    found = findings(taxiway("validate", "dev", "-o", "json"))
    assert not [each for each in found if "/postgres-" in each["rule"]]


PEMS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "the attacker's alone": lambda _, theirs: theirs,
    "behind": lambda ours, theirs: ours + theirs,
    "before": lambda ours, theirs: theirs + ours,
    "with a comment": lambda ours, theirs: ours + b"# a renewal\r\n" + theirs,
    "without a line end between": lambda ours, theirs: ours.rstrip() + theirs,
    "and one that can't be read": lambda ours, _: ours + b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
}  # fmt: skip


@pytest.mark.parametrize("how", PEMS)
def test_a_file_holds_the_trusted_certificate_and_no_other(attacker: Attacker, keys: Keys, how: str) -> None:
    environment = Environment(name="prod", namespace="airflow-prod", cluster="c1", certificate=keys.fingerprint)
    ours = keys.certificate.read_bytes()

    def found(pem: bytes) -> list[str]:
        context = EnvironmentContext(model=envs.model(), environment=environment, tree=Tree({file_of("prod"): pem}))
        return [each.rule.name for each in validate.found(context, "secrets")]

    assert found(ours) == found(ours + ours) == []
    assert found(PEMS[how](ours, attacker.pem)) == ["secrets/untrusted-certificate"]
