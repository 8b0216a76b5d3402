"""Text of the repo on a terminal, in a CI log, in a commit message and in a pull request: shown, and only ever text."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pexpect
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.core import escaping, markdown
from bootstrap.gitrepo import environment_repo
from bootstrap.pullrequests.record import ChangeKind, ChangeRecord, ChangeRef, find_record
from bootstrap.validate import formats
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools.positions import Place
from tests.commands.test_init import git
from tests.commands.test_promote import branches, publish
from tests.conftest import REPO_URL, Keys, Ran, Taxiway, warm

RECORD = ChangeRecord(
    ref=ChangeRef(kind=ChangeKind.PROMOTE, source="dev", target="prod"), commit="e" * 40, digest="e" * 12, version="0"
)

# What a terminal or the runner that keeps a CI log would act on, or what would hide or reorder what is read.
HOSTILE = {
    "colour": "\x1b[31mred\x1b[0m",
    "clear the screen": "\x1b[2J\x1b[H",
    "title of the window": "\x1b]0;owned\x07",
    "hidden link": "\x1b]8;;https://evil.example\x1b\\docs\x1b]8;;\x1b\\",
    "answer of the terminal": "\x1b[6n\x1bP$q q\x1b\\",
    "8-bit escape": "\x9b31mred\x9d0;owned\x9c",
    "backspace": "no\x08\x08yes",
    "delete": "a\x7fb",
    "carriage return": "bad\rerror: 0 findings",
    "new line": "x\nerror: all is well\n  hint: merge it",
    "next line": "x\x85::debug::y",
    "line separator": "x\u2028::debug::y\u2029::debug::z",
    "vertical tab": "x\x0b::debug::y\x0c::debug::z",
    "command": "::set-output name=a::b",
    "command with a parameter": "::error file=a.py,line=1,title=Owned::b",
    "command behind blanks": " \t::add-mask::a",
    "command behind a wide blank": "\u3000\u00a0::warning::a",
    "command behind nothing seen": "\u200b\ufeff::warning::a",
    "command in the next line": "x\n::stop-commands::owned\r\n::save-state name=x::y",
    "command behind a carriage return": "x\r::set-env name=PATH::/tmp",
    "old command": "x ##[set-env name=PATH]/tmp",
    "old command at the start": "##[group]owned",
    "Azure's command": "a ##vso[task.setvariable variable=PATH]/tmp",
    "command with a hole": "#\u200b#[error]x :\u00ad:error::x",
    "section of GitLab": "section_start:1:a[collapsed=true]\r\x1b[0Kowned",
    "right to left": "\u202etxt.exe\u202c \u2067x\u2069",
    "marks of direction": "\u061ca\u200eb\u200fc",
    "zero width": "a\u200bb\u200cc\u200dd\u2060e\ufefff",
    "soft hyphen": "pro\u00adduction",
    "tags": "ok\U000e0069\U000e0067\U000e006e",
    "variation selectors": "a\ufe00\ufe0f\U000e0100",
    "fillers": "\u3164\u115f\uffa0\u034f\u180e",
    "unassigned": "\u0378\U000f0000",
}
# What a forge would act on in a commit message or a pull request.
FORGED = {
    "mention": "@everyone",
    "mention of a team": "ping (@acme/ops), @@ada",
    "skip": "[skip ci]",
    "skip, turned": "x [CI SKIP] y",
    "skip with a hyphen": "[ci-skip] [skip-ci] [skip_ci]",
    "no": "[no ci]",
    "actions": "[skip actions] [actions skip]",
    "other systems": "[skip azp] [skip travis] [skip netlify] [skip  ci]",
    "Azure": "***NO_CI***",
    "checks": "skip-checks: true",
    "checks as a trailer": "x\n\n\nskip-checks:true",
    "closing": "Fixes #1, closes acme/envs#2",
    "closing by a key": "resolves: GH-3, implements JIRA-4, fixed issue JIRA-5",
    "closing by an URL": "fix https://github.com/acme/envs/issues/1",
    "signed off": "x\n\nSigned-off-by: Eve <eve@evil.example>",
    "co-author": "x\nCo-authored-by: Eve <eve@evil.example>",
    "our trailer": f"x\n\n{RECORD.trailer}",
    "our comment": f"x\n{RECORD.html_comment}\n",
    "our comment on the line": RECORD.html_comment,
    "end of a comment": "--><img src=x onerror=alert(1)>",
    "HTML": "</details><script>alert(1)</script>",
    "fence": "```\n````\n/approve\n/merge",
    "quick action": "/approve",
    "quick action in the next line": "x\n\n/close\n/label ~owned",
    "link": "[docs](https://evil.example) <https://evil.example> www.evil.example",
    "picture": "![x](https://evil.example/x.png)",
    "cell": "a | b |\n| c",
    "heading": "\n\n# Approved by security\n",
    "scissors": "x\n# ------------------------ >8 ------------------------\ny",
}
ALL = {**HOSTILE, **FORGED}
# One of each kind, for what takes a command each.
WORST = (
    "::error::x\x1b[31m @everyone [skip ci]",
    "x\n::add-mask::a\r::debug::b\nfixes #1",
    "##[group]x \u202e<!-- | ``` -->",
    "\u3000::stop-commands::x",
)
# Skips a pipeline, in GitHub, GitLab, Gitea, Forgejo, Azure, Woodpecker, and what others took over from them.
SKIPS = re.compile(
    r"\[(?:ci[ _-]*skip|skip[ _-]*ci|no ci|skip \w+|\w+ skip)\]|\*\*\*NO_CI\*\*\*|skip-checks: ?true",
    re.IGNORECASE,
)
# The default pattern of GitLab, which takes all that those of GitHub and Gitea take, too.
CLOSES = re.compile(
    r"\b(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?):? +"
    r"(?:issues? +)?(?:[\w/.-]*#\d+|https?://\S+/issues/\d+|[A-Z][A-Z0-9_]+-\d+)",
    re.IGNORECASE,
)
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ud800-\udfff\U000e0000-\U000e0fff]"
)


def acted_on(said: str) -> list[str]:
    """The lines that a runner takes for commands: GitHub's in C#, of both kinds, Gitea's and Forgejo's, Azure's."""
    # Its comparisons pass over what is not seen (culture-sensitive), and its reader ends a line at either sign.
    lines = re.split(r"[\r\n]", UNSEEN.sub("", said.replace("\x85", "\n")) if UNSEEN.search(said) else said)
    return [line for line in lines if line.lstrip().startswith("::") or re.search(r"##\w*\[", line)]


def harmless(said: str) -> bool:
    return not UNSEEN.search(said) and "\r" not in said and not acted_on(said)


@pytest.fixture(scope="module")
def made(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository with an environment repo of dev, staging and prod, which stays as it is."""
    folder = tmp_path_factory.mktemp("made")
    names = [word for name in ("dev", "staging", "prod") for word in ("--environment", name)]
    arguments = ["init", folder / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate, *names]
    identity = {f"GIT_{role}_{what}": "t@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": f"{os.environ['PATH']}:{Path(sys.executable).parent}", "HOME": str(folder), **identity}
    command = [sys.executable, "-m", "bootstrap", *map(str, arguments)]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    git(folder, "clone", "--quiet", "--bare", "envs", "remote.git")
    return folder / "remote.git"


