"""Preview of a planned change: build both sides, compare them, and validate the result."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bootstrap import __version__
from bootstrap.commands._session import Session
from bootstrap.config.model import PATH, Environment, Model
from bootstrap.core.errors import BuildFailed, TaxiwayError
from bootstrap.core.tree import Tree
from bootstrap.diff import environment_diff
from bootstrap.diff.consequences import repository
from bootstrap.diff.consequences.repository import State
from bootstrap.diff.formats import EnvironmentDiff
from bootstrap.gitrepo.planned import PlannedCommit
from bootstrap.kubernetes import objects
from bootstrap.kustomize.builder import Built
from bootstrap.promotion import release
from bootstrap.promotion.merge import Part
from bootstrap.promotion.plan import Plan
from bootstrap.pullrequests.base_commit import BaseCommit
from bootstrap.pullrequests.preview import Preview
from bootstrap.pullrequests.record import ChangeRecord, ChangeRef
from bootstrap.system import files
from bootstrap.validate import registry
from bootstrap.validate.context import CLUSTERS, ClusterFiles, EnvironmentContext
from bootstrap.validate.rules.kubernetes.postgres import postgres_major
from bootstrap.validate.rules.secrets.certificate import untrusted_certificate
from bootstrap.validate.violation import Finding

# New findings of these rules refuse a change even where the rule is switched off.
_MISSING_SECRET = frozenset({"references/missing-secret", "references/missing-secret-key"})


def preview_change(
    session: Session,
    base: BaseCommit,
    plan: Plan,
    ref: ChangeRef,
    *,
    command: str,
    after: Model | None = None,
    refusals: Sequence[TaxiwayError] = (),
    notes: tuple[str, ...] = (),
    parts: tuple[Part, ...] = tuple(Part),
    pin: str | None = None,
) -> Preview:
    """Build the target before and after a plan, and collect the difference and every problem.

    `after` is the planned taxiway.yaml (None: unchanged). With `refusals` nothing is built. A promotion must leave no
    error; any other change may leave those that were there. Raises BadTarget where the files can't be written.
    """
    after = after or base.model
    preview = Preview(
        model=base.model,
        plan=plan,
        record=ChangeRecord(
            ref=ref, commit=base.commit, digest=plan.changes.digest, version=__version__, parts=parts, pin=pin
        ),
        diff=EnvironmentDiff(environment=ref.target, changes=(), consequences=()),
        command=command,
        notes=notes,
    )
    if not plan.changes and not plan.conflicts:
        return preview
    if refusals:
        return replace(preview, problems=tuple(refusals))
    files.check_writable(base.top, plan.changes.writes, plan.changes.deletes)
    old, new = _environment(base.model, ref.target), _environment(after, ref.target)
    overlay = f"overlays/{ref.target}"
    with session.progress("building both sides"):
        built = _build(session, base, plan, ref, old=old is not None, new=new is not None)
    if failures := [*_failures(built, ref.source)]:
        return replace(preview, problems=tuple(failures))
    unrelated = [part for part in base.snapshot.parts() if part != CLUSTERS]
    before_tree = Tree.union((base.tree(*unrelated, overlay), _sync_files(base, new or old)))
    after_tree = plan.changes.apply(before_tree)
    in_repository = repository.consequences(_state(base.model, before_tree), _state(after, after_tree))
    diff = environment_diff.over_time(
        ref.target,
        objects.parse(built["before"].rendered),
        objects.parse(built["after"].rendered),
        (*in_repository.get(PATH, ()), *in_repository.get(ref.target, ())),
    )
    if new is None:
        return replace(preview, diff=diff)
    context = EnvironmentContext(model=after, environment=new, tree=after_tree, rendered=built["after"].rendered)
    before = None
    if old:
        before = replace(
            context, model=base.model, environment=old, tree=before_tree, rendered=built["before"].rendered
        )
    problems, exempted = _examine(context, before, is_promotion=ref.source is not None)
    dags = ""
    if any(move.part is Part.DAGS for move in plan.moved):
        dags = release.load(after_tree, new).settings(release.RELEASE_ENV).get("DAGS_REPOSITORY", "")
    return replace(preview, diff=diff, problems=problems, notes=(*notes, *exempted), dags_repository=dags)


def _environment(model: Model, name: str) -> Environment | None:
    return next((environment for environment in model.environments if environment.name == name), None)


def _build(
    session: Session, base: BaseCommit, plan: Plan, ref: ChangeRef, *, old: bool, new: bool
) -> Mapping[str, Built]:
    """Build the target `before` and `after`, and the `source`; a side that does not exist is empty."""
    overlay, planned = f"overlays/{ref.target}", PlannedCommit(before=base.snapshot, changes=plan.changes)
    sides = {
        "before": (base.snapshot, overlay) if old else None,
        "after": (planned, overlay) if new else None,
        "source": (base.snapshot, f"overlays/{ref.source}") if ref.source else None,
    }
    built = iter(session.builder.rendered_all([side for side in sides.values() if side]))
    return {name: next(built) if side else Built() for name, side in sides.items()}


def _failures(built: Mapping[str, Built], source: str | None) -> Iterator[TaxiwayError]:
    if failure := built["source"].failure:
        yield BuildFailed(f"the source {source} does not build: {failure}", hint="mend it first")
    if failure := built["after"].failure:
        hint = "taxiway diff shows what differs; nothing was written"
        yield BuildFailed(f"the result does not build: {failure}", hint=hint)


def _sync_files(base: BaseCommit, environment: Environment | None) -> Tree:
    """The files of `clusters/` that concern an environment, so that the rules need not read all of them."""
    tree = base.tree(CLUSTERS).files
    paths = ClusterFiles(tree).of(environment) if environment else ()
    return Tree({path: data for path, data in tree.items() if path in paths})


def _state(model: Model, tree: Tree) -> State:
    return State(model=model, read=lambda path: tree.files.get(path, b""))


def _examine(
    context: EnvironmentContext, before: EnvironmentContext | None, *, is_promotion: bool
) -> tuple[tuple[TaxiwayError, ...], tuple[str, ...]]:
    """Validate the result: its problems, and notes about new findings of rules that are switched off.

    Errors that exist `before` are no problems, except in a promotion and for an untrusted certificate. Exemptions are
    those of the base commit, so that a change can't exempt itself.
    """
    off = (before or context).model.exemptions
    registry.check_exemptions(off)
    findings = registry.examine(context)
    if before:
        findings.extend(registry.findings(replace(context, before=before.rendered), postgres_major))
    errors = {_identity(finding): finding for finding in registry.errors(findings)}
    known = {
        _identity(finding)
        for finding in (registry.errors(registry.examine(before)) if errors and before else ())
        if finding.rule is not untrusted_certificate.rule
    }
    problems, notes = [], []
    for identity, finding in errors.items():
        name, new = finding.rule.name, identity not in known
        exemption = registry.exemption_of(finding, off)
        if new and name in _MISSING_SECRET:
            problems.append(_missing_secret(finding, context.environment))
        elif exemption is None and (new or is_promotion):
            hint = finding.hint or finding.rule.fix
            problems.append(BuildFailed(f"{finding.place}: {finding.message} ({name})", hint=hint))
        elif exemption and new:
            notes.append(f"{finding.message} ({name} is switched off{exemption.where}: {exemption.reason})")
    return tuple(problems), tuple(notes)


def _identity(finding: Finding) -> tuple[str, str, str]:
    """Identity of a finding before and after a change, without its line, which may move."""
    return finding.rule.name, finding.place.path, finding.message


def _missing_secret(finding: Finding, environment: Environment) -> TaxiwayError:
    return BuildFailed(
        f"{finding.place}: the manifests read a secret key, which {environment.name} does not have: {finding.message} "
        f"({finding.rule.name})",
        hint=f"{finding.hint or finding.rule.fix}; merge that first",
    )
