"""What a hostile repo makes nobody read: each input on the commands that read it, in a bounded time."""

import faulthandler
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from bootstrap.config import file_problems
from bootstrap.config.file_problems import Kind, NotFollowed, follow
from bootstrap.config.model import Model
from bootstrap.core import limits
from bootstrap.core.errors import BadTarget, NotEditable
from bootstrap.gitrepo import reading
from bootstrap.gitrepo.snapshot import Commit, WorkTree
from bootstrap.yamltools import loader
from bootstrap.yamltools import text as yamltext
from tests.commands.test_init import git
from tests.conftest import REPO_URL, Keys, Ran, Taxiway

SECRET = "what-stands-outside-of-the-repository"
OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: more\n"
OVERLAY = "overlays/dev"
Mistake = Callable[[Path], object]  # made in a repo; beside it is a folder `outside`


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    """A command that hangs ends the whole process."""
    faulthandler.dump_traceback_later(300, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture(scope="session")
def whole(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment repo of dev and staging, which stays as it is."""
    folder = tmp_path_factory.mktemp("whole") / "envs"
    names = [word for name in ("dev", "staging") for word in ("--environment", name)]
    arguments = ["init", folder, "--repo", REPO_URL, "--sealing-cert", keys.certificate, *names]
    identity = {f"GIT_{role}_{what}": "t@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    surroundings = {"PATH": f"{os.environ['PATH']}:{Path(sys.executable).parent}", "HOME": str(folder.parent)}
    script = "from bootstrap.cli import main; main()"
    command = [sys.executable, "-c", script, *map(str, arguments)]
    subprocess.run(command, check=True, env={**surroundings, **identity}, capture_output=True)
    return folder


@pytest.fixture
def repo(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which is the current folder, with a folder beside it that is none of its business."""
    shutil.copytree(whole, tmp_path / "envs", symlinks=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text(f"{SECRET}\n")
    (outside / "airflow.env").write_text(f"SITE_NAME={SECRET}\n")
    (outside / "cm.yaml").write_text(f"{OBJECT}data:\n  a: {SECRET}\n")
    (outside / "kustomization.yaml").write_text("resources:\n  - cm.yaml\n")
    monkeypatch.chdir(tmp_path / "envs")
    return tmp_path / "envs"


def link(path: str, target: str) -> Mistake:
    """A link, in place of what is there."""

    def make(repo: Path) -> None:
        place = repo / path
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        place.symlink_to(target.replace("OUTSIDE", str(repo.parent / "outside")))

    return make


def write(path: str, data: bytes | str) -> Mistake:
    """A file."""

    def make(repo: Path) -> None:
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).write_bytes(data.encode() if isinstance(data, str) else data)

    return make


def resource(data: bytes | str, name: str = "more.yaml") -> Mistake:
    """A file that the overlay names."""
    return both(write(f"{OVERLAY}/{name}", data), named(name))


def named(name: str) -> Mistake:
    """A resource of the overlay."""

    def make(repo: Path) -> None:
        path = repo / OVERLAY / "kustomization.yaml"
        path.write_text(path.read_text().replace("resources:\n", f"resources:\n  - {name}\n", 1))

    return make


def fifo(path: str) -> Mistake:
    """A FIFO, in place of what is there."""

    def make(repo: Path) -> None:
        (repo / path).unlink(missing_ok=True)
        os.mkfifo(repo / path)

    return make


def unix_socket(repo: Path) -> None:
    """A socket whose program is gone."""
    here = Path.cwd()
    os.chdir(repo / OVERLAY)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("more.yaml")
    os.chdir(here)


def device(repo: Path) -> None:
    """The one that never ends, or the closest thing to it where nobody may make one."""
    try:
        os.mknod(repo / OVERLAY / "more.yaml", 0o644 | 0o020000, os.makedev(1, 5))
    except PermissionError:
        os.mkfifo(repo / OVERLAY / "more.yaml")


def odd_names(repo: Path) -> None:
    """Names with line ends, escape sequences and no text at all, and some that differ in case alone."""
    for name in (b"a\nb.yaml", b"\x1b[31m.yaml", b"\xff\xfe.yaml", b"A.yaml", b"a.yaml", b"-rf", b"a b\t.env"):
        (repo / OVERLAY / os.fsdecode(name)).write_bytes(b"a: 1\n")


def large(path: str) -> Mistake:
    """A file of many zeros that takes no room on the disk."""

    def make(repo: Path) -> None:
        with (repo / path).open("wb") as file:
            file.truncate(2 * 1024**3)

    return make


def both(*mistakes: Mistake) -> Mistake:
    """One after the other."""

    def make(repo: Path) -> None:
        for each in mistakes:
            each(repo)

    return make


def laughs(levels: int = 9, kind: str = "[{}]", join: str = ", ") -> str:
    """Each line stands for ten of the one before."""
    lines = ["l0: &l0 {k0: x, k1: x}"]
    for number in range(1, levels + 1):
        inside = join.join([f"*l{number - 1}"] * 10)
        lines.append(f"l{number}: &l{number} {kind.format(inside)}")
    return OBJECT + "\n".join(lines) + "\n"


# The rule that must be told of, whether the overlay is then still built, and the mistake. All but what Git does not
# keep is committed.
INPUTS: dict[str, tuple[Kind | None, bool, Mistake]] = {
    "a link to a file outside": (Kind.LEAVES, False, link(f"{OVERLAY}/a.txt", "OUTSIDE/secret.txt")),
    "a link that goes up and out": (Kind.LEAVES, False, link(f"{OVERLAY}/a.txt", "../../../outside/secret.txt")),
    "a link to a folder outside": (Kind.LEAVES, False, both(link(f"{OVERLAY}/more", "OUTSIDE"), named("more"))),
    "a link to a link out": (
        Kind.LEAVES,
        False,
        both(link("base/one", "../two"), link("two", "../outside"), link(f"{OVERLAY}/a", "../../base/one/cm.yaml")),
    ),
    "a link into .git": (Kind.LEAVES, False, link(f"{OVERLAY}/a.txt", "../../.git/config")),
    "a link to a device that never ends": (Kind.LEAVES, False, both(link(f"{OVERLAY}/z", "/dev/zero"), named("z"))),
    "a link to the file descriptors": (Kind.LEAVES, False, link(f"{OVERLAY}/a.txt", "/proc/self/environ")),
    "a link in place of the settings": (Kind.LEAVES, False, link(f"{OVERLAY}/airflow.env", "OUTSIDE/airflow.env")),
    "a link in place of the certificate": (
        Kind.LEAVES,
        False,
        link(f"{OVERLAY}/secrets/sealing-cert.pem", "OUTSIDE/secret.txt"),
    ),
    "a link in place of the kustomization": (
        Kind.LEAVES,
        False,
        link(f"{OVERLAY}/kustomization.yaml", "OUTSIDE/kustomization.yaml"),
    ),
    "a link in place of the overlay": (Kind.LEAVES, False, link(OVERLAY, "../../outside")),
    "a link in place of the base": (Kind.LEAVES, False, link("base", "OUTSIDE")),
    "a link in place of all overlays": (Kind.LEAVES, False, link("overlays", "../outside")),
    "a link in place of the README": (Kind.LEAVES, True, link("README.md", "OUTSIDE/secret.txt")),
    "a link among the clusters": (Kind.LEAVES, True, link("clusters/more.yaml", "OUTSIDE/cm.yaml")),
    "a link to the file of another environment": (
        Kind.ENVIRONMENT,
        False,
        link(f"{OVERLAY}/airflow.env", "../staging/airflow.env"),
    ),
    "a link to another environment": (Kind.ENVIRONMENT, False, link(OVERLAY, "staging")),
    "a link from the base to all environments": (Kind.ENVIRONMENT, False, link("base/more", "../overlays")),
    "a link to itself": (Kind.BROKEN, True, link(f"{OVERLAY}/a", "a")),
    "links in a circle": (Kind.BROKEN, True, both(link(f"{OVERLAY}/a", "b"), link(f"{OVERLAY}/b", "a"))),
    "a link to the folder that it is in": (Kind.BROKEN, True, link(f"{OVERLAY}/a", ".")),
    "a link to all of the repository": (Kind.BROKEN, True, link(f"{OVERLAY}/a", "../..")),
    "a link to nothing": (Kind.BROKEN, True, link(f"{OVERLAY}/a", "nothing")),
    "a circle that is named": (Kind.BROKEN, False, both(link(f"{OVERLAY}/a", "a"), named("a"))),
    "a FIFO": (Kind.SPECIAL, False, fifo(f"{OVERLAY}/pipe")),
    "a FIFO that is named": (Kind.SPECIAL, False, both(fifo(f"{OVERLAY}/more.yaml"), named("more.yaml"))),
    "a FIFO in place of the kustomization": (Kind.SPECIAL, False, fifo(f"{OVERLAY}/kustomization.yaml")),
    "a FIFO in place of the certificate": (Kind.SPECIAL, False, fifo(f"{OVERLAY}/secrets/sealing-cert.pem")),
    "a FIFO in the base": (Kind.SPECIAL, False, fifo("base/airflow/service.yaml")),
    "a socket": (Kind.SPECIAL, False, both(unix_socket, named("more.yaml"))),
    "a device": (Kind.SPECIAL, False, both(device, named("more.yaml"))),
    "a file of two gigabytes": (Kind.LARGE, True, large("large.bin")),
    "a resource of two gigabytes": (Kind.LARGE, False, both(large(f"{OVERLAY}/more.yaml"), named("more.yaml"))),
    "a folder in place of a kustomization": (
        None,
        False,
        both(
            lambda repo: (repo / OVERLAY / "kustomization.yaml").unlink(), write(f"{OVERLAY}/kustomization.yaml/a", "")
        ),
    ),
    "a billion laughs": (Kind.YAML, False, resource(laughs())),
    "a billion laughs by merge keys": (Kind.YAML, False, resource(laughs(12, "{{<<: [{}]}}"))),
    "a billion laughs over documents of a file": (Kind.YAML, False, resource(f"{OBJECT}---\n{laughs()}")),
    "a billion laughs in the kustomization": (
        Kind.YAML,
        False,
        lambda repo: write(f"{OVERLAY}/kustomization.yaml", laughs())(repo),
    ),
    "brackets in brackets": (Kind.YAML, False, resource("[" * 100_000)),
    "braces in braces": (Kind.YAML, False, resource(f"{OBJECT}data: {'{a: ' * 50_000}")),
    "lists in lists": (Kind.YAML, False, resource(f"data:\n{'- ' * 100_000}")),
    "blocks in blocks": (Kind.YAML, False, resource("".join(" " * number + "a:\n" for number in range(400)))),
    "deep by aliases": (
        Kind.YAML,
        False,
        resource(OBJECT + "".join(f"a{n}: &a{n} [[[[[*a{n - 1}]]]]]\n" if n else "a0: &a0 [x]\n" for n in range(30))),
    ),
    "a list that is wide": (Kind.YAML, False, resource(f"{OBJECT}data: [{'a,' * 300_000}]\n")),
    "documents without end": (Kind.YAML, False, resource("---\n" * 20_000)),
    "an alias of what is around it": (Kind.YAML, False, resource(f"{OBJECT}data: &a\n  b: *a\n")),
    "UTF-16 that is deep": (Kind.YAML, False, resource(("[" * 5_000).encode("utf-16"))),
    "bombs that nobody names": (Kind.YAML, True, write("docs/laughs.yaml", laughs())),
    "a bomb among the clusters": (Kind.YAML, True, write("clusters/more.yaml", laughs())),
    "a number without end": (None, True, resource(f"{OBJECT}data:\n  a: {'9' * 100_000}\n")),
    "a number of sixties": (None, True, resource(f"{OBJECT}data:\n  a: {'1:' + '59:' * 50_000 + '59.5'}\n")),
    "tags that lie": (None, False, resource(f"{OBJECT}data:\n  a: !!int ''\n  b: !!bool x\n  c: !!timestamp x\n")),
    "a tag that runs a program": (None, True, resource(f"{OBJECT}data: !!python/object/apply:os.system [exit]\n")),
    "a date that is none": (None, True, resource(f"{OBJECT}data:\n  a: 2024-99-99\n  b: '='\n")),
    "names that are no text": (None, True, odd_names),
    "a repository in the overlay": (
        None,
        True,
        both(
            write(f"{OVERLAY}/own/a.yaml", "a: 1\n"),
            lambda repo: git(repo / OVERLAY / "own", "init", "--quiet"),
        ),
    ),
    "a .git file in the overlay": (None, True, write(f"{OVERLAY}/own/.git", "gitdir: /\n")),
}
UNTRACKED = ("FIFO", "socket", "device", "gigabytes", "repository in the overlay", ".git file")


READERS = ("render", "diff", "set")  # beside `validate` and `env list`; the gate runs one of them on each input


def run(taxiway: Taxiway, *arguments: str) -> Ran:
    """One command: it ends with one sentence or well, and what is outside is in nothing that it says or keeps."""
    said = taxiway(*arguments)
    assert said.code in (0, 1, 5, 7, 8, 9), said.err
    assert SECRET not in said.out + said.err
    assert "Traceback" not in said.err
    if said.code not in (0, 1):
        assert said.err.count("error: ") == 1, said.err
    return said


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        *(pytest.param(name, {READERS[number % 3]}, id=name) for number, name in enumerate(INPUTS)),
        *(pytest.param(name, {*READERS}, id=f"{name}: all", marks=pytest.mark.deep) for name in INPUTS),
    ],
)
def test_a_hostile_file_is_a_finding_and_nothing_dies_of_it(
    taxiway: Taxiway, repo: Path, name: str, commands: set[str]
) -> None:
    kind, built, make = INPUTS[name]
    make(repo)
    if not any(word in name for word in UNTRACKED):
        git(repo, "add", "--all")
        git(repo, "commit", "--quiet", "-m", "a hostile change")
    validated = run(taxiway, "validate", "-o", "json")
    rules = {each["rule"] for each in json.loads(validated.out)["data"]["findings"]} if validated.out else set()
    told = {rule for rule in rules if rule.startswith("files/")}
    assert told == ({f"files/{kind}"} if kind else set()), validated
    if kind:
        # An error explains the build that failed; beside a warning, both are told.
        assert "kustomize/build" not in rules or kind in (Kind.BROKEN, Kind.LARGE)
    assert run(taxiway, "env", "list").code == 0
    if "render" in commands:
        rendered = run(taxiway, "render", "dev")
        assert (rendered.code == 0) is built, rendered.err
        if kind in file_problems.DANGEROUS or kind is Kind.YAML:
            assert built or "is not built" in rendered.err or "no commit" in rendered.err
    if "diff" in commands:
        run(taxiway, "diff", "dev")
    if "set" in commands:
        run(taxiway, "set", "config", "dev", "SITE_NAME=x", "--dry-run")
    assert (repo.parent / "outside/secret.txt").read_text() == f"{SECRET}\n"


