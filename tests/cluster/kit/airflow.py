"""A small typed client of Airflow's REST API."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from tests.cluster.errors import ClusterError
from tests.cluster.kit.kubectl import Json
from tests.cluster.kit.waiting import wait_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a DAG; `tasks` maps a task to its state, `tries` to how often it was tried; seconds in `duration`."""

    dag: str
    run: str
    state: str
    duration: float
    tasks: dict[str, str] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether it has come to its end, whichever end it is."""
        return self.state in ("success", "failed")


class Refused(ClusterError):
    """Airflow answered with an error; `code` is the HTTP status."""

    def __init__(self, code: int, path: str, text: str) -> None:
        super().__init__(f"{path}: HTTP {code} {text}")
        self.code = code


class Airflow:
    """Someone who is logged in at `url`."""

    def __init__(self, url: str, *, user: str, password: str) -> None:
        """Log in, waiting for an API server that is about to come up.

        Raises Refused at once where the password is wrong.
        """
        self.url = url.rstrip("/")
        self._token = ""
        answer = self._patient("/auth/token", {"username": user, "password": password})
        self._token = answer["access_token"]

    def get(self, path: str) -> Json:
        """The answer to GET `path`."""
        return self._call("GET", path)

    def post(self, path: str, body: Json) -> Json:
        """The answer to POST `path`."""
        return self._call("POST", path, body)

    def patch(self, path: str, body: Json) -> Json:
        """The answer to PATCH `path`."""
        return self._call("PATCH", path, body)

    def dags(self) -> set[str]:
        """The ids of all DAGs that are known."""
        return {d["dag_id"] for d in self.get("/api/v2/dags?limit=500")["dags"]}

    def import_errors(self) -> list[str]:
        """What the dag-processor couldn't import."""
        return [f"{e['filename']}: {e['stack_trace']}" for e in self.get("/api/v2/importErrors")["import_errors"]]

    def wait_for_dags(self, *wanted: str, seconds: float = 120) -> None:
        """Wait until every wanted DAG is known."""
        wait_for(
            f"the DAGs {', '.join(wanted)}",
            lambda: self.dags() >= set(wanted),
            seconds=seconds,
            every=1,
            state=lambda: f"known: {sorted(self.dags())}, import errors: {self.import_errors()}",
        )

    def trigger(self, dag: str, conf: Json | None = None) -> str:
        """Start a run and return its id."""
        body = {"logical_date": None, "conf": conf or {}}
        run: str = self._patient(f"/api/v2/dags/{dag}/dagRuns", body)["dag_run_id"]
        return run

    def look(self, dag: str, run: str) -> Run:
        """A run as it is now."""
        seen = self.get(f"/api/v2/dags/{dag}/dagRuns/{run}")
        tasks = self.get(f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"]
        return Run(
            dag=dag,
            run=run,
            state=seen["state"],
            duration=seen.get("duration") or 0.0,
            tasks={t["task_id"]: t["state"] or "none" for t in tasks},
            tries={t["task_id"]: t["try_number"] for t in tasks},
        )

    def wait(self, dag: str, run: str, *, seconds: float = 240) -> Run:
        """Wait for the end of a run, whichever end it is."""

        def look() -> Run | None:
            seen = self.look(dag, run)
            return seen if seen.ended else None

        return wait_for(f"the run {run} of {dag}", look, seconds=seconds, every=1, state=lambda: self.look(dag, run))

    def run(self, dag: str, *, seconds: float = 240) -> Run:
        """Start a run and wait for its end."""
        return self.wait(dag, self.trigger(dag), seconds=seconds)

    def log(self, dag: str, run: str, task: str, number: int = 1) -> str:
        """The log of one try of a task, as the UI shows it: one event a line."""
        content = self._log(dag, run, task, number)
        return "\n".join(str(e.get("event", e)) if isinstance(e, dict) else str(e) for e in content)

    def levels(self, run: Run, task: str) -> set[str]:
        """The levels of the events in the log of a task's first try."""
        content = self._log(run.dag, run.run, task, 1)
        return {e["level"] for e in content if isinstance(e, dict) and e.get("level")}

    def wait_for_log(self, run: Run, task: str, text: str, *, seconds: float = 60) -> None:
        """Wait until a task's first log says `text`: a worker uploads the log after it told how the task ended."""
        wait_for(
            f"{text!r} in the log of {task}",
            lambda: text in self.log(run.dag, run.run, task),
            seconds=seconds,
            every=1,
            state=lambda: self.log(run.dag, run.run, task),
        )

    def _log(self, dag: str, run: str, task: str, number: int) -> list[Any]:
        path = f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/{number}?full_content=true"
        content: list[Any] = self.get(path)["content"]
        return content

    def _patient(self, path: str, body: Json) -> Json:
        """POST, again while the server isn't there or isn't well."""
        refusals: list[Refused] = []

        def attempt() -> Json:
            try:
                return self.post(path, body)
            except Refused as err:
                if err.code >= 500:
                    raise
                refusals.append(err)
                return {"refused": err.code}

        answer = wait_for(f"an answer from {self.url}{path}", attempt, seconds=90, every=1)
        if refusals:
            raise refusals[0]
        return answer

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                document: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as err:
            raise Refused(err.code, path, err.read().decode(errors="replace")[:500]) from err
        return document
