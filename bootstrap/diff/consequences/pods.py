"""Pods: what weakens their security, and what else they run, read or are."""

from collections.abc import Iterator, Sequence
from typing import Any

from bootstrap.core.image import Image
from bootstrap.diff.compare import ObjectChange
from bootstrap.diff.consequences import pod_security as security
from bootstrap.diff.consequences.effect import Consequence, Effect, Told, listed
from bootstrap.diff.consequences.sides import Pod, Sides, pods_of
from bootstrap.kubernetes.objects import dig, items, mappings

_LONG = 300  # of a command; the fields show all of it


def of(change: ObjectChange, sides: Sides) -> Iterator[Told]:
    """What the pods of an object, or of a ConfigMap's texts, get that those before had not."""
    old = {pod.key: pod for pod in pods_of(change.before, sides.names[0])}
    for pod in pods_of(change.after, sides.names[1]):
        before = old.get(pod.key) or (next(iter(old.values())) if len(old) == 1 else None)
        whose = f"the pods of {pod.key}: " if pod.key else ""
        told = _changed(before, pod) if before else _made(pod, first=sides.first)
        yield from ((effect, whose + what) for effect, what in told)


def images(changes: Sequence[ObjectChange], sides: Sides) -> Iterator[Consequence]:
    """The repositories that no image came from before, each with the first object that runs one."""
    known = {_repository(image) for pod in sides.pods[0] for image in _images(pod)}
    registries = {_registry(repository) for repository in known}
    users: dict[str, dict[str, str]] = {}
    for change in changes:
        for pod in pods_of(change.after, sides.names[1]):
            for image in _images(pod):
                if (repository := _repository(image)) not in known:
                    users.setdefault(repository, {})[str(change.identity)] = image
    for repository, found in sorted(users.items()):
        what = "another repository" if _registry(repository) in registries else "a new registry"
        subject = min(found)
        more = f" (and {len(found) - 1} more object{'s' if len(found) > 2 else ''})" if len(found) > 1 else ""
        yield Consequence(effect=Effect.SECURITY, subject=subject, what=f"image from {what}: {found[subject]}{more}")


def _made(pod: Pod, *, first: bool) -> Iterator[Told]:
    """A pod that was not there. Of a first build, what it runs and reads is no news."""
    for fact in sorted(security.facts(pod)):
        yield Effect.SECURITY, fact
    if first and pod.owner.kind == "Job":
        return  # that it runs is told already
    account = pod.spec.get("serviceAccountName") or "default"
    effect = Effect.RUNS if first else Effect.SECURITY
    yield effect, f"{'' if first else 'a new pod '}runs {listed(_images(pod))}, as ServiceAccount/{account}"
    if not first and (read := security.secrets(pod)):
        yield effect, f"a new pod reads {listed(f'Secret/{name}' for name in read)}"


def _changed(before: Pod, after: Pod) -> Iterator[Told]:
    had = security.facts(before) | security.omissions(before)
    for fact in sorted((security.facts(after) | security.omissions(after)) - had):
        yield Effect.SECURITY, fact
    accounts = [pod.spec.get("serviceAccountName") or "default" for pod in (before, after)]
    if accounts[0] != accounts[1]:
        yield Effect.SECURITY, f"runs as ServiceAccount/{accounts[1]}, and no longer as {accounts[0]}"
    if read := security.secrets(after) - security.secrets(before):
        yield Effect.SECURITY, f"reads {listed(f'Secret/{name}' for name in read)}, which it did not before"
    for name in sorted(security.writable(after) - security.writable(before)):
        if any(container.get("name") == name for _, container in before.containers()):
            yield Effect.RUNS, f"container {name} may write to its own file system (readOnlyRootFilesystem)"
    old = {str(container.get("name")): container for _, container in before.containers()}
    for part, container in after.containers():
        name = str(container.get("name"))
        if name in old:
            yield from _container(name, old[name], container)
        else:
            kind = "container for the start" if part == "initContainers" else "container"
            command = f": {text}" if (text := _command(container)) else ""
            yield Effect.SECURITY, f"a new {kind} {name} runs {container.get('image')}{command}"


def _container(name: str, before: dict[Any, Any], after: dict[Any, Any]) -> Iterator[Told]:
    if "@" in str(before.get("image")) and "@" not in str(after.get("image")):
        yield Effect.SECURITY, f"container {name} is no longer pinned by a digest: {after.get('image')} may change"
    if [before.get(key) for key in ("command", "args")] != [after.get(key) for key in ("command", "args")]:
        yield Effect.RUNS, f"container {name} runs another command: {_command(after) or 'that of its image'}"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        command = items(after, probe, "exec", "command")
        if command and command != dig(before, probe, "exec", "command"):
            yield Effect.RUNS, f"container {name} runs another command as its {probe}: {_short(command)}"


def _command(container: dict[Any, Any]) -> str:
    return _short([*items(container, "command"), *items(container, "args")])


def _short(command: Sequence[Any]) -> str:
    text = " ".join(" ".join(map(str, command)).split())
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"


def _images(pod: Pod) -> Iterator[str]:
    yield from (str(container["image"]) for _, container in pod.containers() if container.get("image"))
    for volume in mappings(pod.spec, "volumes"):
        if reference := dig(volume, "image", "reference"):
            yield str(reference)


def _repository(image: str) -> str:
    """Where an image comes from, in full: `postgres` is `docker.io/library/postgres` (distribution/reference)."""
    name = Image.split(image).repository
    host, slash, rest = name.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, rest = "docker.io", name
    if host in ("index.docker.io", "registry-1.docker.io"):
        host = "docker.io"
    return f"{host}/{rest}" if "/" in rest or host != "docker.io" else f"{host}/library/{rest}"


def _registry(repository: str) -> str:
    """A repository's host and owner; the host alone where it has no owners."""
    host, _, rest = repository.partition("/")
    return f"{host}/{rest.partition('/')[0]}" if "/" in rest else host
