"""Results of `init`: what was written, and the next steps."""

import shlex
from pathlib import Path

from bootstrap.config.model import Model
from bootstrap.core.certificates import CERTIFICATE
from bootstrap.core.result import Result
from bootstrap.core.tree import Tree


def created(model: Model, top: Path, tree: Tree, *, status: str, commit: str | None, key_file: Path | None) -> Result:
    """The result of a run that created a repository; with status `planned`, of a dry run."""
    steps = () if status == "planned" else _steps(model, top, commit, key_file)
    order = " → ".join(environment.name for environment in model.environments)
    head = {
        "planned": f"Would write {len(tree)} files to {top}: {order}, synced by {model.controller.value}",
        "created": f"Wrote {len(tree)} files to {top}: {order}, synced by {model.controller.value}",
    }[status]
    lines = [head]
    if status == "planned":
        lines.extend(f"  {path}" for path in _listed(tree, model))
    else:
        lines.append(f"Commit {commit[:10]} on {model.branch}" if commit else "Not committed, as asked")
        lines.extend(("", "Next:"))
        for number, (title, commands) in enumerate(steps, start=1):
            lines.append(f"  {number}. {title}")
            lines.extend(f"       {command}" for command in commands)
    data = _data(model, top) | {
        "commit": commit,
        "files": list(tree),
        "sealingKey": str(key_file) if key_file else None,
        "next": [{"step": title, "commands": list(commands)} for title, commands in steps],
    }
    return Result(status=status, data=data, lines=tuple(lines))


def unchanged(model: Model, top: Path, notes: tuple[str, ...]) -> Result:
    """The result of a run on an existing environment repo."""
    return Result(status="unchanged", data=_data(model, top), lines=("unchanged",), notes=notes)


def _data(model: Model, top: Path) -> dict[str, object]:
    return {
        "directory": str(top),
        "repository": model.remote.url,
        "branch": model.branch,
        "forge": model.forge.value,
        "controller": model.controller.value,
        "environments": [
            {
                "name": environment.name,
                "namespace": environment.namespace,
                "cluster": environment.cluster,
                "nodePort": environment.node_port,
                "certificate": environment.certificate,
            }
            for environment in model.environments
        ],
    }


def _steps(
    model: Model, top: Path, commit: str | None, key_file: Path | None
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    here = shlex.quote(str(top))
    steps: list[tuple[str, tuple[str, ...]]] = []
    if key_file:
        steps.append(
            (
                "give the private sealing key to each cluster, once, then keep it off this machine",
                _key_commands(model, top, key_file),
            )
        )
    if commit:
        steps.append(("push", (f"git -C {here} push -u origin {shlex.quote(model.branch)}",)))
    clusters = dict.fromkeys(environment.cluster for environment in model.environments)
    steps.append(
        (
            "start the sync, on each cluster (README.md tells what it needs there)",
            tuple(f"kubectl apply -f {shlex.quote(str(top / 'clusters' / cluster))}/" for cluster in clusters),
        )
    )
    steps.append(('sign in: README.md, "Sign in", shows how to read the first password', ()))
    return tuple(steps)


def _key_commands(model: Model, top: Path, key_file: Path) -> tuple[str, ...]:
    """The commands that give a private sealing key to the cluster's controller."""
    certificate = shlex.quote(str(top / model.environments[0].overlay / "secrets" / CERTIFICATE))
    key = shlex.quote(str(key_file.expanduser().absolute()))
    return (
        f"kubectl -n kube-system create secret tls taxiway-sealing-key --cert={certificate} --key={key}",
        "kubectl -n kube-system label secret taxiway-sealing-key sealedsecrets.bitnami.com/sealed-secrets-key=active",
        "kubectl -n kube-system rollout restart deployment sealed-secrets-controller",
    )


def _listed(tree: Tree, model: Model) -> list[str]:
    """The paths of the files; each copy of the base as one line."""
    copies = [f"{environment.overlay}/base" for environment in model.environments[1:]]
    files = [path for path in tree if not any(path.startswith(f"{copy}/") for copy in copies)]
    return sorted([*files, *(f"{copy}/ (a copy of base/, {len(tree.under(copy))} files)" for copy in copies)])
