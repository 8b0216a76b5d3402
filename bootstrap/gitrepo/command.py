"""Git's command line: the only place that builds its arguments, settings and environment, safe in untrusted repos."""

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from bootstrap.core import control_characters
from bootstrap.core.errors import BadTarget, GitFailed
from bootstrap.system import process
from bootstrap.system.child_environment import Child
from bootstrap.system.process import Finished

# Settings against a repository whose own configuration runs programs or fetches while it is only read. A bare
# repository can be committed inside of a work tree, and Git would use it with its configuration.
_SAFE_SETTINGS = {
    "core.fsmonitor": "false",
    "safe.bareRepository": "explicit",
    "fetch.recurseSubmodules": "false",
    "log.showSignature": "false",
}
_DIFF_COMMANDS = ("diff", "diff-index", "log")  # would run `diff.external` and the `textconv` of .gitattributes
# Commands that would read files through the filters of .gitattributes (git-lfs, which fetches, or git-crypt). Commands
# that commit keep the filters, as the user's own commits do.
_READING_COMMANDS = ("status", "diff", "diff-index", "read-tree")
_REMOTE_COMMANDS = ("push", "fetch", "ls-remote", "credential")
# No prompt on the terminal or in a window. An empty GIT_ASKPASS, unlike a missing one, also disables core.askPass and
# SSH_ASKPASS.
_NO_PROMPT = {"GIT_ASKPASS": "", "GCM_INTERACTIVE": "never"}


def git(folder: Path, *arguments: str, settings: Mapping[str, str] | None = None, large_output: bool = False) -> str:
    """Run Git in a folder, with these settings over the user's, and return its stdout. Raises GitFailed.

    `large_output` is for output that names every file.
    """
    finished = try_git(folder, *arguments, settings=settings, large_output=large_output)
    out = finished.out.decode(errors="surrogateescape").removesuffix("\n")
    if finished.code:
        reason = finished.err or out.strip() or f"exit code {finished.code}"
        raise GitFailed(f"git {arguments[0]} failed: {reason}")
    return out


def settings_matching(folder: Path, pattern: str) -> list[tuple[str, str]]:
    """The settings whose names match, as (name, value), in the order in which Git reads them."""
    out = try_git(folder, "config", "-z", "--get-regexp", pattern).out.decode(errors="surrogateescape")
    return [(name, value or "true") for name, _, value in (entry.partition("\n") for entry in out.split("\0") if entry)]


def git_command_line(folder: Path, *arguments: str) -> tuple[list[str], Child]:
    """The command line of Git in a folder, and the kind of its process. Raises BadTarget in a bare repository.

    Arguments behind `--` are literal paths, never patterns.
    """
    _check_not_bare(folder)
    verb = next(argument for argument in arguments if not argument.startswith("-"))
    safe = {**_SAFE_SETTINGS, **(_filters_off(folder) if verb in _READING_COMMANDS else {})}
    end = arguments.index(verb) + 1
    no_programs = ("--no-ext-diff", "--no-textconv") if verb in _DIFF_COMMANDS else ()
    words = [*arguments[:end], *no_programs, *arguments[end:]]
    if "--" in words:
        first = words.index("--") + 1
        words[first:] = [f":(literal){path}" for path in words[first:]]
    settings = [word for name, value in safe.items() for word in ("-c", f"{name}={value}")]
    return ["git", *settings, "-C", str(folder), *words], Child.GIT_REMOTE if verb in _REMOTE_COMMANDS else Child.GIT


def _check_not_bare(folder: Path) -> None:
    """Raise BadTarget in what Git would take for a bare repository: Git before 2.38 has no safe.bareRepository."""
    for parent in (folder, *folder.parents):
        if (parent / ".git").exists():
            return
        if (parent / "HEAD").is_file() and (parent / "objects").is_dir() and (parent / "refs").is_dir():
            raise BadTarget(
                f"{parent} is made like a bare Git repository, whose configuration would run what it names",
                hint="see where it comes from, and delete its file HEAD, or work in another folder",
            )


def clear_cache() -> None:
    """Drop the cached settings: a new command of taxiway begins, and the configuration may have changed."""
    _filters_off.cache_clear()


@lru_cache(maxsize=8)  # until `clear_cache`
def _filters_off(folder: Path) -> dict[str, str]:
    """Settings that disable each configured filter, whatever .gitattributes says. Line ends are still converted."""
    names = {name.rpartition(".")[0] for name, _ in settings_matching(folder, r"^filter\.")}
    off = {"clean": "", "smudge": "", "process": "", "required": "false"}
    return {f"{name}.{key}": value for name in sorted(names) for key, value in off.items()}


def setting(folder: Path, name: str, *kind: str) -> str | None:
    """The value of a setting, None where there is none. `kind` is an option of git config, such as `--path`."""
    finished = try_git(folder, "config", *kind, "--get", name)
    return finished.out.decode(errors="surrogateescape").removesuffix("\n") or None


def try_git(
    folder: Path,
    *arguments: str,
    stdin: bytes = b"",
    settings: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    large_output: bool = False,
) -> Finished:
    """Run Git in a folder, with these settings and variables over the user's, whatever its exit code."""
    argv, child = git_command_line(folder, *arguments)
    own = {**_as_environment(settings or {}), **(environment or {}), "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    return process.run(argv, stdin=stdin, env=own, large_output=large_output, child=child)


def _as_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings as variables, which reach the child processes of Git too; added to those of our environment."""
    count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    variables = {"GIT_CONFIG_COUNT": str(count + len(settings))} if settings else {}
    for number, (key, value) in enumerate(settings.items(), count):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def stored_password(folder: Path, *, scheme: str, host: str, path: str) -> str | None:
    """The password of Git's credential helpers for a URL, as configured in a folder. No helper prompts for one.

    Raises BadOption where a part of the URL could begin another line of Git's credential protocol.
    """
    fields = {"protocol": scheme, "host": host, "path": path}
    for name, value in fields.items():
        control_characters.reject(f"the {name} of the forge's URL", value)
    request = "".join(f"{name}={value}\n" for name, value in fields.items()) + "\n"
    finished = try_git(folder, "credential", "fill", stdin=request.encode(), environment=_NO_PROMPT)
    answer = dict(line.partition("=")[::2] for line in finished.out.decode(errors="replace").splitlines())
    return None if finished.code else answer.get("password")
