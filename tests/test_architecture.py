"""The layers of the design, read from the syntax trees: imports go downward only, and each effect has one door."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "bootstrap"
MODULES = sorted(
    path.relative_to(PACKAGE.parent).with_suffix("").as_posix().replace("/", ".") for path in PACKAGE.rglob("*.py")
)

SHELL = {"cli", "cli.boundary", "cli.bootstrap", "cli.edit", "cli.look", "cli.move", "report", "ask", "__main__"}
EFFECTS = {
    "branches", "builds", "cache", "committed", "crew", "examination", "folders", "forge", "git", "ground", "kubectl",
    "kustomize", "listing", "local", "memory", "models", "offer", "plumbing", "process", "prospect", "reading",
    "repository", "site", "snapshot", "sources", "survey", "tokens", "trial", "untracked", "upstream", "workspace",
}  # fmt: skip
CORE = {
    "airflow_settings", "alike", "body", "carrying", "changes", "checks", "ci", "codeowners", "controllers",
    "difference", "edits", "envfile", "environments", "errors", "file_problems", "finding", "fingerprint",
    "hold", "hosting", "images", "impact", "layout", "limits", "markdown", "merging", "model", "modeledit", "objects",
    "outcome", "ownership", "promotion", "proposal", "record", "release", "remote", "request", "result", "rollback",
    "runbook", "scaffold", "schemas", "sealed", "sealing", "secret_keys", "secrets", "trail", "tree", "verdict",
    "yamledit", "yamlread", "yamltext",
}  # fmt: skip

# The only modules that may import what reaches outside.
DOORS = {
    "subprocess": {"process"},
    "git": {"git"},
    "typer": {"cli.__init__", "cli.boundary", "cli.bootstrap", "cli.edit", "cli.look", "cli.move", "ask"},
    "tempfile": {"workspace", "process"},
    "shutil": {"workspace", "process"},
    "socket": set(),
    "urllib.request": set(),
    "requests": {"forges.services"},
    "httpx": {"forges.services"},
    "ogr": {"forges.services"},
    "github": {"forges.services"},
    "gitlab": {"forges.services"},
    "pyforgejo": {"forges.services"},
}


def layer(module: str) -> int:
    name = module.removeprefix("bootstrap").removeprefix(".")
    if name in SHELL:
        return 3
    if name.startswith("commands"):
        return 2
    if name.startswith("lint"):
        return 0
    if name in EFFECTS or name.startswith("forges"):
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
