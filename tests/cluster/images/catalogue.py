"""Every image that the test cluster can pull: all STAND-INS, rebuilt under the names that manifests ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.cluster.builds.modules import source
from tests.cluster.builds.parts import ARGOCD, FLUX, GITEA, SEALED_SECRETS
from tests.cluster.builds.programs import program
from tests.cluster.images import recipes
from tests.cluster.images.entries import Copy, Entry, File, Folder, Link
from tests.cluster.images.recipe import ROOTFS, Recipe

AIRFLOW = "3.3.2"
# Two later releases of Airflow, for tests that change the image. A tag that upstream has too, of the same bytes:
OTHER_TAG = f"{AIRFLOW}-python3.13"
# And one that no one has: it asks for a migration of its own, which takes a while.
NEWER_TAG = f"{AIRFLOW}-newer-schema"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TOOLBOX = "taxiway.test/toolbox:1"
LOCAL_PATH = "rancher/local-path-provisioner:v0.0.30"
_MIGRATIONS = "home/airflow/.local/lib/python3.13/site-packages/airflow/migrations/versions"
# The programs that sit in images.
PARTS = ("argocd", "flux", "flux-source", "gitea", "kustomize", "local-path-provisioner", "sealed-secrets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A name, the layer stack made in a Debian, the layer of finished files over it, and the OCI config."""

    name: str
    recipe: Recipe | None
    entries: Sequence[Entry] = ()
    config: Mapping[str, Any] = field(default_factory=dict)


def _config(*entrypoint: str, user: str = "", path: str = PATH, **more: Any) -> dict[str, Any]:
    env = [f"PATH={path}", *(f"{k}={v}" for k, v in more.pop("env", {}).items())]
    return {"Entrypoint": list(entrypoint), "User": user, "Env": env, **more}


