"""What `init` tells at its end: what was made, and what to do next."""

import shlex
from pathlib import Path

from bootstrap.config.model import Model
from bootstrap.core.certificates import CERTIFICATE
from bootstrap.core.result import Result
from bootstrap.core.tree import Tree


def done(wanted: Model, top: Path, tree: Tree, *, status: str, commit: str | None, key_file: Path | None) -> Result:
    """The result of a run that made a repository, or with status `planned` would have."""
    steps = () if status == "planned" else _steps(wanted, top, commit, key_file)
    order = " → ".join(each.name for each in wanted.environments)
    head = {
        "planned": f"Would write {len(tree)} files to {top}: {order}, synced by {wanted.controller.value}",
        "created": f"Wrote {len(tree)} files to {top}: {order}, synced by {wanted.controller.value}",
    }[status]
    lines = [head]
    if status == "planned":
        lines.extend(f"  {path}" for path in _folded(tree, wanted))
    else:
        lines.append(f"Commit {commit[:10]} on {wanted.branch}" if commit else "Not committed, as asked")
        lines.extend(("", "Next:"))
        for number, (title, commands) in enumerate(steps, start=1):
            lines.append(f"  {number}. {title}")
            lines.extend(f"       {command}" for command in commands)
    data = _data(wanted, top) | {
        "commit": commit,
        "files": list(tree),
        "sealingKey": str(key_file) if key_file else None,
        "next": [{"step": title, "commands": list(commands)} for title, commands in steps],
    }
    return Result(status=status, data=data, lines=tuple(lines))


def unchanged(known: Model, top: Path, notes: tuple[str, ...]) -> Result:
    """The result of a run that found everything in place."""
    return Result(status="unchanged", data=_data(known, top), lines=("unchanged",), notes=notes)


def _data(wanted: Model, top: Path) -> dict[str, object]:
    return {
        "directory": str(top),
        "repository": wanted.remote.url,
        "branch": wanted.branch,
        "forge": wanted.forge.value,
        "controller": wanted.controller.value,
        "environments": [
            {
                "name": each.name,
                "namespace": each.namespace,
                "cluster": each.cluster,
                "nodePort": each.node_port,
                "certificate": each.certificate,
            }
            for each in wanted.environments
        ],
    }


def _steps(
    wanted: Model, top: Path, commit: str | None, key_file: Path | None
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    here = shlex.quote(str(top))
    steps: list[tuple[str, tuple[str, ...]]] = []
    if key_file:
        steps.append(
            (
                "give the private sealing key to each cluster, once, then keep it off this machine",
                _key_commands(wanted, top, key_file),
            )
        )
    if commit:
        steps.append(("push", (f"git -C {here} push -u origin {shlex.quote(wanted.branch)}",)))
    clusters = dict.fromkeys(each.cluster for each in wanted.environments)
    steps.append(
        (
            "start the sync, on each cluster (README.md tells what it needs there)",
            tuple(f"kubectl apply -f {shlex.quote(str(top / 'clusters' / cluster))}/" for cluster in clusters),
        )
    )
    steps.append(('sign in: README.md, "Sign in", shows how to read the first password', ()))
    return tuple(steps)


def _key_commands(wanted: Model, top: Path, key_file: Path) -> tuple[str, ...]:
    """The commands that give a private sealing key to the cluster's controller."""
    certificate = shlex.quote(str(top / wanted.environments[0].overlay / "secrets" / CERTIFICATE))
    key = shlex.quote(str(key_file.expanduser().absolute()))
    return (
        f"kubectl -n kube-system create secret tls taxiway-sealing-key --cert={certificate} --key={key}",
        "kubectl -n kube-system label secret taxiway-sealing-key sealedsecrets.bitnami.com/sealed-secrets-key=active",
        "kubectl -n kube-system rollout restart deployment sealed-secrets-controller",
    )


def _folded(tree: Tree, wanted: Model) -> list[str]:
    """The paths to show: each file, but a copied base as one line."""
    copies = [f"{each.overlay}/base" for each in wanted.environments[1:]]
    shown = [path for path in tree if not any(path.startswith(f"{copy}/") for copy in copies)]
    return sorted([*shown, *(f"{copy}/ (a copy of base/, {len(tree.under(copy))} files)" for copy in copies)])
