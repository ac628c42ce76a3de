"""What is shared by all that runs notebooks and writes pages: kernel, folder, frame of a page."""

import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path

from ionlab.errors import BadValue

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.55 system-ui, sans-serif; color: #1b1b1b; background: #fff;
  max-width: 60rem; margin: 2rem auto; padding: 0 1.2rem; }}
h1 {{ font-size: 1.7rem; }} h2 {{ font-size: 1.25rem; margin-top: 2.2rem; }}
h1, h2 {{ line-height: 1.25; }} .anchor-link {{ display: none; }}
blockquote {{ margin: 1rem 0; padding: .6rem 1.1rem; border-left: 5px solid #5790fc;
  background: #f1f5fd; font-size: 1.2rem; }}
img {{ max-width: 100%; height: auto; }} .output, .output_html {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .87rem; border: 0; }}
th, td {{ text-align: left; padding: .25rem .8rem .25rem 0; border: 0;
  border-bottom: 1px solid #ddd; vertical-align: top; }}
pre {{ white-space: pre-wrap; }}
{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def page(title, body, style=""):
    """Return a page of HTML that needs no other file; `style` is CSS beyond what all share."""
    return PAGE.format(title=title, body=body, style=style)


def title(notebook):
    """Return the first heading of a notebook that was read, "" without one."""
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    lines = (line for text in texts for line in text.splitlines())
    return next((line[2:].strip() for line in lines if line.startswith("# ")), "")


def exporter(kind, priority=None, **settings):
    """Return an nbconvert exporter of this class: no page around it, no prompts, tags obeyed.

    priority : the kinds of output in the order of preference; nbconvert's own if None.
    """
    from traitlets.config import Config

    config = Config()
    config.HTMLExporter.preprocessors = ["nbconvert.preprocessors.TagRemovePreprocessor"]
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_all_outputs_tags = {"remove_output"}
    if priority:
        config.NbConvertBase.display_data_priority = priority
    plain = dict(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True)
    return kind(config=config, **plain, **settings)


def html(executed, path):
    """Write an executed notebook as one page without code, in a file that needs no other."""
    import nbformat
    from nbconvert import HTMLExporter

    cells = nbformat.read(executed, as_version=4)
    body, _ = exporter(HTMLExporter, exclude_input=True, embed_images=True).from_notebook_node(
        cells
    )
    name = escape(title(cells) or Path(executed).stem)
    Path(path).write_text(page(name, body), encoding="utf-8")


@contextmanager
def aside(out):
    """Give a folder to work in; move its files into `out` if the block succeeds.

    A block that fails, or is interrupted, leaves `out` as it was. Other files in `out` stay.
    """
    out = Path(out).absolute()
    new = [path for path in (out, *out.parents) if not path.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".new-", dir=out))
    except OSError as error:
        raise BadValue(
            f"results are written to {out}, which cannot be written to ({error.strerror}). "
            "Choose another folder with --out."
        ) from error
    try:
        yield folder
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            place = out / file.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for path in new:
            with suppress(OSError):  # it holds the results
                path.rmdir()


@contextmanager
def this_python():
    """Let the kernel called python3 be this interpreter, whatever else is installed."""
    from ipykernel.kernelspec import write_kernel_spec

    quiet = ["--IPKernelApp.log_level=ERROR"]  # no advice on encryption between two processes
    before = os.environ.get("JUPYTER_PATH")
    with tempfile.TemporaryDirectory(prefix="ionlab-") as jupyter:
        write_kernel_spec(os.path.join(jupyter, "kernels", "python3"), extra_arguments=quiet)
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [jupyter, before]))
        try:
            yield
        finally:
            if before is None:
                del os.environ["JUPYTER_PATH"]
            else:
                os.environ["JUPYTER_PATH"] = before
