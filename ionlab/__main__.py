"""`python -m ionlab` is the command `ionlab`."""

from ionlab.cli import main

main(prog_name="ionlab")
