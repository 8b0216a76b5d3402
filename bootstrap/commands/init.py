"""`taxiway init`: create an environment repo, ready to sync."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from bootstrap import __version__
from bootstrap.commands import _init_summary
from bootstrap.config.model import PATH, Model
from bootstrap.core.certificates import CERTIFICATE
from bootstrap.core.result import Progress, Result
from bootstrap.gitrepo import enclosing, reading, repository
from bootstrap.kustomize.build import Kustomize
from bootstrap.scaffold import destination, sources, wheel
from bootstrap.scaffold import plan as scaffold
from bootstrap.scaffold.destination import Destination
from bootstrap.scaffold.options import DirectoryState, Options, resolve
from bootstrap.secrets import private_keys, scan, sealing_keys
from bootstrap.system import files

Ask = Callable[[Options, DirectoryState], Options]


def run(options: Options, *, ask: Ask, progress: Progress) -> Result:
    """Write, build, check and commit an environment repo. Changes nothing where there is one already."""
    repository.check_version()
    download = wheel.Download.parse(options.install) if options.install is not None else None
    target = destination.at(options.directory)
    if not options.dry_run:
        target.recover()
    state = _state(target)
    now = datetime.now(UTC)
    if state.model:
        return _unchanged(options, resolve(options, state), target, now)
    kustomize = Kustomize.find()
    options = ask(options, state)
    model = resolve(options, state)
    names = [environment.name for environment in model.environments]
    given = sealing_keys.read_given_secrets(options.secrets_from, names)
    certificates = sealing_keys.certificate_files(options.sealing_certs, options.new_sealing_key, names)
    with progress("making keys"):
        keys = sealing_keys.load(certificates, options.new_sealing_key, names, enclosing.search(target.top), now)
    model = replace(model, environments=tuple(map(keys.pinned, model.environments)))
    sealed = {environment.name: keys.seal(environment, given, now) for environment in model.environments}
    tool = wheel.plan(__version__, sources.package(), sources.lock(), download)
    tree = scaffold.plan(sources.load(), model, sealed, tool)
    target.require_free(tree)
    overlays = [environment.overlay for environment in model.environments]
    with files.temporary_folder(tree) if options.dry_run else target.stage(tree) as staged:
        with progress("building the overlays"):
            scan.refuse_plaintext(tree, dict(zip(overlays, kustomize.build_all(staged, overlays, tree), strict=True)))
        if options.dry_run:
            return _init_summary.created(model, target.top, tree, status="planned", commit=None, key_file=keys.key_file)
        with progress("committing"), private_keys.write(keys.key_file, keys.new_key):
            commit = target.publish(staged, _message(model) if options.commit else None, model.remote.url)
    return _init_summary.created(model, target.top, tree, status="created", commit=commit, key_file=keys.key_file)


def _state(target: Destination) -> DirectoryState:
    text = reading.read(target.top, PATH)
    return DirectoryState(model=Model.parse(text) if text else None, origin=target.origin(), branch=target.branch())


def _message(model: Model) -> str:
    names = ", ".join(environment.name for environment in model.environments)
    return f"Bootstrap Airflow: {names}\n\nWritten by taxiway {__version__} for {model.controller.value}."


def _unchanged(options: Options, model: Model, target: Destination, now: datetime) -> Result:
    if options.sealing_certs:
        names = [environment.name for environment in model.environments]
        paths = {environment.name: f"{environment.overlay}/secrets/{CERTIFICATE}" for environment in model.environments}
        pinned = {name: text for name, path in paths.items() if (text := reading.read(target.top, path))}
        certificates = sealing_keys.certificate_files(options.sealing_certs, options.new_sealing_key, names)
        sealing_keys.require_same(certificates, pinned, now)
    notes = ("--secrets-from was not read: init never changes a sealed value",) if options.secrets_from else ()
    if options.install is not None:
        notes = (*notes, f"--install was not followed: init never changes {wheel.FOLDER}/ where it is there")
    return _init_summary.unchanged(model, target.top, notes)