@pytest.fixture
def repo(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of a copy of it, which is the current folder; what it renders to is known."""
    warm(made.with_name("envs"))
    shutil.copytree(made, tmp_path / "remote.git")
    git(tmp_path, "clone", "--quiet", str(tmp_path / "remote.git"), "repo")
    monkeypatch.chdir(tmp_path / "repo")
    return tmp_path / "repo"


# What kustomize takes into a value: the control characters above those of ASCII it refuses, in JSON of its own.
RENDERED = {name: text for name, text in ALL.items() if not re.search("[\x7f-\x9f]", text)}


def config_map(repo: Path, data: dict[str, str]) -> None:
    """An object of the user's own with these values, in dev."""
    found = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "own"}, "data": data}
    (repo / "overlays/dev/own.yaml").write_text(yaml.safe_dump(found))
    path = repo / "overlays/dev/kustomization.yaml"
    if "own.yaml" not in path.read_text():
        path.write_text(path.read_text().replace("resources:\n", "resources:\n  - own.yaml\n", 1))


def in_process(*arguments: object, **environment: str) -> Ran:
    """A run in a process of its own, whose output is read as bytes."""
    command = [sys.executable, "-m", "bootstrap", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, **environment})
    return Ran(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())


# --- the filters ---

TEXTS = st.lists(st.sampled_from([*ALL.values()]) | st.text(max_size=8), max_size=4).map("".join)


