"""Environments examined side by side, as many at once as there are cores."""

import gc
import os
import pickle
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import workspace
from bootstrap.config.model import Environment
from bootstrap.core.errors import TaxiwayError
from bootstrap.core.tree import Tree
from bootstrap.system import process, signals
from bootstrap.validate.engine import Examined, Examiner

if TYPE_CHECKING:
    from multiprocessing.queues import SimpleQueue

# From here on processes pay: threads wait for each other where Python itself works, processes take a moment to start.
MANY = 32

_FILE = "examiner"
_mine: Examiner


def examine(examiner: Examiner, environments: Sequence[Environment]) -> Iterator[tuple[Environment, Examined]]:
    """Each environment with what is found in it, in the order in which they are done."""
    if not environments:
        return
    cores = min(process.cores(), len(environments))
    with ExitStack() as stack:
        if len(environments) < MANY or cores == 1 or not _can_be_safe():
            pool: Executor = stack.enter_context(_ended(ThreadPoolExecutor(cores)))
            task = examiner.examine
        else:
            stack.enter_context(_safe_path())
            # In a file: the pipe to a new process holds little, and Python waits for good for one that died meanwhile.
            folder = stack.enter_context(workspace.scratch(Tree({_FILE: pickle.dumps(examiner)})))
            pool, task = stack.enter_context(_ended(_processes(cores, folder))), _examine
        try:
            with _deaf():
                jobs = {pool.submit(task, each): each for each in environments}
            for job in as_completed(jobs):
                environment = jobs.pop(job)  # and its result with it, once the caller lets go
                yield environment, job.result()
        except BrokenExecutor:
            raise TaxiwayError(
                "a process that examined environments was killed", hint="was the memory enough?"
            ) from None


def _can_be_safe() -> bool:
    """Whether `_safe_path` works: not where Python pays no regard to the environment (`python -E`)."""
    return bool(sys.flags.safe_path or not sys.flags.ignore_environment)


@contextmanager
def _safe_path() -> Iterator[None]:
    """Keep new processes from importing what the current folder holds, which may be a stranger's.

    multiprocessing starts `python -c`, which looks there first, for multiprocessing itself too (Python: -P).
    """
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTHONSAFEPATH"]
        if before is not None:
            os.environ["PYTHONSAFEPATH"] = before


@contextmanager
def _deaf() -> Iterator[None]:
    """Keep SIGINT from the processes that are started, and from what they start: the first process ends them all.

    This one gets it later, or in another thread.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _ended(pool: Executor) -> Iterator[Executor]:
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _processes(cores: int, folder: Path) -> Executor:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Never forked: this process may have threads, which a fork would cut off in the middle of anything.
    context = get_context("spawn")
    places, own = context.SimpleQueue(), process.places()
    for place in own if len(own) == cores else ():
        places.put(place)
    # Python's looks for cycles as in the first process: they took a quarter of its time.
    given = (folder, gc.get_threshold(), places)
    return ProcessPoolExecutor(cores, mp_context=context, initializer=_start, initargs=given)


def _start(folder: Path, thresholds: tuple[int, int, int], places: "SimpleQueue[int]") -> None:
    global _mine
    gc.set_threshold(*thresholds)
    # Where there is one for each, a process and its builds stay on a core: moved around, they find its caches cold.
    if not places.empty():
        process.stay(places.get())
    os.environ.setdefault("GOMAXPROCS", "1")  # each core has a build of its own: more threads only get into others' way
    threading.Thread(target=_follow, daemon=True).start()
    _mine = pickle.loads((folder / _FILE).read_bytes())  # noqa: S301  (the first process has just written it)


def _follow() -> None:
    """Leave when the first process is gone, however it went."""
    from multiprocessing import connection, parent_process

    if parent := parent_process():
        connection.wait([parent.sentinel])
        signals.end(signals.children())
        os._exit(1)


def _examine(environment: Environment) -> Examined:
    return _mine.examine(environment)
