"""`taxiway env add`: one more environment, with sealed secrets of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bootstrap.commands import custody
from bootstrap.commands._change import make
from bootstrap.commands._preview import preview
from bootstrap.commands._session import ChangeOptions, Session
from bootstrap.commands.custody import SealingKeys
from bootstrap.config import model
from bootstrap.config.model import Environment
from bootstrap.core import certificates
from bootstrap.core.result import Progress, Result
from bootstrap.promotion.plan import Plan
from bootstrap.pullrequests.base_commit import BaseCommit
from bootstrap.pullrequests.record import ChangeKind, ChangeRef
from bootstrap.scaffold import environments, sources
from bootstrap.scaffold import options as init_options
from bootstrap.secrets import private_keys


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
    model.check((*base.model.environments, new))
    tree, now = base.tree(*folders), datetime.now(UTC)
    keys = _keys(session, added, new, base, after.name, tree, now)
    certificate = keys.certificates[new.name]
    sealed = keys.seal(new, custody.given_secrets(added.secrets_from, [new.name]), now)
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


def _keys(
    session: Session,
    added: Request,
    new: Environment,
    base: BaseCommit,
    after: str,
    tree: Mapping[str, bytes],
    now: datetime,
) -> SealingKeys:
    """The certificate to seal for: as the user says, else that of the predecessor, on the same cluster."""
    trusted = None if added.trusted is None else certificates.fingerprint(added.trusted)
    if not (added.sealing_cert or added.new_sealing_key):
        return custody.inherit(new, base.model, after, tree, trusted, now)
    given = (str(added.sealing_cert),) if added.sealing_cert else ()
    files = init_options.certificates(given, added.new_sealing_key, [new.name])
    keys = custody.take(files, added.new_sealing_key, [new.name], session.top, now)
    certificate = keys.certificates[new.name]
    custody.trust(certificate, certificate.fingerprint, trusted, str(added.sealing_cert or added.new_sealing_key))
    return keys
