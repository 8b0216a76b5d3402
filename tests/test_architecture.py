"""The doors of the design, read from the syntax trees. `lint-imports` holds the ranks: [tool.importlinter]."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "bootstrap"
TREES = {
    path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): ast.parse(
        path.read_bytes()
    )
    for path in PACKAGE.rglob("*.py")
}

# The only modules that may import what reaches outside.
DOORS = {
    "subprocess": {"system.process"},
    "git": {"gitrepo.gitpython"},
    "typer": {"cli"},
    "tempfile": {"system.files", "system.process"},
    "shutil": {"system.files", "system.locks", "system.process"},
    "socket": set(),
    "urllib.request": {"forges.http"},  # the proxies of the environment
    "httpx": {"forges.http"},
}

# The only modules that change files, and what changes them: methods of a path, functions of `os` and `shutil`.
WRITERS = {"secrets.private_keys", "system.cache", "system.files", "system.locks", "system.nofollow"}
WRITES = {
    "chmod", "copy", "copyfile", "copytree", "fchmod", "hardlink_to", "lchmod", "link", "makedirs", "mkdir", "mkfifo",
    "mknod", "removedirs", "rename", "renames", "rmdir", "rmtree", "symlink", "symlink_to", "touch", "truncate",
    "unlink", "write_bytes", "write_text",
}  # fmt: skip
FLAGS = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"}
READERS = {"load", "load_all", "safe_load", "safe_load_all", "parse", "compose", "compose_all", "CSafeLoader"}


def imports(module: str) -> set[str]:
    """The modules that a module imports, and the names in them."""
    found: set[str] = set()
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: imports are absolute"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name in inner if name.removeprefix("bootstrap.") in TREES}
            found |= inner if modules == inner else {node.module or "", *inner}
    return found


def test_each_effect_has_one_door() -> None:
    used = {module: imports(module) for module in TREES}
    for door, allowed in DOORS.items():
        users = {module for module, names in used.items() if door in names}
        assert not [user for user in users if user not in allowed and user.partition(".")[0] not in allowed], door


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
    found = {name: [ast.unparse(node) for node in ast.walk(tree) if writes(node)] for name, tree in TREES.items()}
    nothing = {"cli.error_handler": ["os.O_WRONLY"]}  # of the null device
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
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "yaml":
                assert node.attr not in READERS or name == "yamltools.loader", f"{name} reads YAML by itself"


def test_only_the_console_prints() -> None:
    for name, tree in TREES.items():
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        if any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls):
            assert name == "cli.console"


def test_ours_is_imported_at_the_top_of_a_module() -> None:
    """But in the command line (`--help` stays quick), before signals are caught, and where a forge is connected."""
    for name, tree in TREES.items():
        inside = [
            node for part in tree.body if isinstance(part, ast.FunctionDef | ast.ClassDef) for node in ast.walk(part)
        ]
        ours = [
            node for node in inside if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bootstrap")
        ]
        assert not ours or name.startswith("cli.") or name in ("__main__", "forges.client"), name


def test_no_modules_import_each_other_in_a_circle() -> None:
    names = {f"bootstrap.{name}": name for name in TREES}
    needs = {name: {names[each] for each in imports(name) if each in names} - {name} for name in TREES}
    left = dict(needs)
    while ready := [name for name, found in left.items() if not found & left.keys()]:
        for name in ready:
            del left[name]
    assert not left


def test_a_command_is_a_recipe() -> None:
    verbs = [path for path in (PACKAGE / "commands").glob("*.py") if not path.name.startswith("_")]
    assert not {path.name: lines for path in verbs if (lines := len(path.read_text().splitlines())) > 80}


def test_nothing_stands_beside_the_packages() -> None:
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_modules_stay_short() -> None:
    long = {path.name: lines for path in PACKAGE.rglob("*.py") if (lines := len(path.read_text().splitlines())) > 250}
    assert not long


def test_the_picture_of_the_packages_is_true() -> None:
    page = (PACKAGE.parent / "docs/architecture.md").read_text()
    picture = page.split("```mermaid\n")[1].split("```")[0]
    shown = {
        package: int(rank)
        for rank, inside in re.findall(r"subgraph rank(\d+) [^\n]*\n(.*?)  end\n", picture, re.DOTALL)
        for package in inside.split()
    }
    contracts = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = enumerate(reversed(contracts[0]["layers"]), 1)
    ranks = {name: rank for rank, layer in layers for name in re.findall(r"bootstrap\.(\w+)", layer)}
    assert shown == ranks
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == shown.keys()
    for source, target in re.findall(r"(\w+) --> (\w+)", picture):
        assert shown[source] > shown[target], f"{source} --> {target} goes up"
        users = [module for module in TREES if module.partition(".")[0] == source]
        used = {name for module in users for name in imports(module)}
        assert any(f"{name}.".startswith(f"bootstrap.{target}.") for name in used), f"{source} imports no {target}"
    assert all(re.search(rf"^\*\*`{package}`\*\* ", page, re.MULTILINE) for package in shown)
