"""How the harness starts another of its own modules."""

import os
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def module_command(name: str) -> list[str]:
    """The start of a command line that runs a module with this interpreter."""
    return [sys.executable, "-m", name]


def module_environment() -> dict[str, str]:
    """What lets that interpreter find this checkout from any folder."""
    path = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH", "")]))
    return {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
