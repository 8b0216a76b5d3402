"""taxiway.yaml: the model of an environment repo."""

import re
from collections.abc import Iterable
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
from bootstrap.config.remote import Forge, Remote, branch, web
from bootstrap.core.certificates import is_fingerprint, parse_fingerprint
from bootstrap.core.errors import BadOption, BadTarget, TaxiwayError, raise_all
from bootstrap.yamltools import loader

PATH = MODEL
KUBERNETES = "1.31"  # the oldest version that the scaffold is known to run on
NODE_PORTS = range(30000, 32768)  # the API server's default --service-node-port-range
_USUAL = ({"name", "namespace", "cluster"}, {"name", "namespace", "cluster", "certificate"})


def load(text: bytes) -> Any:
    """What a YAML text says, as plain data. Raises yaml.YAMLError where it is none."""
    return loader.load(text)


class Controller(StrEnum):
    """What syncs the environment repo to a cluster."""

    ARGOCD = "argocd"
    FLUX = "flux"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One overlay. `node_port` is the UI's port on every node; None lets the cluster choose.

    `certificate` is the fingerprint of the only certificate that its secrets may be sealed for; None in an older repo.
    """

    name: str
    namespace: str
    cluster: str
    node_port: int | None = None
    certificate: str | None = None
    hold: Hold | None = None

    @property
    def overlay(self) -> str:
        """The folder that the controller builds."""
        return f"overlays/{self.name}"

    @property
    def sync_file(self) -> str:
        """The file that makes the controller sync this environment."""
        return f"clusters/{self.cluster}/{self.name}.yaml"

    @property
    def sync_name(self) -> str:
        """The name of the controller's own objects for this environment."""
        return f"airflow-{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What taxiway.yaml says; the environments stand in promotion order.

    `kubernetes` is the oldest version of any cluster; `exemptions` are rules of `validate` that are switched off.
    `web` is the forge's own first page, for a repository whose URL does not tell it: SSH, beside pages on a port.
    """

    scaffold: str
    remote: Remote
    branch: str
    forge: Forge
    controller: Controller
    environments: tuple[Environment, ...] = field(default_factory=tuple)
    kubernetes: str = KUBERNETES
    exemptions: tuple[Exemption, ...] = ()
    web: str | None = None

    def find(self, name: str) -> Environment:
        """The environment of this name. Raises BadOption, naming all, where there is none."""
        found = {each.name: each for each in self.environments}
        if name not in found:
            raise BadOption(f"environment {name!r} is not in {PATH}", hint=f"known: {', '.join(found)}")
        return found[name]

    def render(self) -> bytes:
        """The text of taxiway.yaml; `parse` reads it back to an equal model."""
        environments: list[dict[str, Any]] = []
        for each in self.environments:
            entry: dict[str, Any] = {"name": each.name, "namespace": each.namespace, "cluster": each.cluster}
            if each.node_port is not None:
                entry["nodePort"] = each.node_port
            if each.certificate is not None:
                entry["certificate"] = each.certificate
            if each.hold is not None:
                entry["hold"] = dict(each.hold.fields)
            environments.append(entry)
        data: dict[str, Any] = {
            "scaffold": self.scaffold,
            "repository": self.remote.url,
            "branch": self.branch,
            "forge": self.forge.value,
            **({"web": self.web} if self.web else {}),
            "controller": self.controller.value,
            "secrets": "sealed-secrets",
            "kubernetes": f">={self.kubernetes}",
            "environments": environments,
        }
        if self.exemptions:
            data["validate"] = {"off": [each.fields for each in self.exemptions]}
        head = "# The model of this repository, written by taxiway. Environments stand in promotion order.\n"
        return (head + yaml.safe_dump(data, sort_keys=False, width=1000)).encode()

    @classmethod
    @lru_cache(maxsize=4)
    def parse(cls, text: bytes) -> "Model":
        """Read taxiway.yaml. Raises BadTarget, naming what is wrong and its line, where it is not a model.

        Whoever can open a pull request can write it, and URLs, paths and Git's arguments are made of what it says: so
        each value is checked here, and nothing that is no such value comes further.
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
        except ValueError as err:  # a date that is none, or an integer of too many digits
            raise BadTarget(f"{PATH}: {err}") from None
        top = Fields.of(PATH, text, data)
        return cls(
            environments=_environments(top),
            scaffold=top.words("scaffold", _version),
            remote=top.words("repository", Remote.parse),
            branch=top.words("branch", branch),
            forge=top.words("forge", partial(choice, Forge)),
            controller=top.words("controller", partial(choice, Controller)),
            kubernetes=top.words("kubernetes", _oldest, f">={KUBERNETES}"),
            exemptions=exemptions.parse(top),
            web=top.words("web", web) if top.data.get("web") else None,
        )