@pytest.mark.parametrize("name", ALL)
def test_a_line_is_one_line_and_no_command(name: str) -> None:
    text = ALL[name]
    for start in ("", "  ", "+", "      "):
        line = escaping.log_line(start + text)
        assert "\n" not in line
        assert harmless(line)
        assert harmless(escaping.as_json({start + text: [start + text]}))


@pytest.mark.parametrize("name", ALL)
def test_a_line_of_a_commit_is_only_text(name: str) -> None:
    line = f"- settings: {escaping.commit_line(ALL[name])}"
    assert harmless(line)
    assert "\n" not in line
    assert not SKIPS.search(line)
    assert not CLOSES.search(line)
    assert not re.search(r"(?<![A-Za-z0-9_])@[A-Za-z0-9_]", line)
    assert not re.search(r"[#!]\d", line)
    assert find_record(line) is None


@pytest.mark.parametrize("name", ["skip", "actions", "closing", "checks", "Azure", "mention", "our trailer"])
def test_the_hostile_texts_are_hostile(name: str) -> None:
    """The patterns of this file take them as they are, so that what they no longer take is the filter's doing."""
    text = ALL[name]
    assert SKIPS.search(text) or CLOSES.search(text) or re.search(r"(?<!\w)@\w", text) or find_record(text) == RECORD


