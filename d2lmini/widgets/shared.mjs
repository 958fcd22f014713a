// What the widgets share: texts, numbers, colors, the arithmetic of attention, a grid moved with the arrow keys.
// base.py writes STYLE and this file in front of each widget, because a module that travels as text can't import one.

/* global STYLE */

// --- texts and numbers ---------------------------------------------------------------------------

class Markup { constructor(text) { this.text = text; } toString() { return this.text; } }
const markup = (value) => value instanceof Markup ? value.text
  : Array.isArray(value) ? value.map(markup).join("")
  : String(value).replace(/[&<>"'`]/g, (c) => `&#${c.charCodeAt(0)};`);

/** html`<b>${token}</b>`: whatever is interpolated is data and gets escaped, except other html`…`. */
export const html = (parts, ...values) => new Markup(String.raw({ raw: parts }, ...values.map(markup)));

const THIN = "\u202f"; // narrow no-break space
export const french = (text) => text.replace(/ (?=[;:!?%»])/g, THIN).replace(/« /g, "«" + THIN);

/** The dictionary of a language as a function: say("title", {token}) fills «{token}» in. */
export function texts(words, lang) {
  const entries = words[lang] ?? words.en;
  return (key, values = {}) => {
    if (!(key in entries)) throw new Error(`no text "${key}" in ${lang}`);
    const text = lang === "fr" ? french(entries[key]) : entries[key];
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  };
}

/** Numbers as the language writes them, with a true minus sign and −∞; never "−0,00". */
export function numbers(lang) {
  return (x, digits = 2) => {
    if (x === -Infinity) return "−∞";
    const rounded = Math.abs(x) < 0.5 * 10 ** -digits ? 0 : x;
    const format = new Intl.NumberFormat(lang, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return format.format(rounded).replace("-", "−");
  };
}

/** Tokens as the reader sees them: blanks made visible, repeated ones numbered. */
export function labels(tokens) {
  const shown = tokens.map((token) => token.trim() ? token : "␣");
  const seen = new Map();
  return shown.map((token) => {
    if (shown.indexOf(token) === shown.lastIndexOf(token)) return token;
    seen.set(token, (seen.get(token) ?? 0) + 1);
    return token + String(seen.get(token)).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
  });
}

// --- data ----------------------------------------------------------------------------------------

/** Little-endian float32 from the DataView that Jupyter and the static page hand over. */
export function floats(view) {
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/** A flat (n·d) array as n rows. */
export function rows(flat, n) {
  const d = flat.length / n;
  return Array.from({ length: n }, (_, i) => flat.subarray(i * d, (i + 1) * d));
}

// --- arithmetic: pure functions, compared with PyTorch in the tests --------------------------------

const SEES = {
  none: () => true,
  causal: (i, j, _, late) => j <= i + late, // with more keys than queries, the last query sees the last key
  prefix: (i, j, size) => j <= i || j < size,
  window: (i, j, size) => j <= i && i - j < size,
  padding: (i, j, size) => j < size,
};

/** Who may look at whom: true = may attend. `size` is the prefix, the window or the number of real tokens. */
export function mask(kind, nQuery, nKey = nQuery, size = 0) {
  return Array.from({ length: nQuery }, (_, i) =>
    Array.from({ length: nKey }, (_, j) => SEES[kind](i, j, size, nKey - nQuery)));
}

const sum = (xs) => xs.reduce((a, b) => a + b, 0);
const dot = (a, b) => a.reduce((total, x, c) => total + x * b[c], 0);

/** softmax(scale · q kᵀ / temperature), keeping each step; one object a query. A query that sees nothing weighs nothing. */
export function attention(q, k, { scale = 1 / Math.sqrt(q[0].length), mask = null, temperature = 1 } = {}) {
  return q.map((query, i) => {
    const scores = k.map((key) => dot(query, key));
    const scaled = scores.map((score) => score * scale / temperature);
    const masked = scaled.map((x, j) => mask && !mask[i][j] ? -Infinity : x);
    const top = Math.max(...masked);
    const exps = masked.map((x) => x === -Infinity ? 0 : Math.exp(x - top)); // minus the largest: exp can't overflow
    const total = sum(exps);
    return { scores, scaled, masked, exps, total, weights: exps.map((e) => total ? e / total : 0) };
  });
}

/** Σ weight · value, coordinate by coordinate. */
export function weightedMean(weights, v) {
  return Array.from(v[0], (_, c) => sum(weights.map((w, j) => w * v[j][c])));
}

// --- colors --------------------------------------------------------------------------------------

const CIVIDIS = [[0, 34, 78], [8, 51, 112], [53, 69, 108], [79, 87, 108], [102, 105, 112], [125, 124, 120],
  [148, 142, 119], [174, 163, 113], [200, 184, 102], [229, 207, 82], [254, 232, 56]];

/** The cividis color of a weight from 0 to 1, as [red, green, blue]. */
export function cividis(weight) {
  const x = Math.min(Math.max(weight, 0), 1) * (CIVIDIS.length - 1);
  const low = Math.min(Math.floor(x), CIVIDIS.length - 2);
  return CIVIDIS[low].map((c, part) => Math.round(c + (x - low) * (CIVIDIS[low + 1][part] - c)));
}

export function luminance(rgb) {
  const [r, g, b] = rgb.map((c) => c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Black or white, whichever reads better: one of them always reaches a contrast of 4.5 (the worst case is √21). */
export const textColor = (rgb) => (luminance(rgb) + 0.05) ** 2 > 1.05 * 0.05 ? "#000" : "#fff";

export function paint(cell, weight) {
  const rgb = cividis(weight);
  cell.style.backgroundColor = `rgb(${rgb})`;
  cell.style.color = textColor(rgb);
}

// --- page ----------------------------------------------------------------------------------------

let serial = 0;
/** A prefix for ids that no other view on the page has. */
export const uniqueId = () => `d2l-${++serial}-${Math.random().toString(36).slice(2, 8)}`;

/** Put a widget's markup in its element; what can take the focus keeps its keys, which Jupyter would steal. */
export function mount(el, name, lang, content) {
  el.innerHTML = html`<style>${new Markup(STYLE)}</style><div class="d2l d2l-${name}" lang="${lang}">${content}</div>`;
  keepKeys(el);
  return el.querySelector(".d2l");
}

export function keepKeys(el) {
  for (const node of el.querySelectorAll("select, input, button, summary, [tabindex]")) node.dataset.lmSuppressShortcuts = "";
}

/** Call `draw` when one of the traits changes; returns what stops it. */
export function listen(model, traits, draw) {
  for (const trait of traits) model.on(`change:${trait}`, draw);
  return () => traits.forEach((trait) => model.off(`change:${trait}`, draw));
}

/**
 * A figure's life: built, drawn again at each of the reader's `choices`, built again when one of the `data` changes. `make` builds it,
 * connects it and returns what draws it. The control in use keeps the focus. What comes back ends it.
 */
export function live({ model, el }, choices, data, make) {
  let draw;
  const rebuild = () => {
    const active = el.querySelector(":focus")?.name;
    draw = make();
    draw();
    if (active) el.querySelector(`[name="${active}"]`)?.focus();
  };
  rebuild();
  const stops = [listen(model, choices, () => draw()), listen(model, data, rebuild)];
  return () => { stops.forEach((stop) => stop()); el.replaceChildren(); };
}

export function save(model, traits) {
  for (const [trait, value] of Object.entries(traits)) model.set(trait, value);
  model.save_changes();
}

/** Arrows, Home, End, Ctrl+Home and Ctrl+End in a table whose cells carry data-i and data-j; one cell at a time takes the Tab key. */
export function rovingGrid(table, { onFocus = () => {}, onPress = () => {} }) {
  const cells = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("[data-i]")]);
  const place = (cell) => [Number(cell.dataset.i), Number(cell.dataset.j)];
  table.addEventListener("focusin", ({ target }) => {
    if (!target.matches("[data-i]")) return;
    for (const cell of cells.flat()) cell.tabIndex = cell === target ? 0 : -1;
    onFocus(...place(target));
  });
  table.addEventListener("click", ({ target }) => {
    const row = target.closest("tbody th")?.parentElement;
    if (row) return cells[row.sectionRowIndex][0].focus(); // a row's name chooses the row and presses nothing
    const cell = target.closest("[data-i]");
    if (cell) { cell.focus(); onPress(...place(cell)); }
  });
  table.addEventListener("keydown", (event) => {
    if (!event.target.matches("[data-i]")) return;
    const [i, j] = place(event.target), lastRow = cells.length - 1, lastColumn = cells[0].length - 1;
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); return onPress(i, j); }
    const next = {
      ArrowUp: [i - 1, j], ArrowDown: [i + 1, j], ArrowLeft: [i, j - 1], ArrowRight: [i, j + 1],
      Home: [event.ctrlKey ? 0 : i, 0], End: [event.ctrlKey ? lastRow : i, lastColumn],
    }[event.key];
    if (!next) return;
    event.preventDefault(); // else the page scrolls
    cells[Math.min(Math.max(next[0], 0), lastRow)][Math.min(Math.max(next[1], 0), lastColumn)].focus();
  });
  return (i, j) => cells[i][j];
}
