"""What a person does in a browser, in one: look, ask, decide as somebody else, on a phone, in the dark, by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright
from tests.fixtures.ai_calls import ai_call
from tests.fixtures.strict_cloud import StrictCloud
from tests.fixtures.web_company import machine, served_company
from tests.journey.browsing import chromium_or_skip, served
from tools.find_chromium import FLAGS

PAGES = ("/", "/spend", "/budgets", "/cases", "/cases/case-1", "/actions", "/policies", "/policies/decisions/dec-1",
         "/owners", "/board", "/data", "/number/spend?where.service=Amazon+SageMaker", "/api/docs", "/find?q=web",
         "/ai", "/ai/keys", "/reports", "/reports/costs-service-name?first=2026-10&last=2026-11")  # fmt: skip
PROBE = """() => {
  const canvas = document.querySelector('[data-chart] canvas');
  if (!canvas) return 0;
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const seen = new Set();
  for (let i = 0; i < pixels.length; i += 4) {
    if (pixels[i + 3] === 255) seen.add(pixels[i] << 16 | pixels[i + 1] << 8 | pixels[i + 2]);
  }
  return seen.size;
}"""
FOCUSED = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  return { text: (at.textContent || at.id).trim(), ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 };
}"""


@dataclass
class Desk:
    """A browser, the address of the server, and the company behind it."""

    browser: Browser
    address: str
    ws: object
    cloud: StrictCloud
    complaints: list[str] = field(default_factory=list)

    def page(self, **context) -> Page:
        page = self.browser.new_context(viewport={"width": 1280, "height": 900}, **context).new_page()
        page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", self.failed)
        page.on("request", lambda asked: self.foreign(asked.url))
        return page

    def failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # what a page still asked for when the next one was opened
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def foreign(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self.complaints.append(f"left the server: {url}")

    def act_as(self, page: Page, person: str) -> None:
        with page.expect_navigation():
            page.select_option("#person", person)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    chromium, cloud = chromium_or_skip(), StrictCloud()
    for n in range(2, 20):
        cloud.add(f"i-{n}")
    ws = served_company(tmp_path_factory.mktemp("company"), cloud)
    (ws.home / "fiscus.yaml").write_text("version: 1\ncompany: {name: Web, currency: USD}\n")  # where its keys are kept
    ws.calls.append([ai_call("one"), ai_call("two", state="refused", verdict="deny", usage={}, note="Over " * 60)])
    with served(ws) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield Desk(browser, address, ws, cloud)
        browser.close()


@pytest.fixture(autouse=True)
def nothing_to_complain_about(desk: Desk) -> Iterator[None]:
    """No error, no warning, no violation of the content policy, no call to anywhere else."""
    desk.complaints.clear()
    yield
    assert desk.complaints == []


def test_the_first_page_says_what_to_do_and_draws_its_chart(desk) -> None:
    page = desk.page()
    page.goto(desk.address)
    assert "Staging is over" in page.inner_text("h1")
    page.wait_for_selector(".chart.drawn")
    assert page.evaluate(PROBE) > 5
    page.close()


def test_another_grouping_is_another_address_and_the_way_back_works(desk) -> None:
    page = desk.page()
    page.goto(f"{desk.address}/spend")
    page.wait_for_selector(".chart.drawn")
    page.select_option("select[name=group]", "service")
    page.wait_for_url("**/spend?group=service*")
    page.wait_for_selector("td.main >> text=Amazon SageMaker")
    page.wait_for_selector(".chart.drawn")
    assert page.evaluate(PROBE) > 3
    page.click("td.main >> text=Amazon SageMaker")
    page.wait_for_selector(".chips >> text=Amazon SageMaker")
    assert "where.service=Amazon+SageMaker" in page.url
    with page.expect_navigation():
        page.click("p.total a.number")
    assert "94.08" in page.inner_text("main")
    page.go_back()
    page.wait_for_selector(".chips >> text=Amazon SageMaker")
    page.close()


def test_a_question_that_makes_no_sense_is_answered_in_place_with_a_way_on(desk) -> None:
    page = desk.page()
    page.goto(f"{desk.address}/spend?from=2026-11&to=2026-11")
    page.fill("input[name=to]", "2026-09")
    page.wait_for_selector("h1 >> text=is no period")
    assert "Name a first and a last month" in page.inner_text("main")
    page.click("text=Start this page over")
    page.wait_for_selector("form.ask")
    page.close()
    assert all("422" in said for said in desk.complaints)  # the browser notes the status of the answer
    desk.complaints.clear()


def test_an_action_is_approved_by_a_second_person_applied_and_undone(desk) -> None:
    action = machine(desk.ws, desk.cloud, "i-900")
    page = desk.page()
    page.goto(f"{desk.address}/actions/{action.id}")
    page.wait_for_selector("#preview >> text=as planned")
    assert page.locator("form[action$='/approve']").count() == 0
    desk.act_as(page, "otto")
    page.wait_for_selector("text=Otto may not approve this")
    desk.act_as(page, "lea")
    page.click("text=Approve: stop i-900, saves ≈ 30 USD a month")
    page.wait_for_selector("[role=status] >> text=Approved.")
    assert desk.cloud.machines["i-900"]["state"] == "running"
    page.click("text=Apply now: stop i-900")
    page.wait_for_selector("text=Undo: take back")
    assert desk.cloud.machines["i-900"]["state"] == "stopped"
    page.click("text=Undo: take back")
    page.wait_for_selector("text=Nothing: it is undone.")
    assert desk.cloud.machines["i-900"]["state"] == "running"
    page.close()


def test_the_dark_is_dark_charts_included_and_stays_for_the_next_page(desk) -> None:
    page = desk.page(color_scheme="light")
    page.goto(f"{desk.address}/spend")
    page.wait_for_selector(".chart.drawn")
    before = page.evaluate("document.querySelector('[data-chart] canvas').toDataURL()")
    page.click("[data-theme-switch]")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(18, 22, 28)"
    assert page.evaluate("document.querySelector('[data-chart] canvas').toDataURL()") != before
    page.goto(f"{desk.address}/budgets")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(18, 22, 28)"
    page.close()
    system = desk.page(color_scheme="dark")
    system.goto(f"{desk.address}/data")
    assert system.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(18, 22, 28)"
    system.close()


def test_no_page_scrolls_sideways_on_a_phone(desk) -> None:
    page = desk.page()
    page.set_viewport_size({"width": 390, "height": 844})
    for url in PAGES:
        page.goto(f"{desk.address}{url}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, url
        small = page.evaluate("""() => [...document.querySelectorAll('button, select, input:not([type=hidden]), nav a')]
            .filter(e => e.offsetParent && (e.offsetHeight < 24 || e.offsetWidth < 24)).map(e => e.outerHTML.slice(0, 80))""")
        assert small == [], url
    page.close()


@pytest.mark.parametrize("width", [1280, 1024, 800, 741])
def test_no_page_scrolls_sideways_on_a_desk_or_a_tablet_however_long_the_words_below_a_figure(desk, width) -> None:
    page = desk.page()
    page.set_viewport_size({"width": width, "height": 900})
    for url in PAGES:
        page.goto(f"{desk.address}{url}")
        # Figures of a large company, with the words that may stand below them.
        page.evaluate("""() => document.querySelectorAll('td.n[data-label=Budget] > div, td.n[data-label=Actual] > div')
            .forEach(e => e.insertAdjacentHTML('beforeend', '<small>1,444,900 not given to its parts (1 to 9)</small>'))""")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, url
    page.close()


def test_everything_is_reached_by_keyboard_with_the_focus_in_sight(desk) -> None:
    page = desk.page()
    page.goto(f"{desk.address}/")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == {"text": "Skip to the content", "ring": True}
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED)["ring"]
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("web g b")
    page.keyboard.press("Enter")
    page.wait_for_url("**/find?q=web+g+b")
    page.goto(f"{desk.address}/")
    with page.expect_navigation():
        page.keyboard.press("g")
        page.keyboard.press("b")
    assert page.url == f"{desk.address}/budgets"
    page.close()


@pytest.mark.thorough
def test_every_control_has_a_name_and_every_table_a_caption(desk) -> None:
    page = desk.page()
    for url in PAGES:
        page.goto(f"{desk.address}{url}")
        nameless = page.evaluate("""() => [...document.querySelectorAll('a, button, select, input:not([type=hidden]), summary')]
            .filter(e => !(e.textContent.trim() || e.getAttribute('aria-label') || (e.labels && e.labels.length)))
            .map(e => e.outerHTML.slice(0, 80))""")
        assert nameless == [], url
        bare = page.evaluate(
            "() => [...document.querySelectorAll('table')].filter(t => !t.caption || !t.querySelector('th[scope]')).length"
        )
        assert bare == 0, url
        assert page.evaluate("document.querySelectorAll('main, nav, header.bar, h1').length") == 4, url
    page.close()


@pytest.mark.thorough
def test_contrast_is_enough_in_both_themes(desk) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text."""
    for scheme in ("light", "dark"):
        page = desk.page(color_scheme=scheme)
        page.goto(f"{desk.address}/")
        ratios = page.evaluate("""() => {
          const probe = document.createElement('span'); document.body.append(probe);
          const light = (name) => {
            probe.style.color = `var(${name})`;
            const [r, g, b] = getComputedStyle(probe).color.match(/[\\d.]+/g).map(Number).map(c => c / 255)
              .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
          const pairs = [];
          for (const paper of ['--paper-1', '--paper-2', '--paper-3'])
            for (const ink of ['--ink-1', '--ink-2', '--ink-3', '--accent', '--bad', '--warn', '--good'])
              pairs.push([ink, paper]);
          pairs.push(['--accent-ink', '--accent']);
          return pairs.map(([a, b]) => [a, b, ratio(a, b)]).filter(([, , r]) => r < 4.5);
        }""")
        assert ratios == [], scheme
        page.close()
