"""Rule about sealed values that nothing reads."""

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bootstrap.kubernetes.objects import dig, items, mapping
from bootstrap.secrets.catalog import CATALOG
from bootstrap.secrets.credentials import displayed_name
from bootstrap.validate import pods
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import WARNING, rule
from bootstrap.validate.rules.secrets.items import STRICT, Sealed, sealed_secrets
from bootstrap.validate.violation import Violation

_READER = "taxiway/read-by"
# The catalog's keys include parts of the database URL, which people need to sign in.
_KNOWN = frozenset((key.secret, key.name) for key in CATALOG)
# Airflow reads these from the environment without a setting.
_FOUND = ("AIRFLOW_CONN_", "AIRFLOW_VAR_")


@dataclass(slots=True)
class _Reading:
    """Secrets that an environment reads: as a whole, by key, and texts that may name either."""

    whole: set[str] = field(default_factory=set)
    keys: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    texts: list[str] = field(default_factory=list)


@rule(
    "secrets/unused",
    WARNING,
    fix="Remove it. Where something outside of this repository reads it, a DAG for one, say so in an annotation of the"
    f" SealedSecret: {_READER}: WHO",
)
def unused(env: EnvironmentContext) -> Iterator[Violation]:
    """Each sealed value is read by something in the environment.

    A value that nothing reads is one more to keep, to rotate and to lose; often its name is misspelt.
    """
    candidates = [(sealed, unread) for sealed in sealed_secrets(env) if (unread := _unread_by_airflow(sealed))]
    reading = _read(env) if candidates else _Reading()
    for sealed, unread in candidates:
        if sealed.name in reading.whole or _is_mentioned(sealed.name, reading.texts):
            continue
        read = reading.keys.get(sealed.name, set())
        if not read:
            if len(unread) == len(sealed.items):
                message = f"nothing in environment {env.environment.name} reads the Secret of {sealed}"
                yield Violation(env.trace.object(sealed.object), message)
            continue
        if read - sealed.items.keys():
            continue  # a missing key is reported where it is read: this one is probably it, misspelt
        for key in unread:
            if key not in read and not key.startswith(_FOUND) and not _is_mentioned(key, reading.texts):
                place = env.trace.field(sealed.object, ("spec", "encryptedData", key))
                message = f"nothing in environment {env.environment.name} reads {displayed_name(key)} of {sealed}"
                near = difflib.get_close_matches(key, sorted(read), 1)
                yield Violation(place, message, f"{near[0]} is read; remove {displayed_name(key)}" if near else "")


def _unread_by_airflow(sealed: Sealed) -> list[str]:
    """Keys outside of the catalog; none if the Secret has other readers, or its name is reported by another rule."""
    records = (record for record in sealed.records.values() if record)
    misplaced = any(record.scope == STRICT and record.name != sealed.name for record in records)
    selected = mapping(dig(sealed.template, "metadata", "labels"))  # labels, by which readers other than pods select it
    if _READER in sealed.annotations or misplaced or selected:
        return []
    return [key for key in sealed.items if (sealed.name, key) not in _KNOWN]


def _is_mentioned(name: str, texts: Iterable[str]) -> bool:
    word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])")
    return any(name in text and word.search(text) for text in texts)


def _read(env: EnvironmentContext) -> _Reading:
    reading = _Reading()
    templates = set()
    for pod in pods.of(env):
        if pod.key is not None:
            templates.add((pod.owner["metadata"]["name"], pod.key))
            _walk(dict(pod.spec), "", False, reading)
    for obj in env.objects:
        if obj["kind"] in ("SealedSecret", "Secret"):
            continue
        if obj["kind"] == "ConfigMap":
            entries = mapping(obj.get("data")).items()
            name = obj["metadata"]["name"]
            reading.texts.extend(str(text) for key, text in entries if (name, str(key)) not in templates)
            continue
        _walk({key: value for key, value in obj.items() if key != "metadata"}, "", False, reading)
    return reading


def _walk(value: Any, key: str, secret: bool, reading: _Reading) -> None:
    """Collect references of an object; `secret` is whether an enclosing field is about Secrets."""
    stack = [(value, key, secret)]
    while stack:
        value, key, secret = stack.pop()
        if isinstance(value, dict):
            name = value.get("name", value.get("secretName"))
            if key == "secretKeyRef" and isinstance(name, str):
                reading.keys[name].add(str(value.get("key")))
            elif key == "secret" and isinstance(name, str) and items(value.get("items")):
                reading.keys[name].update(str(dig(item, "key")) for item in items(value.get("items")))
            else:
                for field, inner in value.items():
                    about = "secret" in str(field).lower() or field == "resourceNames"
                    stack.append((inner, str(field), secret or about))
        elif isinstance(value, list):
            stack.extend((inner, key, secret) for inner in value)
        elif isinstance(value, str):
            if secret:
                reading.whole.add(value)
            elif "\n" in value or key in ("args", "command", "value"):
                reading.texts.append(value)