MODELS: dict[str, tuple[str, Mistake]] = {
    "a link": ("is a symbolic link", link("taxiway.yaml", "OUTSIDE/secret.txt")),
    "a link that stays": (
        "is a symbolic link",
        both(
            lambda repo: shutil.copy(repo / "taxiway.yaml", repo / "other.yaml"),
            link("taxiway.yaml", "other.yaml"),
        ),
    ),
    "a link to itself": ("is a symbolic link", link("taxiway.yaml", "taxiway.yaml")),
    "a FIFO": ("no regular file", fifo("taxiway.yaml")),
    "a folder": ("is a folder", both(lambda repo: (repo / "taxiway.yaml").unlink(), write("taxiway.yaml/a", ""))),
    "two gigabytes": ("larger than 10 MiB", large("taxiway.yaml")),
    "nothing": ("taxiway.yaml", write("taxiway.yaml", b"")),
    "bytes": ("not valid YAML", write("taxiway.yaml", bytes(range(256)) * 4)),
    "UTF-16 that is deep": ("nested deeper than 100", write("taxiway.yaml", ("[" * 5_000).encode("utf-16"))),
    "brackets": ("nested deeper than 100", write("taxiway.yaml", b"[" * 1_000_000)),
    "lists": ("nested deeper than 100", write("taxiway.yaml", b"- " * 1_000_000)),
    "laughs": ("more than 250,000 values", write("taxiway.yaml", laughs())),
    "a list that is wide": ("more than 250,000 values", write("taxiway.yaml", b"[" + b"a," * 3_000_000 + b"]")),
    "a circle": ("inside of what it stands for", write("taxiway.yaml", b"environments: &a [*a]\n")),
    "a number without end": ("is missing", write("taxiway.yaml", b"scaffold: " + b"9" * 1_000_000)),
    "a value that is none": ("not valid YAML", write("taxiway.yaml", b"scaffold: !!bool maybe")),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_hostile_model_is_one_sentence(taxiway: Taxiway, repo: Path, name: str) -> None:
    says, make = MODELS[name]
    make(repo)
    for command in (("env", "list"), ("validate",), ("render", "dev")):
        said = run(taxiway, *command)
        assert (said.code, says in said.err) == (5, True), said.err


def test_a_model_with_a_byte_order_mark_is_read(taxiway: Taxiway, repo: Path) -> None:
    (repo / "taxiway.yaml").write_bytes(b"\xef\xbb\xbf" + (repo / "taxiway.yaml").read_bytes())
    assert run(taxiway, "env", "list").code == 0


def test_a_harmless_link_is_followed(taxiway: Taxiway, repo: Path) -> None:
    link(f"{OVERLAY}/notes.txt", "../../README.md")(repo)
    link(f"{OVERLAY}/same.env", "airflow.env")(repo)
    said = run(taxiway, "validate", "dev", "-o", "json")
    assert not [each for each in json.loads(said.out)["data"]["findings"] if each["rule"].startswith("files/")]
    held = WorkTree(repo).read([OVERLAY])[OVERLAY].tree
    assert held[f"{OVERLAY}/notes.txt"] == (repo / "README.md").read_bytes()
    assert held[f"{OVERLAY}/same.env"] == held[f"{OVERLAY}/airflow.env"]


def test_a_rule_that_is_switched_off_leaves_the_failed_build(taxiway: Taxiway, repo: Path) -> None:
    link(f"{OVERLAY}/a.txt", "/etc/hostname")(repo)
    with (repo / "taxiway.yaml").open("a") as file:
        file.write("validate:\n  off:\n    - rule: files/link-leaves\n      reason: wanted\n")
    said = run(taxiway, "validate", "dev", "-o", "json")
    rules = [each["rule"] for each in json.loads(said.out)["data"]["findings"]]
    assert (said.code, rules) == (1, ["fleet/rule-switched-off", "kustomize/build"])


def test_large_files_of_a_commit_are_not_read(taxiway: Taxiway, repo: Path) -> None:
    write(f"{OVERLAY}/large.bin", b"." * (limits.FILE_BYTES + 1))(repo)
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "large")
    read = Commit.of(repo, "HEAD").read([OVERLAY])[OVERLAY]
    assert f"{OVERLAY}/large.bin" not in read.tree
    assert [(each.path, each.kind) for each in read.problems] == [(f"{OVERLAY}/large.bin", Kind.LARGE)]
    assert run(taxiway, "render", "dev", "--ref", "HEAD").code == 0


