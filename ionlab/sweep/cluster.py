"""The workers: a cluster on this machine, or those of a scheduler that runs already."""

import logging
import socket
import tempfile
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager

from ionlab.errors import BadValue
from ionlab.sweep import job
from ionlab.sweep.grid import VERSION

CONNECT_s = 10.0
KILLED = "the worker that ran it was killed, and so was the one that tried again"
SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,  # who tries again is decided here
    **{f"distributed.nanny.pre-spawn-environ.{k}": v for k, v in job.ONE_THREAD.items()},
}


@contextmanager
def connected(scheduler, workers):
    """Give a client of a scheduler, or of so many new processes here if it is None."""
    import dask
    from distributed import Client, LocalCluster
    from distributed.comm import get_address_host_port

    with ExitStack() as stack:
        place = scheduler
        if scheduler is None:
            stack.enter_context(dask.config.set(SETTINGS))
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="ionlab-sweep-"))
            place = stack.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    memory_limit=0,  # what grows are the kernels, which it does not see
                    dashboard_address="127.0.0.1:0",  # 8787 may be that of another sweep
                    silence_logs=logging.CRITICAL,
                    local_directory=scratch,
                )
            )
        try:
            if scheduler is not None:  # a client that never connects takes long to go away
                where = get_address_host_port(scheduler, strict=True)
                socket.create_connection(where, CONNECT_s).close()
            client = Client(place, timeout=CONNECT_s, set_as_default=False)
        except (OSError, ValueError) as error:
            raise BadValue(
                "--scheduler must be the address of a dask scheduler that runs, got "
                f"{scheduler} ({error}). Try tcp://HOST:8786, or leave it out to run here."
            ) from error
        yield stack.enter_context(client)


def check(client, scheduler, out):
    """Raise `BadValue` unless there are workers that can import ionlab and see a folder."""
    try:
        client.wait_for_workers(1, timeout=CONNECT_s)
    except TimeoutError as error:
        raise BadValue(
            f"a sweep needs workers; the scheduler {scheduler} has none. Start one: "
            f"dask worker {scheduler} --nthreads 1"
        ) from error
    with tempfile.NamedTemporaryFile(prefix=job.ASIDE, dir=out) as token:
        try:
            found = client.run(job.probe, token.name)
        except ImportError as error:
            raise BadValue(
                f"the workers of {scheduler} must be able to import ionlab ({error}). Install it "
                "in their environment."
            ) from error
    for worker, (version, seen) in found.items():
        if not seen:
            raise BadValue(
                f"every worker must see the folder of the results; {worker} does not see {out}. "
                "Choose a folder that is shared."
            )
        if version != VERSION:
            raise BadValue(
                f"workers must have ionlab {VERSION}, as here; {worker} has {version}. Update it."
            )


def outcome(future):
    """Return the record of a future that ended one way or another; None: its worker was killed."""
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        return None
    except CancelledError:
        error = "the scheduler was lost"
    except Exception as late:  # of the file system, or of the worker
        error = " ".join(f"{type(late).__name__}: {late}".split())[:300]
    return job.Record(error=error)
