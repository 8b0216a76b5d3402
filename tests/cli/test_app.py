"""The command line itself: help, version, completion, and what it does not load."""

import os
import subprocess
import sys

import pytest

from bootstrap import __version__
from tests.conftest import Taxiway, loaded

HEAVY = ("git", "httpx", "cryptography", "ruamel", "yaml", "rich.console", "bootstrap.secrets.sealing")


def test_the_version_is_told(taxiway: Taxiway) -> None:
    assert taxiway("--version").out == f"taxiway {__version__}\n"


@pytest.mark.parametrize("arguments", [(), ("--help",), ("init", "--help"), ("init", "-h")])
def test_help_is_for_a_newcomer(taxiway: Taxiway, arguments: tuple[str, ...]) -> None:
    said = taxiway(*arguments)
    assert "Airflow" in said.out + said.err or "environment repo" in said.out
    assert "Traceback" not in said.err


def test_every_option_says_what_it_is_for(taxiway: Taxiway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    said = taxiway("init", "--help").out
    for words in (
        "default: the remote origin",
        "default: argocd",
        "default: dev, complete",
        "default: airflow-ENVIRONMENT",
        "kubeseal --fetch-cert",
        "Build and check everything, write nothing",
    ):
        assert words in said


def test_help_loads_nothing_heavy() -> None:
    assert loaded(HEAVY, "--version")[1] == []


@pytest.mark.parametrize(
    ("shell", "word"), [("bash", "complete -o"), ("zsh", "compdef"), ("fish", "complete --command")]
)
def test_completion_is_offered(shell: str, word: str) -> None:
    # Typer asks which shell the parent is; with this variable, of its own tests, it takes the one that is named.
    environment = os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-m", "bootstrap", "--show-completion", shell]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert "_TAXIWAY_COMPLETE" in done.stdout, done.stderr
    assert word in done.stdout


def test_completion_completes() -> None:
    environment = {"_TAXIWAY_COMPLETE": "complete_bash", "COMP_WORDS": "taxiway in", "COMP_CWORD": "1", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-m", "bootstrap"], capture_output=True, text=True, check=False, env=environment
    )
    assert "init" in done.stdout.split()


@pytest.mark.parametrize("arguments", [("nonsense",), ("init", "--nonsense"), ("init", "a", "b")])
def test_a_wrong_command_line_is_a_usage_error(taxiway: Taxiway, arguments: tuple[str, ...]) -> None:
    said = taxiway(*arguments)
    assert said.code == 2
    assert "Traceback" not in said.err


@pytest.mark.parametrize("more", [(), ("staging",), ("staging", "-o", "json")])
def test_the_old_word_for_unhold_says_where_it_went(taxiway: Taxiway, more: tuple[str, ...]) -> None:
    said = taxiway("release", *more)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: `taxiway release` is now called `taxiway unhold`\n")
    assert "│ release " not in taxiway("--help").out
