"""Docs are code: every `taxiway` command of README and docs/ runs as it is written, and what they name exists."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from bootstrap.cli.app import app
from bootstrap.core import errors
from bootstrap.core.errors import TaxiwayError
from tests.conftest import Keys

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in (*ROOT.glob("*.md"), *sorted((ROOT / "docs").glob("*.md")))
}
# Of these pages the commands are run: README.md first.
GUIDES = ("README.md", *(name for name in PAGES if name.startswith("docs/")))
FENCED = [block.partition("\n") for name in GUIDES for block in PAGES[name].split("```")[1::2]]
BLOCKS = [block.strip() for language, _, block in FENCED if not language]
COMMANDS = [block for block in BLOCKS if "taxiway init" in block and not block.startswith("Wrote")]
# What is no option of taxiway's.
CLASSES = {
    name
    for folder in ("bootstrap", "tests")
    for path in (ROOT / folder).rglob("*.py")
    for name in re.findall(r"^(?:class )?([A-Z]\w*)(?:\(| =|:)", path.read_text(), re.MULTILINE)
}
OTHERS = {"--fetch-cert", "--update-golden", "--install-completion", "--help"}


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a shell script in a folder, with `taxiway` on PATH; the first failing command ends it."""
    path = f"{Path(sys.executable).parent}:{folder / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-ec", script], cwd=folder, capture_output=True, text=True, check=False, env=os.environ | {"PATH": path}
    )


@pytest.fixture
def folder(keys: Keys, tmp_path: Path) -> Path:
    """A folder with the certificates that the README speaks of, and a kubeseal that fetches one of them."""
    for name in ("sealing-cert.pem", "nonprod.pem", "eu-west.pem"):
        (tmp_path / name).write_bytes(keys.certificate.read_bytes())
    (tmp_path / "bin").mkdir()
    # A cluster is the edge of the network here: its certificate is a file.
    (tmp_path / "bin/kubeseal").write_text(f'#!/bin/sh\ncat "{keys.certificate}"\n')
    (tmp_path / "bin/kubeseal").chmod(0o755)
    return tmp_path


def test_the_readme_shows_commands() -> None:
    assert len(COMMANDS) == 4


@pytest.mark.parametrize("script", COMMANDS)
def test_a_command_runs_as_it_is_written(script: str, folder: Path) -> None:
    done = run(script, folder)
    assert done.returncode == 0, done.stderr
    said = [line.split(":")[0] for line in README.splitlines() if line.startswith("Wrote ")]
    if script.startswith("kubeseal"):
        count = said[0].split()[1]
        assert done.stdout.startswith(f"Wrote {count} files to ")


def test_the_difference_that_the_readme_shows_is_the_one_that_is_told(folder: Path) -> None:
    assert run(COMMANDS[0], folder).returncode == 0
    release = folder / "my-airflow/overlays/dev/release"
    for name, old, new in (("kustomization.yaml", "3.3.2", "3.3.3"), ("release.env", "3-3-2", "3-3-3")):
        (release / name).write_text((release / name).read_text().replace(old, new))
    shown = next(block for block in BLOCKS if block.startswith("$ taxiway diff")).splitlines()
    done = run(shown[0].removeprefix("$ "), folder / "my-airflow")
    told = done.stdout.splitlines()
    for line in shown[1:]:
        assert line in told or line.strip() == "…", line


def test_the_finding_that_the_readme_shows_is_the_one_that_is_found(folder: Path) -> None:
    assert run(COMMANDS[0], folder).returncode == 0
    with (folder / "my-airflow/overlays/dev/airflow.env").open("a") as file:
        file.write("AIRFLOW__CORE__PARALELISM=64\n")
    shown = next(block for block in BLOCKS if block.startswith("$ taxiway validate")).splitlines()
    done = run(shown[0].removeprefix("$ "), folder / "my-airflow")
    assert done.stdout.splitlines() == shown[1:]


def test_the_promotion_of_the_readme_runs_as_it_is_written(folder: Path) -> None:
    assert run(COMMANDS[0], folder).returncode == 0
    repo = folder / "my-airflow"
    # A folder in place of the forge.
    remote = f"git init -q --bare -b main {folder}/remote.git && git remote set-url origin {folder}/remote.git"
    assert run(f"{remote} && git push -q -u origin HEAD", repo).returncode == 0
    promotion, others = (block for block in BLOCKS if "taxiway promote" in block or "taxiway rollback" in block)
    done = run(promotion, repo)
    assert done.returncode == 0, done.stderr
    merged = "git fetch -q && git merge -q --no-edit $(git branch -r --list 'origin/taxiway/*') && git push -q"
    assert run(merged, repo).returncode == 0
    done = run(others, repo)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", PAGES)
def test_every_make_target_exists(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:^|`)make ([a-z-]+)", PAGES[name], re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_to_a_file(name: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)", PAGES[name]):
        assert (ROOT / name).parent.joinpath(target).exists(), target


def commands(group: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its words; of click, or of the copy of it that newer versions of typer have."""
    yield name, group
    for word, command in getattr(group, "commands", {}).items():
        yield from commands(command, f"{name} {word}".strip())


@pytest.mark.parametrize("name", sorted({*GUIDES} - {"docs/rules.md"}))  # a rule may be about Airflow's own options
def test_every_command_and_option_exists(name: str) -> None:
    known = dict(commands(typer.main.get_command(app)))
    options = {word for command in known.values() for option in command.params for word in option.opts}
    options |= {word for command in known.values() for option in command.params for word in option.secondary_opts}
    for code in re.findall(r"`([^`\n]+)`", PAGES[name]):
        for words in re.findall(r"taxiway ((?:set|env)? ?[a-z]+)\b", code):
            assert words in known, code
        if not re.match(r"git |python|\.venv|docs/|make ", code):
            assert {*re.findall(r"(?<![\w-])--[a-z][a-z-]+", code)} <= options | OTHERS, code


def test_the_page_of_commands_has_every_command_and_exit_code() -> None:
    page = PAGES["docs/commands.md"]
    for name, command in commands(typer.main.get_command(app)):
        if name and not command.hidden and not hasattr(command, "commands"):
            assert f"`taxiway {name}`" in page, name
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, TaxiwayError)]
    for code in {each.exit_code for each in classes}:
        assert f"| {code} | " in page, code


@cache
def names(path: Path) -> set[str]:
    """What a module defines: functions, classes, their methods and fields, and constants."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        found |= bound(node)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{name}" for inner in node.body for name in bound(inner)}
    return found


def bound(node: ast.stmt) -> set[str]:
    """The names that a statement gives."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md", "docs/threat-model.md", "SECURITY.md"])
def test_every_file_and_function_that_is_named_exists(name: str) -> None:
    named = re.findall(r"`([a-z_.]+/[\w/.-]+\.(?:py|yaml|json|gz|txt|env|toml|md))(?::(\w+(?:\.\w+)?))?`", PAGES[name])
    for file, attribute in named:
        if "VERSION" in file:
            continue
        path = next((each for each in (ROOT / file, ROOT / "bootstrap" / file) if each.exists()), None)
        assert path or re.search("[A-Z]{2}", file) or file.startswith(("overlays/", "clusters/")), file
        assert not attribute or (path and attribute in names(path)), f"{file}:{attribute}"
    assert {*re.findall(r"`([A-Z][a-z]+[A-Za-z]*)`", PAGES[name])} <= CLASSES
    for file in re.findall(r"`(test_\w+\.py)`", PAGES[name]):
        assert (ROOT / "tests/security" / file).exists(), file
