"""Model of an environment repo: what its taxiway.yaml says."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any

import yaml

from bootstrap.config import environment_names, exemptions
from bootstrap.config.exemptions import Exemption
from bootstrap.config.fields import Fields, choice
from bootstrap.config.hold import Hold
from bootstrap.config.parts import MODEL
from bootstrap.config.remote import Forge, Remote, check_branch, parse_web_url
from bootstrap.core.certificates import is_fingerprint, parse_fingerprint
from bootstrap.core.errors import BadOption, BadTarget, TaxiwayError, raise_all
from bootstrap.yamltools import loader

PATH = MODEL
OLDEST_KUBERNETES = "1.31"  # the oldest version that the scaffold is tested on
NODE_PORTS = range(30000, 32768)  # the API server's default --service-node-port-range
_PLAIN_KEYS = ({"name", "namespace", "cluster"}, {"name", "namespace", "cluster", "certificate"})


def load(text: bytes) -> Any:
    """Load a YAML text as plain data, within limits. Raises yaml.YAMLError."""
    return loader.load(text)


class Controller(StrEnum):
    """The controller that syncs the environment repo to a cluster."""

    ARGOCD = "argocd"
    FLUX = "flux"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An environment: one overlay. `node_port` is the UI's port on every node; None lets the cluster choose.

    `certificate` is the fingerprint of the only certificate that its secrets may be sealed for; None in repos that an
    older taxiway made.
    """

    name: str
    namespace: str
    cluster: str
    node_port: int | None = None
    certificate: str | None = None
    hold: Hold | None = None

    @property
    def overlay(self) -> str:
        """The path of the overlay, which the controller builds."""
        return f"overlays/{self.name}"

    @property
    def sync_file(self) -> str:
        """The path of the controller's objects that sync this environment."""
        return f"clusters/{self.cluster}/{self.name}.yaml"

    @property
    def sync_name(self) -> str:
        """The name of those objects."""
        return f"airflow-{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The model, with the environments in promotion order.

    `kubernetes` is the oldest version of any cluster; `exemptions` are the rules of `validate` that are switched off.
    `web` is the URL of the forge's start page where the repository's URL does not imply it: SSH beside HTTPS on a port.
    """

    scaffold: str
    remote: Remote
    branch: str
    forge: Forge
    controller: Controller
    environments: tuple[Environment, ...] = field(default_factory=tuple)
    kubernetes: str = OLDEST_KUBERNETES
    exemptions: tuple[Exemption, ...] = ()
    web: str | None = None

    def find(self, name: str) -> Environment:
        """The environment of this name. Raises BadOption, naming all, where there is none."""
        by_name = {environment.name: environment for environment in self.environments}
        if name not in by_name:
            raise BadOption(f"environment {name!r} is not in {PATH}", hint=f"known: {', '.join(by_name)}")
        return by_name[name]

    def render(self) -> bytes:
        """The text of taxiway.yaml, which `parse` reads back to an equal model."""
        data: dict[str, Any] = {
            "scaffold": self.scaffold,
            "repository": self.remote.url,
            "branch": self.branch,
            "forge": self.forge.value,
            **({"web": self.web} if self.web else {}),
            "controller": self.controller.value,
            "secrets": "sealed-secrets",
            "kubernetes": f">={self.kubernetes}",
            "environments": [_entry(environment) for environment in self.environments],
        }
        if self.exemptions:
            data["validate"] = {"off": [exemption.fields for exemption in self.exemptions]}
        head = "# The model of this repository, written by taxiway. Environments stand in promotion order.\n"
        return (head + yaml.safe_dump(data, sort_keys=False, width=1000)).encode()

    @classmethod
    @lru_cache(maxsize=4)
    def parse(cls, text: bytes) -> "Model":
        """Parse taxiway.yaml. Raises BadTarget, with the line, where it is not a model.

        The text is untrusted, and URLs, paths and arguments of Git are made of it: every value is checked here.
        """
        try:
            data = load(text)
        except loader.BeyondLimit as err:
            raise BadTarget(f"{PATH}: not read as YAML: {err.problem}", hint=f"git log -p {PATH} shows who") from None
        except yaml.YAMLError as err:
            mark = getattr(err, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark else ""
            raise BadTarget(
                f"{PATH}{where}: not valid YAML", hint="restore it with: git checkout -- taxiway.yaml"
            ) from None
        except ValueError as err:  # an impossible date, or an integer with too many digits
            raise BadTarget(f"{PATH}: {err}") from None
        top = Fields.of(PATH, text, data)
        return cls(
            environments=_environments(top),
            scaffold=top.string("scaffold", _scaffold_version),
            remote=top.string("repository", Remote.parse),
            branch=top.string("branch", check_branch),
            forge=top.string("forge", partial(choice, Forge)),
            controller=top.string("controller", partial(choice, Controller)),
            kubernetes=top.string("kubernetes", _oldest_version, f">={OLDEST_KUBERNETES}"),
            exemptions=exemptions.parse(top),
            web=top.string("web", parse_web_url) if top.data.get("web") else None,
        )


def _entry(environment: Environment) -> dict[str, Any]:
    optional = {
        "nodePort": environment.node_port,
        "certificate": environment.certificate,
        "hold": environment.hold and dict(environment.hold.fields),
    }
    present = {key: value for key, value in optional.items() if value is not None}
    return {"name": environment.name, "namespace": environment.namespace, "cluster": environment.cluster, **present}


def _environments(top: Fields) -> tuple[Environment, ...]:
    """The environments: plain ones by a fast path, for there may be a thousand, the others field by field."""
    entries = top.list("environments")
    return tuple(
        _plain_environment(data) or _environment(top.entry("environments", number))
        for number, data in enumerate(entries)
    )


def _plain_environment(data: Any) -> Environment | None:
    """An environment of valid strings alone; None for anything else."""
    if not isinstance(data, dict) or data.keys() not in _PLAIN_KEYS:
        return None
    if not all(isinstance(value, str) for value in data.values()):
        return None
    environment = Environment(**data)
    if environment.certificate is not None and not is_fingerprint(environment.certificate):
        return None
    return None if any(_name_problems(environment)) else environment


def _name_problems(environment: Environment) -> Iterator[tuple[str, BadOption]]:
    return environment_names.problems(environment.name, environment.namespace, environment.cluster)


def _environment(entry: Fields) -> Environment:
    environment = Environment(
        name=entry.string("name", str),
        namespace=entry.string("namespace", str),
        cluster=entry.string("cluster", str),
        node_port=entry.value("nodePort", _node_port, None),
        certificate=entry.string("certificate", parse_fingerprint)
        if entry.data.get("certificate") is not None
        else None,
        hold=entry.value("hold", lambda data: Hold.parse(str(entry.data["name"]), data), None),
    )
    for key, err in _name_problems(environment):
        raise entry.wrong(key, err)
    return environment


def _node_port(value: Any) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise BadOption("'nodePort' is no number", hint="write it without quotes: nodePort: 30080")
    return value


def _oldest_version(text: str) -> str:
    if match := re.fullmatch(r">=\s*(1\.[0-9]+)(\.[0-9]+)?", text.strip()):
        return match[1]
    hint = 'write the oldest one: kubernetes: ">=1.31"'
    raise BadOption(f"kubernetes: {text!r} is not a range of versions", hint=hint)


def _scaffold_version(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z.+-]+", text):
        raise BadOption(f"scaffold: {text!r} is not a version", hint="git log -- taxiway.yaml shows what it was")
    return text


def check_environments(environments: Iterable[Environment]) -> None:
    """Raise BadOption, or MultipleErrors, for names, namespaces and node ports that are invalid or used twice."""
    errors: list[TaxiwayError] = []
    names: set[str] = set()
    namespaces: dict[tuple[str, str], str] = {}
    ports: dict[tuple[str, int], str] = {}
    for environment in environments:
        name, cluster, port = environment.name, environment.cluster, environment.node_port
        errors.extend(err for _, err in _name_problems(environment))
        if name in names:
            hint = "name each one once, in promotion order"
            errors.append(BadOption(f"environment {name!r} is given twice", hint=hint))
            continue
        names.add(name)
        if (other := namespaces.setdefault((cluster, environment.namespace), name)) != name:
            errors.append(_shared(other, environment, f"namespace {environment.namespace!r}", "--namespace", "NAME"))
        if port is None:
            continue
        if port not in NODE_PORTS:
            what = f"node port {port} of environment {name!r} is out of range"
            hint = f"Kubernetes takes {NODE_PORTS.start} to {NODE_PORTS.stop - 1}"
            errors.append(BadOption(what, hint=hint))
        elif (other := ports.setdefault((cluster, port), name)) != name:
            errors.append(_shared(other, environment, f"node port {port}", "--node-port", "PORT"))
    if not names:
        errors.append(BadOption("no environment is given", hint="name at least one: --environment dev"))
    raise_all(errors)


def _shared(other: str, environment: Environment, what: str, option: str, value: str) -> TaxiwayError:
    return BadOption(
        f"environments {other!r} and {environment.name!r} share {what} on cluster {environment.cluster!r}",
        hint=f"give one of them its own: {option} {environment.name}={value}",
    )
