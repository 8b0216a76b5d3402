"""`taxiway init`: an environment repo, ready to sync."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from bootstrap import __version__, outcome, workspace
from bootstrap.commands import custody
from bootstrap.config import model
from bootstrap.config.model import Model
from bootstrap.core.certificates import CERTIFICATE
from bootstrap.core.errors import raise_all
from bootstrap.core.result import Progress, Result
from bootstrap.core.secret import Secret
from bootstrap.core.tree import Tree
from bootstrap.gitrepo import repository
from bootstrap.kustomize.build import Kustomize
from bootstrap.scaffold import destination, plan, sources, wheel
from bootstrap.scaffold import options as init_options
from bootstrap.scaffold.destination import Site
from bootstrap.scaffold.options import Options, Surroundings
from bootstrap.secrets import catalog, checks, private_keys
from bootstrap.secrets.sealed_secrets import Sealer

Ask = Callable[[Options, Surroundings], Options]


def run(options: Options, *, ask: Ask, progress: Progress) -> Result:
    """Write, build, check and commit the environment repo that the options ask for; a second run changes nothing."""
    repository.check_version()
    download = wheel.Download.parse(options.install) if options.install is not None else None
    place = destination.look(options.directory)
    if not options.dry_run:
        place.recover()
    around = _surroundings(place)
    now = datetime.now(UTC)
    if around.known:
        return _compare(options, init_options.resolve(options, around), place.top, now)
    kustomize = Kustomize.find()
    options = ask(options, around)
    wanted = init_options.resolve(options, around)
    given = _given_secrets(options, wanted)
    with progress("making keys"):
        held = custody.take(options, wanted.environments, place.top, now)
    wanted = held.pinned(wanted)
    sealed = {
        each.name: Sealer(certificate=held.certificates[each.name], namespace=each.namespace, now=now).folder(
            catalog.generate(given.get(each.name, {}))
        )
        for each in wanted.environments
    }
    tool = wheel.plan(__version__, sources.package(), sources.lock(), download)
    tree = plan.plan(sources.load(), wanted, sealed, tool)
    place.check(tree)
    with workspace.scratch(tree) if options.dry_run else place.stage(tree) as staged:
        with progress("building the overlays"):
            _build(kustomize, staged, wanted, tree)
        if options.dry_run:
            return outcome.done(wanted, place.top, tree, status="planned", commit=None, key_file=held.key_file)
        with progress("committing"), private_keys.written(held.key_file, held.new_key):
            message = _message(wanted) if options.commit else None
            commit = place.publish(staged, message, wanted.remote.url)
    return outcome.done(wanted, place.top, tree, status="created", commit=commit, key_file=held.key_file)


def _surroundings(place: Site) -> Surroundings:
    text = workspace.read_file(place.top, model.PATH)
    return Surroundings(known=Model.parse(text) if text else None, origin=place.origin(), branch=place.branch())


def _given_secrets(options: Options, wanted: Model) -> Mapping[str, Mapping[str, Secret]]:
    if options.secrets_from is None:
        return {}
    document = workspace.read_input(options.secrets_from)
    return catalog.parse(document, options.secrets_from, [each.name for each in wanted.environments])


def _build(kustomize: Kustomize, staged: Path, wanted: Model, tree: Tree) -> None:
    overlays = [each.overlay for each in wanted.environments]
    rendered = kustomize.build_all(staged, overlays, tree)
    errors = checks.private_keys(tree)
    for overlay, text in zip(overlays, rendered, strict=True):
        errors.extend(checks.rendered_secrets(overlay, text))
    raise_all(errors)


def _message(wanted: Model) -> str:
    names = ", ".join(each.name for each in wanted.environments)
    return f"Bootstrap Airflow: {names}\n\nWritten by taxiway {__version__} for {wanted.controller.value}."


def _compare(options: Options, known: Model, top: Path, now: datetime) -> Result:
    pinned = {
        each.name: text
        for each in known.environments
        if (text := workspace.read_file(top, f"{each.overlay}/secrets/{CERTIFICATE}"))
    }
    custody.compare(options, known.environments, pinned, now)
    notes = ("--secrets-from was not read: init never changes a sealed value",) if options.secrets_from else ()
    if options.install is not None:
        notes = (*notes, f"--install was not followed: init never changes {wheel.FOLDER}/ where it is there")
    return outcome.unchanged(known, top, notes)
