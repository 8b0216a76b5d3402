"""Rules about overlays and sync files that belong to no environment of taxiway.yaml."""

import posixpath
from collections.abc import Iterator

from bootstrap.validate.context import FleetContext
from bootstrap.validate.rule import WARNING, rule
from bootstrap.validate.rules.sync.objects import Synced
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import Place, documents


@rule("fleet/unknown-overlay", WARNING, fix="Add the environment to taxiway.yaml, or remove the folder.")
def unknown_overlay(fleet: FleetContext) -> Iterator[Violation]:
    """Every overlay is an environment of taxiway.yaml.

    No command looks at it: it is neither checked nor compared nor promoted to.
    """
    known = {environment.overlay for environment in fleet.model.environments}
    for path in sorted(fleet.overlays):
        if posixpath.dirname(path) not in known:
            name = posixpath.basename(posixpath.dirname(path))
            yield Violation(Place(path), f"taxiway.yaml has no environment {name}")


@rule("fleet/unknown-sync-file", WARNING, fix="Add the environment to taxiway.yaml, or remove the file.")
def unknown_sync_file(fleet: FleetContext) -> Iterator[Violation]:
    """What the controllers sync from overlays/ are environments of taxiway.yaml.

    The file is applied with the others of its cluster, and brings up, or keeps, what nothing checks.
    """
    environments, every = fleet.model.environments, set(fleet.clusters)
    known = {environment.overlay for environment in environments}
    # After a move to another cluster the new sync file is missing, which `sync/missing-file` reports.
    moved = {environment.overlay for environment in environments if environment.sync_file not in every}
    for path in sorted(every - {environment.sync_file for environment in environments}):
        for document in documents(fleet.read(path)) if path.endswith((".yaml", ".yml")) else ():
            synced = Synced(path, document)
            for field in (("spec", "path"), ("spec", "source", "path")):
                path_field = synced.get(*field)
                overlay = (
                    posixpath.normpath(path_field).lstrip("/") if isinstance(path_field, str) and path_field else ""
                )
                if overlay.startswith("overlays/") and overlay not in moved:
                    why = "which has its own file" if overlay in known else "which taxiway.yaml does not have"
                    yield Violation(synced.place(*field), f"{synced} syncs {overlay}, {why}")
