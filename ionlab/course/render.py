"""From notebooks and markdown to pages of HTML that need no network and no other program.

Code is highlighted, equations become MathML, a widget shows the picture that it left, and links
between notebooks lead from page to page.
"""

import html
import re
from copy import deepcopy
from functools import cache
from pathlib import PurePosixPath

from bs4 import BeautifulSoup
from jinja2 import pass_context
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.formatters import HtmlFormatter

from ionlab import notebook
from ionlab.errors import BadValue

PRIORITY = ["image/svg+xml", "image/png", "text/html", "text/markdown", "text/plain"]
STYLE = """
nav, .celltag_nav > div > div > p:first-child { font-size: .9rem; color: #555;
  padding: .45rem 0; border-top: 1px solid #ddd; border-bottom: 1px solid #ddd; }
a { color: #1f5fd0; } h3 { font-size: 1.05rem; margin-top: 1.8rem; }
:target { scroll-margin-top: 1rem; background: #fff6d6; }
code { font: .88em/1.4 ui-monospace, Menlo, Consolas, monospace; background: #f3f3f5;
  padding: .08em .25em; border-radius: 3px; }
.highlight { background: #f7f7f9; border-left: 3px solid #c9cede; border-radius: 3px;
  margin: .9rem 0; padding: .1rem .9rem; }
.highlight pre { font: .83rem/1.45 ui-monospace, Menlo, Consolas, monospace; margin: .6rem 0;
  white-space: pre; overflow-x: auto; }
.celltag_exercise .highlight { border-left-color: #f89c20; background: #fff9f0; }
.output_stream pre, .output_text pre { font: .83rem/1.45 ui-monospace, Menlo, Consolas, monospace;
  margin: .5rem 0; padding: 0 .9rem; color: #333; }
.output_stderr, .output_error { background: #fdecec; }
details { margin: .7rem 0; padding: .45rem .9rem; border: 1px solid #d5d9e4; border-radius: 4px; }
summary { cursor: pointer; font-weight: 600; color: #333; }
math { font-size: 1.06em; } nav p { margin: 0; }
math[display=block] { margin: .7rem 0; padding: .3rem 0; overflow: auto hidden; }
mtd { padding: .15rem .1rem; }
mtd[columnalign=left] { text-align: left; } mtd[columnalign=right] { text-align: right; }
.rendered_html table { display: block; overflow-x: auto; }
@media print {
  body { max-width: none; margin: 0; font-size: 10.5pt; }
  nav, .celltag_nav p:first-child { display: none; }
  .highlight pre { white-space: pre-wrap; } img, .highlight, details, tr { break-inside: avoid; }
  h1, h2, h3 { break-after: avoid; } a { color: inherit; text-decoration: none; }
}
"""


def slug(heading):
    """Return the anchor of a heading: lower case, hyphens for spaces, no punctuation.

    >>> slug("APD90, and I_Kr")
    'apd90-and-i_kr'
    """
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def mathml(tex, display):
    """Return TeX as MathML, `display` "block" or "inline"; refuse what it does not know."""
    body = re.sub(r"\\(begin|end)\{(aligned|align|split)\}", r"\\\1{align*}", tex.strip())
    try:
        shown = convert(body, display=display)
    except Exception as error:  # the converter's own, and those of indexing
        raise BadValue(
            f"the equation {tex.strip()} cannot be read ({type(error).__name__}). "
            "Look for a brace or an argument that is missing."
        ) from error
    unknown = re.search(r"<m\w+[^>]*>(\\\w+)", shown)
    if unknown:
        raise BadValue(
            f"the equation {tex.strip()} has {unknown.group(1)}, which the book cannot show. "
            "Say it with other commands."
        )
    return shown


class _Renderer(IPythonRenderer):
    """Equations as MathML, anchors as on GitHub."""

    def block_math(self, body):
        return mathml(body, "block")

    def inline_math(self, body):
        return mathml(body, "inline")

    def latex_environment(self, name, body):
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")

    def heading(self, text, level, **attrs):
        anchor = slug(html.unescape(re.sub("<[^>]*>", "", text)))
        return f'<h{level} id="{anchor}">{text}</h{level}>\n'


def markdown(source, attachments=None):
    """Return markdown as HTML."""
    renderer = _Renderer(escape=False, attachments=attachments)
    return MarkdownWithMath(renderer=renderer).render(source)


class _Exporter(HTMLExporter):
    @pass_context
    def markdown2html(self, context, source):
        return markdown(source, context.get("cell", {}).get("attachments"))


def still(executed):
    """Return a notebook without progress bars: on a page, nothing is under way."""
    copy = deepcopy(executed)
    for cell in copy.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                lines = re.split(r"[\r\n]+", output.text)
                output.text = "\n".join(x for x in lines if not re.search(r"\d%\||it/s|step/s", x))
        if "outputs" in cell:
            cell.outputs = [o for o in cell.outputs if o.get("text", "shown").strip()]
    return copy


def cells(executed):
    """Return the cells of a notebook and their outputs as HTML, code included."""
    return notebook.exporter(_Exporter, PRIORITY).from_notebook_node(still(executed))[0]


def linked(body, pages):
    """Lead links to the files in `pages` (name -> page); other files are not part of the book.

    >>> linked('<a href="a.ipynb#The-end">x</a> <a href="../b.py">y</a>', {"a.ipynb": "a.html"})
    '<a href="a.html#the-end">x</a> y'
    """
    soup = BeautifulSoup(body, "html.parser")
    for link in soup.select("a[href]"):
        target, _, anchor = link["href"].partition("#")
        if re.match(r"[a-z][a-z+.-]*:|//", target):
            continue
        target = str(PurePosixPath(target)) if target else ""
        if target and target not in pages:
            link.unwrap()
        else:
            link["href"] = pages.get(target, "") + (f"#{slug(anchor)}" if anchor else "")
    return str(soup)


@cache
def _style():
    return STYLE + HtmlFormatter(style="default").get_style_defs(".highlight")


def page(title, body, pages):
    """Return one page of the book."""
    return notebook.page(html.escape(title), linked(body, pages), _style())
