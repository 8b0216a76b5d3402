"""Sync objects in `clusters/`: Argo CD Applications and AppProjects, or Flux GitRepositories and Kustomizations."""

from typing import Any

import yaml

from bootstrap.config.model import Controller, Environment, Model
from bootstrap.core.tree import Tree

ARGOCD_NAMESPACE = "argocd"
FLUX_NAMESPACE = "flux-system"
Object = dict[str, Any]


def plan(model: Model) -> Tree:
    """One file for each environment, `clusters/<cluster>/<environment>.yaml`."""
    return Tree({environment.sync_file: _file(model, environment) for environment in model.environments})


def _file(model: Model, environment: Environment) -> bytes:
    match model.controller:
        case Controller.ARGOCD:
            objects = [_project(model, environment), _application(model, environment)]
        case Controller.FLUX:
            objects = [_git_repository(model, environment), _kustomization(environment)]
    comment = f"# Syncs {environment.overlay} to namespace {environment.namespace} of cluster {environment.cluster}.\n"
    return (comment + yaml.safe_dump_all(objects, sort_keys=False, width=1000)).encode()


def credentials_name(environment: Environment) -> str:
    """The Secret with which Flux reads a private repository."""
    return f"{environment.sync_name}-git"


def _project(model: Model, environment: Environment) -> Object:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": environment.sync_name, "namespace": ARGOCD_NAMESPACE},
        "spec": {
            "description": f"Airflow, environment {environment.name}",
            "sourceRepos": [model.remote.url],
            "destinations": [{"server": "https://kubernetes.default.svc", "namespace": environment.namespace}],
            # Airflow has no cluster-scoped object but its namespace.
            "clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}],
        },
    }


def _application(model: Model, environment: Environment) -> Object:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": environment.sync_name, "namespace": ARGOCD_NAMESPACE},
        "spec": {
            "project": environment.sync_name,
            "source": {"repoURL": model.remote.url, "targetRevision": model.branch, "path": environment.overlay},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": environment.namespace},
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                "syncOptions": ["ServerSideApply=true", "FailOnSharedResource=true"],
                "retry": {"limit": 10, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}},
            },
        },
    }


def _git_repository(model: Model, environment: Environment) -> Object:
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": environment.sync_name, "namespace": FLUX_NAMESPACE},
        "spec": {
            "interval": "1m",
            "url": model.remote.as_url,
            "ref": {"branch": model.branch},
            "secretRef": {"name": credentials_name(environment)},
        },
    }


def _kustomization(environment: Environment) -> Object:
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": environment.sync_name, "namespace": FLUX_NAMESPACE},
        "spec": {
            "interval": "10m",
            "retryInterval": "1m",
            "timeout": "10m",
            "sourceRef": {"kind": "GitRepository", "name": environment.sync_name},
            "path": f"./{environment.overlay}",
            "prune": True,
            "wait": True,
        },
    }
