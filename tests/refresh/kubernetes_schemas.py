"""Make bootstrap/data/kubernetes-schemas.json.gz anew: the APIs of some Kubernetes minors, and of a few controllers.

    python -m tests.refresh.kubernetes_schemas 1.31 1.32 1.33 1.34 1.35 1.36 1.37

Everything comes out of Go modules, through the proxy that `go env GOPROXY` names, checked against the checksum
database as `go` does it: the newest patch of each minor of k8s.io/kubernetes (its published OpenAPI description, and
the enumerations, which only its generated Go code has), and upstream's own custom resource definitions.
"""

import gzip
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Node = dict[str, Any]

OUT = Path(__file__).resolve().parents[2] / "bootstrap/data/kubernetes-schemas.json.gz"
# Groups whose kinds are kept whole; of every other kind of Kubernetes only its name and minors are kept.
GROUPS = frozenset(
    {"", "apps", "autoscaling", "batch", "policy"}
    | {f"{name}.k8s.io" for name in ("networking", "node", "rbac.authorization", "scheduling", "storage")}
)
# Kinds of these groups that nobody writes into an environment.
UNWRITTEN = frozenset(
    {"Binding", "ComponentStatus", "Event", "Eviction", "Node", "Scale", "Status", "CSINode", "CSIStorageCapacity"}
    | {"VolumeAttachment", "ControllerRevision", "CompositePodGroup", "PodGroup", "Workload"}
)
CUSTOM = (
    ("github.com/bitnami-labs/sealed-secrets@v0.40.0", "helm/sealed-secrets/crds/bitnami.com_sealedsecrets.yaml"),
    ("github.com/argoproj/argo-cd/v3@v3.2.11", "manifests/crds/application-crd.yaml"),
    ("github.com/argoproj/argo-cd/v3@v3.2.11", "manifests/crds/appproject-crd.yaml"),
    (
        "github.com/fluxcd/kustomize-controller@v1.9.5",
        "config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml",
    ),
    ("github.com/fluxcd/source-controller@v1.9.5", "config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml"),
)
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
# Definitions that are a value of a form of its own, and no object with fields.
VALUES = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "object",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "any",
}
LIMITS = ("enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")


def main(minors: list[str]) -> None:
    """Write the data for these minors, oldest first."""
    cut = _Cut(minors)
    sources: dict[str, str] = {}
    for minor in minors:
        version = newest("k8s.io/kubernetes", minor)
        sources[minor] = f"k8s.io/kubernetes {version}"
        folder = module(f"k8s.io/kubernetes@{version}")
        described = json.loads((folder / "api/openapi-spec/swagger.json").read_text())["definitions"]
        generated = (folder / "pkg/generated/openapi/zz_generated.openapi.go").read_text()
        cut.kubernetes(minor, described, dict(enumerations(generated)))
    for name, path in CUSTOM:
        definition = yaml.load((module(name) / path).read_bytes(), Loader=yaml.CSafeLoader)
        cut.custom(definition, name.replace("@", " "))
    text = json.dumps({"minors": minors, "sources": sources, **cut.result()}, separators=(",", ":"), sort_keys=True)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{OUT}: {OUT.stat().st_size} bytes of {len(text)}", *sources.values(), sep="\n  ")


def newest(name: str, minor: str) -> str:
    """The newest patch of a minor, no pre-release."""
    said = json.loads(_go("list", "-m", "-versions", "-json", name))
    patches = [int(each.rpartition(".")[2]) for each in said["Versions"] if re.fullmatch(rf"v{minor}\.\d+", each)]
    return f"v{minor}.{max(patches)}"


def module(name: str) -> Path:
    """The folder of a module in the module cache."""
    return Path(json.loads(_go("mod", "download", "-json", name))["Dir"])


def _go(*arguments: str) -> str:
    return subprocess.run(["go", *arguments], check=True, capture_output=True, text=True, cwd="/").stdout


def enumerations(generated: str) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """The values of each enumerated field, by (definition, field). gofmt's indentation tells a field of the schema."""
    definition = field = ""
    for line in generated.splitlines():
        if match := re.match(r"func schema_(?:k8sio_)?api_([a-z0-9]+)_(v\w+?)_([A-Z]\w+)\(", line):
            definition = ".".join(("io.k8s.api", *match.groups()))
        elif line.startswith("func "):
            definition = ""
        elif match := re.match(r'\t{5}"(\w+)": \{$', line):
            field = match[1]
        elif definition and (match := re.match(r"\t+Enum: +\[\](?:interface\{\}|any)\{(.*)\},", line)):
            yield (definition, field), json.loads(f"[{match[1]}]")


