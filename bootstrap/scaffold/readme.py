"""README of an environment repo: a runbook with the repo's own names and commands."""

from bootstrap.config.model import Controller, Environment, Model
from bootstrap.core.certificates import CERTIFICATE
from bootstrap.scaffold import ci, controllers, wheel

SEALED_SECRETS = "0.40.0"
_SIZE = """An environment asks for 0.6 cores and 2 GiB,
   and each running task for 0.1 core and 256 MiB more; what does not fit stays `Pending`."""


def render(model: Model) -> bytes:
    """The README as Markdown."""
    sections = (_intro(model), _first(model), _sign_in(model), _change(model), _fix(model))
    return ("\n\n".join(section.strip() for section in sections) + "\n").encode()


def _intro(model: Model) -> str:
    tool = "Argo CD" if model.controller is Controller.ARGOCD else "Flux"
    rows = "\n".join(
        f"| `{environment.name}` | `{environment.cluster}` | `{environment.namespace}` | `{environment.overlay}` | {_base_of(model, environment)} |"
        for environment in model.environments
    )
    return f"""
# {model.remote.name}

Apache Airflow on Kubernetes. {tool} keeps the clusters as branch `{model.branch}` of
{model.remote.url} says; every change is a commit here.

| environment | cluster | namespace | overlay | runs |
| --- | --- | --- | --- | --- |
{rows}

```
taxiway.yaml             the model of this repository
base/                    Airflow, PostgreSQL, localstack S3 and RBAC; the first environment follows it
overlays/<environment>/
  kustomization.yaml     what the environment is made of
  airflow.env            its own Airflow settings
  release/               images, DAG reference, shared settings: what moves from environment to environment
  base/                  the pinned copy of base/ (every environment but the first)
  secrets/               sealed secrets, and the certificate that they were sealed for
clusters/<cluster>/      what {tool} syncs, one file for each environment
.taxiway/                what the checks of a pull request are installed from: taxiway, and hashes for all that it needs
```
"""


def _base_of(model: Model, environment: Environment) -> str:
    return "`base/`, live" if environment == model.environments[0] else "its pinned `base/`"


def _first(model: Model) -> str:
    parts = ["## The first sync"]
    clusters = [*dict.fromkeys(environment.cluster for environment in model.environments)]
    for cluster in clusters:
        own = [environment for environment in model.environments if environment.cluster == cluster]
        title = f"### Cluster `{cluster}`" if len(clusters) > 1 else ""
        parts.append(f"{title}\n{_sealing(own[0])}\n{_sync(model, cluster, own)}".strip())
    return "\n\n".join(parts)


def _sealing(environment: Environment) -> str:
    return f"""
1. The sealed-secrets controller, if the cluster has none:

   ```
   kubectl apply -f https://github.com/bitnami/sealed-secrets/releases/download/v{SEALED_SECRETS}/controller.yaml
   ```

   It must hold the private key of `{environment.overlay}/secrets/{CERTIFICATE}`. Where that certificate was fetched from this
   cluster, it does. Where `taxiway init --new-sealing-key KEYFILE` made it, give the key to the cluster once:

   ```
   kubectl -n kube-system create secret tls taxiway-sealing-key --cert={environment.overlay}/secrets/{CERTIFICATE} --key=KEYFILE
   kubectl -n kube-system label secret taxiway-sealing-key sealedsecrets.bitnami.com/sealed-secrets-key=active
   kubectl -n kube-system rollout restart deployment sealed-secrets-controller
   ```

   Then keep KEYFILE where you keep your backups, or delete it: whoever has it can open every secret in this repository."""


def _sync(model: Model, cluster: str, environments: list[Environment]) -> str:
    if model.controller is Controller.ARGOCD:
        names = " ".join(environment.sync_name for environment in environments)
        return f"""
2. Argo CD in namespace `{controllers.ARGOCD_NAMESPACE}`, if the cluster has none
   (https://argo-cd.readthedocs.io/en/stable/getting_started/). If this repository is private, let Argo CD read it{_token(model)}:

   ```
   {_argocd_credentials(model)}
   ```

3. Start the sync, and watch it:

   ```
   kubectl apply -f clusters/{cluster}/
   kubectl -n {controllers.ARGOCD_NAMESPACE} get applications {names} --watch
   ```

   Each ends as `Synced` and `Healthy`, after a minute or two when the images are near. {_SIZE}"""
    credentials = "\n   ".join(_flux_credentials(model, environment) for environment in environments)
    names = " ".join(environment.sync_name for environment in environments)
    return f"""
2. Flux in namespace `{controllers.FLUX_NAMESPACE}`, if the cluster has none (https://fluxcd.io/flux/installation/), and the
   credentials with which it reads this repository{_token(model)}. For a public one, delete `secretRef` from the GitRepository instead.

   ```
   {credentials}
   ```

3. Start the sync, and watch it:

   ```
   kubectl apply -f clusters/{cluster}/
   kubectl -n {controllers.FLUX_NAMESPACE} get kustomizations.kustomize.toolkit.fluxcd.io {names} --watch
   ```

   Each ends as `Ready`, after a minute or two when the images are near. {_SIZE}"""


def _token(model: Model) -> str:
    return "" if model.remote.is_ssh else " (TOKENFILE holds the token alone, without a line end)"


def _argocd_credentials(model: Model) -> str:
    namespace = controllers.ARGOCD_NAMESPACE
    login = (
        "--from-file=sshPrivateKey=DEPLOY_KEY"
        if model.remote.is_ssh
        else "--from-literal=username=USER --from-file=password=TOKENFILE"
    )
    return f"""kubectl -n {namespace} create secret generic repo-{model.remote.name} \\
     --from-literal=type=git --from-literal=url={model.remote.url} \\
     {login}
   kubectl -n {namespace} label secret repo-{model.remote.name} argocd.argoproj.io/secret-type=repository"""


