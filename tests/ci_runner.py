"""A forge's runner, as far as the workflows that `init` writes need one: it runs their steps in a clean environment.

What it sets is what the forges document: GitHub's "Variables reference" and "Contexts reference", GitLab's "Predefined
CI/CD variables". Of `${{ expressions }}` it knows those that it is told; another one fails the test.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = re.compile(r"actions/checkout@[0-9a-f]{40}")
SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"
# Taken before any test has a home folder of its own: what pip has loaded once is not loaded again.
_PIP_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a job did: whether all its steps succeeded, what they said, and the outputs of its steps."""

    passed: bool
    log: str
    outputs: Mapping[str, str] = field(default_factory=dict)


def load(path: Path) -> dict[str, Any]:
    """A workflow; every value is text."""
    found: dict[str, Any] = yaml.load(path.read_text(), Loader=yaml.BaseLoader)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A machine with Python, Git and pip's index; `remote` is where the forge keeps the repository.

    `squatted` is a folder of wheels that this machine's index has besides, under whatever names.
    """

    folder: Path
    remote: str
    variables: Mapping[str, str]
    facts: Mapping[str, str] = field(default_factory=dict)
    squatted: Path | None = None

    def environment(self) -> dict[str, str]:
        """What every step finds: nothing of this process but how to reach the index."""
        programs = self.folder / "bin"
        if not programs.exists():
            programs.mkdir(parents=True)
            (programs / "python3").symlink_to(str(getattr(sys, "_base_executable", sys.executable)))
        known = {name: text for name, text in os.environ.items() if name.startswith("PIP_") or "proxy" in name.lower()}
        links = [known.get("PIP_FIND_LINKS", ""), str(self.squatted or "")]
        for name in ("home", "temp", "tmp"):
            (self.folder / name).mkdir(exist_ok=True)
        # Where a step asks the forge for the repository itself, Git finds it in a folder.
        url = f"{self.variables.get('GITHUB_SERVER_URL', 'https://nowhere.example')}/"
        config = f'[url "{Path(self.remote).parents[1]}/"]\n  insteadOf = {url}\n'
        (self.folder / "home" / ".gitconfig").write_text(config)
        return {
            **known,
            "PIP_CACHE_DIR": str(_PIP_CACHE),
            "PIP_FIND_LINKS": " ".join(filter(None, links)),
            "PIP_NO_COMPILE": "1",
            "PATH": f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "GIT_CONFIG_NOSYSTEM": "1",
            **self.variables,
        }

    def actions(self, job: Mapping[str, Any], facts: Mapping[str, str]) -> Ran:
        """Run a job of GitHub, Gitea or Forgejo."""
        known = {**self.facts, **facts}
        work = self.folder / "work"
        work.mkdir(parents=True)
        output = self.folder / "output"
        outputs: dict[str, str] = {}
        passed, log = True, ""
        for step in job["steps"]:
            wanted = _filled(step["if"], known) == "true" if "if" in step else passed
            if not wanted:
                continue
            if "uses" in step:
                assert CHECKOUT.fullmatch(step["uses"]), step["uses"]
                self._checkout(work, _filled(step["with"].get("ref", "${{ github.sha }}"), known))
                continue
            output.write_text("")
            given = {**job.get("env", {}), **step.get("env", {})}
            environment = {
                "RUNNER_TEMP": str(self.folder / "temp"),
                "GITHUB_OUTPUT": str(output),
                **{name: _filled(text, known) for name, text in given.items()},
            }
            # As GitHub does where a step names no shell, with a file for the script.
            done = self._run(["bash", "-e", "{0}"], step["run"], work, environment)
            passed, log = passed and done.returncode == 0, f"{log}## {step['name']}\n{done.stdout}"
            for line in output.read_text().splitlines():
                name, _, value = line.partition("=")
                outputs[f"steps.{step['id']}.outputs.{name}"] = value
        known |= outputs
        named = {name: _filled(text, {**known}) for name, text in job.get("outputs", {}).items()} if outputs else {}
        return Ran(passed=passed, log=log, outputs=named)

    def gitlab(self, job: Mapping[str, Any], variables: Mapping[str, str]) -> Ran:
        """Run a job of GitLab in `work`, where the repository is: its lines are one script."""
        environment = {**job.get("variables", {}), **variables}
        done = self._run(
            ["bash", "-eo", "pipefail", "{0}"], "\n".join(job["script"]), self.folder / "work", environment
        )
        return Ran(passed=done.returncode == 0, log=done.stdout)

    def tidied(self) -> "Runner":
        """The same machine, after a job: only what pip installed is there still, for it looks at the hashes again."""
        shutil.rmtree(self.folder / "work")
        for each in (self.folder / "temp").iterdir():
            if each.name != "taxiway":
                shutil.rmtree(each) if each.is_dir() else each.unlink()
        return self

    def clone(self, commit: str, url: str) -> Path:
        """The repository at a commit, as a runner clones it."""
        self._checkout(self.folder / "work", commit)
        self._git(self.folder / "work", "remote", "set-url", "origin", url)
        return self.folder / "work"

    def _checkout(self, work: Path, commit: str) -> None:
        self._git(self.folder, "clone", "--quiet", "--no-checkout", self.remote, str(work))
        self._git(work, "fetch", "--quiet", "origin", "+refs/pull/*:refs/remotes/pull/*")
        self._git(work, "checkout", "--quiet", "--detach", commit)

    def _git(self, folder: Path, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=folder, env=self.environment(), check=True, capture_output=True)

    def _run(
        self, shell: list[str], script: str, work: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        file = self.folder / "script.sh"
        file.write_text(script)
        return subprocess.run(
            [str(file) if word == "{0}" else word for word in shell],
            cwd=work,
            env={**self.environment(), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def _filled(text: str, facts: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: facts[" ".join(match[1].split())], text, flags=re.DOTALL)
