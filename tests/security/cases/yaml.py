"""YAML that is more than it seems, in the files of an overlay."""

from tests.security.cases.model import BOMB
from tests.security.hostile import Case, Place

KUSTOMIZATION = "overlays/dev/kustomization.yaml"
OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n"


def _resource(name: str, text: str | bytes, told: str = r"x\.yaml|ConfigMap/x") -> Case:
    def plant(place: Place) -> None:
        place.write("overlays/dev/x.yaml", text)
        place.edit(KUSTOMIZATION, "  - namespace.yaml\n", "  - namespace.yaml\n  - x.yaml\n")

    return Case(name=f"YAML: {name}", plant=plant, says={"validate": told})


def _kustomization(name: str, text: str, told: str = "kustomization.yaml") -> Case:
    return Case(name=f"YAML: {name}", plant=lambda p: p.write(KUSTOMIZATION, text), says={"validate": told})


CASES = (
    _resource("aliases that multiply", f"{OBJECT}data:\n  x: y\n---\n{BOMB}"),
    _resource("nested without end", f"{OBJECT}data: {'[' * 50_000}\n"),
    _resource("nested mappings", OBJECT + "data: " + "{a: " * 20_000 + "1" + "}" * 20_000 + "\n"),
    _resource("inside of itself", f"{OBJECT}data: &a\n  x: *a\n"),
    _resource("a merge of a merge", OBJECT + "data: &a\n  <<: *a\n  x: y\n"),
    _resource("a Python object", f"{OBJECT}data: !!python/object/apply:os.system ['touch owned']\n"),
    _resource("NUL bytes", OBJECT.encode() + b"data:\n  x: a\0b\n"),
    _resource("not UTF-8", OBJECT.encode() + b"data:\n  x: \xff\xfe\n"),
    _resource("too many digits", OBJECT + f"data:\n  x: {'9' * 100_000}\n", "."),
    _resource("a hundred thousand documents", "---\n".join([OBJECT] * 100_000)),
    _kustomization("a kustomization of aliases", BOMB + "resources: *a11\n"),
    _kustomization("a kustomization that is a list", "- namespace.yaml\n"),
    _kustomization("two kustomizations in one file", "resources: [namespace.yaml]\n---\nresources: [secrets]\n"),
)
