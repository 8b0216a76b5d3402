"""Whether this pod's job gave a sign of life of late: `python job_alive.py TriggererJob [SECONDS TO WAIT FOR ONE]`.

A tenth of what `airflow jobs check` takes, which is a whole start of Airflow. Exit code 0 says yes. Any other says only
that Airflow itself must be asked, which alone knows its tables for sure.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from datetime import datetime, timedelta, timezone

import sqlalchemy

__all__: list[str] = []

OFTEN = timedelta(seconds=30)  # Airflow's own default for a triggerer, the stricter one
NEWEST = sqlalchemy.text(
    "SELECT max(latest_heartbeat) FROM job WHERE job_type = :type AND hostname = :host AND state = 'running'"
)


def main(job_type: str, patience: float) -> bool:
    """Look for a heartbeat of a running job of this type on this host, for so many seconds."""
    engine = sqlalchemy.create_engine(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    end = time.monotonic() + patience
    while True:
        with engine.connect() as connection:
            newest = connection.execute(NEWEST, {"type": job_type, "host": socket.gethostname()}).scalar()
        # An image may have Python 3.10, which has no datetime.UTC.
        if newest is not None and datetime.now(timezone.utc) - newest < OFTEN:  # noqa: UP017
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1], float(sys.argv[2] if sys.argv[2:] else 0)))