def _environments(top: Fields) -> tuple[Environment, ...]:
    """The environments: those in the usual form at once, for there may be a thousand, the others field by field."""
    entries = top.list("environments")
    return tuple(_usual(data) or _environment(top.entry("environments", n)) for n, data in enumerate(entries))


def _usual(data: Any) -> Environment | None:
    if isinstance(data, dict) and data.keys() in _USUAL and all(isinstance(value, str) for value in data.values()):
        found = Environment(**data)
        pinned = found.certificate is None or is_fingerprint(found.certificate)
        return (
            found
            if pinned and not any(environment_names.problems(found.name, found.namespace, found.cluster))
            else None
        )
    return None


def _environment(entry: Fields) -> Environment:
    found = Environment(
        name=entry.words("name", str),
        namespace=entry.words("namespace", str),
        cluster=entry.words("cluster", str),
        node_port=entry.value("nodePort", _node_port, None),
        certificate=entry.words("certificate", parse_fingerprint)
        if entry.data.get("certificate") is not None
        else None,
        hold=entry.value("hold", lambda data: Hold.parse(str(entry.data["name"]), data), None),
    )
    for key, err in environment_names.problems(found.name, found.namespace, found.cluster):
        raise entry.wrong(key, err)
    return found


def _node_port(value: Any) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise BadOption("'nodePort' is no number", hint="write it without quotes: nodePort: 30080")
    return value


def _oldest(text: str) -> str:
    if match := re.fullmatch(r">=\s*(1\.[0-9]+)(\.[0-9]+)?", text.strip()):
        return match[1]
    hint = 'write the oldest one: kubernetes: ">=1.31"'
    raise BadOption(f"kubernetes: {text!r} is not a range of versions", hint=hint)


def _version(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z.+-]+", text):
        raise BadOption(f"scaffold: {text!r} is not a version", hint="git log -- taxiway.yaml shows what it was")
    return text


def check(environments: Iterable[Environment]) -> None:
    """Raise BadOption, all mistakes at once, where Kubernetes or the repo's layout would refuse these environments."""
    errors: list[TaxiwayError] = []
    names: set[str] = set()
    namespaces: dict[tuple[str, str], str] = {}
    ports: dict[tuple[str, int], str] = {}
    for each in environments:
        errors.extend(err for _, err in environment_names.problems(each.name, each.namespace, each.cluster))
        if each.name in names:
            hint = "name each one once, in promotion order"
            errors.append(BadOption(f"environment {each.name!r} is given twice", hint=hint))
            continue
        names.add(each.name)
        if (other := namespaces.setdefault((each.cluster, each.namespace), each.name)) != each.name:
            errors.append(_shared(other, each, f"namespace {each.namespace!r}", "--namespace", "NAME"))
        if each.node_port is None:
            continue
        if each.node_port not in NODE_PORTS:
            what = f"node port {each.node_port} of environment {each.name!r} is out of range"
            hint = f"Kubernetes takes {NODE_PORTS.start} to {NODE_PORTS.stop - 1}"
            errors.append(BadOption(what, hint=hint))
        elif (other := ports.setdefault((each.cluster, each.node_port), each.name)) != each.name:
            errors.append(_shared(other, each, f"node port {each.node_port}", "--node-port", "PORT"))
    if not names:
        errors.append(BadOption("no environment is given", hint="name at least one: --environment dev"))
    raise_all(errors)


def _shared(other: str, each: Environment, what: str, option: str, value: str) -> TaxiwayError:
    return BadOption(
        f"environments {other!r} and {each.name!r} share {what} on cluster {each.cluster!r}",
        hint=f"give one of them its own: {option} {each.name}={value}",
    )
