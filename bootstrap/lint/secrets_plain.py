"""Rules about secrets that can be read in the repository as they are."""

import posixpath
from collections.abc import Iterator

from bootstrap.kubernetes.objects import identify
from bootstrap.secrets import credentials, scan
from bootstrap.secrets.credentials import is_placeholder, shown
from bootstrap.secrets.scan import Plain
from bootstrap.validate.context import EnvironmentContext, dig, mapping
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools.positions import Place

PLAIN_SECRET = Rule(
    name="secrets/plain-secret",
    severity=Severity.ERROR,
    title="A Secret is committed as a SealedSecret.",
    why="Base64 is no encryption. Whoever can read the repository has the values, and Git's history keeps them.",
    fix="Change what it holds, seal the new values into a SealedSecret of the same name, and delete this one.",
)
RULES = (PLAIN_SECRET, *credentials.RULES)
_ORDER = {rule.name: number for number, rule in enumerate(credentials.RULES)}


def check(scene: EnvironmentContext, told: set[Place]) -> Iterator[Finding]:
    """All that is in the clear, but for places where something else was told already; one finding a line."""
    shown_by = {path: scan.read(data, _kind(path)) for path, data in scene.tree.files.items()}
    names: set[str] = set()
    sources: set[str] = set()
    for path, held in shown_by.items():
        for secret in held.secrets:
            names.add(secret.name)
            sources.update(posixpath.normpath(posixpath.join(posixpath.dirname(path), each)) for each in secret.files)
            yield scene.finding(PLAIN_SECRET, Place(path, secret.line + 1), _told(secret))
    for path, held in shown_by.items():
        taken: set[int] = set()
        for hit in sorted(held.hits, key=lambda each: (each.line, _ORDER[each.rule.name])):
            place = Place(path, hit.line + 1)
            if hit.line not in taken and place not in told and path not in sources:
                taken.add(hit.line)
                yield scene.finding(hit.rule, place, f"{hit.what} stands here in the clear")
    yield from _rendered(scene, names)


def _rendered(scene: EnvironmentContext, names: set[str]) -> Iterator[Finding]:
    """Secrets that come from elsewhere: another repository's base, for one."""
    for each in scene.of_kind("Secret"):
        values = [*mapping(dig(each, "data")).values(), *mapping(dig(each, "stringData")).values()]
        name = identify(each).name
        if name not in names and not all(is_placeholder(str(value)) for value in values):
            message = f"the overlay renders the Secret {name} in the clear"
            yield scene.finding(PLAIN_SECRET, scene.trace.object(each), message)


def _told(secret: Plain) -> str:
    name = shown(secret.name) if secret.name else "of no name"
    if secret.generated:
        return f"a generator makes the Secret {name} of values that stand in the repository in the clear"
    return f"the Secret {name} stands here in the clear"


def _kind(path: str) -> str:
    name = posixpath.basename(path)
    return "env" if name.startswith(".env") else name.rpartition(".")[2].lower() if "." in name else ""
