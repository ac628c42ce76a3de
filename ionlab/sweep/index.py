"""What a sweep comes to: a page of thumbnails, and a table with one row a point."""

import csv
from html import escape
from pathlib import Path
from urllib.parse import quote

from ionlab.notebook import page
from ionlab.sweep.job import THUMBNAIL

PAGE, TABLE = "index.html", "sweep.csv"
FINISHED, FAILED, NOT_RUN = "finished", "failed", "not run"
COLUMNS = ("status", "seconds", "error", "folder")
STYLE = """body { max-width: 76rem; }
.sweep { display: grid; gap: 1.2rem; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr));
  list-style: none; margin: 1.5rem 0; padding: 0; }
.sweep li { border: 1px solid #ddd; border-radius: 6px; display: flex; flex-direction: column;
  overflow: hidden; }
.sweep li.failed { border-color: #e42536; }
.picture { align-items: center; background: #fff; border-bottom: 1px solid #ddd; color: #666;
  display: flex; height: 13rem; justify-content: center; padding: .5rem; }
.picture img { height: 100%; object-fit: contain; width: 100%; }
.about { display: flex; flex: 1; flex-direction: column; padding: .7rem .9rem; }
.about h2 { font-size: 1.02rem; margin: 0 0 .4rem; overflow-wrap: anywhere; }
.about p { font-size: .9rem; margin: 0 0 .6rem; overflow-wrap: anywhere; }
.about .links { margin: auto 0 0; } .links a { margin-right: .9rem; }
.failed .status, .failed .error { color: #b4131f; } .status { color: #555; }
"""


def write(out, source, ran):
    """Write index.html and sweep.csv for (point, record) pairs; a record may be None: not run."""
    rows = table(ran)
    with open(Path(out) / TABLE, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (Path(out) / PAGE).write_text(html(source, ran), encoding="utf-8")


def status(record):
    """Return how a point went, in a word or two."""
    if record is None:
        return NOT_RUN
    return FAILED if record.error else FINISHED


# --- the table ---------------------------------------------------------------------------


def table(ran):
    """Return rows with the same columns: parameters, status and all scalars of the results."""
    rows = []
    for point, record in ran:
        row = dict(point.shown)
        told = (
            status(record),
            record.seconds if record else "",
            record.error if record else "",
            point.folder,
        )
        row.update(zip(COLUMNS, told, strict=True))
        for name, value in flat(record.results if record else {}).items():
            if name not in point.shown:
                row[f"results {name}" if name in COLUMNS else name] = value
        rows.append(row)
    columns = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name, "") for name in columns} for row in rows]


def flat(content, before=""):
    """Return the scalars of nested results by name; a list's entries go by their own names.

    >>> flat({"control": {"rmse": 0.4}, "currents": [{"name": "I_Kr", "ratio": 0.5}], "x": [1, 2]})
    {'control rmse': 0.4, 'I_Kr ratio': 0.5, 'x': '1; 2'}
    """
    found = {}
    for key, value in content.items():
        name = f"{before}{key}"
        if isinstance(value, dict):
            found |= flat(value, f"{name} ")
        elif not isinstance(value, list):
            found[name] = "" if value is None else value
        elif value and all(isinstance(entry, dict) and "name" in entry for entry in value):
            for entry in value:
                rest = {k: v for k, v in entry.items() if k != "name"}
                found |= flat(rest, f"{before}{entry['name']} ")
        else:
            found[name] = "; ".join(map(str, value))
    return found


# --- the page ----------------------------------------------------------------------------


def html(source, ran):
    """Return the page: a card for each point, with what it has of its own."""
    first = ran[0][0].shown
    same = {k: v for k, v in first.items() if all(point.shown[k] == v for point, _ in ran)}
    if len(ran) == 1:
        same = {}
    words = [status(record) for _, record in ran]
    counts = [
        f"{words.count(word)} {word}" for word in (FINISHED, FAILED, NOT_RUN) if word in words
    ]
    lines = [f"{len(ran)} cells of the grid: {', '.join(counts)}."]
    if same:
        lines.append(f"All with {_said(same)}.")
    cards = "\n".join(_card(source, point, record, same) for point, record in ran)
    body = (
        f"<h1>{escape(source.title)}</h1>\n"
        f"<p>A sweep of the notebook {escape(source.name)}.ipynb. {escape(' '.join(lines))} "
        f'The numbers: <a href="{TABLE}">{TABLE}</a>.</p>\n'
        f'<ul class="sweep">\n{cards}\n</ul>'
    )
    return page(escape(f"Sweep: {source.title}"), body, STYLE)


def _said(shown):
    """Return parameters in words."""
    said = (f"{k} = {v}" if v != "" else f"no {k}" for k, v in shown.items())
    return ", ".join(words.replace(" ", "\u00a0") for words in said)


def _card(source, point, record, same):
    """Return what the page shows of a point."""
    own = _said({k: v for k, v in point.shown.items() if k not in same})
    folder, file = quote(point.folder), quote(source.name)
    link = f"{folder}/{file}.html"
    picture = escape("no picture" if record else "not run")
    if record and record.alt is not None:
        alt = escape(record.alt or f"First picture of {own}")
        picture = f'<a href="{link}"><img src="{folder}/{THUMBNAIL}" alt="{alt}"></a>'
    said = [f'<p class="status">{status(record)}{_seconds(record)}</p>']
    if record:
        if sentence := record.results.get("sentence"):
            said.append(f"<p>{escape(str(sentence))}</p>")
        if record.error:
            said.append(f'<p class="error">{escape(record.error)}</p>')
        if record.key:  # it left a folder
            links = {link: "page", f"{folder}/{file}.ipynb": "notebook"}
            if record.results:
                links[f"{folder}/results.json"] = "results"
            told = " ".join(f'<a href="{k}">{name}</a>' for k, name in links.items())
            said.append(f'<p class="links">{told}</p>')
    return (
        f'<li class="{status(record).replace(" ", "-")}"><div class="picture">{picture}</div>\n'
        f'<div class="about"><h2>{escape(own)}</h2>\n{"".join(said)}</div></li>'
    )


def _seconds(record):
    return f" in {record.seconds:g} s" if record and record.seconds else ""
