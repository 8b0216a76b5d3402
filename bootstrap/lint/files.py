"""Rules about what is in the repo beside regular files of a size that people can read."""

from collections.abc import Iterator

from bootstrap.config.file_problems import Kind
from bootstrap.kustomize import obstacles
from bootstrap.validate.context import Scene
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools.positions import Place


def _rule(kind: Kind, severity: Severity, title: str, why: str, fix: str) -> Rule:
    return Rule(name=f"files/{kind}", severity=severity, title=title, why=why, fix=fix)


_RULES = {
    Kind.LEAVES: _rule(
        Kind.LEAVES,
        Severity.ERROR,
        "A symbolic link stays in the repository.",
        "It leads to another file on each machine, and one that nobody reviews. Nothing behind it is read, and an "
        "overlay beside it is not built.",
        "Put the file itself there, or a relative link to one in the repository.",
    ),
    Kind.ENVIRONMENT: _rule(
        Kind.ENVIRONMENT,
        Severity.ERROR,
        "No symbolic link leads into the folder of another environment.",
        "A change of that environment would be one of this one too, which no promotion shows. Nothing behind it is "
        "read, and an overlay beside it is not built.",
        "Put a copy of the file there, or put the file into base/.",
    ),
    Kind.BROKEN: _rule(
        Kind.BROKEN,
        Severity.WARNING,
        "A symbolic link leads to a file or folder.",
        "What it leads to is missing, or it leads around in a circle: who reads it fails.",
        "Remove it, or make it lead to something.",
    ),
    Kind.SPECIAL: _rule(
        Kind.SPECIAL,
        Severity.ERROR,
        "There are regular files, folders and links, and nothing else.",
        "Git keeps no device, FIFO or socket, and who reads one may wait for good. An overlay beside it is not built.",
        "Remove it.",
    ),
    Kind.LARGE: _rule(
        Kind.LARGE,
        Severity.WARNING,
        "A file is smaller than 10 MiB.",
        "Kubernetes takes no object of that size. The file is not read, and an overlay that names it is not built.",
        "Keep it elsewhere.",
    ),
    Kind.YAML: _rule(
        Kind.YAML,
        Severity.ERROR,
        "YAML keeps to limits of size, depth and aliases.",
        "A short text can stand for billions of values, and no manifest is like that. An overlay that names it is not "
        "built.",
        "Write out what its aliases stand for, or cut the file into several.",
    ),
}
RULES = tuple(_RULES.values())
_YAML = (".yaml", ".yml", "Kustomization")


def check(scene: Scene) -> Iterator[Finding]:
    """Every file of the environment, and beside it, that is not read."""
    found = scene.graph
    texts = dict.fromkeys(path for path in scene.tree.files if path.endswith(_YAML))
    problems = (
        *scene.problems,
        *obstacles.in_the_way(scene.tree, found, ()),
        *obstacles.beyond(scene.tree, (path for path in texts if path not in found.files)),
    )
    for each in dict.fromkeys(problems):
        yield scene.finding(_RULES[each.kind], Place(each.path, each.line), each.message)
