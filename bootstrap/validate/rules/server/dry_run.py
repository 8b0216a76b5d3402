"""Rules about a server-side dry run: errors of the API server, by object."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from bootstrap.kubernetes.objects import Object, identify
from bootstrap.validate.context import EnvironmentContext, ServerContext
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import Place

# Start of an error of kubectl (1.31 to 1.36).
_COMPLAINT = re.compile(r"^(Error from server|error: |The \S+ \")", re.MULTILINE)
_DONE = re.compile(r"^(?P<kind>[\w-]+)[\w.-]*/(?P<name>\S+) ", re.MULTILINE)
_ABSENT = re.compile(r'namespaces "[^"]+" not found')


@rule("server/refused", ERROR, fix="Do as the API server says.")
def refused(server: ServerContext) -> Iterator[Violation]:
    """The API server takes every object (with --server).

    The controller's sync would fail with the same words.
    """
    env = server.environment
    taken = {(match["kind"], match["name"]) for match in _DONE.finditer(server.out)}
    left = [obj for obj in env.objects if (obj["kind"].lower(), obj["metadata"]["name"]) not in taken]
    complaints = _complaints(server.err)
    # kubectl lists accepted objects on stdout; its errors are in the order of the others.
    alike = len(left) == len(complaints)
    for number, text in enumerate(complaints):
        if _ABSENT.search(text):
            continue
        if alike:
            yield Violation(_place(env, left[number], text), f"{identify(left[number])} is refused: {_short(text)}")
        else:  # an error about several objects, or about none
            yield Violation(env.trace.overlay(), _short(text))


@rule(
    "server/no-namespace", WARNING, fix="Sync the environment once, or make its namespace by hand, and run this again."
)
def no_namespace(server: ServerContext) -> Iterator[Violation]:
    """The environment's namespace is there for the API server to look into (with --server).

    A dry run makes no namespace, so what would be inside of it can't be looked at.
    """
    env = server.environment
    if absent := [text for text in _complaints(server.err) if _ABSENT.search(text)]:
        message = f"namespace {env.environment.namespace} is not there yet: {len(absent)} objects were not looked at"
        yield Violation(env.trace.overlay("namespace"), message)


def _place(env: EnvironmentContext, refused: Object, text: str) -> Place:
    if field := re.search(r"(?:unknown field \"|: |\")(spec\.[\w.\[\]]+)", text):
        return env.trace.field(refused, _path(field[1]))
    return env.trace.object(refused)


def _complaints(err: str) -> Sequence[str]:
    starts = [match.start() for match in _COMPLAINT.finditer(err)]
    return [err[start:end].strip() for start, end in pairwise([*starts, len(err)])]


def _short(text: str) -> str:
    text = re.sub(r'^Error from server( \(\w+\))?: (error when \w+ "[^"]*": )?', "", text)
    return " ".join(text.split()).removeprefix("error: ")


def _path(field: str) -> list[str | int]:
    """Parse a field path of the API server, such as spec.template.spec.containers[0].image."""
    return [int(step) if step.isdigit() else step for step in re.split(r"[.\[\]]+", field) if step]
