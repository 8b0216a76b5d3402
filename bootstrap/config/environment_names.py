"""Names of environments, namespaces and clusters: checks, since paths and object names are made of them."""

import re
from collections.abc import Iterator

from bootstrap.core.errors import BadOption

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_MAX_ENVIRONMENT = 40  # characters: leaves room for "airflow-" and the suffixes of object names, in 63 characters
_LABEL_RULE = "use lower-case letters, digits and '-', and begin and end with a letter or digit"


def problems(name: str, namespace: str, cluster: str) -> Iterator[tuple[str, BadOption]]:
    """The errors in the names of an environment, each with its field in taxiway.yaml."""
    if not _LABEL.fullmatch(name) or len(name) > _MAX_ENVIRONMENT:
        hint = f"{_LABEL_RULE}, in at most {_MAX_ENVIRONMENT} characters"
        yield "name", BadOption(f"{name!r} can't be the name of an environment", hint=hint)
    elif not _LABEL.fullmatch(namespace) or len(namespace) > 63:
        what = f"{namespace!r} is not a namespace that Kubernetes takes (environment {name!r})"
        yield "namespace", BadOption(what, hint=f"{_LABEL_RULE}, in at most 63 characters")
    elif namespace.startswith("kube-") or namespace == "default":
        what = f"namespace {namespace!r} is not Airflow's to own (environment {name!r})"
        yield "namespace", BadOption(what, hint=f"the default is airflow-{name}")
    if not _LABEL.fullmatch(cluster) or len(cluster) > 63:
        what = f"{cluster!r} can't be the name of a cluster (environment {name!r})"
        yield "cluster", BadOption(what, hint=_LABEL_RULE)