class _Cut:
    """Collects definitions minor by minor; equal fields of several minors are kept once, with those minors."""

    def __init__(self, minors: list[str]) -> None:
        self._minors = minors
        self._kinds: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self._fields: dict[str, dict[str, list[tuple[Node, list[str]]]]] = defaultdict(lambda: defaultdict(list))
        self._holds: dict[str, list[str]] = defaultdict(list)
        self._required: dict[str, set[str]] = {}
        self._open: set[str] = set()

    def kubernetes(self, minor: str, described: Mapping[str, Node], enums: Mapping[tuple[str, str], list[str]]) -> None:
        """Add the kinds of one minor, with all definitions that they lead to."""
        wanted: list[str] = [META]
        for name, definition in described.items():
            for kind in definition.get("x-kubernetes-group-version-kind", ()):
                if "metadata" in definition.get("properties", {}) and len(definition[_GVK]) == 1:
                    whole = kind["group"] in GROUPS and kind["kind"] not in UNWRITTEN
                    whole = whole and not kind["kind"].endswith("List")
                    api = "/".join(filter(None, (kind["group"], kind["version"])))
                    entry = self._kinds[api].setdefault(kind["kind"], {"in": []})
                    entry["in"].append(minor)
                    if whole:
                        entry["definition"] = name
                        wanted.append(name)
        seen: set[str] = set()
        while wanted:
            name = wanted.pop()
            if name in seen or name in VALUES:
                continue
            seen.add(name)
            definition = described[name]
            fields = {}
            for field, node in definition.get("properties", {}).items():
                own = {"type": "object"} if field == "status" and _GVK in definition else _built_in(node)
                if values := enums.get((name, field)):
                    _innermost(own)["enum"] = values
                fields[field] = own
                wanted.extend(_references(own))
            self._add(name, fields, definition.get("required", ()), [minor])

    def custom(self, definition: Node, source: str) -> None:
        """Add every served version of a custom resource definition."""
        spec = definition["spec"]
        for version in spec["versions"]:
            if version["served"]:
                api, kind = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
                schema = version["schema"]["openAPIV3Schema"]
                schema["properties"]["status"] = {"type": "object", _OPEN: True}
                node = self._hoisted(schema, f"{api}.{kind}")
                self._fields[node["ref"]]["metadata"] = [({"ref": META}, self._minors)]
                self._kinds[api][kind] = {"in": self._minors, "definition": node["ref"], "source": source}

    def _hoisted(self, node: Node, name: str) -> Node:
        """A custom schema's node; each object with fields becomes a definition, named after where it first stands."""
        if node.get("x-kubernetes-int-or-string"):
            return {"type": "int-or-string"}
        if "properties" in node:
            fields = {field: self._hoisted(each, f"{name}.{field}") for field, each in node["properties"].items()}
            required = [each for each in node.get("required", ()) if "default" not in node["properties"].get(each, {})]
            if node.get(_OPEN):
                self._open.add(name)
            self._add(name, fields, required, self._minors)
            return {"ref": name}
        if node.get("type") == "array":
            return {**_list(node), "items": self._hoisted(node["items"], f"{name}[]")}
        if isinstance(node.get("additionalProperties"), dict):
            return {"type": "map", "items": self._hoisted(node["additionalProperties"], f"{name}{{}}")}
        return _leaf(node)

    def _add(self, name: str, fields: Mapping[str, Node], required: Iterable[str], minors: list[str]) -> None:
        self._holds[name].extend(minors)
        # A field that some minor does not require was never truly required: the description was mended.
        self._required[name] = self._required.get(name, set(required)) & set(required)
        for field, node in fields.items():
            variants = self._fields[name][field]
            for other, held in variants:
                if other == node:
                    held.extend(minors)
                    break
            else:
                variants.append((node, [*minors]))

    def result(self) -> dict[str, Any]:
        """All definitions and kinds, as they are written."""
        definitions = {}
        for name, held in self._holds.items():
            fields = {}
            for field, variants in self._fields[name].items():
                told = [node if minors == held else {**node, "in": minors} for node, minors in variants]
                fields[field] = told[0] if len(told) == 1 else told
            entry: dict[str, Any] = {"fields": fields}
            if required := sorted(self._required[name]):
                entry["required"] = required
            if name in self._open:
                entry["open"] = True
            definitions[name] = entry
        kinds = {
            api: {kind: _without_all(entry, self._minors) for kind, entry in held.items()}
            for api, held in self._kinds.items()
        }
        return {"definitions": definitions, "kinds": kinds}


_GVK = "x-kubernetes-group-version-kind"
_OPEN = "x-kubernetes-preserve-unknown-fields"


def _built_in(node: Node) -> Node:
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return {"type": VALUES[name]} if name in VALUES else {"ref": name}
    if node.get("type") == "array":
        return {**_list(node), "items": _built_in(node["items"])}
    if isinstance(node.get("additionalProperties"), dict):
        return {"type": "map", "items": _built_in(node["additionalProperties"])}
    return _leaf(node)


def _list(node: Node) -> Node:
    found: Node = {"type": "array", **{key: node[key] for key in LIMITS if key in node}}
    match node.get("x-kubernetes-list-type"):
        case "map":
            found["keys"] = node["x-kubernetes-list-map-keys"]
        case "set":
            found["keys"] = []
    if "keys" not in found and "x-kubernetes-patch-merge-key" in node:
        found["merge"] = node["x-kubernetes-patch-merge-key"]
    return found


def _leaf(node: Node) -> Node:
    kind = {"byte": "byte", "date-time": "time"}.get(node.get("format", ""), node.get("type", "any"))
    found: Node = {"type": kind, **{key: node[key] for key in LIMITS if key in node}}
    if kind == "integer" and node.get("format") in ("int32", "int64"):
        found["bits"] = int(node["format"].removeprefix("int"))
    if "pattern" in found:
        re.compile(found["pattern"])
    return found


def _innermost(node: Node) -> Node:
    return _innermost(node["items"]) if "items" in node else node


def _references(node: Node) -> Iterator[str]:
    if "ref" in node:
        yield node["ref"]
    if "items" in node:
        yield from _references(node["items"])


def _without_all(entry: dict[str, Any], minors: list[str]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "in" or value != minors}


if __name__ == "__main__":
    main(sys.argv[1:])
