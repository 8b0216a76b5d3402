"""`taxiway env add`: add an environment with its own sealed secrets."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bootstrap.commands._change import make_change
from bootstrap.commands._preview import preview_change
from bootstrap.commands._session import ChangeOptions, Session
from bootstrap.config import model
from bootstrap.config.model import Environment
from bootstrap.core.result import Progress, Result
from bootstrap.gitrepo import enclosing
from bootstrap.promotion.plan import Plan
from bootstrap.pullrequests.record import ChangeKind, ChangeRef
from bootstrap.scaffold import environments, sources
from bootstrap.secrets import private_keys, sealing_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The environment to add after `after` (None: the last one), which also gives the defaults.

    `trusted` is the fingerprint of the certificate to seal for, as the user got it from the cluster.
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
    options: ChangeOptions


def run(request: Request, *, progress: Progress) -> Result:
    """Add an environment with the release of its predecessor, and its own secrets."""
    session = Session.open(request.directory, progress)
    after = session.model.find(request.after or session.model.environments[-1].name)
    folders = (*environments.FILES, "base", after.overlay, f"overlays/{request.name}", "clusters")
    base = session.base(folders, request.options)
    new = Environment(
        name=request.name,
        namespace=request.namespace or f"airflow-{request.name}",
        cluster=request.cluster or after.cluster,
        node_port=request.node_port,
    )
    if new in (replace(environment, certificate=None) for environment in base.model.environments):
        return Result(status="unchanged", data={"environment": new.name}, lines=(f"{new.name}: unchanged",))
    model.check_environments((*base.model.environments, new))
    tree, now = base.tree(*folders), datetime.now(UTC)
    cert, key = request.sealing_cert, request.new_sealing_key
    if cert or key:
        keys = sealing_keys.load_trusted(new, cert, key, request.trusted, enclosing.search(session.top), now)
    else:
        keys = sealing_keys.inherit(new, base.model, after.name, tree, request.trusted, now)
    certificate = keys.certificates[new.name]
    sealed = keys.seal(new, sealing_keys.read_given_secrets(request.secrets_from, [new.name]), now)
    addition = environments.add(
        tree, base.model, keys.pinned(new), after=after.name, source=sources.load(), sealed=sealed
    )
    sealed_for = f"sealed for certificate {certificate.fingerprint} (valid until {certificate.not_after:%Y-%m-%d})"
    preview = preview_change(
        session,
        base,
        Plan(changes=addition.changes),
        ChangeRef(kind=ChangeKind.ADD, target=new.name),
        after=addition.known,
        command=f"taxiway render {new.name}",
        notes=(sealed_for, *addition.remarks(after.name)),
    )
    with private_keys.write(keys.key_file, None if request.options.dry_run else keys.new_key):
        result = make_change(session, base, preview, request.options)
    data = {"fingerprint": certificate.fingerprint, "validUntil": f"{certificate.not_after:%Y-%m-%dT%H:%M:%SZ}"}
    lines = result.lines if request.options.dry_run else (*result.lines, sealed_for)
    return replace(result, data={**result.data, "certificate": data}, lines=lines)
