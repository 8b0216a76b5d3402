"""What taxiway.yaml says becomes URLs, paths and Git's arguments: what is no such value is told with its line."""

from pathlib import Path

import pytest

from bootstrap.config.exemptions import Exemption
from bootstrap.config.model import Model
from bootstrap.config.remote import Remote
from bootstrap.core.errors import BadTarget
from tests import environment_repo
from tests.commands.test_init import git
from tests.conftest import Taxiway

PLAIN = """\
scaffold: 0.1.0
repository: https://git.example.com/acme/envs.git
branch: main
forge: gitea
controller: flux
environments:
- name: dev
  namespace: airflow-dev
  cluster: c1
- name: prod
  namespace: airflow-prod
  cluster: c1
"""
URLS = [
    r'"https://git.example.com/acme/envs.git\nhost=evil.example"',
    r'"https://git.example.com\r\n.evil.example/acme/envs.git"',
    r'"https://git.example.com/acme/en\0vs.git"',
    r'"https://git.example.com/acme/en\tvs.git"',
    r'"https://git.example.com/acme/en\x7fvs.git"',
    r'"https://git.example.com/acme/en\u2028vs.git"',
    r'"https://git.example.com/acme/\u202egit.svne"',
    r'"https://git.example.com/acme/\ufeffenvs.git"',
    "https://git.example.com/acme/envs%0ahost=evil.example",
    "https://git.example.com/acme/envs%0D.git",
    "https://git.example.com/acme/envs%00.git",
    "https://git.example.com/acme%2fevil/envs.git",
    "https://git.example.com/acme%5cevil/envs.git",
    "https://git.example.com/acme/%2e%2e/envs.git",
    "https://git.example.com/acme/../../envs.git",
    "https://git.example.com/./acme/envs.git",
    "https://git.example.com//acme//envs.git",
    "https://git.example.com/acme/envs%25.git",
    "https://git.example.com/acme/envs%zz.git",
    "https://git.example.com/acme/envs.git?x=y",
    "'https://git.example.com/acme/envs.git#x'",
    "https://git.example.com?@evil.example/acme/envs.git",
    "'https://git.example.com#@evil.example/acme/envs.git'",
    "https://user@git.example.com/acme/envs.git",
    "https://user:secret@git.example.com/acme/envs.git",
    "https://@git.example.com/acme/envs.git",
    "https://git.example.com@evil.example/acme/envs.git",
    'https://evil.example\\@git.example.com/acme/envs.git',
    'https:\\\\git.example.com\\acme\\envs.git',
    "https:///acme/envs.git",
    "https://:443/acme/envs.git",
    "https://git.example.com:0/acme/envs.git",
    "https://git.example.com:65536/acme/envs.git",
    "https://git.example.com:/acme/envs.git",
    "https://git.example.com:-1/acme/envs.git",
    "https://git.example.com:443443443/acme/envs.git",
    "https://git.example.com:٤٤٣/acme/envs.git",
    "https://git_example.com/acme/envs.git",
    "https://git..example.com/acme/envs.git",
    "https://.example.com/acme/envs.git",
    "https://git.example.com./acme/envs.git",
    "https://-git.example.com/acme/envs.git",
    "https://g\u0456t.example.com/acme/envs.git",  # a Cyrillic letter that looks like an i
    "https://[::1/acme/envs.git",
    "https://[::g]/acme/envs.git",
    "https://[fe80::1%25eth0]/acme/envs.git",
    "https://git.example.com/acme/$(id)/envs.git",
    "https://git.example.com/acme/`id`/envs.git",
    "https://git.example.com/acme/e;id/envs.git",
    "https://git.example.com/-acme/envs.git",
    "ssh://-oProxyCommand=id/acme/envs.git",
    "ssh://-oProxyCommand=id@git.example.com/acme/envs.git",
    "ssh://git@-oProxyCommand=id/acme/envs.git",
    "ssh://git:secret@git.example.com/acme/envs.git",
    "git@-oProxyCommand=id.example.com:acme/envs.git",
    "'-oProxyCommand=id@git.example.com:acme/envs.git'",
    "git@git.example.com:-acme/envs.git",
    "git@git.example.com:../../envs.git",
    "ext::sh -c id",
    "file:///etc/passwd",
    "git://git.example.com/acme/envs.git",
    "'--upload-pack=id'",
    "[https://git.example.com/acme/envs.git]",
    "{a: b}",
    "null",
    "true",
    f"https://git.example.com/{'a/' * 2000}envs.git",
]  # fmt: skip
WEBS = [
    *[
        url.replace("/acme/envs.git", "")
        for url in URLS
        if url.startswith("https://") and "/acme/envs.git" in url and ":/" not in url[8:]
    ],
    "http://git.example.com",
    "http://127.0.0.1.evil.example",
    "http://localhost.evil.example",
    "git@git.example.com:acme",
    "ssh://git.example.com",
    "javascript:alert(1)",
    r'"https://git.example.com\n"',
    "'https://git.example.com/)[x](https://evil.example'",
]
BRANCHES = [
    "'--upload-pack=id'", "-x", "main..evil", "'main^{}'", "main~1", "'ma:in'", "'ma in'", r'"ma\nin"',
    r'"ma\x1b[2Jin"', r'"\u202eniam"', "'*'", "'ma?in'", "'ma[in'", "main.lock", "a.lock/b", "/main", "main/",
    "a//b", ".main", "a/.b", "main.", "'@'", "'ma@{in'", "'ma\\in'", "HEAD", "''", "$(id)", "'`id`'",
    "'a;id'", "'a|id'", "'a&&id'", '\'a"b\'', "[main]", "null", r'"ma\u00a0in"',
]  # fmt: skip
NAMES = [
    "..", "../..", "../../etc", "/etc", ".", "a/b", "'a\\b'", r'"a\0b"', r'"a\nb"', r'"dev\n"', "Dev", "-dev", "dev-",
    "'*'",
    "':(exclude)x'", "'--force'", "é", r'"\u202evad"', "null", "true", "[dev]", "{a: b}", "''", "a" * 64, "$(id)",
    "'dev '",
]  # fmt: skip
HOSTILE = [
    *[("repository", 2, url) for url in URLS],
    *[("web", 6, url) for url in WEBS],
    *[("branch", 3, name) for name in BRANCHES],
    *[("name", 7, name) for name in NAMES],
    *[("namespace", 8, name) for name in [*NAMES, "kube-system", "default"]],
    *[("cluster", 9, name) for name in NAMES],
    *[("nodePort", 10, value) for value in ("'30080'", "3.5", "true", "[30080]", "{a: b}", "2026-11-30")],
    *[("hold", 10, value) for value in ("x", "[x]", "{}", r'{reason: "a\x1b[2Jb"}', "{reason: [x]}")],
    *[("hold", 10, value) for value in (r'{reason: "a\nb"}', "true", r'{reason: x, author: "\u202eb"}')],
    *[("scaffold", 1, value) for value in (r'"0.1\x1b[2J"', r'"0.1\n"', "[0]", "null", "'0.1 <b>'", "'$(id)'")],
    *[("kubernetes", 6, value) for value in (r'">=1.31\x1b"', "1.31", "'>=1.٣1'", "[x]", "'>=1.31;id'")],
    *[("forge", 4, value) for value in ("svn", "[gitea]", "GitHub", "null", r'"git\nea"')],
    *[("controller", 5, value) for value in ("argo", "[flux]", "null", r'"fl\0ux"')],
    *[("validate", 6, value) for value in ("7", "[x]", "{off: x}", "{off: [x]}", "{off: [{rule: x}]}")],
    *[("validate", 6, value) for value in (r'{off: [{rule: x, reason: "\x1b[2J"}]}', "{off: [{rule: [x]}]}")],
]  # fmt: skip


