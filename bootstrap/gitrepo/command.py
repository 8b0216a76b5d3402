"""The command line of Git: the one place where its arguments, settings and environment are made, and made safe."""

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from bootstrap.core import control_characters
from bootstrap.core.errors import BadTarget, GitFailed
from bootstrap.system import process
from bootstrap.system.child_environment import Child
from bootstrap.system.process import Finished

# What a repository's own configuration could run, or could make Git fetch, while we only look at it. A bare repository
# inside of a work tree can be committed, with a configuration of its own, and Git takes it for the repository there.
_SAFE = {
    "core.fsmonitor": "false",
    "safe.bareRepository": "explicit",
    "fetch.recurseSubmodules": "false",
    "log.showSignature": "false",
}
_DIFFS = ("diff", "diff-index", "log")  # what else would run `diff.external`, or a `textconv` that .gitattributes names
# What reads files through the filters that .gitattributes names (git-lfs, which fetches, or git-crypt). Not so what
# writes: a file that is committed goes through them as the user's own commits do.
_LOOKS = ("status", "diff", "diff-index", "read-tree")
_REMOTE = ("push", "fetch", "ls-remote", "credential")
# No question on the terminal, no window: a helper that has no answer says so. An empty GIT_ASKPASS, unlike a missing
# one, also keeps core.askPass and SSH_ASKPASS out.
_NOBODY_ASKED = {"GIT_ASKPASS": "", "GCM_INTERACTIVE": "never"}


def run(folder: Path, *arguments: str, settings: Mapping[str, str] | None = None, large_output: bool = False) -> str:
    """What a Git command says in a folder, with these settings beside the user's: `long`, if it names every file.

    Raises GitFailed with its reason.
    """
    done = asked(folder, *arguments, settings=settings, large_output=large_output)
    told = done.out.decode(errors="surrogateescape").removesuffix("\n")
    if done.code:
        raise GitFailed(f"git {arguments[0]} failed: {done.err or told.strip() or f'exit code {done.code}'}")
    return told


def settings_like(folder: Path, pattern: str) -> list[tuple[str, str]]:
    """The settings whose names match, each with its value, in the order in which Git reads them."""
    told = asked(folder, "config", "-z", "--get-regexp", pattern).out.decode(errors="surrogateescape")
    return [
        (name, value or "true") for name, _, value in (entry.partition("\n") for entry in told.split("\0") if entry)
    ]


def command(folder: Path, *arguments: str) -> tuple[list[str], Child]:
    """The command line of Git in a folder, and what kind of child it is. Raises BadTarget in a bare repository.

    What stands behind `--` are paths, never patterns.
    """
    _check_not_bare(folder)
    verb = next(each for each in arguments if not each.startswith("-"))
    own = {**_SAFE, **(_filters(folder) if verb in _LOOKS else {})}
    place = arguments.index(verb) + 1
    words = [*arguments[:place], *(("--no-ext-diff", "--no-textconv") if verb in _DIFFS else ()), *arguments[place:]]
    if "--" in words:
        end = words.index("--") + 1
        words[end:] = [f":(literal){path}" for path in words[end:]]
    settings = [word for name, value in own.items() for word in ("-c", f"{name}={value}")]
    return ["git", *settings, "-C", str(folder), *words], Child.GIT_REMOTE if verb in _REMOTE else Child.GIT


def _check_not_bare(folder: Path) -> None:
    """Git before 2.38 knows no safe.bareRepository, and each Git words it in its own way."""
    for each in (folder, *folder.parents):
        if (each / ".git").exists():
            return
        if (each / "HEAD").is_file() and (each / "objects").is_dir() and (each / "refs").is_dir():
            raise BadTarget(
                f"{each} is made like a bare Git repository, whose configuration would run what it names",
                hint="see where it comes from, and delete its file HEAD, or work in another folder",
            )


def forget() -> None:
    """Forget what is remembered of configurations: another command of taxiway begins, and they may be others now."""
    _filters.cache_clear()


@lru_cache(maxsize=8)  # until `forget`
def _filters(folder: Path) -> dict[str, str]:
    """Settings without which no filter is run, whatever .gitattributes says; conversions of line ends are none."""
    names = {name.rpartition(".")[0] for name, _ in settings_like(folder, r"^filter\.")}
    off = {"clean": "", "smudge": "", "process": "", "required": "false"}
    return {f"{name}.{key}": value for name in sorted(names) for key, value in off.items()}


def setting(folder: Path, name: str, *kind: str) -> str | None:
    """The value of a setting, of this kind (`--path`); None where there is none."""
    done = asked(folder, "config", *kind, "--get", name)
    return done.out.decode(errors="surrogateescape").removesuffix("\n") or None


def asked(
    folder: Path,
    *arguments: str,
    stdin: bytes = b"",
    settings: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    large_output: bool = False,
) -> Finished:
    """What a Git command left behind in a folder, with these settings and variables beside the user\'s."""
    argv, child = command(folder, *arguments)
    own = {**_as_environment(settings or {}), **(environment or {}), "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    return process.run(argv, stdin=stdin, env=own, large_output=large_output, child=child)


def _as_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings for one command and all that it starts, behind those of the environment (git-config)."""
    there = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    found = {"GIT_CONFIG_COUNT": str(there + len(settings))} if settings else {}
    for number, (key, value) in enumerate(settings.items(), there):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found


def login(folder: Path, *, scheme: str, host: str, path: str) -> str | None:
    """The password that Git's credential helpers, as configured in a folder, have for a URL; nobody is asked for one.

    Raises BadOption where a part of the URL could begin another line of Git's credential protocol.
    """
    fields = {"protocol": scheme, "host": host, "path": path}
    for name, value in fields.items():
        control_characters.reject(f"the {name} of the forge's URL", value)
    given = "".join(f"{name}={value}\n" for name, value in fields.items()) + "\n"
    done = asked(folder, "credential", "fill", stdin=given.encode(), environment=_NOBODY_ASKED)
    answer = dict(line.partition("=")[::2] for line in done.out.decode(errors="replace").splitlines())
    return None if done.code else answer.get("password")
