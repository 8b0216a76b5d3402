"""The user's kubectl, with the user's kubeconfig: its logins work as the user's do."""

import re
from dataclasses import dataclass

from bootstrap.core.errors import ClusterFailed, MissingTool
from bootstrap.system import process
from bootstrap.system.child_environment import Child

# What kubectl says where the cluster did not answer at all.
_NO_ANSWER = re.compile(
    r"connection to the server|couldn't get current server API|unable to connect|no such host|i/o timeout|"
    r"unauthorized|must be logged in|context .* does not exist|no configuration has been provided|"
    r"invalid configuration|certificate signed by unknown|connection refused",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl, in a context of the user's; None is the current one."""

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
        """What the API server would say to these objects: kubectl's stdout and stderr. Nothing is changed.

        Raises ClusterFailed where no API server answers.
        """
        context = [f"--context={self.context}"] if self.context else []
        # As a controller would: server-side, and with what others own left to them.
        how = ["--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "--filename=-"]
        done = process.run([self.path, *context, "apply", *how], stdin=rendered, child=Child.KUBECTL)
        if done.code and (match := _NO_ANSWER.search(done.err)):
            line = next(line for line in done.err.splitlines() if match[0] in line)
            where = f"context {self.context}" if self.context else "the current context"
            raise ClusterFailed(
                f"the API server of {where} does not answer: {line.removeprefix('error: ')}",
                hint="kubectl cluster-info shows whether it is there; --context chooses another",
            )
        return done.out.decode(errors="replace"), done.err
