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
RUN_ALL = "async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
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


LESSONS = ["05_gating_layer.ipynb"]


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_runs_and_its_picture_follows_a_key(lesson, browser, lab, tmp_path):
    with opened(browser, lab, lesson) as page:
        assert page.evaluate(ERRORS) == []
        explorer = page.locator(".jupyter-widgets.widget-vbox", has=page.locator("img")).first
        explorer.scroll_into_view_if_needed()
        picture, said = explorer.locator("img.widget-image"), explorer.locator('[role="status"]')
        picture.wait_for(timeout=1000 * FIRST_PICTURE_s)
        before, words = picture.get_attribute("src"), said.inner_text()
        handle = explorer.locator(".noUi-handle:visible").first
        handle.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "([img, src]) => img.src !== src", arg=[picture.element_handle(), before]
        )
        assert explorer.locator('[role="alert"]').count() == 0
        explorer.get_by_role("button", name="Reset all").click()
        page.wait_for_function(
            "([p, words]) => p.querySelector('[role=status]').innerText === words",
            arg=[explorer.element_handle(), words],
        )
        page.evaluate(STOPWATCH)
        handle.focus()
        for k in range(PRESSES):
            page.keyboard.press("ArrowRight" if k % 10 < 5 else "ArrowLeft")
            page.wait_for_timeout(200)
        times = page.evaluate("() => window.times")
        page.screenshot(path=tmp_path / "lesson.png")
        median = statistics.median(times)
        print(f"{lesson}: key press to picture, median {median:.0f} ms of {len(times)}")
        assert len(times) >= PRESSES * 0.8
        assert median <= SLACK * REDRAW_ms
        assert page.evaluate(ERRORS) == []
