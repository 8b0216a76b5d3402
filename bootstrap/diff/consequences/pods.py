"""Consequences for pods: weaker security, other service accounts, Secrets, images and commands."""

from collections.abc import Iterator, Sequence
from typing import Any

from bootstrap.core.image import Image
from bootstrap.diff.compare import ObjectChange
from bootstrap.diff.consequences import pod_security as security
from bootstrap.diff.consequences.effect import Consequence, Effect, Told, listed
from bootstrap.diff.consequences.sides import Pod, Sides, pods_of
from bootstrap.kubernetes.objects import dig, items, mappings

_LONG = 300  # characters of a command; the list of fields shows all of it


def of(change: ObjectChange, sides: Sides) -> Iterator[Told]:
    """What the pods of an object, or the pod templates in a ConfigMap, gain over those before."""
    old = {pod.key: pod for pod in pods_of(change.before, sides.names[0])}
    for pod in pods_of(change.after, sides.names[1]):
        before = old.get(pod.key) or (next(iter(old.values())) if len(old) == 1 else None)
        whose = f"the pods of {pod.key}: " if pod.key else ""
        results = _changed(before, pod) if before else _made(pod, first=sides.first)
        yield from ((effect, whose + what) for effect, what in results)


def images(changes: Sequence[ObjectChange], sides: Sides) -> Iterator[Consequence]:
    """Image repositories that are new to the environment, each reported for the first object that uses it."""
    known = {_repository(image) for pod in sides.pods[0] for image in _images(pod)}
    registries = {_registry(repository) for repository in known}
    users: dict[str, dict[str, str]] = {}
    for change in changes:
        for pod in pods_of(change.after, sides.names[1]):
            for image in _images(pod):
                if (repository := _repository(image)) not in known:
                    users.setdefault(repository, {})[str(change.identity)] = image
    for repository, images_by_object in sorted(users.items()):
        what = "another repository" if _registry(repository) in registries else "a new registry"
        subject = min(images_by_object)
        others = len(images_by_object) - 1
        more = f" (and {others} more object{'s' if others > 1 else ''})" if others else ""
        image = images_by_object[subject]
        yield Consequence(effect=Effect.SECURITY, subject=subject, what=f"image from {what}: {image}{more}")


def _made(pod: Pod, *, first: bool) -> Iterator[Told]:
    """A new pod. In an environment's first build its images and Secrets are expected, so no security matter."""
    for fact in sorted(security.facts(pod)):
        yield Effect.SECURITY, fact
    if first and pod.owner.kind == "Job":
        return  # `workloads` reports that a Job runs
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
