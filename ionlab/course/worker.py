"""Runs exercises in a process of its own: cells in on stdin, one line of JSON for each event out.

`python -m ionlab.course.worker` is started by `ionlab.course.grade`, which may end it at any time.
"""

import json
import os
import sys
import tempfile

from ionlab.check.verdict import MIMETYPE

MEMORY = 6 * 2**30  # bytes that a submission may claim
FILE = 2**28  # bytes of the largest file that it may write


def main():
    """Run the cells before the exercises, then each exercise and its check; tell what came out.

    In: {"before": [code, ...], "exercises": [[id, code, check], ...]}. Out, a line each: {"ready"},
    then for each exercise {"begin": id} and {"end": id, "verdict": {...}} or {"end", "error"}; or
    {"broken": error} if a cell before the exercises fails.
    """
    given = json.load(sys.stdin)
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the cells print goes nowhere

    def tell(**event):
        print(json.dumps(event), file=channel, flush=True)

    shell = _shell()
    for code in given["before"]:
        if error := _error(shell.run_cell(code)):
            return tell(broken=error)
    _limit()
    known = dict(shell.user_ns)
    tell(ready=True)
    for name, code, check in given["exercises"]:
        tell(begin=name)
        shell.user_ns.update(known)  # no exercise can spoil another one, or its own check
        error = _error(shell.run_cell(code))
        judge = check.partition(".")[0]
        shell.user_ns[judge] = known[judge]
        ran = None if error else shell.run_cell(check)
        error = error or _error(ran)
        if error:
            tell(end=name, error=error)
        else:
            tell(end=name, verdict=_verdict(ran.result))
    return None


def _shell():
    os.environ["IPYTHONDIR"] = tempfile.mkdtemp(dir=".")
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    return InteractiveShell.instance(config=config)


def _limit():
    """Bound memory and files, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, bound in ((resource.RLIMIT_DATA, MEMORY), (resource.RLIMIT_FSIZE, FILE)):
        most = resource.getrlimit(kind)[1]
        low = bound if most == resource.RLIM_INFINITY else min(bound, most)
        resource.setrlimit(kind, (low, most))


def _error(ran):
    error = ran.error_before_exec or ran.error_in_exec
    return error and f"{type(error).__name__}: {error}"


def _verdict(result):
    """The verdict that a check displays, or None."""
    bundle = getattr(result, "_repr_mimebundle_", dict)()
    return (bundle[0] if isinstance(bundle, tuple) else bundle).get(MIMETYPE)


if __name__ == "__main__":
    main()
