"""Lessons in JupyterLab in a real browser: opened, run, moved by keyboard, timed.

Skipped, and says so, where there is no Chromium (Debian: `apt install chromium`).
"""

import json
import os
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
FIRST_PICTURE_s, PRESSES = 90.0, 25
REDRAW_ms = 60.0  # from key press to new picture, median, on a quiet machine
SLACK = 2.5  # tests run beside each other

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found: apt install chromium"),
]

# Time from a key press to the load of a new picture, as the page itself sees it.
STOPWATCH = """() => {
  if (window.times) { window.times = []; return; }
  window.times = []; let pressed = null;
  document.addEventListener('keydown', () => { pressed = performance.now(); }, true);
  document.addEventListener('load', e => {
    if (e.target.tagName === 'IMG' && pressed !== null) {
      requestAnimationFrame(() => {
        window.times.push(performance.now() - pressed); pressed = null;
      });
    }
  }, true);
}"""
READY = """async () => {
  for (let k = 0; k < 300; k++) {
    const panel = window.jupyterapp?.shell?.currentWidget;
    if (panel?.sessionContext) {
      await panel.context.ready; await panel.sessionContext.ready; return true;
    }
    await new Promise(done => setTimeout(done, 100));
  }
  return false;
}"""
RUN_ALL = """async () => {
  await window.jupyterapp.commands.execute('notebook:run-all-cells');
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  while (kernel.status !== 'idle') { await new Promise(done => setTimeout(done, 100)); }
}"""
SHOW = """async tag => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  const tags = cell => cell.model.getMetadata('tags') ?? [];
  const cells = notebook.widgets.filter(cell => tags(cell).includes('widget'));
  const cell = cells[tag];
  if (cell) { await notebook.scrollToCell(cell); cell.node.dataset.shown = tag; }
  return cells.length;
}"""
# What can be moved: [what it is, its label, whether the label is cut off, its help].
CONTROLS = """explorer => [...explorer.querySelectorAll(
    '.noUi-handle, select, input[type=checkbox], button:not([disabled])')]
  .filter(element => element.offsetParent !== null)
  .map(element => {
    const widget = element.closest('.jupyter-widgets:not(.widget-box)') ?? element;
    const label = element.tagName === 'BUTTON' ? element
      : widget.querySelector('.widget-label-basic') ?? widget.querySelector('.widget-label');
    const titled = widget.querySelector('[title]:not([title=""])') ?? widget.closest('[title]');
    return [element.className || element.tagName, label?.innerText.trim() ?? '',
            label ? label.scrollWidth > label.clientWidth + 1 : false, titled?.title ?? ''];
  })"""
REACHED = """explorer => {
  const at = document.activeElement;
  const can = [...explorer.querySelectorAll(
      '.noUi-handle, select, input[type=checkbox], button:not([disabled])')]
    .filter(element => element.offsetParent !== null);
  return [can.indexOf(at), can.length, explorer.contains(at)];
}"""
ERRORS = """() => window.jupyterapp.shell.currentWidget.content.widgets
  .flatMap(cell => cell.model.type === 'code' ? cell.model.outputs.toJSON() : [])
  .filter(output => output.output_type === 'error').map(output => output.evalue)"""


