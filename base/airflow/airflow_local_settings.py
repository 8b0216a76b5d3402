"""Airflow imports this module by its name, in every process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubernetes.client import V1Pod

__all__ = ["pod_mutation_hook"]

# What the Pod Security level `restricted` asks for. Many images name no user and would run as root, hence a user id.
POD = {
    "runAsNonRoot": True,
    "runAsUser": 50000,
    "runAsGroup": 0,
    "fsGroup": 0,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def pod_mutation_hook(pod: V1Pod) -> None:
    """Change the pod of a worker, or of a KubernetesPodOperator, before Airflow creates it."""
    pod.metadata.annotations = {**(pod.metadata.annotations or {}), "iam.amazonaws.com/role": "test"}
    restrict(pod)


def restrict(pod: V1Pod) -> None:
    """Fill in what the pod's security contexts leave open.

    A worker's leave nothing open, thanks to the template. The pods of a KubernetesPodOperator have no template.
    """
    # Here, because every Airflow process imports this module, and this takes a while.
    from kubernetes.client import ApiClient

    # A DAG may give a context as an object or as a dict; the API takes either.
    as_dict = ApiClient().sanitize_for_serialization
    pod.spec.security_context = {**POD, **(as_dict(pod.spec.security_context) or {})}
    for container in [*(pod.spec.init_containers or []), *pod.spec.containers]:
        container.security_context = {**CONTAINER, **(as_dict(container.security_context) or {})}
