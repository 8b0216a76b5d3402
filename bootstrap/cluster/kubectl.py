"""kubectl with the user's kubeconfig, so that its authentication plugins work as they do for the user."""

import re
from dataclasses import dataclass

from bootstrap.core.errors import ClusterFailed, MissingTool
from bootstrap.system import process
from bootstrap.system.child_environment import Child

# Messages of kubectl where the API server did not answer.
_NO_ANSWER = re.compile(
    r"connection to the server|couldn't get current server API|unable to connect|no such host|i/o timeout|"
    r"unauthorized|must be logged in|context .* does not exist|no configuration has been provided|"
    r"invalid configuration|certificate signed by unknown|connection refused",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl in a context of the kubeconfig; None is the current context."""

    path: str
    context: str | None = None

    @classmethod
    def find(cls, context: str | None = None) -> "Kubectl":
        """kubectl on PATH. Raises MissingTool."""
        path = process.find_program("kubectl")
        if path is None:
            raise MissingTool(
                "kubectl is not on PATH, and --server needs it", hint="install kubectl, or leave --server"
            )
        return cls(path, context)

    def dry_run(self, rendered: bytes) -> tuple[str, str]:
        """Apply objects as a server-side dry run. Returns kubectl's stdout and stderr.

        Raises ClusterFailed where no API server answers.
        """
        context = [f"--context={self.context}"] if self.context else []
        # As a controller applies: server-side, taking over fields of other managers.
        options = ["--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "--filename=-"]
        finished = process.run([self.path, *context, "apply", *options], stdin=rendered, child=Child.KUBECTL)
        if finished.code and (match := _NO_ANSWER.search(finished.err)):
            line = next(line for line in finished.err.splitlines() if match[0] in line)
            where = f"context {self.context}" if self.context else "the current context"
            raise ClusterFailed(
                f"the API server of {where} does not answer: {line.removeprefix('error: ')}",
                hint="kubectl cluster-info shows whether it is there; --context chooses another",
            )
        return finished.out.decode(errors="replace"), finished.err