def _flux_credentials(model: Model, environment: Environment) -> str:
    name, namespace = controllers.credentials_name(environment), controllers.FLUX_NAMESPACE
    start = f"kubectl -n {namespace} create secret generic {name}"
    if model.remote.is_ssh:
        return f"{start} --from-file=identity=DEPLOY_KEY --from-file=known_hosts=KNOWN_HOSTS"
    return f"{start} --from-literal=username=USER --from-file=password=TOKENFILE"


def _sign_in(model: Model) -> str:
    blocks = "\n\n".join(
        f"""```
# {environment.name}
{_ui(environment)}
{_read(environment, "ADMIN_USERNAME")}
{_read(environment, "ADMIN_PASSWORD")}
```"""
        for environment in model.environments
    )
    return f"""
## Sign in

The first administrator's password was made when this repository was, and sealed in the same moment: it is in no file and no
log. The cluster opens it into the Secret `airflow-admin`, so whoever may read Secrets in the namespace can read it there:

{blocks}

Change it after the first sign-in (your name, *Reset password*). The Job that made the account never sets a password again, so
what the Secret holds is from then on only the first one.
"""


def _ui(environment: Environment) -> str:
    if environment.node_port is not None:
        return f"# http://ANY-NODE:{environment.node_port}"
    return f"kubectl -n {environment.namespace} get service airflow-web    # the UI: http://ANY-NODE:<the port behind 8080:>"


def _read(environment: Environment, key: str) -> str:
    secret = f"get secret airflow-admin -o jsonpath='{{.data.{key}}}'"
    return f"kubectl -n {environment.namespace} {secret} | base64 -d; echo"


def _change(model: Model) -> str:
    first = model.environments[0]
    overlay = f"{first.overlay}"
    workflow = ci.workflow_path(model.forge)
    return f"""
## Change something

Each change is a pull request. Its checks ({workflow}) run `taxiway validate` on the environments that
it changes, and tell on it what `taxiway diff` shows. Revert the commit, and the controller takes the change back.

| to change | edit |
| --- | --- |
| an Airflow setting of one environment | `overlays/<environment>/airflow.env` |
| an Airflow setting that moves on with the release | `overlays/<environment>/release/airflow.env` |
| the images, with tag and digest | `overlays/<environment>/release/kustomization.yaml`, and `RELEASE` in `release/release.env` |
| the DAGs' repository and revision | `overlays/<environment>/release/release.env`, with the component `dags-from-git` |
| what the environment is made of | `components:` in `overlays/<environment>/kustomization.yaml` |
| replicas, resources, hosts | a patch in `overlays/<environment>/patches/`, listed under `patches:` |

`RELEASE` names the Jobs that migrate the database and make the administrator. Kubernetes lets no Job's template change, so give
it a new value together with the images: the new Jobs run, the old ones are pruned.

A revert brings the old images back, but no older schema, and Airflow starts only on its own. Where the release migrated the
database (`kubectl logs` of the Job `airflow-migrate-…` tells), go forward to a fixed release instead, or take the schema back
first, with the newer image: `airflow db downgrade`. Nothing stops meanwhile: the running pods stay until new ones are ready.

The components, each a folder in `base/components/` that says what it does:

| component | for |
| --- | --- |
| `dags-from-git` | DAGs from a Git repository, private or public |
| `debug-logging` | debug messages of Airflow and of the tasks |
| `external-database` | a PostgreSQL outside of this namespace |
| `external-object-store` | task logs in a real S3 bucket |
| `ingress` | a host name for the UI |
| `json-logging` | logs as JSON on standard output, for a log collector |
| `tutorial-dags` | three example DAGs; take it out when you have your own |

Look before you push: `taxiway diff` tells what your change does to each environment, and what restarts; against the cluster
itself, `kubectl kustomize {overlay} | kubectl diff -f -`.

The checks run no package of an index in taxiway's name, and nothing of the pull request: they install taxiway from `{wheel.FOLDER}/`
as the base branch has it, and each package that it needs only where its hash is the one written there. Whoever may change that
folder or {workflow} decides what runs, so read such a pull request with care. To take another version, install it, and:

```
fresh=$(mktemp -d)
taxiway init "$fresh/repo" --repo {model.remote.url} --forge {model.forge.value} --new-sealing-key "$fresh/key.pem" --no-commit
rm -r {wheel.FOLDER} && cp -r "$fresh/repo/{wheel.FOLDER}" . && cp "$fresh/repo/{workflow}" {workflow} && rm -r "$fresh"
```
"""


def _fix(model: Model) -> str:
    first = model.environments[0]
    return f"""
## When it does not come up

| you see | it is |
| --- | --- |
| pods in `CreateContainerConfigError` | a Secret is not there yet: `kubectl -n {first.namespace} get sealedsecrets` tells which, and why |
| a SealedSecret says `no key could decrypt secret` | the controller lacks the private key of that environment's `secrets/{CERTIFICATE}` |
| `no matches for kind "SealedSecret"` | the sealed-secrets controller is not installed |
| pods wait in `Init:0/1` | the database is not migrated yet: `kubectl -n {first.namespace} logs -l app.kubernetes.io/component=migrate --tail=-1` |
| `field is immutable` on a Job | images changed and `RELEASE` did not: give it a new value |
| a pod is refused by PodSecurity | the namespace enforces `restricted`: give the pod the security context that the message names |

The namespaces survive the removal of an environment from this repository, since the database's volume lives there; delete them by
hand when you mean it.
"""
