"""Source files of pinned Go modules: the manifests, and the web files, that upstream ships beside its code."""

import json
from functools import cache as once
from pathlib import Path

from tests.cluster.process import run


@once
def module(path: str, version: str) -> Path:
    """The read-only folder of one module, downloaded on first use; Go's checksum database vouches for its bytes."""
    answer = run(["go", "mod", "download", "-json", f"{path}@{version}"], env={"GOFLAGS": "-mod=mod"}, cwd=Path("/"))
    return Path(json.loads(answer)["Dir"])
