"""Environments examined side by side, as many at once as the machine has cores."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait

from bootstrap.errors import TaxiwayError
from bootstrap.examination import Examined, Examiner
from bootstrap.model import Environment

# From here on processes pay: threads wait for each other where Python itself works, processes take a moment to start.
MANY = 32

_mine: Examiner


def examine(examiner: Examiner, environments: Sequence[Environment]) -> Iterator[tuple[Environment, Examined]]:
    """Each environment with what is found in it, in the order in which they are done."""
    if not environments:
        return
    cores = min(os.cpu_count() or 1, len(environments))
    pool: Executor
    if len(environments) < MANY or cores == 1:
        pool, task = ThreadPoolExecutor(cores), examiner.examine
    else:
        # Never forked: this process may have threads, which a fork would cut off in the middle of anything.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(
            cores, mp_context=context, initializer=_start, initargs=(examiner, gc.get_threshold())
        )
        task = _examine
    try:
        jobs = {pool.submit(task, each): each for each in environments}
        for job in as_completed(jobs):
            environment = jobs.pop(job)  # and its result with it, once the caller lets go
            yield environment, job.result()
    except BrokenProcessPool:
        raise TaxiwayError("a process that examined environments was killed", hint="was the memory enough?") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start(examiner: Examiner, thresholds: tuple[int, int, int]) -> None:
    global _mine
    _mine = examiner
    gc.set_threshold(*thresholds)  # as in the first process: a quarter of Python's time went into looks for cycles
    # Ctrl-C is for the first process, which lets the others end what they have begun.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    """Leave when the first process is gone, however it went."""
    if parent := multiprocessing.parent_process():
        wait([parent.sentinel])
        os._exit(1)


def _examine(environment: Environment) -> Examined:
    return _mine.examine(environment)
