"""Figures: the right marks, in the right language, with an alternative text and stable bytes."""

from itertools import pairwise

import numpy as np
import pytest

from d2lmini import i18n, plots

WORDS = ["le", "chat", "dort"]
WEIGHTS = np.array([[1, 0, 0], [0.25, 0.75, 0], [0.2, 0.3, 0.5]])


@pytest.fixture
def shown(monkeypatch):
    """What `show` hands to the notebook."""
    bundles = []
    monkeypatch.setattr(plots, "display", lambda bundle, raw, metadata: bundles.append((bundle, metadata)))
    return bundles


def test_a_heatmap_writes_each_weight_but_zero():
    ax = plots.heatmap(WEIGHTS, WORDS)
    assert sorted(text.get_text() for text in ax.texts) == ["0.20", "0.25", "0.30", "0.50", "0.75", "1.00"]
    assert (ax.images[0].get_array().mask == (WEIGHTS == 0)).all(), "a masked place is blank, not dark"
    assert [label.get_text() for label in ax.get_yticklabels()] == WORDS
    assert ax.get_xlabel() == "keys" and ax.get_ylabel() == "queries"


def test_french_figures_have_decimal_commas():
    i18n.set_language("fr")
    ax = plots.heatmap(WEIGHTS, WORDS)
    assert "0,75" in [text.get_text() for text in ax.texts] and ax.get_xlabel() == "clés"
    ax = plots.curves([0, 1], {"a": [0.0, 0.5]})
    ax.figure.canvas.draw()
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert "0,2" in labels and not any("." in label for label in labels)


def test_bipartite_lines_join_the_pairs_that_attend():
    ax = plots.bipartite(WEIGHTS, WORDS)
    pairs = {tuple(int(y) for y in line.get_ydata()) for line in ax.lines}
    assert pairs == {(i, j) for i, j in zip(*WEIGHTS.nonzero(), strict=True)}


def test_curves_are_told_apart_without_color():
    ax = plots.curves([1, 10], {"a": [1, 2], "b": [2, 3]}, log="x", xlabel="d")
    assert len({(line.get_linestyle(), line.get_marker()) for line in ax.lines}) == 2
    assert [text.get_text() for text in ax.texts] == ["a", "b"] and ax.get_xscale() == "log" and ax.get_xlabel() == "d"


def test_names_of_curves_that_end_together_do_not_overlap():
    ax = plots.curves([1, 1000], {"a": [0.15, 3e-4], "b": [0.15, 0.179], "c": [0.15, 0.12]}, log="xy")
    ax.figure.canvas.draw()
    middles = sorted((box.y0 + box.y1) / 2 for box in (text.get_window_extent() for text in ax.texts))
    line = ax.texts[0].get_fontsize() * ax.figure.dpi / 72
    assert all(above - below >= line for below, above in pairwise(middles))


def test_show_gives_svg_with_alternative_text_and_the_same_bytes_twice(shown):
    for _ in range(2):
        plots.show(plots.curves([1, 2], {"a": [1, 2]}).figure, alt="it grows")
    (bundle, metadata), again = shown
    assert bundle["image/svg+xml"].startswith("<svg") and metadata["image/svg+xml"]["alt"] == bundle["text/plain"] == "it grows"
    assert (bundle, metadata) == again


def test_a_figure_without_a_sentence_is_refused():
    with pytest.raises(ValueError, match="alt='' must say what the figure shows"):
        plots.show(plots.figure()[0], alt=" ")


def test_labels_must_match_the_weights():
    with pytest.raises(ValueError, match=r"weights has shape \(3, 3\) but there are 2 queries and 2 keys"):
        plots.heatmap(WEIGHTS, WORDS[:2])
