"""Options of `init`, and the model (taxiway.yaml) that follows from them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from bootstrap import __version__
from bootstrap.config import model
from bootstrap.config.model import Controller, Environment, Model
from bootstrap.config.remote import Forge, Remote, check_branch
from bootstrap.core.errors import BadOption, BadTarget, TaxiwayError, attempt, raise_all

DEFAULT_ENVIRONMENTS = ("dev", "complete")
DEFAULT_CLUSTER = "default"
_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options as given on the command line; None or empty where not given."""

    directory: Path
    repo: str | None = None
    controller: str | None = None
    forge: str | None = None
    environments: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    node_ports: tuple[str, ...] = ()
    sealing_certs: tuple[str, ...] = ()
    new_sealing_key: Path | None = None
    secrets_from: str | None = None
    install: str | None = None
    dry_run: bool = False
    commit: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryState:
    """State of the target directory: its taxiway.yaml, the URL of its remote `origin`, the branch to commit on."""

    model: Model | None
    origin: str | None
    branch: str


def resolve(options: Options, state: DirectoryState) -> Model:
    """The model that the options ask for; what is not given is taken from the directory, then from the defaults.

    Raises BadOption, all mistakes at once, and BadTarget where the folder already holds a different model.
    """
    known = state.model
    errors: list[TaxiwayError] = []
    remote = attempt(errors, lambda: _remote(options, state), None)
    default = known.controller if known else Controller.ARGOCD
    controller = attempt(errors, lambda: _choice("controller", Controller, options.controller, default), default)
    host = known.forge if known else remote.guess_forge() if remote else Forge.GITHUB
    forge = attempt(errors, lambda: _choice("forge", Forge, options.forge, host), host)
    branch = attempt(errors, lambda: check_branch(state.branch), state.branch)
    no_environments: tuple[Environment, ...] = ()
    environments = attempt(errors, lambda: _environments(options, known), no_environments)
    raise_all(errors)
    assert remote  # noqa: S101  (else raise_all has raised)
    requested = Model(
        scaffold=known.scaffold if known else __version__,
        remote=remote,
        branch=known.branch if known else branch,
        forge=forge,
        controller=controller,
        environments=environments,
        kubernetes=known.kubernetes if known else model.OLDEST_KUBERNETES,
        exemptions=known.exemptions if known else (),
        web=known.web if known else None,
    )
    if known and requested != known:
        raise BadTarget(
            f"{options.directory} already holds an environment repo with another {_difference(requested, known)}",
            hint="init never changes an environment repo; leave that option out, or choose another folder",
        )
    return requested


def _remote(options: Options, state: DirectoryState) -> Remote:
    url = options.repo or (state.model.remote.url if state.model else state.origin)
    if not url:
        raise BadOption(
            "the repository has no URL for the controller to clone",
            hint="pass --repo URL, or: git remote add origin URL",
        )
    return Remote.parse(url)


def _choice(what: str, kind: type[_Choice], text: str | None, default: _Choice) -> _Choice:
    if text is None:
        return default
    try:
        return kind(text)
    except ValueError:
        raise BadOption(f"{text!r} is not a {what} that taxiway knows", hint=f"known: {', '.join(kind)}") from None


def _environments(options: Options, known: Model | None) -> tuple[Environment, ...]:
    before = {environment.name: environment for environment in known.environments} if known else {}
    names = options.environments or tuple(before) or DEFAULT_ENVIRONMENTS
    errors: list[TaxiwayError] = []
    no_pairs: Mapping[str, str] = {}
    clusters = attempt(errors, lambda: _pairs("--cluster", options.clusters, names), no_pairs)
    namespaces = attempt(errors, lambda: _pairs("--namespace", options.namespaces, names), no_pairs)
    ports = attempt(errors, lambda: _pairs("--node-port", options.node_ports, names), no_pairs)
    for name, port in ports.items():
        if not port.isascii() or not port.isdigit():
            errors.append(BadOption(f"--node-port {name}={port} is not a number"))
    raise_all(errors)
    environments = tuple(
        Environment(
            name=name,
            namespace=namespaces.get(name) or (before[name].namespace if name in before else f"airflow-{name}"),
            cluster=clusters.get(name) or (before[name].cluster if name in before else DEFAULT_CLUSTER),
            node_port=int(ports[name]) if name in ports else (before[name].node_port if name in before else None),
            certificate=before[name].certificate if name in before else None,
            hold=before[name].hold if name in before else None,
        )
        for name in names
    )
    model.check_environments(environments)
    return environments


def _difference(requested: Model, known: Model) -> str:
    names = {"exemptions": "validate", "remote": "repository"}
    return ", ".join(
        names.get(field.name, field.name)
        for field in fields(Model)
        if getattr(requested, field.name) != getattr(known, field.name)
    )


def _pairs(option: str, values: Iterable[str], environments: Iterable[str]) -> Mapping[str, str]:
    """Parse the values of an `ENVIRONMENT=VALUE` option. Raises BadOption, all mistakes at once."""
    known = tuple(environments)
    result: dict[str, str] = {}
    errors: list[TaxiwayError] = []
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or not value:
            errors.append(BadOption(f"{option} {text!r} is not of the form ENVIRONMENT=VALUE"))
        elif name not in known:
            errors.append(
                BadOption(f"{option} names environment {name!r}, which is not one", hint=f"known: {', '.join(known)}")
            )
        elif name in result:
            errors.append(BadOption(f"{option} is given twice for environment {name!r}"))
        else:
            result[name] = value
    raise_all(errors)
    return result