def test_a_whole_that_is_too_large_is_one_sentence(
    taxiway: Taxiway, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "READ_BYTES", 1000)
    for command in (("validate",), ("render", "dev"), ("render", "dev", "--ref", "HEAD")):
        said = run(taxiway, *command)
        assert (said.code, "would have to be read" in said.err) == (5, True), said.err


@pytest.mark.parametrize("name", [b"..", b".", b".git", b".GIT"])
def test_a_commit_that_git_would_not_check_out_is_not_written(repo: Path, name: bytes) -> None:
    def made(kind: str, data: bytes) -> bytes:
        command = ["git", "-C", str(repo), "hash-object", "-w", "-t", kind, "--literally", "--stdin"]
        return bytes.fromhex(subprocess.run(command, input=data, check=True, capture_output=True).stdout.decode())

    blob = made("blob", b"outside\n")
    tree = made("tree", b"100644 x\0" + blob)
    for folder in (name, b"dev", b"overlays"):
        tree = made("tree", b"40000 " + folder + b"\0" + tree)
    person = b"t <t@example.com> 0 +0000"
    text = b"tree %s\nauthor %s\ncommitter %s\n\nx\n" % (tree.hex().encode(), person, person)
    past = Commit.of(repo, made("commit", text).hex())
    read = past.read([OVERLAY])[OVERLAY]
    assert (dict(read.tree), [each.kind for each in read.problems]) == ({}, [Kind.LEAVES])


