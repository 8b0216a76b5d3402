"""Rules about `$(NAME)` in env, command and args, which Kubernetes expands or leaves as it is."""

import re
from collections.abc import Iterator
from typing import Any

from bootstrap.kubernetes.objects import dig, items
from bootstrap.validate import pods
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.pods import Container
from bootstrap.validate.references import suggest
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.violation import Violation

# As k8s.io/kubernetes/third_party/forked/golang/expansion reads it: `$$` is a dollar sign.
_USE = re.compile(r"\$(?:\$|\((?P<name>[-._A-Za-z][-._A-Za-z0-9]*)\))")
# In a command, `$(date)` is the shell's.
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]+")
_SERVICE = re.compile(r"[A-Z0-9_]+_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_[0-9]+_[A-Z]+.*)?)")


@rule(
    "references/undefined-variable",
    ERROR,
    fix="Correct the name; in a list of env, set the variable before the one that uses it.",
)
def undefined_variable(env: EnvironmentContext) -> Iterator[Violation]:
    """Every $(NAME) in env, command and args is a variable that is set before it.

    Kubernetes leaves $(NAME) in the text as it stands, and the program gets that for a value.
    """
    for pod in pods.of(env):
        for container in pod.containers:
            known = _sources(env, container)
            if known is not None:  # the variables of a missing optional source are unknown
                yield from _in_env(container, known)
                yield from _in_commands(container, known)


@rule(
    "references/unexpanded-variable",
    ERROR,
    fix="Write the value out, or set the variable in the container's env, after those that it uses.",
)
def unexpanded_variable(env: EnvironmentContext) -> Iterator[Violation]:
    """A ConfigMap's value uses no $(NAME).

    Kubernetes fills in $(NAME) in env, command and args alone; what envFrom brings stays as it is.
    """
    # The message leaves out the container: many read the same line.
    for pod in pods.of(env):
        for container in pod.containers:
            for variable, setting in container.settings.items():
                if setting.kind == "ConfigMap" and setting.value and "$(" in setting.value:
                    for name in _used(setting.value):
                        if _VARIABLE.fullmatch(name) and setting.place is not None:
                            message = f"{variable} holds $({name}), which nothing fills in: it comes from a ConfigMap"
                            yield Violation(setting.place, message)


def _in_env(container: Container, known: set[str]) -> Iterator[Violation]:
    later = {name for entry in items(container.data.get("env")) if isinstance(name := dig(entry, "name"), str)}
    defined = set(known)
    for number, entry in enumerate(items(container.data.get("env"))):
        for name in _used(dig(entry, "value")):
            if name not in defined and not _linked(container, name):
                message = f"{dig(entry, 'name')} of container {container.name} of {container.pod} uses $({name}), "
                message += "which is set only after it" if name in later else "which nothing sets"
                hint = "move it up" if name in later else suggest(name, defined)
                yield Violation(container.place("env", number, "value"), message, hint)
        if isinstance(name := dig(entry, "name"), str):
            defined.add(name)


def _in_commands(container: Container, known: set[str]) -> Iterator[Violation]:
    names = (dig(entry, "name") for entry in items(container.data.get("env")))
    defined = known | {name for name in names if isinstance(name, str)}
    for field in ("command", "args"):
        for number, text in enumerate(items(container.data.get(field))):
            for name in _used(text):
                if _VARIABLE.fullmatch(name) and name not in defined and not _linked(container, name):
                    subject = f"{field} of container {container.name} of {container.pod}"
                    place = container.place(field, number)
                    yield Violation(place, f"{subject} use $({name}), which nothing sets", suggest(name, defined))


def _sources(env: EnvironmentContext, container: Container) -> set[str] | None:
    """Names of the variables of `envFrom`; None if one of its sources is missing."""
    names: set[str] = set()
    for source in items(container.data.get("envFrom")):
        prefix = str(dig(source, "prefix") or "")
        for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            if isinstance(name := dig(source, field, "name"), str):
                entries = pods.data_of(env, kind, name)
                if entries is None:
                    return None
                names |= {prefix + key for key in entries}
    return names


def _linked(container: Container, name: str) -> bool:
    """Whether it is a service link: set for the API server always, for other Services by enableServiceLinks."""
    links = container.pod.spec.get("enableServiceLinks") is not False
    return bool(_SERVICE.fullmatch(name)) and (links or name.startswith("KUBERNETES_"))


def _used(text: Any) -> list[str]:
    if not isinstance(text, str) or "$(" not in text:
        return []
    return list(dict.fromkeys(match["name"] for match in _USE.finditer(text) if match["name"]))
