"""A notebook run over a grid of its parameters, on dask.distributed.

`grid` reads the grid and checks it, `job` runs one point of it on a worker, `cluster` has the
workers, `index` writes the page and the table; `run` is all of it.
"""

import shutil
import sys
from contextlib import suppress
from pathlib import Path

from ionlab.errors import BadValue
from ionlab.sweep import cluster, index, job
from ionlab.sweep.grid import Point, Source, points, values
from ionlab.sweep.job import Record

__all__ = ["Point", "Record", "Source", "run"]


def run(notebook, grid, out, scheduler=None, workers=2):
    """Run a notebook at every point of a grid; return (point, record) pairs in its order.

    notebook : path of a notebook with a cell tagged `parameters`.
    grid : texts "name=value,value", one a parameter; the points are their cartesian product.
    out : folder; gets index.html, sweep.csv and a folder for each point.
    scheduler : address of a dask scheduler, whose workers see `out` and can import ionlab; None
        starts `workers` processes here, one thread each.

    Names, values and the scheduler are checked before anything runs. A point that finished before,
    of the same notebook, parameters and version, is not run again; one that failed is. A point
    that fails does not stop the rest. An interrupt keeps what is finished, in the index too; what
    runs elsewhere then still runs to its end. Folders of points that are no longer in the grid
    stay, and are not listed.
    """
    source = Source.read(notebook)
    todo = every = points(source, values(grid, source.defaults))
    out = Path(out).absolute()
    records = {}
    if out.is_dir():
        records = {point: job.stored(out, point) for point in every}
        todo = [point for point in every if records[point] is None]
    try:
        if todo:
            with cluster.connected(scheduler, min(workers, len(todo))) as client:
                _prepare(out, client, scheduler)
                for point, record in _finished(client, source, todo, out):
                    records[point] = record
    finally:
        if out.is_dir():
            _sweep_up(out)
            index.write(out, source, [(point, records.get(point)) for point in every])
    return [(point, records[point]) for point in every]


def _prepare(out, client, scheduler):
    """Make the folder; have every worker see it, or leave nothing behind."""
    new = [path for path in (out, *out.parents) if not path.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        _sweep_up(out)
        cluster.check(client, scheduler, out)
    except (BadValue, OSError) as error:
        for path in new:
            with suppress(OSError):
                path.rmdir()
        if isinstance(error, BadValue):
            raise
        raise BadValue(
            f"results are written to {out}, which cannot be written to ({error.strerror}). "
            "Choose another folder with --out."
        ) from error


def _sweep_up(out):
    """Remove what runs that were killed left behind."""
    for left in out.glob(f"{job.ASIDE}*"):
        shutil.rmtree(left, ignore_errors=True)


def _finished(client, source, todo, out):
    """Give each point and its record as it finishes; show the progress and the failures.

    As many run at once as there are threads. Points whose worker was killed run once more at the
    end, one after the other, so that none pays for what another did to their worker.
    """
    from tqdm import tqdm

    killed = []
    with tqdm(total=len(todo), desc=source.name, unit="cell", disable=None) as bar:
        for again, waiting in ((False, todo), (True, killed)):
            at_once = 1 if again else sum(client.nthreads().values())
            for point, record in _ran(client, source, waiting, out, at_once):
                if record is None and not again:
                    killed.append(point)
                    continue
                record = record or Record(error=cluster.KILLED)
                if record.error:
                    tqdm.write(f"failed: {point}: {record.error}", file=sys.stderr)
                bar.update()
                yield point, record


def _ran(client, source, todo, out, at_once):
    """Give each point and its record as it ends, or None if its worker was killed."""
    from distributed import as_completed

    waiting, running, ended = list(todo), {}, as_completed(loop=client.loop)

    def start():
        point = waiting.pop(0)
        work = (job.execute, source.text, source.name, point, str(out))
        future = client.submit(*work, pure=False)
        running[future] = point
        ended.add(future)

    for _ in range(min(at_once, len(waiting))):
        start()
    for future in ended:
        point, record = running.pop(future), cluster.outcome(future)
        future.release()
        if waiting:
            start()
        yield point, record
