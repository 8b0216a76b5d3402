"""The layers of the design, read from the syntax trees: imports go downward only, and each effect has one door."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "bootstrap"
MODULES = sorted(
    path.relative_to(PACKAGE.parent).with_suffix("").as_posix().replace("/", ".") for path in PACKAGE.rglob("*.py")
)

SHELL = {
    "__main__", "ask", "cli", "cli.bootstrap", "cli.boundary", "cli.comment", "cli.edit", "cli.look",
    "cli.move", "report",
}  # fmt: skip
EFFECTS = {
    "branches", "builds", "cache", "child_environment", "committed", "crew", "examination", "exclusive",
    "files", "folders", "git", "git_command", "ground", "kubectl", "kustomize", "listing", "local",
    "memory", "models", "nofollow", "offer", "plumbing", "private_keys", "process", "prospect", "reading",
    "repository", "signals", "site", "snapshot", "sources", "survey", "trial",
    "untracked", "upstream", "workspace",
}  # fmt: skip
CORE = {
    "airflow_settings", "alike", "body", "carrying", "changes", "checks", "ci", "codeowners", "comparison",
    "control_characters", "controllers", "difference", "edits", "embedded", "envfile", "environment_names",
    "environments", "errors", "fields", "file_problems", "finding", "fingerprint", "forges.hosting",
    "forges.pull_request", "hold", "images", "impact", "impact_repo", "layout",
    "layout_markdown", "layout_of_repo", "limits",
    "markdown", "merging", "model", "modeledit",
    "objects", "outcome", "ownership", "paths", "plaintext", "postgres", "promotion", "quantities",
    "record", "release", "remote", "request", "result", "rollback", "runbook", "scaffold", "schemas", "sealed",
    "sealing", "secret", "secret_keys", "secrets", "trail", "tree", "verdict", "wheel", "yamledit", "yamlread",
    "yamltext",
}  # fmt: skip

# The only modules that may import what reaches outside.
DOORS = {
    "subprocess": {"process"},
    "git": {"git"},
    "typer": {
        "cli.__init__",
        "cli.boundary",
        "cli.bootstrap",
        "cli.comment",
        "cli.edit",
        "cli.look",
        "cli.move",
        "ask",
    },
    "tempfile": {"workspace", "process"},
    "shutil": {"exclusive", "files", "process"},
    "socket": set(),
    "urllib.request": {"forges.http"},  # the proxies of the environment
    "httpx": {"forges.http"},
}


# The only modules that change files, and what changes them: methods of a path, functions of `os` and `shutil`.
WRITERS = {"cache", "exclusive", "files", "nofollow", "private_keys"}
WRITES = {
    "chmod", "copy", "copyfile", "copytree", "fchmod", "hardlink_to", "lchmod", "link", "makedirs", "mkdir", "mkfifo",
    "mknod", "removedirs", "rename", "renames", "rmdir", "rmtree", "symlink", "symlink_to", "touch", "truncate",
    "unlink", "write_bytes", "write_text",
}  # fmt: skip
FLAGS = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"}


def layer(module: str) -> int:
    name = module.removeprefix("bootstrap").removeprefix(".")
    if name in SHELL:
        return 3
    if name.startswith("commands"):
        return 2
    if name.startswith(("lint", "impact")):
        return 0
    if name in EFFECTS or (name.startswith("forges") and name not in CORE):
        return 1
    assert name in CORE | {""}, f"{module} is in no layer: add it to one"
    return 0


def imports(module: str) -> set[str]:
    path = PACKAGE.parent / (module.replace(".", "/") + ".py")
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: imports are absolute"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize(
    "module", [name.removesuffix(".__init__") for name in MODULES if not name.endswith("__init__")]
)
def test_imports_go_downward_only(module: str) -> None:
    for name in imports(module):
        if name in {each.removesuffix(".__init__") for each in MODULES} and name != "bootstrap":
            assert layer(name) <= layer(module), f"{module} imports {name}, which is above it"


@pytest.mark.parametrize("door", DOORS)
def test_each_effect_has_one_door(door: str) -> None:
    users = {module.removeprefix("bootstrap.") for module in MODULES if door in imports(module)}
    assert users <= DOORS[door]


def writes(node: ast.AST) -> bool:
    """Whether this changes a file: by name, by the mode that it is opened in, or by the flags for that."""
    if isinstance(node, ast.Attribute) and node.attr in FLAGS:
        return True
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    given = [*node.args, *(each.value for each in node.keywords)]
    texts = [each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    if name in ("open", "fdopen"):
        return any(set(text) <= set("rwxabt+") and set(text) & set("wxa+") for text in texts)
    if name == "replace":  # of a text: two arguments; of a path: one
        of_os = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "os"
        return of_os or (isinstance(node.func, ast.Attribute) and len(node.args) == 1 and not node.keywords)
    door = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "files"
    return isinstance(node.func, ast.Attribute) and name in WRITES and not door


def test_only_the_writer_changes_files() -> None:
    found = {
        name: [ast.unparse(node) for node in ast.walk(ast.parse((PACKAGE / f"{name.replace('.', '/')}.py").read_text()))
               if writes(node)]
        for name in (module.removeprefix("bootstrap.") for module in MODULES)
    }  # fmt: skip
    nothing = {"cli.boundary": ["os.O_WRONLY"]}  # of the null device
    assert {name: calls for name, calls in found.items() if calls and name not in WRITERS} == nothing
    assert {name for name in WRITERS if found[name]} == WRITERS


@pytest.mark.parametrize(
    "text",
    [
        "path.write_text('x')", "os.replace(a, b)", "part.replace(path)", "open(p, 'wb')", "p.open('x')",
        "p.open(mode='a')",
        "os.open(p, os.O_CREAT)", "shutil.rmtree(p)", "os.fdopen(h, 'wb')", "open(p, 'r+')", "p.unlink()",
    ],
)  # fmt: skip
def test_a_write_is_seen(text: str) -> None:
    assert any(writes(node) for node in ast.walk(ast.parse(text)))


def test_yaml_is_read_within_limits() -> None:
    names = {"load", "load_all", "safe_load", "safe_load_all", "parse", "compose", "compose_all", "CSafeLoader"}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "yaml":
                assert node.attr not in names or path.name == "yamlread.py", f"{path.name} reads YAML by itself"


def test_only_the_report_prints() -> None:
    for path in PACKAGE.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        if any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls):
            assert path.name == "report.py"


def test_modules_stay_rooms() -> None:
    long = {path.name: lines for path in PACKAGE.rglob("*.py") if (lines := len(path.read_text().splitlines())) > 260}
    assert not long
