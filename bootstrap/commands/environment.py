"""`taxiway env`: add an environment, remove one, list them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bootstrap import workspace
from bootstrap.commands import custody
from bootstrap.config import model
from bootstrap.config.model import Environment, Model
from bootstrap.core import certificates
from bootstrap.core.certificates import CERTIFICATE
from bootstrap.core.errors import BadOption, BadTarget, TaxiwayError
from bootstrap.core.result import Progress, Result
from bootstrap.forges.pull_request import PullRequestOptions
from bootstrap.gitrepo import environment_repo
from bootstrap.gitrepo import repository as git_repository
from bootstrap.gitrepo.planned import Prospect
from bootstrap.kustomize import images
from bootstrap.kustomize.builder import Builder
from bootstrap.promotion import release
from bootstrap.promotion.plan import Plan
from bootstrap.pullrequests import base_commit as grounds
from bootstrap.pullrequests.base_commit import Ground
from bootstrap.pullrequests.record import Kind, Route
from bootstrap.scaffold import environments, sources
from bootstrap.scaffold.options import Options
from bootstrap.secrets import catalog, private_keys, sealing
from bootstrap.secrets.sealed_secrets import Sealer
from bootstrap.system.cache import Cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """The environment to add behind `after` (None: the last one). What is None follows from there.

    `trusted` is the fingerprint of the certificate to seal for, as the user knows it from the cluster itself.
    """

    directory: Path
    name: str
    after: str | None = None
    cluster: str | None = None
    namespace: str | None = None
    node_port: int | None = None
    sealing_cert: Path | None = None
    new_sealing_key: Path | None = None
    trusted: str | None = None
    secrets_from: str | None = None
    dry_run: bool = False
    wishes: PullRequestOptions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """The environment to remove; only shown unless `sure`."""

    directory: Path
    name: str
    sure: bool = False
    wishes: PullRequestOptions | None = None


def add(request: Added, *, progress: Progress) -> Result:
    """Add an environment with the release that its predecessor runs, and secrets of its own."""
    git_repository.check_version()
    top = workspace.top_of(request.directory)
    known = environment_repo.working(top).model
    after = known.find(request.after or known.environments[-1].name)
    folders = (*model_files(), "base", after.overlay, f"overlays/{request.name}", "clusters")
    ground = _ground(top, folders, request.wishes, dry_run=request.dry_run, progress=progress)
    new = Environment(
        name=request.name,
        namespace=request.namespace or f"airflow-{request.name}",
        cluster=request.cluster or after.cluster,
        node_port=request.node_port,
    )
    if new in (replace(each, certificate=None) for each in ground.known.environments):
        return Result(status="unchanged", data={"environment": new.name}, lines=(f"{new.name}: unchanged",))
    model.check((*ground.known.environments, new))
    tree = ground.tree(*folders)
    held = _custody(request, new, ground.known, after.name, tree, datetime.now(UTC))
    certificate = held.certificates[new.name]
    new = replace(new, certificate=certificate.fingerprint)
    given = (
        catalog.parse(workspace.read_input(request.secrets_from), request.secrets_from, [new.name])
        if (request.secrets_from)
        else {}
    )
    sealer = Sealer(certificate=certificate, namespace=new.namespace, now=datetime.now(UTC))
    addition = environments.add(
        tree,
        ground.known,
        new,
        after=after.name,
        source=sources.load(),
        sealed=sealer.folder(catalog.generate(given.get(new.name, {}))),
    )
    builder = Builder.find(Cache.find())
    builder.begin(Prospect(before=ground.snapshot, changes=addition.changes), new.overlay)
    # While kustomize works: the rest of the code.
    from bootstrap.commands import proposing

    sealed_for = f"sealed for certificate {certificate.fingerprint} (valid until {certificate.not_after:%Y-%m-%d})"
    left = (f"{name} is {after.name}'s own component: list it here too, if wanted" for name in addition.left_out)
    proposed = proposing.Proposed(
        route=Route(kind=Kind.ADD, target=new.name),
        planned=Plan(changes=addition.changes),
        after=addition.known,
        command=f"taxiway render {new.name}",
        notes=(sealed_for, *left),
    )
    with private_keys.written(held.key_file, None if request.dry_run else held.new_key):
        result = proposing.carry_out(
            ground, proposed, request.wishes, builder, dry_run=request.dry_run, progress=progress
        )
    told = {"fingerprint": certificate.fingerprint, "validUntil": f"{certificate.not_after:%Y-%m-%dT%H:%M:%SZ}"}
    lines = result.lines if request.dry_run else (*result.lines, sealed_for)
    return replace(result, data={**result.data, "certificate": told}, lines=lines)


def remove(request: Removed, *, progress: Progress) -> Result:
    """Remove an environment's files; Git's history keeps them, and the cluster what runs there."""
    git_repository.check_version()
    top = workspace.top_of(request.directory)
    environment = environment_repo.working(top).model.find(request.name)
    folders = (*model_files(), environment.overlay, "clusters")
    ground = _ground(top, folders, request.wishes, dry_run=not request.sure, progress=progress)
    removal = environments.remove(ground.tree(*folders), ground.known, environment.name)
    last = (
        f"what runs stays until: kubectl delete -f {environment.sync_file} (from an earlier commit), and then "
        f"kubectl delete namespace {environment.namespace}"
    )
    if request.sure:
        from bootstrap.commands import proposing

        proposed = proposing.Proposed(
            route=Route(kind=Kind.REMOVE, target=environment.name),
            planned=Plan(changes=removal.changes),
            after=removal.known,
            command=f"git log --stat -- {environment.overlay}",
        )
        builder = Builder.find(Cache.find())
        result = proposing.carry_out(ground, proposed, request.wishes, builder, dry_run=False, progress=progress)
        return Result(status=result.status, data=result.data, lines=result.lines, notes=(*result.notes, last))
    paths = removal.changes.paths
    lines = (
        f"removes {environment.name} (namespace {environment.namespace}, cluster {environment.cluster}):",
        *(f"  - {path}" for path in sorted(removal.changes.deletes)),
        *(f"  ~ {path}" for path in sorted(removal.changes.writes)),
        "nothing is removed yet: --yes does it",
    )
    data = {"environment": environment.name, "files": list(paths)}
    return Result(status="planned", data=data, lines=lines, notes=(last,))


def listed(directory: Path) -> Result:
    """Every environment, in promotion order."""
    checkout = environment_repo.working(workspace.top_of(directory))
    rows = [_row(checkout.top, each) for each in checkout.model.environments]
    head: dict[str, str | None]
    head = {"name": "ENVIRONMENT", "namespace": "NAMESPACE", "cluster": "CLUSTER", "airflow": "AIRFLOW", "hold": "HOLD"}
    widths = {key: max(len(row[key] or "-") for row in (head, *rows)) for key in head}
    lines = tuple("  ".join(f"{row[key] or '-':{widths[key]}}" for key in head).rstrip() for row in (head, *rows))
    return Result(status="listed", data={"environments": rows}, lines=lines)


def model_files() -> tuple[str, ...]:
    """The files of the repo that list its environments."""
    return (model.PATH, environments.README)


def _row(top: Path, each: Environment) -> dict[str, str | None]:
    try:
        text = workspace.read_file(top, f"{each.overlay}/{release.KUSTOMIZATION}") or b""
        image = images.read(text.decode()).get(images.AIRFLOW)
    except (ValueError, TaxiwayError):  # validate says what is wrong with it
        image = None
    version = (image.tag or image.digest) if image else None
    hold = str(each.hold) if each.hold else None
    return {"name": each.name, "namespace": each.namespace, "cluster": each.cluster, "airflow": version, "hold": hold}


def _ground(
    top: Path, parts: tuple[str, ...], wishes: PullRequestOptions | None, *, dry_run: bool, progress: Progress
) -> Ground:
    return grounds.shared(top, parts, progress=progress) if wishes and not dry_run else grounds.head(top)


def _custody(
    request: Added, new: Environment, known: Model, before: str, tree: Mapping[str, bytes], now: datetime
) -> custody.Custody:
    """Whom the secrets are sealed for: as the user says, else as the predecessor's are, on the same cluster."""
    trusted = None if request.trusted is None else certificates.fingerprint(request.trusted)
    if request.sealing_cert or request.new_sealing_key:
        options = Options(
            directory=request.directory,
            sealing_certs=(str(request.sealing_cert),) if request.sealing_cert else (),
            new_sealing_key=request.new_sealing_key,
        )
        held = custody.take(options, (new,), workspace.top_of(request.directory), now)
        given = held.certificates[new.name]
        custody.trust(given, given.fingerprint, trusted, str(request.sealing_cert or request.new_sealing_key))
        return held
    after = known.find(before)
    if new.cluster != after.cluster:
        raise BadOption(
            f"cluster {new.cluster} has a sealing key of its own, not that of {after.cluster}",
            hint="give its certificate: --sealing-cert FILE (kubeseal --fetch-cert > FILE)",
        )
    path = f"{after.overlay}/secrets/{CERTIFICATE}"
    if path not in tree:
        raise BadTarget(f"{path} is missing", hint="give the cluster's certificate: --sealing-cert FILE")
    certificate = sealing.read_certificate(tree[path], source=path, now=now)
    pinned = {each.certificate for each in known.environments if each.cluster == new.cluster and each.certificate}
    # An environment that was put beside the others may have brought a certificate that is nobody's of them.
    custody.trust(certificate, after.certificate, trusted, path, others=pinned - {after.certificate})
    return custody.Custody(certificates={new.name: certificate})
