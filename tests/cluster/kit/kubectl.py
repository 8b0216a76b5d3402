"""A typed kubectl: objects come back as JSON, and a wait that fails tells what the cluster looked like."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.cluster.kit.forward import forwarded
from tests.cluster.kit.waiting import wait_for
from tests.cluster.process import Arg, follow, run

Json = dict[str, Any]
# Between two looks, in seconds. Each look is a process, and what is waited for needs the cores more.
_PAUSE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    """kubectl, aimed at one cluster and, where `namespace` is set, at one namespace."""

    program: Arg = "kubectl"
    kubeconfig: Path | None = None
    namespace: str = ""
    env: Mapping[str, str] = field(default_factory=dict)

    def within(self, namespace: str) -> "Kubectl":
        """The same kubectl, aimed at a namespace."""
        return replace(self, namespace=namespace)

    def argv(self, *args: Arg) -> list[Arg]:
        """The whole command line for `args`."""
        config: list[Arg] = ["--kubeconfig", self.kubeconfig] if self.kubeconfig else []
        return [self.program, *config, *(["--namespace", self.namespace] if self.namespace else []), *args]

    def __call__(self, *args: Arg, stdin: str | None = None, timeout: float = 120) -> str:
        """Run kubectl and return what it printed."""
        return run(self.argv(*args), stdin=stdin, env=self.env, timeout=timeout)

    def json(self, *args: Arg) -> Json:
        """Run kubectl with `--output=json` and return what it printed."""
        document: Json = json.loads(self(*args, "--output=json"))
        return document

    def get(self, kind: str, name: str) -> Json:
        """One object."""
        return self.json("get", kind, name)

    def find(self, kind: str, name: str) -> Json | None:
        """One object, or None where there is none."""
        text = self("get", kind, name, "--output=json", "--ignore-not-found")
        return json.loads(text) if text.strip() else None

    def items(self, kind: str, *, labels: str = "", everywhere: bool = False) -> list[Json]:
        """All objects of a kind, of a label selector where one is given."""
        extra = [*(["--selector", labels] if labels else []), *(["--all-namespaces"] if everywhere else [])]
        listed: list[Json] = self.json("get", kind, *extra)["items"]
        return listed

    def apply(self, documents: str | Json | Sequence[Json], *, server_side: bool = False) -> str:
        """Apply YAML text, one object, or several."""
        return self("apply", *_side(server_side), "--filename=-", stdin=_text(documents))

    def apply_folder(self, folder: Path, *, server_side: bool = False) -> str:
        """Apply a Kustomize folder, as `kubectl apply -k`."""
        return self("apply", *_side(server_side), "--kustomize", folder)

    def secret(self, name: str) -> dict[str, str]:
        """The opened values of a Secret."""
        template = '{{range $k, $v := .data}}{{printf "%s\\x00%s\\x00" $k ($v | base64decode)}}{{end}}'
        words = self("get", "secret", name, "--output=go-template", f"--template={template}").split("\0")
        return dict(zip(words[::2], words[1::2], strict=False))

    def logs(self, pod: str, *args: str) -> str:
        """What a pod's containers wrote."""
        return self("logs", pod, "--all-containers", *args)

    def exec(self, pod: str, *command: str, stdin: str | None = None) -> str:
        """Run a command in a pod."""
        return self("exec", *(["--stdin"] if stdin is not None else []), pod, "--", *command, stdin=stdin)

    def create_namespace(self, name: str) -> None:
        """Make a namespace unless it is there."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def wait(self, what: str, kind: str, name: str, until: Callable[[Json], object], *, seconds: float = 120) -> Json:
        """Wait until `until` holds for an object, and return the object."""

        def look() -> Json | None:
            seen = self.get(kind, name)
            return seen if until(seen) else None

        return wait_for(what, look, seconds=seconds, every=_PAUSE, state=lambda: self.describe(kind, name))

    def wait_ready(self, *workloads: str, seconds: float = 180) -> None:
        """Wait until every named workload (`deployment/web`, `statefulset/db`, `job/migrate`) is through or ready.

        A Job that has failed for good ends the wait at once.
        """

        def unready() -> list[str]:
            there = self.json("get", "--ignore-not-found", *workloads)
            ready = {_word(each) for each in there.get("items", [there]) if _is_ready(each)}
            return [each for each in workloads if each not in ready]

        wait_for(
            f"{', '.join(workloads)} in {self.namespace or 'default'}",
            lambda: not unready(),
            seconds=seconds,
            every=_PAUSE,
            state=lambda: f"not ready: {', '.join(unready())}\n{self.overview()}",
        )

    def replace_pods(self, labels: str, *options: str, seconds: float = 120) -> None:
        """Delete the pods of a label selector, and wait until as many others are ready.

        A Deployment's own status won't do: for a moment it still tells of the pods that are gone.
        """
        before = {p["metadata"]["uid"] for p in self.items("pods", labels=labels)}
        self("delete", "pods", "--selector", labels, *options)

        def others() -> bool:
            new = [p for p in self.items("pods", labels=labels) if p["metadata"]["uid"] not in before]
            ready = [c["status"] for p in new for c in p["status"].get("conditions", []) if c["type"] == "Ready"]
            return ready == ["True"] * len(before)

        wait_for(f"new pods of {labels}", others, seconds=seconds, every=_PAUSE, state=self.overview)

    def describe(self, kind: str, name: str) -> str:
        """The status of an object, for a person."""
        found = self.find(kind, name)
        return f"{kind}/{name}: {json.dumps(found.get('status', {}), indent=1) if found else 'not there'}"

    def overview(self) -> str:
        """The namespace's pods and newest events, for a person."""
        pods = self("get", "pods,jobs", "--output=wide")
        events = self("get", "events", "--sort-by=.lastTimestamp").splitlines()
        return "\n".join([pods, *events[:1], *events[-15:]])

    @contextmanager
    def forward(self, target: str, port: int) -> Iterator[str]:
        """The address `127.0.0.1:port` of a forward to `target` (`service/web`), for as long as the context lasts.

        It goes on at the same address where the pod behind it gives way to another.
        """
        argv = self.argv("port-forward", target)
        with forwarded(lambda local: follow([*argv, f"{local}:{port}"], env=self.env)) as address:
            yield address


def _side(server_side: bool) -> list[str]:
    return ["--server-side", "--force-conflicts"] if server_side else []


def _text(documents: str | Json | Sequence[Json]) -> str:
    if isinstance(documents, str):
        return documents
    if isinstance(documents, dict):
        return json.dumps(documents)
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)})


def _word(workload: Json) -> str:
    return f"{workload['kind'].lower()}/{workload['metadata']['name']}"


def _is_ready(workload: Json) -> bool:
    status, spec = workload.get("status", {}), workload["spec"]
    if workload["kind"] == "Job":
        conditions = {c["type"] for c in status.get("conditions", []) if c["status"] == "True"}
        if "Failed" in conditions:
            raise AssertionError(f"the Job {workload['metadata']['name']} failed: {json.dumps(status)}")
        return "Complete" in conditions
    wanted = spec.get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= workload["metadata"]["generation"]
    return bool(seen and all(status.get(k, 0) == wanted for k in ("updatedReplicas", "readyReplicas", "replicas")))