def _free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on a copy of the lessons, with settings of its own; its address and token."""
    home, port, token = tmp_path_factory.mktemp("lab"), _free_port(), secrets.token_hex(16)
    shutil.copytree(ROOT / "notebooks", home / "notebooks")
    news = {"fetchNews": "false", "checkForUpdates": False}
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(news))
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"),
        *("--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", "--allow-root"),
        *("--expose-app-in-browser", f"--ServerApp.root_dir={home / 'notebooks'}"),
    ]
    with open(home / "log.txt", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/status?token={token}").close()
                break
            except OSError:
                assert server.poll() is None, (home / "log.txt").read_text()
                time.sleep(0.25)
        yield f"http://127.0.0.1:{port}", token
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@contextmanager
def opened(browser, lab, notebook):
    """A page with a lesson of which all cells were run."""
    address, token = lab
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    name = Path(notebook).stem
    page.goto(f"{address}/lab/workspaces/{name}/tree/{notebook}?reset&token={token}")
    page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.sessionContext")
    assert page.evaluate(READY)
    page.evaluate(RUN_ALL)
    try:
        yield page
    finally:
        page.evaluate("async () => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        page.close()


LESSONS = ["03_ionic_models", "05_gating_layer", "07_second_pass", "10_long_qt"]


def explorers(page):
    """Every explorer of the lesson that is open, scrolled to."""
    for k in range(page.evaluate(SHOW, -1)):
        page.evaluate(SHOW, k)
        explorer = page.locator(f'[data-shown="{k}"] .jupyter-widgets.widget-vbox').first
        explorer.locator("img.widget-image").wait_for(timeout=1000 * FIRST_PICTURE_s)
        explorer.scroll_into_view_if_needed()
        yield explorer


def is_moved_and_reset_by_keyboard(page, explorer):
    picture = explorer.locator("img.widget-image")
    before, words = picture.get_attribute("src"), explorer.locator('[role="status"]').inner_text()
    explorer.locator(".noUi-handle:visible").first.focus()
    for _ in range(3):  # of eta, the nearest that was stored is drawn
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "([img, src, p]) => img.src !== src && p.innerText.includes('Changed: ')",
        arg=[picture.element_handle(), before, explorer.element_handle()],
    )
    assert explorer.locator('[role="alert"]').count() == 0
    explorer.get_by_role("button", name="Reset all").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "([p, words]) => p.innerText.includes('All controls are at first values') && "
        "p.querySelector('[role=status]').innerText === words",
        arg=[explorer.element_handle(), words],
    )


def every_control_is_named_and_reached(page, explorer):
    controls = explorer.evaluate(CONTROLS)
    assert controls
    assert not [kind for kind, label, _, _ in controls if not label]
    assert not [label for _, label, cut, _ in controls if cut], "a label is cut off"
    lists = "SELECT"  # on which ipywidgets shows no tooltip
    assert not [label for kind, label, _, help_ in controls if not help_ and kind != lists]
    explorer.locator(".noUi-handle:visible, select:visible, input:visible").first.focus()
    reached = {explorer.evaluate(REACHED)[0]}
    for _ in range(4 * len(controls)):
        page.keyboard.press("Tab")
        index, _, inside = explorer.evaluate(REACHED)
        if not inside:
            break
        reached.add(index)
    assert reached >= set(range(len(controls)))


def redraw_ms(page, explorer):
    """The median time from a key press to the new picture, and how many were seen."""
    page.evaluate(STOPWATCH)
    explorer.locator(".noUi-handle:visible").first.focus()
    for k in range(PRESSES):
        page.keyboard.press("ArrowRight" if k % 10 < 5 else "ArrowLeft")
        page.wait_for_timeout(200)
    times = page.evaluate("() => window.times")
    return statistics.median(times), len(times)


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_runs_and_its_pictures_follow_the_keys(lesson, browser, lab, tmp_path):
    with opened(browser, lab, f"{lesson}.ipynb") as page:
        assert page.evaluate(ERRORS) == []
        for k, explorer in enumerate(explorers(page)):
            is_moved_and_reset_by_keyboard(page, explorer)
            every_control_is_named_and_reached(page, explorer)
            median, seen = redraw_ms(page, explorer)
            explorer.screenshot(path=tmp_path / f"{lesson}-{k}.png")
            load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
            print(f"{lesson}, picture {k + 1}: key to picture {median:.0f} ms of {seen}{load}")
            assert seen >= PRESSES / 3
            assert median <= SLACK * REDRAW_ms
        assert page.evaluate(ERRORS) == []