def airflow() -> list[Image]:
    """The three images of an environment, Airflow's in three versions."""
    python = {"LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
    airflow = _config(
        "/usr/bin/dumb-init",
        "--",
        "/entrypoint",
        user="50000",
        path=f"/home/airflow/.local/bin:{PATH}",
        env={"AIRFLOW_HOME": "/opt/airflow", "HOME": "/home/airflow", "DUMB_INIT_SETSID": "1", **python},
        WorkingDir="/opt/airflow",
        ExposedPorts={"8080/tcp": {}},
    )
    newer = File(path=f"{_MIGRATIONS}/9999_newer_schema.py", source=ROOTFS / "newer_schema.py", mode=0o644)
    return [
        *(Image(name=f"apache/airflow:{t}", recipe=recipes.AIRFLOW, config=airflow) for t in (AIRFLOW, OTHER_TAG)),
        Image(name=f"apache/airflow:{NEWER_TAG}", recipe=recipes.AIRFLOW, entries=[newer], config=airflow),
        Image(
            name="postgres:17",
            recipe=recipes.POSTGRES,
            config=_config(
                "docker-entrypoint.sh",
                path=f"/usr/lib/postgresql/17/bin:{PATH}",
                env={"LANG": "C.UTF-8", "PGDATA": "/var/lib/postgresql/data"},
                Cmd=["postgres"],
                StopSignal="SIGINT",
                ExposedPorts={"5432/tcp": {}},
                Volumes={"/var/lib/postgresql/data": {}},
            ),
        ),
        Image(
            name="localstack/localstack:4.14.0",
            recipe=recipes.LOCALSTACK,
            config=_config(
                "docker-entrypoint.sh",
                path=f"/opt/code/localstack/.venv/bin:{PATH}",
                env={"LOCALSTACK_VOLUME_DIR": "/var/lib/localstack", **python},
                WorkingDir="/opt/code/localstack",
                ExposedPorts={"4566/tcp": {}},
            ),
        ),
    ]


def cluster() -> list[Image]:
    """What the cluster itself needs: the sandbox of every pod, the volume provisioner and its helper."""
    return [
        Image(name="taxiway.test/pause:1", recipe=recipes.DEBIAN, config=_config("sleep", "infinity")),
        Image(name=TOOLBOX, recipe=recipes.DEBIAN, config=_config(Cmd=["bash"])),
        Image(name=LOCAL_PATH, recipe=recipes.DEBIAN, entries=[_program("local-path-provisioner")], config=_config()),
    ]


def controllers() -> list[Image]:
    """What syncs and opens: Argo CD with its redis, Flux, sealed-secrets, and the Git host Gitea."""
    tini = ("/usr/bin/tini", "--")
    return [
        Image(
            name=f"bitnami/sealed-secrets-controller:{SEALED_SECRETS.removeprefix('v')}",
            recipe=recipes.DEBIAN,
            entries=[_program("sealed-secrets-controller", "controller")],
            config=_config("controller", user="1001"),
        ),
        Image(
            name=f"fluxcd/kustomize-controller:{FLUX}",
            recipe=recipes.CONTROLLER,
            entries=[_program("kustomize-controller")],
            config=_config(*tini, "kustomize-controller", user="65534:65534"),
        ),
        Image(
            name=f"fluxcd/source-controller:{FLUX}",
            recipe=recipes.CONTROLLER,
            entries=[_program("source-controller")],
            config=_config("source-controller", user="65534:65534"),
        ),
        Image(
            name=f"argoproj/argocd:{ARGOCD}",
            recipe=recipes.CONTROLLER,
            entries=_argocd(),
            config=_config(*tini, user="999", env={"USER": "argocd"}, WorkingDir="/home/argocd"),
        ),
        # Debian's redis under the name that Argo CD's own manifest asks for.
        Image(
            name="docker/library/redis:8.2.2-alpine",
            recipe=recipes.CONTROLLER,
            entries=[Folder(path="data", mode=0o777)],
            config=_config("/usr/bin/redis-server", WorkingDir="/data"),
        ),
        Image(
            name=f"gitea/gitea:{GITEA.removeprefix('v')}-rootless",
            recipe=recipes.CONTROLLER,
            entries=_gitea(),
            config=_config(*tini, "gitea", user="1000:1000", env={"HOME": "/tmp", "GITEA_WORK_DIR": "/var/lib/gitea"}),
        ),
    ]


def everything() -> list[Image]:
    """All images, in the order in which they are wanted."""
    return [*cluster(), *airflow(), *controllers()]


def _program(name: str, given: str = "") -> File:
    return File(path=f"usr/local/bin/{given or name}", source=program(name))


def _argocd() -> list[Entry]:
    """The layout of upstream's Dockerfile."""
    upstream = source("argocd")
    scripts = ("hack/gpg-wrapper.sh", "hack/git-verify-wrapper.sh", "entrypoint.sh")
    roles = "server repo-server cmp-server application-controller applicationset-controller dex notifications"
    return [
        _program("argocd"),
        _program("kustomize"),
        *(File(path=f"usr/local/bin/{s.rpartition('/')[2]}", source=upstream / s) for s in scripts),
        Link(path="usr/local/bin/uid_entrypoint.sh", target="entrypoint.sh"),
        *(
            Link(path=f"usr/local/bin/argocd-{role}", target="argocd")
            for role in f"{roles} k8s-auth commit-server".split()
        ),
        Folder(path="home/argocd", mode=0o775, uid=999),
        *(Folder(path=f"app/config/{folder}") for folder in ("ssh", "tls", "gpg/source")),
        Folder(path="app/config/gpg/keys", mode=0o700, uid=999),
        File(path="app/config/ssh/ssh_known_hosts", source=b"", mode=0o644),
        Link(path="etc/ssh/ssh_known_hosts", target="/app/config/ssh/ssh_known_hosts"),
    ]


def _gitea() -> list[Entry]:
    """The program, and the web files that upstream builds into it, where it looks for them: its work folder."""
    upstream = source("gitea")
    return [
        _program("gitea"),
        *(
            Copy(path=f"var/lib/gitea/{folder}", source=upstream / folder, identity=f"{upstream.name} {folder}")
            for folder in ("options", "public", "templates")
        ),
    ]
