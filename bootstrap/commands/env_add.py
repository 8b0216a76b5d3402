"""`taxiway env add`: one more environment, with sealed secrets of its own."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bootstrap.commands._change import make
from bootstrap.commands._preview import preview
from bootstrap.commands._session import ChangeOptions, Session
from bootstrap.config import model
from bootstrap.config.model import Environment
from bootstrap.core.result import Progress, Result
from bootstrap.promotion.plan import Plan
from bootstrap.pullrequests.record import ChangeKind, ChangeRef
from bootstrap.scaffold import environments, sources
from bootstrap.secrets import private_keys, sealing_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
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
    options: ChangeOptions


def run(added: Request, *, progress: Progress) -> Result:
    """Add an environment with the release that its predecessor runs, and secrets of its own."""
    session = Session.open(added.directory, progress)
    after = session.model.find(added.after or session.model.environments[-1].name)
    folders = (*environments.FILES, "base", after.overlay, f"overlays/{added.name}", "clusters")
    base = session.base(folders, added.options)
    new = Environment(
        name=added.name,
        namespace=added.namespace or f"airflow-{added.name}",
        cluster=added.cluster or after.cluster,
        node_port=added.node_port,
    )
    if new in (replace(environment, certificate=None) for environment in base.model.environments):
        return Result(status="unchanged", data={"environment": new.name}, lines=(f"{new.name}: unchanged",))
    model.check_environments((*base.model.environments, new))
    tree, now = base.tree(*folders), datetime.now(UTC)
    cert, key = added.sealing_cert, added.new_sealing_key
    if cert or key:
        keys = sealing_keys.take_trusted(new, cert, key, added.trusted, session.top, now)
    else:
        keys = sealing_keys.inherit(new, base.model, after.name, tree, added.trusted, now)
    certificate = keys.certificates[new.name]
    sealed = keys.seal(new, sealing_keys.given_secrets(added.secrets_from, [new.name]), now)
    addition = environments.add(
        tree, base.model, keys.pinned(new), after=after.name, source=sources.load(), sealed=sealed
    )
    told = f"sealed for certificate {certificate.fingerprint} (valid until {certificate.not_after:%Y-%m-%d})"
    previewed = preview(
        session,
        base,
        Plan(changes=addition.changes),
        ChangeRef(kind=ChangeKind.ADD, target=new.name),
        after=addition.known,
        command=f"taxiway render {new.name}",
        notes=(told, *addition.remarks(after.name)),
    )
    with private_keys.written(keys.key_file, None if added.options.dry_run else keys.new_key):
        result = make(session, base, previewed, added.options)
    data = {"fingerprint": certificate.fingerprint, "validUntil": f"{certificate.not_after:%Y-%m-%dT%H:%M:%SZ}"}
    lines = result.lines if added.options.dry_run else (*result.lines, told)
    return replace(result, data={**result.data, "certificate": data}, lines=lines)
