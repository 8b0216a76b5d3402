"""What an API server says of an environment's objects, as findings."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from bootstrap.objects import Object, identify
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.violation import Finding, Rule, Severity

REFUSED = Rule(
    name="server/refused",
    severity=Severity.ERROR,
    title="The API server takes every object (with --server).",
    why="The controller's sync would fail with the same words.",
    fix="Do as the API server says.",
)
NO_NAMESPACE = Rule(
    name="server/no-namespace",
    severity=Severity.WARNING,
    title="The environment's namespace is there for the API server to look into (with --server).",
    why="A dry run makes no namespace, so what would be inside of it can't be looked at.",
    fix="Sync the environment once, or make its namespace by hand, and run this again.",
)
RULES = (REFUSED, NO_NAMESPACE)

# How kubectl begins each of its complaints (kubectl 1.31 to 1.36).
_COMPLAINT = re.compile(r"^(Error from server|error: |The \S+ \")", re.MULTILINE)
_DONE = re.compile(r"^(?P<kind>[\w-]+)[\w.-]*/(?P<name>\S+) ", re.MULTILINE)
_ABSENT = re.compile(r'namespaces "[^"]+" not found')


def check(scene: EnvironmentContext, out: str, err: str) -> Iterator[Finding]:
    """The findings of one dry run: kubectl names what was taken on stdout, and complains of the rest in their order."""
    taken = {(match["kind"], match["name"]) for match in _DONE.finditer(out)}
    left = [each for each in scene.objects if (each["kind"].lower(), each["metadata"]["name"]) not in taken]
    complaints = _complaints(err)
    if absent := [text for text in complaints if _ABSENT.search(text)]:
        message = f"namespace {scene.environment.namespace} is not there yet: {len(absent)} objects were not looked at"
        yield scene.finding(NO_NAMESPACE, scene.trace.overlay("namespace"), message)
    if len(left) == len(complaints):
        told = zip(left, complaints, strict=True)
        yield from (_refused(scene, each, text) for each, text in told if not _ABSENT.search(text))
    else:  # a complaint about several objects, or about none of them
        for text in complaints:
            if not _ABSENT.search(text):
                yield scene.finding(REFUSED, scene.trace.overlay(), _short(text))


def _refused(scene: EnvironmentContext, each: Object, text: str) -> Finding:
    place = scene.trace.object(each)
    if field := re.search(r"(?:unknown field \"|: |\")(spec\.[\w.\[\]]+)", text):
        place = scene.trace.field(each, _path(field[1]))
    return scene.finding(REFUSED, place, f"{identify(each)} is refused: {_short(text)}")


def _complaints(err: str) -> Sequence[str]:
    starts = [match.start() for match in _COMPLAINT.finditer(err)]
    return [err[start:end].strip() for start, end in pairwise([*starts, len(err)])]


def _short(text: str) -> str:
    text = re.sub(r'^Error from server( \(\w+\))?: (error when \w+ "[^"]*": )?', "", text)
    return " ".join(text.split()).removeprefix("error: ")


def _path(field: str) -> list[str | int]:
    """A field as the API server writes it, spec.template.spec.containers[0].image, as a path."""
    return [int(step) if step.isdigit() else step for step in re.split(r"[.\[\]]+", field) if step]