def with_field(field: str, value: str) -> str:
    """The model with another value in one field; the environments' fields are the first one's."""
    lines = PLAIN.splitlines()
    at = next((number for number, line in enumerate(lines) if line.lstrip("- ").startswith(f"{field}:")), None)
    if at is not None:
        lines[at] = lines[at].partition(":")[0] + f": {value}"
    elif field in ("nodePort", "hold"):
        lines.insert(9, f"  {field}: {value}")
    else:
        lines.insert(5, f"{field}: {value}")
    return "\n".join([*lines, ""])


def test_the_floor_of_these_tests() -> None:
    assert Model.parse(PLAIN.encode()).environments[1].name == "prod"
    assert Model.parse(with_field("web", "https://git.example.com:8443/forge/").encode()).web
    assert Model.parse(with_field("web", "http://127.0.0.1:3000").encode()).web
    assert Model.parse(with_field("branch", "release/1.2_x-y+z@a").encode()).branch == "release/1.2_x-y+z@a"
    assert Model.parse(with_field("branch", "главная").encode()).branch == "главная"
    assert Model.parse(with_field("nodePort", "30080").encode()).environments[0].node_port == 30080
    assert Model.parse(with_field("validate", r'{off: [{rule: x, reason: "a\nb"}]}').encode()).exemptions == (
        Exemption(rule="x", reason="a\nb"),
    )


