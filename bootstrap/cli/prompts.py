"""Prompts of `init` for the options that were not given."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import typer

from bootstrap.cli import console
from bootstrap.config.model import Controller
from bootstrap.config.remote import Remote
from bootstrap.core.errors import TaxiwayError
from bootstrap.core.escaping import log_line
from bootstrap.scaffold.options import DEFAULT_CLUSTER, DEFAULT_ENVIRONMENTS, DirectoryState, Options

_KEY, _NONE, _ANY = "new", "none", "any"


def take_defaults(options: Options, _: DirectoryState) -> Options:
    """Ask nothing."""
    return options


def ask(options: Options, state: DirectoryState) -> Options:
    """Ask for every option that was not given, then for confirmation. Raises typer.Abort on a no."""
    console.message("An environment repo for Airflow. Enter takes what stands in brackets.")
    repo = options.repo or _url(state.origin)
    controller = options.controller or _choose("Controller", [controller.value for controller in Controller])
    names = options.environments or tuple(
        _prompt("Environments, in promotion order", " ".join(DEFAULT_ENVIRONMENTS)).replace(",", " ").split()
    )
    clusters = _for_each(names, options.clusters, "Cluster of {}", lambda _: DEFAULT_CLUSTER)
    namespaces = _for_each(names, options.namespaces, "Namespace of {}", lambda name: f"airflow-{name}")
    ports = _for_each(names, options.node_ports, "Node port of {}'s UI (30000-32767)", lambda _: _ANY)
    certificates, key = options.sealing_certs, options.new_sealing_key
    if not certificates and key is None:
        answer = _prompt("File of the cluster's sealing certificate, or 'new' for a key of its own", _KEY)
        if answer == _KEY:
            key = Path(_prompt("File for the private sealing key, outside of any repository", _key_file(repo)))
        else:
            certificates = (answer,)
    secrets_from = options.secrets_from or _prompt("File with secrets of your own; all others are made", _NONE)
    completed = replace(
        options,
        repo=repo,
        controller=controller,
        environments=names,
        clusters=clusters,
        namespaces=namespaces,
        node_ports=tuple(port for port in ports if not port.endswith(f"={_ANY}")),
        sealing_certs=certificates,
        new_sealing_key=key,
        secrets_from=None if secrets_from == _NONE else secrets_from,
    )
    typer.confirm(log_line(f"Write it to {options.directory.resolve()}?"), default=True, abort=True, err=True)
    return completed


def _prompt(question: str, default: str | None) -> str:
    text = log_line(question if default is None else f"{question} [{default}]")
    return str(typer.prompt(text, default=default, show_default=False, err=True)).strip()


def _choose(question: str, known: list[str]) -> str:
    while (answer := _prompt(f"{question} ({' or '.join(known)})", known[0])) not in known:
        console.message(f"  one of: {', '.join(known)}")
    return answer


def _url(default: str | None) -> str:
    while True:
        answer = _prompt("URL of the repository that the controller will clone", default)
        try:
            return Remote.parse(answer).url
        except TaxiwayError as err:
            console.message(f"  {err.message}; {err.hint}")


def _for_each(
    names: tuple[str, ...], given: tuple[str, ...], question: str, default: Callable[[str], str]
) -> tuple[str, ...]:
    answered = {text.partition("=")[0] for text in given}
    answers = [f"{name}={_prompt(question.format(name), default(name))}" for name in names if name not in answered]
    return (*given, *answers)


def _key_file(repo: str) -> str:
    return f"~/{Remote.parse(repo).name}-sealing-key.pem"