def test_names_with_line_ends_are_read_from_a_commit(repo: Path) -> None:
    names = [os.fsdecode(each) for each in (b"a\nb.yaml", b"\xff\xfe.yaml", b"a\tb", b'"q"')]
    for name in names:
        (repo / OVERLAY / name).write_text(f"# {len(name)}\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "names")
    read = Commit.of(repo, "HEAD").read([OVERLAY])[OVERLAY]
    assert {name: read.tree[f"{OVERLAY}/{name}"] for name in names} == {n: f"# {len(n)}\n".encode() for n in names}


@pytest.mark.parametrize(
    ("links", "kind"),
    [
        ({"overlays/dev/a": "/etc"}, Kind.LEAVES),
        ({"overlays/dev/a": "../../.."}, Kind.LEAVES),
        ({"overlays/dev/a": "../../../envs/base"}, Kind.LEAVES),
        ({"overlays/dev/a": "b/../c", "overlays/dev/b": "../../..", "overlays/dev/c": "x"}, Kind.LEAVES),
        ({"overlays/dev/a": "../../x/.GIT/config"}, Kind.LEAVES),
        ({"overlays/dev/a": "../../overlays/staging/x"}, Kind.ENVIRONMENT),
        (
            {"overlays/dev/a": "b/x", "overlays/dev/b": "../../base/c", "base/c": "../overlays/staging"},
            Kind.ENVIRONMENT,
        ),
        ({"overlays/dev/a": "../.."}, Kind.BROKEN),
        ({"overlays/dev/a": "b", "overlays/dev/b": "a"}, Kind.BROKEN),
        ({"overlays/dev/a": "a/a/a"}, Kind.BROKEN),
        ({"overlays/dev/a": "x\0y"}, Kind.BROKEN),
    ],
)
def test_a_link_that_leads_elsewhere_is_not_followed(links: dict[str, str], kind: Kind) -> None:
    with pytest.raises(NotFollowed) as told:
        follow("overlays/dev/a", links.get)
    assert told.value.problem.kind is kind


def test_links_that_stay_are_followed_to_their_end() -> None:
    links = {"overlays/dev/a": "../../base/./b/", "base/b": "c/../d", "base/c": "e/f"}
    assert follow("overlays/dev/a/x", links.get) == "base/e/d/x"


def test_a_folder_that_becomes_a_link_meanwhile_is_not_entered(repo: Path) -> None:
    with reading.reader(repo) as files:
        assert isinstance(files.read("overlays/dev/airflow.env"), reading.File)
    link(OVERLAY, "../../outside")(repo)
    with reading.reader(repo) as files:
        assert files.read("overlays/dev/airflow.env") is None


def test_what_vanishes_is_not_there(repo: Path) -> None:
    with reading.reader(repo) as files:
        assert files.read("overlays/dev/nothing") is None
        assert files.read("overlays/nothing/nothing") is None
        assert files.read("taxiway.yaml/nothing") is None


@pytest.mark.parametrize("text", ["[" * 100_000, laughs(), "a: 1\n" * 300_000, "- " * 10_000])
def test_what_is_beyond_a_limit_is_not_edited(text: str) -> None:
    with pytest.raises(NotEditable):
        yamltext.find(text, ["a"])
    with pytest.raises(NotEditable):
        yamltext.read(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [1, 2]\nb: *a\nc: *a\n",
        "a: &a {x: 1}\nb:\n  <<: *a\n  y: 2\n",
        "# " + "-" * 200 + "\na: 1\n",
        "a: " + "[" * 50 + "]" * 50,
        "a: '" + "[{" * 500 + "'",
        "cron: '*/5 * * * *'\nb: a && b &x\n",
    ],
)
def test_what_people_write_is_within_the_limits(text: str) -> None:
    assert loader.load(text) == yaml.safe_load(text)


@pytest.mark.parametrize("tag", ["int", "float", "bool", "null", "timestamp", "binary", "set", "omap", "pairs", "map"])
@pytest.mark.parametrize("value", ["''", "x", "[x]", "{x: y}", "[[]]", "1:1", "2024-99-99", '"\\ud800"'])
def test_no_tag_makes_the_reader_raise_anything_else(tag: str, value: str) -> None:
    text = f"a: !!{tag} {value}\n"
    for read in (loader.load, loader.load_all, lambda each: list(loader.nodes(each.encode()))):
        try:
            read(text)
        except yaml.YAMLError:
            continue


def test_an_endless_exponent_is_no_traceback() -> None:
    with pytest.raises(BadTarget):
        Model.parse(b"scaffold: " + b"1:" + b"59:" * 300 + b"59.5\n")