@pytest.mark.parametrize(("field", "line", "value"), HOSTILE)
def test_a_hostile_value_is_one_sentence_with_its_line(field: str, line: int, value: str) -> None:
    with pytest.raises(BadTarget) as caught:
        Model.parse(with_field(field, value).encode())
    assert caught.value.message.startswith(f"taxiway.yaml:{line}: ")
    assert caught.value.message.isprintable() and caught.value.hint.isprintable()
    assert "secret" not in caught.value.message + caught.value.hint
    assert len(caught.value.message) < 2500


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (PLAIN.replace("- name: dev\n  namespace: airflow-dev\n  cluster: c1\n", "- dev\n"), "taxiway.yaml:7: "),
        (PLAIN.replace("- name: prod\n", "- nothing: prod\n"), "taxiway.yaml:10: 'name' is missing"),
        (PLAIN.partition("environments:")[0] + "environments: {dev: x}\n", "taxiway.yaml:6: 'environments' is not"),
        (PLAIN.partition("environments:")[0] + "environments: dev\n", "taxiway.yaml:6: 'environments' is not a list"),
        (PLAIN.replace("branch: main\n", ""), "taxiway.yaml: 'branch' is missing"),
        ("- a\n", "taxiway.yaml: this is not made of"),
        # The last of two is the one that counts.
        (PLAIN + r'repository: "https://evil.example\n/a/b"' + "\n", "taxiway.yaml:13: 'repository' has"),
        # A value that stands elsewhere: the line of where it is written.
        (PLAIN.replace("name: dev", "name: &x ..").replace("cluster: c1", "cluster: *x", 1), "taxiway.yaml:7: "),
    ],
)  # fmt: skip
def test_a_wrong_shape_is_one_sentence(text: str, says: str) -> None:
    with pytest.raises(BadTarget) as caught:
        Model.parse(text.encode())
    assert caught.value.message.startswith(says)


def test_a_text_that_aliases_blow_up_is_not_shown() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    for field, _, _ in {(field, 0, 0) for field, _, _ in HOSTILE}:
        with pytest.raises(BadTarget) as caught:
            Model.parse((bomb + with_field(field, "*a59")).encode())
        assert len(caught.value.message) < 200


@pytest.mark.parametrize("number", [0, 700, 999])
def test_one_of_a_thousand_is_found(number: int) -> None:
    head = PLAIN.partition("- name")[0]
    entries = [f"- name: e{n}\n  namespace: ns-{n}\n  cluster: c1\n" for n in range(1000)]
    entries[number] = entries[number].replace("cluster: c1", "cluster: ../../../../tmp")
    with pytest.raises(BadTarget, match=rf"taxiway\.yaml:{9 + 3 * number}: '\.\./\.\./\.\./\.\./tmp' can't be"):
        Model.parse((head + "".join(entries)).encode())


@pytest.mark.parametrize(
    "command",
    [
        ("validate",),
        ("render", "dev"),
        ("diff",),
        ("diff", "--comment", "7"),
        ("promote", "prod"),
        ("set", "config", "dev", "AIRFLOW__CORE__PARALLELISM=64"),
        ("env", "add", "qa", "--dry-run"),
        ("env", "remove", "prod"),
        ("hold", "prod", "--reason", "x"),
        ("rollback", "prod"),
    ],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize(
    ("field", "value"), [("name", "../../../../outside"), ("repository", r'"https://git.example.com/a/b\nhost=evil"')]
)
def test_each_command_says_so_and_does_nothing(
    tmp_path: Path, taxiway: Taxiway, command: tuple[str, ...], field: str, value: str
) -> None:
    top = tmp_path / "clone"
    git(tmp_path, "init", "--quiet", "clone")
    (top / "taxiway.yaml").write_text(with_field(field, value))
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "-m", "all")
    before = sorted(path for path in tmp_path.rglob("*") if ".git" not in path.parts)
    said = taxiway(*command, "--directory", top)
    assert (said.code, "taxiway.yaml:" in said.err, "Traceback" in said.err) == (5, True, False), said.err
    assert sorted(path for path in tmp_path.rglob("*") if ".git" not in path.parts) == before


def test_a_url_is_read_in_one_way_only() -> None:
    """What Python's own parser drops, or reads in another way, is refused, not repaired."""
    assert (
        Remote.parse("https://GIT.example.com:443/acme/envs.git/").address
        == Remote.parse("https://git.example.com/acme/envs.git").address
    )
    assert str(Remote.parse("https://[0:0:0:0:0:0:0:1]:8443/a/b").address) == "https://[::1]:8443"
    assert environment_repo.model("dev").remote.port is None
