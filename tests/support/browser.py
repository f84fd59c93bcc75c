"""Pages in a real browser: Debian's Chromium, without a network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
)


@contextmanager
def page_of(file: Path, **context: Any) -> Iterator[Page]:
    """The page of a file; the test fails where it complains or asks for anything but itself."""
    if CHROMIUM is None:
        # where CI runs, a browser is there: then its absence is a fault
        assert os.environ.get("CI") != "true", "chromium is missing: apt-get install chromium"
        pytest.skip("needs Chromium: apt-get install chromium")
    said: list[str] = []
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_QUIET))
        page = browser.new_context(offline=True, **context).new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        yield page
        browser.close()
    assert (said, asked) == ([], [file.as_uri()])
