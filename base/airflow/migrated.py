"""Whether the database has the schema of this image: `python migrated.py [SECONDS TO WAIT FOR IT]`.

A tenth of what `airflow db check-migrations` takes, which is a whole start of Airflow, so that a pod may look again and
again while a Job migrates. Exit code 0 says yes. Any other says only that Airflow itself must be asked, which alone
knows for sure what it needs.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import time
from pathlib import Path

import sqlalchemy
from sqlalchemy.exc import OperationalError, ProgrammingError

__all__: list[str] = []

REVISION = re.compile(r"^(down_)?revision\b[^=\n]*=(.*)$", re.MULTILINE)
QUOTED = re.compile(r"""["']([^"']+)["']""")


def main(patience: float) -> bool:
    """Look once a second, for so many seconds since the database last gave no answer."""
    wanted = schemas()
    engine = sqlalchemy.create_engine(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    end = time.monotonic() + patience
    while wanted:
        try:
            with engine.connect() as connection:
                if all(at(connection, table) == heads for table, heads in wanted.items()):
                    return True
        except ProgrammingError:
            pass  # the table is not there yet
        except OperationalError as err:
            sys.stderr.write(f"{err.orig}")
            end = time.monotonic() + patience
        if time.monotonic() >= end:
            break
        time.sleep(1)
    return False


def schemas() -> dict[str, set[str]]:
    """Alembic's table of each schema that Airflow migrates here -> the newest revisions; none where they are others."""
    found = importlib.util.find_spec("airflow")  # which imports nothing of it
    top = Path(found.origin or "").parent if found else Path()
    depths = ("*", "*/*")
    managed = {path.parts[-3] for each in depths for path in top.glob(f"providers/{each}/migrations/versions")}
    auth = os.environ.get("AIRFLOW__CORE__AUTH_MANAGER", "").rpartition(".")[2]
    if managed != {"fab"} or auth != "FabAuthManager" or "AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS" in os.environ:
        return {}
    folders = {"alembic_version": top, "alembic_version_fab": top / "providers/fab"}
    return {table: newest(folder / "migrations/versions") for table, folder in folders.items()}


def newest(folder: Path) -> set[str]:
    """The revisions in a folder that none follows."""
    known: set[str] = set()
    followed: set[str] = set()
    for file in folder.glob("*.py"):
        for down, value in REVISION.findall(file.read_text()):
            (followed if down else known).update(QUOTED.findall(value))
    return known - followed


def at(connection: sqlalchemy.Connection, table: str) -> set[str]:
    """The revisions that the database has reached."""
    return set(connection.scalars(sqlalchemy.text(f"SELECT version_num FROM {table}")))


if __name__ == "__main__":
    sys.exit(not main(float(sys.argv[1] if sys.argv[1:] else 0)))
