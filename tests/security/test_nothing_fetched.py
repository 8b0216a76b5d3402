"""Nothing is fetched or run to look at a repo: what would be is a finding, and kustomize is not started for it."""

import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from bootstrap.core.errors import BuildFailed
from bootstrap.core.tree import Tree
from bootstrap.kustomize import graph, inputs
from bootstrap.kustomize.build import Kustomize
from tests.conftest import Taxiway
from tests.depth import strided

OVERLAY = "overlays/dev/kustomization.yaml"
HELM = "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\nname: x\nrepo: URL\n"
BASE = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - URL/crd.yaml\n"
PATCH = "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: x}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """An edit of a fresh repo: text that joins the overlay's kustomization, and files. URL is a server that records."""

    name: str
    rule: str
    text: str = ""
    files: tuple[tuple[str, str], ...] = ()
    instead: bool = False  # of what the kustomization says


def hostile(name: str, rule: str, text: str = "", *, instead: bool = False, **files: str) -> Hostile:
    named = tuple((path.replace("__", "/").replace("_yaml", ".yaml"), data) for path, data in files.items())
    return Hostile(name=name, rule=f"kustomize/{rule}", text=text, files=named, instead=instead)


HOSTILE = (
    hostile("crds", "remote", "crds: [URL/crd.json]\n"),
    hostile("configurations", "remote", "configurations: [URL/c.yaml]\n"),
    hostile("openapi", "remote", "openapi: {path: URL/schema.json}\n"),
    hostile("a patch", "remote", "patches: [{path: URL/patch.yaml}]\n"),
    hostile("an old patch", "remote", "patchesJson6902: [{path: URL/p.yaml, target: {kind: Service}}]\n"),
    hostile("an old strategic patch", "remote", "patchesStrategicMerge: [URL/patch.yaml]\n"),
    hostile("a replacement", "remote", "replacements: [{path: URL/r.yaml}]\n"),
    hostile("a base", "remote", "bases: [URL/acme/base]\n"),
    hostile("a generator of a file", "remote", "secretGenerator: [{name: x, files: [key=URL/f]}]\n"),
    hostile("a generator of settings", "remote", "secretGenerator: [{name: x, envs: [URL/f]}]\n"),
    hostile("a generator of old settings", "remote", "secretGenerator: [{name: x, env: URL/f}]\n"),
    hostile("a plugin's file", "remote", "transformers: [URL/t.yaml]\n"),
    hostile("a plugin's folder", "remote", "generators: ['git::URL/acme/g']\n"),
    hostile("a validator", "remote", "validators: ['HTTP:URL/v']\n"),
    hostile("a text that goes on", "remote", 'transformers: ["URL/acme/base\\nkind: x"]\n'),
    hostile("upper case", "remote", "bases: ['hTTp://127.0.0.1:PORT/acme/base']\n"),
    hostile("GitHub's name with a capital I with a dot", "remote", "bases: ['g\u0130thub.com/acme/base']\n"),
    hostile("git@", "remote", "bases: ['git@127.0.0.1:acme/base']\n"),
    hostile("a user before a host", "remote", "bases: ['me@127.0.0.1/acme/base']\n"),
    hostile("a file's URL", "remote", "bases: ['file:///tmp/acme.git']\n"),
    hostile("gh:", "remote", "bases: ['gh:acme/base']\n"),
    hostile("oci://", "remote", "bases: ['oci://127.0.0.1/acme']\n"),
    hostile("an anchor that hides a URL", "remote", "metadata: {annotations: {a: &u URL/x}}\nbases: [*u]\n"),
    hostile("an inline patch plugin", "remote", f"transformers:\n  - |-\n    {PATCH!s}    path: URL/x\n".replace(
        "\nkind", "\n    kind").replace("\nmetadata", "\n    metadata")),
    hostile("a patch plugin in a file", "remote", "transformers: [t.yaml]\n", t_yaml=f"{PATCH}path: URL/x\n"),
    hostile("a plugin that adds a file", "remote", "transformers: [t.yaml]\n",
            t_yaml="apiVersion: builtin\nkind: ValueAddTransformer\nmetadata: {name: x}\ntargetFilePath: URL/x\n"),
    hostile("a plugin of replacements", "remote", "transformers: [t.yaml]\n",
            t_yaml=PATCH.replace("Patch", "Replacement") + "replacements: [{path: URL/x}]\n"),
    hostile("a nested kustomization", "remote", "bases: [a]\n", a__kustomization_yaml="bases: [b]\n",
            a__b__Kustomization=BASE),
    hostile("a component", "remote", "components: [a]\n",
            a__kustomization_yaml="kind: Component\ncomponents: [URL/c/d]\n"),
    hostile("capital letters", "unclear", "Bases: [URL/acme/base]\n"),
    hostile("capital letters in an item", "unclear", "patches: [{Path: URL/p.yaml}]\n"),
    hostile("a long s, which Go takes for s", "unclear", "ba\u017fes: [URL/acme/base]\n"),
    hostile("a binary key", "unclear", "? !!binary YmFzZXM=\n: [URL/acme/base]\n"),
    hostile("a binary text", "unclear", "bases: [!!binary aHR0cDovLzEyNy4wLjAuMS9hL2I=]\n"),
    hostile("a folder called on", "unclear", "bases: [on]\n", on__kustomization_yaml=BASE),
    hostile("a folder called 12:30:45", "unclear", "bases: [12:30:45]\n"),
    hostile("a tag of its own", "build", "bases: !acme [URL/acme/base]\n"),
    hostile("a merge key after what it replaces", "duplicate-key", "bases: [x]\n<<: {bases: [URL/acme/base]}\n"),
    hostile("a merge key in an item", "duplicate-key", "patches: [{path: release/release.env, <<: {path: URL/p}}]\n"),
    hostile("a merge key in quotes", "unclear", "patches: [{'<<': {path: URL/p}}]\n"),
    hostile("a key twice", "duplicate-key", "namespace: URL\nnamespace: airflow-dev\n"),
    hostile("a second document", "ignored-document", "---\nbases: [URL/acme/base]\n"),
    hostile("a line end in a name", "unclear", 'bases: ["a\\nb"]\n'),
    hostile("a field that is not known", "build", "remoteBases: [URL/acme/base]\n"),
    hostile("helmCharts", "program", "helmCharts: [{name: x, repo: URL}]\n"),
    hostile("helmGlobals", "program", "helmGlobals: {chartHome: x}\n"),
    hostile("helmChartInflationGenerator", "program", "helmChartInflationGenerator: [{chartName: x}]\n"),
    hostile("a chart in a generator", "program", "generators: [g.yaml]\n", g_yaml=HELM),
    hostile("a chart behind a comment", "program", "generators: [g.yaml]\n", g_yaml=f"# a\n---\n{HELM}"),
    hostile("a folder of plugins", "program", "generators: [g]\n", g__kustomization_yaml="resources: [g.yaml]\n",
            g__g_yaml=HELM),
    hostile("a container", "program", "transformers: [t.yaml]\n",
            t_yaml="apiVersion: v1\nkind: X\nmetadata:\n  name: x\n  annotations:\n"
            "    config.kubernetes.io/function: |\n      "
            "container: {image: 127.0.0.1/x}\n"),
    hostile("an executable", "program", "generators: [g.yaml]\n",
            g_yaml="apiVersion: acme.com/v1\nkind: Run\nmetadata: {name: x}\n"),
    hostile("a builtin's kind of another group", "program", "transformers: [t.yaml]\n",
            t_yaml="apiVersion: builtin/v1\nkind: PatchTransformer\nmetadata: {name: x}\n"),
    hostile("a list of plugins", "program", "generators: [g.yaml]\n", g_yaml="apiVersion: v1\nkind: List\nitems: []\n"),
    hostile("a folder beside the repo", "outside", "bases: [../../../other]\n"),
    hostile("an absolute folder", "outside", "bases: [/etc]\n"),
    hostile("an absolute file", "outside", "secretGenerator: [{name: x, files: [/etc/passwd]}]\n"),
    hostile("a way out and in again", "outside", "bases: ['../../base/../../other/x']\n"),
)  # fmt: skip