@pytest.mark.parametrize(
    "text",
    [
        "apache/airflow:3.3.2@sha256:0123 → é, 日本語 — “ok”, 50 % of C:\\new [a] {b} ~ #tag",
        "ada@example.com fixes the broker, no. 3; issue #one",
        "std::string and ::",
        "https://example.com/a#b",
    ],
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert escaping.log_line(text) == text
    assert escaping.commit_line(text) == text
    assert escaping.visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\r", r"a\nb\r"),
        ("\x9b", r"\x9b"),
        ("\u202e", r"\u202e"),
        ("\U000e0041", r"\U000e0041"),
        (os.fsdecode(b"a\xff"), r"a\xff"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_is_hidden_is_shown(text: str, shown: str) -> None:
    assert escaping.visible(text) == shown
    assert escaping.log_line(text) == shown
    assert escaping.commit_line(text) == shown


@given(text=TEXTS)
def test_filters_are_idempotent_and_total(text: str) -> None:
    for each in (escaping.visible, escaping.log_line, escaping.without_keywords, escaping.commit_line):
        once = each(text)
        assert each(once) == once
    assert harmless(escaping.log_line(text))
    escaping.visible(text).encode()
    line = escaping.commit_line(text)
    assert harmless(f"- {line}")
    assert not SKIPS.search(line)
    assert not CLOSES.search(line)
    assert json.loads(escaping.as_json({"a": text}))["a"] == text


@given(text=st.text(st.characters(codec="latin-1", categories=["L", "N", "Zs"]), max_size=40))
def test_letters_stay(text: str) -> None:
    assert escaping.visible(text) == text
    assert escaping.log_line(text) == text


# --- findings ---

RULE = Rule(name="a/b", severity=Severity.ERROR, title="t", why="w", fix="f")


@pytest.mark.parametrize("name", ALL)
def test_a_finding_is_only_a_finding_in_every_form(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    from bootstrap.cli import console
    from bootstrap.config.exemptions import Exemption

    text = ALL[name]
    off = [Exemption(rule="a/b", reason=text, environments=(text,), paths=(text,))]
    found = [Finding(rule=RULE, place=Place(f"overlays/{text}"), message=text, hint=text, environments=(text,))]
    found.append(Finding(rule=RULE, place=Place(text), message="m"))
    for form in ("text", "github", "gitlab", "sarif"):
        console.show(formats.result(found, ["dev"], off, form), console.Output.TEXT)
        said = capsys.readouterr().out
        if form == "github":
            *commands, last = said.splitlines()
            assert len(commands) == 3
            assert all(re.fullmatch(r"::error file=[^:,]*,line=1,title=a/b::.*", each) for each in commands[:2])
            assert commands[2].startswith("::notice title=a/b::")
            said = "\n".join((*(each.partition("::")[2].partition("::")[2] for each in commands), last))
        elif form == "text":
            assert len(said.splitlines()) == 6  # two lines each, the rule that is off, and the sum
        else:
            data = json.loads(said)
            assert said.isascii()
            assert not UNSEEN.search(json.dumps(data, ensure_ascii=False))
            if form == "sarif":
                (run,) = data["runs"]
                for each in run["results"]:
                    assert not re.search(r"(?<!\\)\]\(", each["message"]["text"])
                    uri = each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
                    assert re.fullmatch(r"[\w.~/%-]*", uri)
        assert harmless(said)
    console.show(formats.result(found, ["dev"], off, "text"), console.Output.JSON)
    said = capsys.readouterr().out
    assert harmless(said)
    assert json.loads(said)["data"]["findings"][0]["message"] == text


# --- commands ---


def test_what_differs_is_shown(repo: Path, taxiway: Taxiway) -> None:
    values = {f"k{number}": text for number, text in enumerate(RENDERED.values())}
    config_map(repo, dict.fromkeys(values, "was") | {"gone": "\x1b[2J\n::debug::x"})
    publish(repo)
    config_map(repo, values | {"new": "::a::b\n::c::d\x1b[2J"})
    for arguments in (("diff",), ("diff", "-o", "json"), ("diff", "-o", "markdown"), ("diff", "--from", "HEAD~1")):
        said = taxiway(*arguments, "dev")
        assert said.code == 0, said.err
        assert harmless(said.out), arguments
    shown = taxiway("diff", "dev").out
    assert r"\x1b[31mred\x1b[0m" in shown
    assert r"\u202etxt.exe\u202c" in shown
    told = taxiway("diff", "dev", "-o", "markdown").out
    outside = re.sub(r"^(`{3,})[^\n`]*\n.*?^\1$", "", told, flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"^/|@|evil|<img|<script|-->", outside, re.MULTILINE)
    assert not SKIPS.search(told)


def test_rendered_yaml_means_the_same_and_begins_no_command(repo: Path, taxiway: Taxiway) -> None:
    before = taxiway("render", "dev").out
    texts = {f"k{number}": text for number, text in enumerate(RENDERED.values())}
    texts |= {"block": "a\n  ::error::b\n\n##[group]x\\##[y\"]'\n", "::x::": "x", "long": f"{'word ' * 300_000}\n::a::"}
    config_map(repo, texts)
    said = in_process("render", "dev")
    assert said.code == 0, said.err
    assert not acted_on(said.out)
    (own,) = [each for each in yaml.safe_load_all(said.out) if each["metadata"]["name"] == "own"]
    assert own["data"] == texts
    assert len([*yaml.safe_load_all(said.out)]) == len([*yaml.safe_load_all(before)]) + 1
    said = taxiway("render", "dev", "-o", "json")
    assert harmless(said.out)
    (own,) = [each for each in json.loads(said.out)["items"] if each["metadata"]["name"] == "own"]
    assert own["data"] == texts


def test_a_terminal_is_sent_no_character_that_it_acts_on(repo: Path) -> None:
    config_map(repo, {f"k{number}": text for number, text in enumerate(RENDERED.values())})
    for arguments in (("render", "dev", "--object", "ConfigMap/own"), ("diff", "dev")):
        child = pexpect.spawn(sys.executable, ["-m", "bootstrap", *arguments], encoding="utf-8", timeout=120)
        child.expect(pexpect.EOF)
        said = child.before or ""
        # Colours and the wheel are ours.
        said = re.sub(r"\r\x1b\[K(?:[|/\\-] building the overlays |[|/\\-] building both sides )?", "", said)
        said = re.sub(r"\x1b\[(?:\d+|1;33)m(.*?)\x1b\[0m", r"\1", said).replace("\r\n", "\n")
        assert "own" in said
        assert harmless(said), arguments


def test_a_hold_and_all_else_of_the_model_is_shown(repo: Path, taxiway: Taxiway) -> None:
    model = repo / "taxiway.yaml"
    clean = yaml.safe_load(model.read_text())
    shown = 0
    for text in (*WORST, FORGED["our trailer"]):
        data = json.loads(json.dumps(clean))
        data["environments"][1]["hold"] = {"reason": f"{text}", "author": f"x{text}", "date": text}
        model.write_text(yaml.safe_dump(data))
        git(repo, "commit", "--quiet", "--all", "--message", "a hold")
        said = taxiway("env", "list")
        if said.code:  # a control character is refused where the model is read
            assert said.code == 5
            assert "control character" in said.err
            assert harmless(said.err)
            continue
        shown += 1
        assert len(said.out.splitlines()) == 4
        assert harmless(said.out)
        said = taxiway("promote", "dev", "staging", "--dry-run")
        assert said.code != 0
        assert harmless(said.err)
        assert said.err.count("\nerror: ") + said.err.startswith("error: ") == 1
        assert "staging is on hold: " in said.err
    assert shown


@pytest.mark.parametrize(
    "change",
    [
        lambda data, text: data.update(controller=text),
        lambda data, text: data.update(forge=text),
        lambda data, text: data.update(kubernetes=text),
        lambda data, text: data.update(repository=text),
        lambda data, text: data["environments"][0].update(name=text),
        lambda data, text: data["environments"][0].update(hold={"reason": "", "author": text}),
        lambda data, text: data.update(validate={"off": [{"rule": text, "reason": text}]}),
        lambda data, text: data.update(environments={text: text}),
    ],
)
def test_a_model_that_is_none_is_told(
    repo: Path, taxiway: Taxiway, change: Callable[[dict[str, object], str], object]
) -> None:
    model = repo / "taxiway.yaml"
    clean = yaml.safe_load(model.read_text())
    for text in WORST:
        data = json.loads(json.dumps(clean))
        change(data, text)
        model.write_text(yaml.safe_dump(data))
        for arguments in (("env", "list"), ("validate", "dev", "-o", "github"), ("validate", "dev", "-o", "json")):
            said = taxiway(*arguments)
            assert said.code in (0, 1, 2, 5, 7), said.err
            assert harmless(said.err), text
            ours = r"^::(?:(?:error|warning) file|notice title)=[^:]*::"
            assert harmless(re.sub(ours, "", said.out, flags=re.MULTILINE)), text


NAMES = [
    b"::error::x.yaml",
    b"\x1b[2J.yaml",
    b"a\n::set-output name=x::y\n.yaml",
    b"a\rb ##[group].yaml",
    "\u202elmay.x".encode() + b".yaml",
    b"\xff\xfe.yaml",
    b"@everyone [skip ci].yaml",
]


@pytest.mark.parametrize("form", ["text", "json", "github", "gitlab", "sarif"])
def test_names_of_files_are_shown(repo: Path, form: str) -> None:
    for name in NAMES:
        (Path(os.fsencode(repo / "overlays/dev").decode()) / os.fsdecode(name)).write_text("a: b\n")
    for environment in ({}, {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}):
        said = in_process("validate", "dev", "-o", form, **environment)
        assert "Traceback" not in said.err
        assert harmless(said.err)
        assert said.code == 1, said.err
        lines = said.out.splitlines()
        if form == "github":
            lines = [
                line.partition("::")[2].partition("::")[2] if line.startswith("::error ") else line for line in lines
            ]
        assert harmless("\n".join(lines))
        assert "::error" in said.out
        assert said.out.count("kustomize/unread-file") >= len(NAMES)


def test_what_kustomize_quotes_is_shown(repo: Path, taxiway: Taxiway) -> None:
    path = repo / "overlays/dev/kustomization.yaml"
    clean = yaml.safe_load(path.read_text())
    for text in WORST:
        for key in ("resources", "patches") if text == WORST[0] else ("components",):
            value = {"path": text} if key == "patches" else text
            path.write_text(yaml.safe_dump({**clean, key: [*clean.get(key, []), value]}))
            for arguments in (
                ("render", "dev"),
                ("diff", "dev"),
                ("validate", "dev"),
                ("validate", "dev", "-o", "github"),
            ):
                said = taxiway(*arguments)
                assert said.code in (1, 7), said.err
                assert harmless(said.err), (text, said.err)
                assert harmless(re.sub(r"^::error file=[^:]*::", "", said.out, flags=re.MULTILINE)), (text, said.out)
                assert "Traceback" not in said.err


def test_an_error_of_several_lines_goes_on_behind_a_bar(repo: Path, taxiway: Taxiway) -> None:
    hook = repo / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nprintf 'no:\\nerror: fine\\n::error::x\\n \\033[2J##[group]x\\n' >&2\nexit 1\n")
    hook.chmod(0o755)
    said = taxiway("set", "config", "dev", "AIRFLOW__CORE__PARALLELISM=64")
    assert said.code == 8
    assert said.err.splitlines()[:4] == [
        "error: git commit failed: no:",
        "  | error: fine",
        "  | ::error::x",
        r"  |  \x1b[2J#\#[group]x",
    ]
    assert harmless(said.err)


def test_a_defect_is_told_through_the_filter(repo: Path, taxiway: Taxiway, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("x\n::add-mask::a\n\x1b[2J \udcff ##[group]y")

    monkeypatch.setattr(environment_repo, "find_top", broken)
    said = taxiway("validate", "-o", "json")
    assert said.code == 70
    assert harmless(said.err)
    assert "error: this is a defect of taxiway: ValueError\n" in said.err
    assert "  | Traceback (most recent call last):\n" in said.err
    assert json.loads(said.out)["exitCode"] == 70


@pytest.mark.parametrize("text", [*WORST, "\udcff"])
def test_the_command_line_is_quoted_as_text(repo: Path, taxiway: Taxiway, text: str) -> None:
    for arguments in (
        (text,),
        (f"--{text}",),
        ("env", "list", text),
        ("env", text),
        ("validate", "-o", text),
        ("validate", text),
        ("validate", "--explain", text),
        ("render", "--ref", text),
        ("render", "--object", text),
        ("diff", "--from", text),
        ("promote", text, "dev"),
        ("set", "image", "dev", text),
        ("set", "config", "dev", text),
        ("set", "dags", "dev", text),
        ("env", "add", text),
        ("rollback", "dev", "--to", text),
    ):
        said = taxiway(*arguments)
        assert said.code in (2, 5), (arguments, said.err)
        assert harmless(said.err), (arguments, said.err)
        assert harmless(said.out), arguments


def message(repo: Path, commit: str = "HEAD") -> str:
    return subprocess.run(
        ["git", "log", "-1", "--format=%B", commit], cwd=repo, capture_output=True, check=True
    ).stdout.decode(errors="surrogateescape")


def only_text(said: str) -> None:
    """A commit message on which nothing acts."""
    assert harmless(said)
    body = re.sub(r"^Taxiway: .*$", "", said, flags=re.MULTILINE)
    assert not SKIPS.search(body)
    assert not CLOSES.search(body)
    assert not re.search(r"(?<![A-Za-z0-9_])@[A-Za-z0-9_]|[#!]\d", body)


def test_commits_are_only_text(repo: Path, taxiway: Taxiway) -> None:
    names = ("mention", "skip", "checks as a trailer", "closing by a key", "signed off", "our trailer", "scissors")
    committed = 0
    for reason in (*WORST, *(FORGED[name] for name in names)):
        said = taxiway("hold", "prod", f"--reason={reason}")
        assert harmless(said.out + said.err)
        if said.code:
            assert said.code == 2
            assert "control character" in said.err
            continue
        committed += 1
        written = message(repo)
        assert len(written.strip().splitlines()) == 1
        assert find_record(written) is None
        only_text(written)
        held = yaml.safe_load((repo / "taxiway.yaml").read_text())["environments"][2]["hold"]["reason"]
        assert held == reason.strip()
        assert git(repo, "log", "-1", "--format=%(trailers)") == ""
    assert committed >= len(names) // 2


def test_a_promotion_is_only_text(repo: Path, taxiway: Taxiway) -> None:
    path = repo / "overlays/dev/release/airflow.env"
    texts = [text.strip() for text in ALL.values() if not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", text)]
    for number, text in enumerate(texts):
        with path.open("a") as file:
            file.write(f"AIRFLOW__X__K{number}={text}\n")
    kustomization = repo / "overlays/dev/release/kustomization.yaml"
    kustomization.write_text(kustomization.read_text().replace('newTag: "3.3.2"', 'newTag: "[skip ci]@ada#1"'))
    publish(repo)
    said = taxiway("promote", "dev", "staging", "--dry-run", "-o", "json")
    assert said.code == 0, said.err
    text = json.loads(said.out)["data"]["body"]
    record = find_record(text)
    assert record is not None
    check_body(text)
    said = taxiway("promote", "dev", "staging", "--dry-run")
    assert harmless(said.out)
    title = said.out.splitlines()[0]
    only_text(title)
    assert title.startswith("Promote dev → staging: ")
    assert taxiway("promote", "dev", "staging").code == 0
    (branch,) = branches(Path(git(repo, "remote", "get-url", "origin")))
    git(repo, "fetch", "--quiet", "origin", branch)
    said_there = message(repo, "FETCH_HEAD")
    only_text(said_there)
    assert said_there.splitlines()[0] == title
    assert find_record(said_there) == record
    assert git(repo, "log", "-1", "--format=%(trailers:only)", "FETCH_HEAD") == record.trailer


def check_body(text: str) -> None:
    """A body on which a forge does nothing, and which does nothing as the message of a squashed commit."""
    assert not UNSEEN.search(text)
    assert not SKIPS.search(text)
    assert not CLOSES.search(text)
    assert text.count("<!--") == text.count("-->") == 1 or "```" in text
    outside = re.sub(r"^(`{3,})[^\n`]*\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    outside = re.sub(r"<code>[^<]*</code>", "", outside)
    outside = re.sub(r"(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)", "", outside)
    outside = re.sub(r"</?details>|</?summary>|^<!-- taxiway [^<>@]*-->$", "", outside, flags=re.MULTILINE)
    assert not re.search(r"^\s*/|[@<>]|\]\(|www\.|https?:|-->", outside, re.MULTILINE), outside


@given(texts=st.lists(TEXTS, min_size=1, max_size=3))
def test_markdown_shows_and_begins_nothing(texts: list[str]) -> None:
    for text in texts:
        for made in (markdown.code(text), markdown.sentence(text)):
            assert not UNSEEN.search(made)
            assert not SKIPS.search(made)
            assert not CLOSES.search(html.unescape(made))
    lines = [
        *markdown.details("ours", texts, "diff"),
        "",
        *markdown.table(("a",), [[markdown.code(text)] for text in texts]),
    ]
    check_body("\n".join(["<!-- taxiway {} -->", *lines]))


# --- the record ---


def test_only_a_whole_line_is_a_record() -> None:
    other = replace(RECORD, digest="a" * 12)
    for text in (
        f"Set in dev: {RECORD.trailer}",
        f"a\n\n- settings: x: nothing → '{RECORD.trailer}'",
        f"a\n\n| `{RECORD.html_comment}` |",
        f"> {RECORD.html_comment}",
        f"a\n\n{RECORD.trailer}\n{other.trailer}",
        f"a\n{RECORD.html_comment}\n\n{other.html_comment}\n",
        RECORD.trailer.replace("e" * 40, "--upload-pack=x"),
        RECORD.trailer.replace("e" * 40, "HEAD"),
        RECORD.trailer.replace(f'"{"e" * 12}"', "[1]"),
        RECORD.trailer.replace(f'"{"e" * 40}"', "null"),
    ):
        assert find_record(text) is None
    for text in (
        f"a\r\n\r\n{RECORD.trailer}\r\nReviewed-on: https://x\r\n",
        f"Squashed commit of the following:\n\n    a\n    \n    {RECORD.trailer}\n",
        f"a\n\n{RECORD.html_comment}\n\n{RECORD.trailer}\n",
        f"a `{other.html_comment}`\n\n{RECORD.trailer}",
    ):
        assert find_record(text) == RECORD
