"""The report as a page in a browser: it asks for nothing, sorts, filters, and fits every screen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import rulebook
from browser import page_of
from harness import Nights

import solatium
from solatium.engine import Engine
from solatium.report.page import report

PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def warehouse(embedded_session: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    nights = Nights(tmp_path_factory.mktemp("page"), embedded_session)
    nights.land(rulebook.LANDING)
    nights.run(rulebook.THIRD, rulebook.CONFIG)
    return nights.warehouse


@pytest.fixture(scope="module")
def file(warehouse: Path) -> Path:
    """The page of all three dates."""
    page = warehouse.parent / "report.html"
    tables = solatium.open(warehouse)
    page.write_text(report(tables, rulebook.FIRST, rulebook.THIRD), encoding="utf-8")
    return page


def test_accounts_are_named_only_when_asked(warehouse: Path, file: Path) -> None:
    tables = solatium.open(warehouse)
    accounts = set(tables["account_history"].arrow(["account_id"])["account_id"].to_pylist())
    windows = tables["window_results"].arrow(["commodity_id", "window_id"]).to_pydict()
    people = accounts - {name for names in windows.values() for name in names}
    assert not people & cells(file.read_text("utf-8"))
    named = report(tables, rulebook.FIRST, rulebook.THIRD, with_accounts=True)
    assert people & cells(named)


def cells(page: str) -> set[str]:
    return set(re.findall(r"<td[^>]*>([^<]*)</td>", page))


def test_the_same_tables_give_the_same_page(warehouse: Path, file: Path) -> None:
    again = report(solatium.open(warehouse), rulebook.FIRST, rulebook.THIRD)
    assert again == file.read_text("utf-8")


def test_every_chart_says_in_words_what_it_shows(file: Path) -> None:
    with page_of(file) as page:
        charts = page.locator("figure[role=img], .tile [role=img]")
        assert charts.count() > 8
        for chart in charts.all():
            assert len(chart.get_attribute("aria-label") or "") > 20
        assert page.locator("svg:not([aria-hidden=true])").count() == 0


def test_a_heading_sorts_its_table_both_ways(file: Path) -> None:
    with page_of(file) as page:
        table = page.locator("#windows")
        heads = table.locator("thead th").all_inner_texts()
        place = next(i for i, head in enumerate(heads) if head.strip() == "applied")

        def applied() -> list[int]:
            cells = table.locator(f"tbody td:nth-child({place + 1})").all_inner_texts()
            return [int(cell.replace(",", "")) for cell in cells]

        before = applied()
        head = table.locator("thead th").nth(place)
        head.locator("button").click()
        assert applied() == sorted(before, reverse=True)
        assert head.get_attribute("aria-sort") == "descending"
        head.locator("button").press("Enter")
        assert applied() == sorted(before)


def test_windows_can_be_filtered_and_found(file: Path) -> None:
    with page_of(file) as page:
        table = page.locator("#windows")
        rows = table.locator("tbody tr:not([hidden])")
        every = rows.count()
        table.locator("[data-filter=policy]").select_option("weighted lottery")
        weighted = rows.count()
        assert 0 < weighted < every
        assert all("weighted lottery" in text for text in rows.all_inner_texts())
        table.locator("[data-filter=policy]").select_option("")
        table.locator("[data-find]").fill("no such window")
        assert rows.count() == 0
        assert table.locator("[data-shown]").inner_text() == f"0 of {every} rows"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_a_phone(file: Path, scheme: str) -> None:
    with page_of(file, color_scheme=scheme, **PHONE) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        sizes = page.eval_on_selector_all(
            "td, th, p, h1, h2, h3, figcaption", "all => all.map(e => getComputedStyle(e).fontSize)"
        )
        assert min(float(size.removesuffix("px")) for size in sizes) >= 12


# WCAG's contrast of an element's text with the first opaque background behind it.
CONTRASTS = """
() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (text) => {
    const [r, g, b] = parts(text).slice(0, 3).map((c) => {
      c /= 255;
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (parts(colour).length < 4 || parts(colour)[3] === 1) return colour;
    }
  };
  return [...document.querySelectorAll(
    "h1, h2, h3, p, td, th, caption, summary, label, output"
  )].map((e) => {
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  });
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(file: Path, scheme: str) -> None:
    with page_of(file, color_scheme=scheme) as page:
        contrasts = page.evaluate(CONTRASTS)
        assert len(contrasts) > 100
        assert min(contrasts) >= 4.5


def test_it_prints_on_pages_of_a4(file: Path, tmp_path: Path) -> None:
    with page_of(file) as page:
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 688, "height": 1000})  # A4 less its margins, in CSS pixels
        assert page.evaluate("document.documentElement.scrollWidth") <= 688
        assert page.locator(".tools").first.is_hidden()
