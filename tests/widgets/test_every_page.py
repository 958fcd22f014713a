"""What each widget owes its readers, whatever it shows: names, keys, one voice, room on a phone, and no trace when it goes."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import needs_browser
from tests.widgets import (
    test_bpe_stepper_page,
    test_cache_explorer_page,
    test_decoding_explorer_page,
    test_head_grid_page,
    test_mlm_playground_page,
    test_parameter_counter_page,
    test_position_explorer_page,
    test_prompt_composer_page,
    test_span_corruption_page,
    test_static,
    test_three_modes_page,
)

pytestmark = [pytest.mark.browser, needs_browser]
visit = test_static.visit
EXAMPLES = {
    "attention_steps, mask_builder": test_static.more_examples,
    "bpe_stepper": test_bpe_stepper_page.more_examples,
    "cache_explorer": test_cache_explorer_page.more_examples,
    "decoding_explorer": test_decoding_explorer_page.more_examples,
    "head_grid": test_head_grid_page.more_examples,
    "mlm_playground": test_mlm_playground_page.more_examples,
    "parameter_counter": test_parameter_counter_page.more_examples,
    "position_explorer": test_position_explorer_page.more_examples,
    "prompt_composer": test_prompt_composer_page.more_examples,
    "span_corruption": test_span_corruption_page.more_examples,
    "three_modes": test_three_modes_page.more_examples,
}
EACH = pytest.mark.parametrize("name", EXAMPLES)
CLEANED = """async () => {
  const states = Object.values(JSON.parse(document.querySelector('script[type$="widget-state+json"]').textContent).state);
  const results = [];
  for (const { state, buffers = [] } of states.filter(({ state }) => state._esm)) {
    for (const { path, data } of buffers) state[path[0]] = new DataView(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)).buffer);
    const { default: widget } = await import(URL.createObjectURL(new Blob([state._esm], { type: 'text/javascript' })));
    const calls = new Map(), el = document.createElement('div');
    const model = { get: (name) => state[name], set() {}, save_changes() {},
      on: (event, call) => calls.set(event, [...(calls.get(event) ?? []), call]),
      off: (event, call) => calls.set(event, calls.get(event).filter((other) => other !== call)) };
    const clean = widget.render({ model, el }), before = [...calls.values()].flat().length;
    clean();
    results.push([before > 2, [...calls.values()].flat().length, el.childNodes.length].join());
  }
  return results;
}"""


@EACH
@pytest.mark.parametrize("width", [320, 1000])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_axe_finds_nothing_and_a_phone_does_not_scroll_sideways(visit, name, lang, theme, width):
    page = visit(EXAMPLES[name](lang), lang, theme, width)
    for details in page.locator("summary:visible").all():
        details.click()
    for cell in page.locator(".d2l td[data-i]").all()[:1]:
        cell.click()
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".d2l").evaluate_all("nodes => nodes.every((node) => node.scrollWidth <= node.clientWidth)")
    paper = page.locator(".d2l").first.evaluate("node => getComputedStyle(node).backgroundColor")
    assert paper == {"light": "rgb(255, 254, 251)", "dark": "rgb(20, 24, 29)"}[theme]


@EACH
def test_every_control_keeps_its_keys_and_one_voice_speaks_a_widget(visit, name):
    widgets = EXAMPLES[name]("fr")
    page = visit(widgets, "fr")
    focusable = page.locator(".d2l :is(select, input, button, summary, [tabindex])")
    assert focusable.count() > 5 * len(widgets)
    assert focusable.evaluate_all("nodes => nodes.every((node) => 'lmSuppressShortcuts' in node.dataset)")
    assert len(widgets) == page.locator(".d2l [aria-live=polite]").count() == page.locator(".d2l [aria-live]").count()
    still = "node => getComputedStyle(node).animationName === 'none' && getComputedStyle(node).transitionDuration === '0s'"
    assert page.locator(".d2l *").evaluate_all(f"nodes => nodes.every({still})")


@EACH
def test_a_cleaned_view_lets_go_of_its_model(visit, name):
    widgets = EXAMPLES[name]("en")
    assert visit(widgets).evaluate(CLEANED) == ["true,0,0"] * len(widgets)
