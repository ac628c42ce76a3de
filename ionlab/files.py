"""Files that are written: to the side, then moved into place; and where they are kept."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

from ionlab.errors import BadValue


@contextmanager
def replacing(path, advice="Choose another folder with --out."):
    """Give a path beside `path` to write to; move it into place if the block succeeds.

    Raises `BadValue`, which ends in `advice`, where the folder cannot be written to.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(
            prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
    except OSError as error:
        raise BadValue(
            f"results are written to {path.parent}, which cannot be written to ({error.strerror}). "
            f"{advice}"
        ) from error
    try:
        yield Path(aside)
        os.replace(aside, path)
        path.chmod(0o644)
    finally:
        Path(aside).unlink(missing_ok=True)


def cache_folder():
    """Return the user's cache folder of ionlab; the variable IONLAB_CACHE names another."""
    import pooch

    return Path(os.environ.get("IONLAB_CACHE", pooch.os_cache("ionlab")))
