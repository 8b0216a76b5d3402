"""taxiway.yaml: the model of an environment repo."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import yaml

from bootstrap import yamlread
from bootstrap.errors import BadOption, BadTarget, TaxiwayError, raise_all
from bootstrap.fingerprint import MODEL
from bootstrap.hold import Hold
from bootstrap.remote import Forge, Remote

PATH = MODEL
KUBERNETES = "1.31"  # the oldest version that the scaffold is known to run on
NODE_PORTS = range(30000, 32768)  # the API server's default --service-node-port-range
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LONGEST_ENVIRONMENT = 40  # room for "airflow-" and the suffixes of objects named after it, in 63 characters
_LABEL_RULE = "use lower-case letters, digits and '-', and begin and end with a letter or digit"


def load(text: bytes) -> Any:
    """What a YAML text says, as plain data. Raises yaml.YAMLError where it is none."""
    return yamlread.load(text)


class Controller(StrEnum):
    """What syncs the environment repo to a cluster."""

    ARGOCD = "argocd"
    FLUX = "flux"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One overlay. `node_port` is the UI's port on every node; None lets the cluster choose."""

    name: str
    namespace: str
    cluster: str
    node_port: int | None = None
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

    `kubernetes` is the oldest version of any cluster; `switched_off` are rules of `validate`, each with its reason.
    `web` is the forge's own first page, for a repository whose URL does not tell it: SSH, beside pages on a port.
    """

    scaffold: str
    remote: Remote
    branch: str
    forge: Forge
    controller: Controller
    environments: tuple[Environment, ...] = field(default_factory=tuple)
    kubernetes: str = KUBERNETES
    switched_off: Mapping[str, str] = field(default_factory=dict)
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
        if self.switched_off:
            data["validate"] = {"off": [{"rule": rule, "reason": why} for rule, why in self.switched_off.items()]}
        head = "# The model of this repository, written by taxiway. Environments stand in promotion order.\n"
        return (head + yaml.safe_dump(data, sort_keys=False, width=1000)).encode()

    @classmethod
    def parse(cls, text: bytes, load: Callable[[bytes], Any] = load) -> "Model":
        """Read taxiway.yaml. Raises BadTarget, naming what is wrong, where it is not a model."""
        try:
            data = load(text)
            environments = tuple(
                Environment(
                    name=str(entry["name"]),
                    namespace=str(entry["namespace"]),
                    cluster=str(entry["cluster"]),
                    node_port=entry.get("nodePort"),
                    hold=Hold.parse(str(entry["name"]), entry.get("hold")),
                )
                for entry in data["environments"]
            )
            return cls(
                scaffold=str(data["scaffold"]),
                remote=Remote.parse(str(data["repository"])),
                branch=str(data["branch"]),
                forge=Forge(data["forge"]),
                controller=Controller(data["controller"]),
                environments=environments,
                kubernetes=_oldest(str(data.get("kubernetes", f">={KUBERNETES}"))),
                switched_off=_switched_off(data.get("validate") or {}),
                web=str(data["web"]) if data.get("web") else None,
            )
        except yamlread.BeyondLimit as err:
            raise BadTarget(f"{PATH}: not read as YAML: {err.problem}", hint=f"git log -p {PATH} shows who") from None
        except yaml.YAMLError as err:
            mark = getattr(err, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark else ""
            raise BadTarget(
                f"{PATH}{where}: not valid YAML", hint="restore it with: git checkout -- taxiway.yaml"
            ) from None
        except BadOption as err:
            raise BadTarget(f"{PATH}: {err.message}", hint=err.hint) from None
        except KeyError as err:
            raise BadTarget(f"{PATH}: {err.args[0]!r} is missing") from None
        except (TypeError, ValueError, AttributeError) as err:
            raise BadTarget(f"{PATH}: {err}") from None


def _oldest(text: str) -> str:
    match = re.fullmatch(r">=\s*(1\.\d+)(\.\d+)?", text.strip())
    if not match:
        raise BadOption(
            f"kubernetes: {text!r} is not a range of versions", hint='write the oldest one: kubernetes: ">=1.31"'
        )
    return match[1]


def _switched_off(section: Mapping[Any, Any]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    # YAML 1.1 reads the bare word `off` as False.
    for entry in section.get("off", section.get(False)) or ():
        name, reason = str(entry["rule"]), str(entry.get("reason") or "").strip()
        if not reason:
            raise BadOption(f"the rule {name!r} is switched off without a reason", hint="say why, in its `reason`")
        found[name] = reason
    return found


def check(environments: Iterable[Environment]) -> None:
    """Raise BadOption, all mistakes at once, where Kubernetes or the repo's layout would refuse these environments."""
    errors: list[TaxiwayError] = []
    names: set[str] = set()
    namespaces: dict[tuple[str, str], str] = {}
    ports: dict[tuple[str, int], str] = {}
    for each in environments:
        errors.extend(_name_problems(each))
        if each.name in names:
            errors.append(
                BadOption(f"environment {each.name!r} is given twice", hint="name each one once, in promotion order")
            )
            continue
        names.add(each.name)
        if (other := namespaces.setdefault((each.cluster, each.namespace), each.name)) != each.name:
            errors.append(_shared(other, each, f"namespace {each.namespace!r}", "--namespace", "NAME"))
        if each.node_port is None:
            continue
        if each.node_port not in NODE_PORTS:
            errors.append(
                BadOption(
                    f"node port {each.node_port} of environment {each.name!r} is out of range",
                    hint=f"Kubernetes takes {NODE_PORTS.start} to {NODE_PORTS.stop - 1}",
                )
            )
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


def _name_problems(each: Environment) -> list[TaxiwayError]:
    errors: list[TaxiwayError] = []
    if not _LABEL.fullmatch(each.name) or len(each.name) > _LONGEST_ENVIRONMENT:
        errors.append(
            BadOption(
                f"{each.name!r} can't be the name of an environment",
                hint=f"{_LABEL_RULE}, in at most {_LONGEST_ENVIRONMENT} characters",
            )
        )
    elif not _LABEL.fullmatch(each.namespace) or len(each.namespace) > 63:
        errors.append(
            BadOption(
                f"{each.namespace!r} is not a namespace that Kubernetes takes (environment {each.name!r})",
                hint=f"{_LABEL_RULE}, in at most 63 characters",
            )
        )
    elif each.namespace.startswith("kube-") or each.namespace == "default":
        errors.append(
            BadOption(
                f"namespace {each.namespace!r} is not Airflow's to own (environment {each.name!r})",
                hint=f"the default is airflow-{each.name}",
            )
        )
    if not _LABEL.fullmatch(each.cluster) or len(each.cluster) > 63:
        errors.append(
            BadOption(f"{each.cluster!r} can't be the name of a cluster (environment {each.name!r})", hint=_LABEL_RULE)
        )
    return errors