class Recorder:
    """An HTTP server on loopback that keeps what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                recorder.asked.append(self.path)
                self.send_error(404)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A server that nobody may ask for anything."""
    found = Recorder()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def repo(fresh: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(fresh, tmp_path / "envs", symlinks=True)
    return tmp_path / "envs"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Put a git, a kustomize and a helm before the real ones that keep how they were started; what they kept."""
    log, folder = tmp_path / "started", tmp_path / "bin"
    folder.mkdir()
    found = {"git": shutil.which("git"), "kustomize": " ".join(Kustomize.find().command), "helm": "false"}
    for name, real in found.items():
        # Without the word "build", which the real command has already.
        rest = "shift" if name == "kustomize" else ":"
        script = f'#!/bin/sh\necho "{name} $*" >> {log}\n{rest}\nexec {real} "$@"\n'
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return lambda: log.read_text() if log.exists() else ""


def edit(repo: Path, case: Hostile, url: str) -> None:
    """Make a repo hostile, and commit it."""
    port = url.rpartition(":")[2]
    for path, data in case.files:
        target = repo / "overlays/dev" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(data.replace("URL", url))
    file = repo / OVERLAY
    text = case.text.replace("HTTP:URL", url.replace("http", "HTTP")).replace("URL", url).replace("PORT", port)
    file.write_text(text if case.instead else file.read_text() + text)
    subprocess.run(["git", "-C", repo, "add", "--all", "--force"], check=True)
    subprocess.run(["git", "-C", repo, "commit", "--quiet", "--message", "hostile"], check=True)


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.name)
def test_what_would_be_fetched_or_run_is_a_finding_and_is_not_built(
    case: Hostile, repo: Path, recorder: Recorder, programs: Callable[[], str], taxiway: Taxiway
) -> None:
    edit(repo, case, recorder.url)
    said = taxiway("validate", "dev", "-C", repo, "-o", "json")
    assert said.code == 1, said.err
    assert f'"rule": "{case.rule}"' in said.out, said.out
    assert "kustomize /" not in programs().replace("kustomize build /", "kustomize /"), programs()
    assert recorder.asked == []


COMMANDS = (
    ("validate",),
    ("validate", "--since", "HEAD~1"),
    ("diff", "dev"),
    ("diff", "--since", "HEAD~1"),
    ("diff", "--from", "HEAD", "--to", "HEAD~1"),
    ("render", "dev"),
    ("render",),
    ("set", "config", "dev", "SITE=acme", "--dry-run"),
    ("promote", "dev", "complete", "--dry-run"),
    ("env", "list"),
)
PLACES = ("overlays/dev", "base/airflow", "overlays/dev/release", "overlays/complete/base")


@pytest.mark.parametrize(
    ("arguments", "where"),
    strided([*product(COMMANDS, PLACES)], 3),
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_no_command_goes_to_the_network(
    arguments: tuple[str, ...],
    where: str,
    repo: Path,
    recorder: Recorder,
    programs: Callable[[], str],
    taxiway: Taxiway,
) -> None:
    target = repo / where / "kustomization.yaml"
    if not target.exists():
        target = next((repo / where).rglob("kustomization.yaml"))
    lists = "components" if "release" in where else "resources"
    text = target.read_text()
    url = f"{recorder.url}/acme/base?ref=main"
    target.write_text(
        text.replace(f"{lists}:\n", f"{lists}:\n  - {url}\n", 1)
        if f"{lists}:\n" in text
        else f"{text}{lists}: ['{url}']\n"
    )
    subprocess.run(["git", "-C", repo, "commit", "--quiet", "--all", "--message", "hostile"], check=True)
    taxiway(*arguments, "-C", repo)
    assert recorder.asked == []
    assert "acme/base" not in programs()
    assert "git init" not in programs()
    assert "git fetch" not in programs()


def test_real_kustomize_would_have_asked(repo: Path, recorder: Recorder) -> None:
    # Else the tests above could not fail.
    edit(repo, hostile("x", "remote", "crds: [URL/crd.json]\n"), recorder.url)
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    subprocess.run(
        [*Kustomize.find().command, repo / "overlays/dev"], capture_output=True, check=False, env=environment
    )
    assert recorder.asked == ["/crd.json"]


def test_a_kustomization_that_git_does_not_know_is_not_built(repo: Path, recorder: Recorder, taxiway: Taxiway) -> None:
    (repo / ".gitignore").write_text("/overlays/dev/a/\n")
    with (repo / OVERLAY).open("a") as file:
        file.write("bases: [a]\n")
    (repo / "overlays/dev/a").mkdir()
    (repo / "overlays/dev/a/kustomization.yaml").write_text(BASE.replace("URL", recorder.url))
    said = taxiway("render", "dev", "-C", repo)
    assert said.code == 7
    assert "Git does not know the kustomization in overlays/dev/a" in said.err
    assert recorder.asked == []


def test_a_kustomization_behind_a_link_is_not_built(repo: Path, recorder: Recorder, taxiway: Taxiway) -> None:
    # Its own paths start where it really is, and not where it was looked at.
    (repo / "x/evil").mkdir(parents=True)
    (repo / "x/evil/kustomization.yaml").write_text(BASE.replace("URL", recorder.url))
    (repo / "x/link").mkdir()
    (repo / "x/link/kustomization.yaml").write_text("resources: [../evil]\n")
    (repo / "overlays/dev/evil").mkdir()
    (repo / "overlays/dev/evil/kustomization.yaml").write_text("namePrefix: x-\n")
    (repo / "overlays/dev/link").symlink_to("../../x/link")
    with (repo / OVERLAY).open("a") as file:
        file.write("bases: [link]\n")
    subprocess.run(["git", "-C", repo, "add", "--all"], check=True)
    subprocess.run(["git", "-C", repo, "commit", "--quiet", "--message", "links"], check=True)
    said = taxiway("render", "dev", "-C", repo)
    assert said.code == 7, said.out
    assert "behind a symbolic link, ../evil is another one" in said.err
    assert recorder.asked == []


def test_a_kustomization_behind_a_link_that_leaves_the_repo_is_not_built(
    repo: Path, tmp_path: Path, recorder: Recorder, taxiway: Taxiway
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/kustomization.yaml").write_text("namePrefix: x-\n")
    (repo / "overlays/dev/link").symlink_to("../../../other")
    with (repo / OVERLAY).open("a") as file:
        file.write("bases: [link]\n")
    said = taxiway("render", "dev", "-C", repo)
    assert said.code == 7, said.out
    assert recorder.asked == []


def test_a_rule_that_is_switched_off_lets_nothing_through(repo: Path, recorder: Recorder, taxiway: Taxiway) -> None:
    with (repo / OVERLAY).open("a") as file:
        file.write(f"bases: ['{recorder.url}/acme/base']\n")
    with (repo / "taxiway.yaml").open("a") as file:
        file.write("validate:\n  off:\n    - rule: kustomize/remote\n      reason: it is ours\n")
    said = taxiway("validate", "dev", "-C", repo, "-o", "json")
    assert said.code, said.out
    assert "comes over the network" in said.out + said.err
    assert recorder.asked == []


def test_a_chain_without_end_is_no_crash() -> None:
    files = {f"o/{'a/' * number}kustomization.yaml": b"resources: [a]\n" for number in range(2000)}
    found = graph.read(Tree(files), "o")
    assert [each.why for each in found.refusals] == [inputs.Why.UNCLEAR]


def test_nothing_else_starts_kustomize(tmp_path: Path) -> None:
    tree = Tree({"overlays/dev/kustomization.yaml": b"resources: ['https://127.0.0.1:1/x.yaml']\n"})
    builder = Kustomize(("/nonexistent", "build"))
    with pytest.raises(BuildFailed, match=r"overlays/dev/kustomization.yaml:1: https://127.0.0.1:1/x.yaml comes over"):
        builder.build(tmp_path, "overlays/dev", graph.read(tree, "overlays/dev"))


@pytest.mark.parametrize(
    "text",
    ["transformers: [t.yaml]\n", "transformers:\n  - |-\n    apiVersion: builtin\n    kind: LabelTransformer\n"
     "    metadata: {name: x}\n    labels: {a: b}\n    fieldSpecs: [{path: metadata/labels, create: true}]\n",
     "patches:\n  - patch: '[{\"op\": \"add\", \"path\": \"/metadata/labels/a\", \"value\": \"b\"}]'\n"
     "    target: {kind: Service}\n", "metadata: &m {name: x}\n", "imageTags: []\n", "patchesStrategicMerge: []\n"],
)  # fmt: skip
def test_what_kustomize_does_by_itself_is_built(text: str, repo: Path, taxiway: Taxiway) -> None:
    (repo / "overlays/dev/t.yaml").write_text(
        "apiVersion: builtin\nkind: AnnotationsTransformer\nmetadata: {name: x}\nannotations: {a: b}\n"
        "fieldSpecs: [{path: metadata/annotations, create: true}]\n"
    )
    with (repo / OVERLAY).open("a") as file:
        file.write(text)
    said = taxiway("render", "dev", "-C", repo)
    assert said.code == 0, said.err


def _without_network() -> list[str] | None:
    """The start of a command line that has no network but its own loopback; None where the system allows none."""
    for prefix in (["unshare", "--net", "--"], ["unshare", "-rn", "--"]):
        if (
            shutil.which("unshare")
            and subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
        ):
            return prefix
    return None


@pytest.mark.parametrize(
    "arguments",
    [("validate",), ("diff", "--from", "HEAD", "--to", "HEAD"), ("diff",), ("render",),
     ("promote", "dev", "complete", "--dry-run")],
    ids=" ".join,
)  # fmt: skip
def test_with_the_network_cut_all_works(arguments: tuple[str, ...], repo: Path) -> None:
    cut = _without_network()
    if cut is None:
        pytest.skip("this system lets nobody cut the network: neither `unshare --net` nor `unshare -rn` works")
    command = [*cut, sys.executable, "-m", "bootstrap", *arguments, "-C", str(repo)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


SLOW = "#!/bin/sh\ncase $1 in version) echo v5;; *) sleep 60;; esac\n"


def fake(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_build_that_does_not_end_is_ended(
    repo: Path, tmp_path: Path, taxiway: Taxiway, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path / "bin", "kustomize", SLOW, monkeypatch)
    monkeypatch.setenv("TAXIWAY_BUILD_TIMEOUT", "0.5")
    said = taxiway("render", "dev", "-C", repo)
    assert said.code == 7
    assert "dev: kustomize can't build this overlay: it was not done after 0.5 seconds" in said.err
    assert "TAXIWAY_BUILD_TIMEOUT=SECONDS" in said.err
    found = taxiway("validate", "dev", "-C", repo)
    assert found.code == 1
    assert "it was not done after 0.5 seconds" in found.out


@pytest.mark.parametrize("limit", ["soon", "0", "-1", "nan", "inf", "1e99"])
def test_a_limit_that_is_no_number_is_told(
    limit: str, repo: Path, taxiway: Taxiway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAXIWAY_BUILD_TIMEOUT", limit)
    said = taxiway("render", "dev", "-C", repo, "--no-cache")
    assert said.code == 2
    assert "TAXIWAY_BUILD_TIMEOUT" in said.err


def test_a_build_that_says_without_end_is_ended(
    repo: Path, tmp_path: Path, taxiway: Taxiway, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path / "bin", "kustomize", "#!/bin/sh\ncase $1 in version) echo v5;; *) exec yes;; esac\n", monkeypatch)
    monkeypatch.setattr("bootstrap.kustomize.build._MOST", 1 << 20)
    said = taxiway("render", "dev", "-C", repo)
    assert said.code == 7
    assert "renders to more than 1 MiB" in said.err
