"""The same widgets in a live JupyterLab: arrow keys reach them, and the kernel hears what the reader chose."""

import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import nbformat
import pytest
from playwright.sync_api import expect

from d2lmini import masks
from tests.browser import needs_browser, refuse_outbound, watch_errors

pytestmark = [pytest.mark.browser, needs_browser]

SETUP = """
import torch
from IPython.display import display
from d2lmini.i18n import set_language
from d2lmini.widgets import AttentionSteps, MaskBuilder
set_language("fr")
torch.manual_seed(1)
words = "le chat dort sur le lit".split()
steps = AttentionSteps(words, torch.randn(6, 4), torch.randn(6, 4), torch.randn(6, 3), query=2)
builder = MaskBuilder(words)
display(steps, builder)
"""
ASK = """
import time
deadline = time.time() + 30
while not builder.flips and time.time() < deadline:  # the reader's choices arrive on a thread of their own, in order; this is the last
    time.sleep(0.05)
print("heard:", steps.query, steps.scaled, steps.mask, round(steps.temperature, 1), builder.focus, builder.kind, builder.flips)
print("shown:", f"{steps.weights()[steps.query].max():.2f}", "mask:", builder.mask().int().tolist())
"""
TELL = 'steps.query = 5; builder.kind = "full"'


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab of its own: own folder, own settings, a free port, a secret token."""
    folder = tmp_path_factory.mktemp("lab")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code.strip()) for code in (SETUP, ASK, TELL)])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "widgets.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    own = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "RUNTIME", "DATA")}
    settings = {
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": folder,
        "IdentityProvider.token": token,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        *(f"--{name}={value}" for name, value in settings.items()),
    ]
    log = (folder / "log").open("w")
    server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **own, "PYTHONPATH": os.pathsep.join(sys.path)})
    try:
        wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, folder / "log")
        yield f"http://127.0.0.1:{port}/lab/tree/widgets.ipynb?token={token}"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def wait_for(address, server, log, seconds=90):
    for _ in range(seconds * 5):
        assert server.poll() is None, f"JupyterLab stopped:\n{log.read_text()}"
        try:
            return urllib.request.urlopen(address, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise TimeoutError(f"no JupyterLab after {seconds} s:\n{log.read_text()}")


def open_notebook(page, address):
    """The notebook with its kernel awake: a cell that is run earlier may be forgotten."""
    page.goto(address)
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle", timeout=90_000)


def run_cell(page, number):
    """Run one cell and return its output."""
    cell = page.locator(".jp-Notebook .jp-CodeCell").nth(number)
    before = cell.locator(".jp-InputArea-prompt").text_content()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    expect(cell.locator(".jp-InputArea-prompt")).to_have_text(re.compile(r"\[\d+\]"), timeout=90_000)
    expect(cell.locator(".jp-InputArea-prompt")).not_to_have_text(before)
    return cell


def test_arrows_reach_the_widgets_and_the_kernel_hears(browser, lab):
    page = browser.new_context(viewport={"width": 1200, "height": 1000}).new_page()
    refused, errors = refuse_outbound(page), watch_errors(page)
    open_notebook(page, lab)
    run_cell(page, 0)
    steps, builder = page.locator(".d2l-attention"), page.locator(".d2l-masks")
    expect(builder.locator("td.open")).to_have_count(21, timeout=60_000)
    assert steps.bounding_box()["width"] > 500

    steps.locator(".weights td[data-i='2'][data-j='0']").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):  # Jupyter would move to another cell of the notebook
        page.keyboard.press(key)
    expect(steps.locator("td:focus")).to_have_attribute("data-j", "2")
    steps.locator("[name=scaled]").focus()
    page.keyboard.press("Space")
    steps.locator("[name=temperature]").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    steps.locator("[name=mask]").select_option("causal")
    builder.locator("td[tabindex='0']").focus()
    for key in ("ArrowDown", "End", "Enter"):  # Enter and Space too belong to the widget
        page.keyboard.press(key)

    expected = masks.causal(6)
    expected[1, 5] = True
    output = run_cell(page, 1).locator(".jp-OutputArea-output")
    expect(output).to_contain_text("heard: 3 False causal 1.3 1 causal [[0, 1, 5]]", timeout=30_000)
    expect(output).to_contain_text(f"mask: {expected.int().tolist()}")
    weight = re.search(r"shown: (\S+)", output.text_content())[1].replace(".", ",")
    expect(steps.locator(".summary")).to_contain_text(weight)

    run_cell(page, 2)  # and the widgets hear the kernel
    expect(steps.locator("[name=query]")).to_have_value("5")
    expect(builder.locator("td.open")).to_have_count(36)
    assert (refused, errors) == ([], [])
    page.context.close()


def test_dark_mode_follows_the_lab(browser, lab):
    page = browser.new_page()
    open_notebook(page, lab)
    run_cell(page, 0)
    paper = "node => getComputedStyle(node).backgroundColor"
    assert page.locator(".d2l-masks").evaluate(paper) == "rgb(255, 254, 251)"
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    assert page.locator(".d2l-masks").evaluate(paper) == "rgb(20, 24, 29)"
    page.close()
