// Position explorer: two positions under five schemes; the score follows their offset, nothing else.

import { cividis, html, live, mount, numbers, save, texts, uniqueId } from "./shared.mjs";

export const WORDS = {
  fr: {
    scheme: "Codage des positions", sinusoidal: "sinusoïdes, ajoutées aux plongements", shaw: "une clé apprise pour chaque écart (Shaw et al.)",
    t5: "un biais pour chaque tranche d’écarts (T5)", alibi: "une pente pour chaque tête (ALiBi)", rotary: "requêtes et clés qui tournent (RoPE)",
    n_position: "Positions", i: "Requête, position i", j: "Clé, position j", together: "garder l’écart : les deux bougent ensemble",
    d: "Dimension d", n_head: "Têtes", head: "Tête", clip: "Dernier écart distingué", n_bucket: "Tranches", max_distance: "Distance maximale",
    causal: "causal : la clé ne vient jamais après", pair: "Paire", pairing: "Paires de coordonnées",
    neighbors: "voisines : (0, 1), (2, 3)…", halves: "une de chaque moitié : (0, d/2)…",
    only_offset: "Écart {o} : {name} {score}, où que soient les deux positions.",
    say_sinusoidal: "produit scalaire", say_score: "score", say_bias: "biais",
    of_shaw_own: "L’écart {o} a sa propre clé.", of_shaw: "Tous les écarts à partir de {clipped} partagent une même clé.",
    of_bucket_one: "L’écart {o} a la tranche {bucket} pour lui seul.",
    of_bucket: "L’écart {o} partage la tranche {bucket} avec tous ceux de {from} à {to}.",
    of_bucket_last: "L’écart {o} partage la tranche {bucket} avec tous ceux qui vont au-delà de {from}.",
    of_alibi: "Tête {head}, de pente {slope} : {distance} × {slope} = {cost} de moins.",
    of_rotary: "Paire {pair} : de la requête à la clé, l’angle est {o} × {theta} = {angle} rad.",
    masked: "La position {i} ne voit pas la position {j}, qui vient après elle.",
    waves: "Une ligne par position : des ondes rapides à gauche, lentes à droite", coordinate: "coordonnée", position: "position",
    keys: "La clé de chaque écart (un exemple) : au-delà de {clip}, toujours la même", offset: "écart j − i",
    buckets: "Un écart par tranche près de 0, de plus en plus au loin", bucket: "tranche",
    slopes: "Plus la pente est faible, plus la tête voit loin", slope: "Pente",
    circle: "La paire {pair}, coordonnées {a} et {b} : {theta} radian par position", between: "de q à k : {angle} rad",
    turned: "Les deux vecteurs tournés, la paire encadrée", arrow_q: "q, i = {i}", arrow_k: "k, j = {j}",
    curve_sinusoidal: "Le produit scalaire selon l’écart", curve_shaw: "Le score q·a / √d selon l’écart, pour une requête donnée",
    curve_t5: "Le biais ajouté au score selon l’écart (un exemple)", curve_alibi: "Ce que chaque tête ajoute au score selon l’écart",
    curve_rotary: "Le score q·k / √d selon l’écart (ici q = k) ; en tirets, la part de la paire {pair}",
    matrix: "Toutes les paires : une seule couleur par diagonale", row: "ligne : requête i ; colonne : clé j",
    help: "Déplacez i et j, ou choisissez une case du carré.", table: "En tableau, écart par écart",
  },
  en: {
    scheme: "Position scheme", sinusoidal: "sinusoids, added to the embeddings", shaw: "a learned key for each offset (Shaw et al.)",
    t5: "a bias for each bucket of offsets (T5)", alibi: "a slope for each head (ALiBi)", rotary: "queries and keys that turn (RoPE)",
    n_position: "Positions", i: "Query, position i", j: "Key, position j", together: "keep the offset: both move together",
    d: "Dimension d", n_head: "Heads", head: "Head", clip: "Last offset told apart", n_bucket: "Buckets", max_distance: "Largest distance",
    causal: "causal: the key never comes after", pair: "Pair", pairing: "Pairs of coordinates",
    neighbors: "neighbors: (0, 1), (2, 3)…", halves: "one of each half: (0, d/2)…",
    only_offset: "Offset {o}: {name} {score}, wherever the two positions are.",
    say_sinusoidal: "dot product", say_score: "score", say_bias: "bias",
    of_shaw_own: "Offset {o} has a key of its own.", of_shaw: "All offsets from {clipped} on share one key.",
    of_bucket_one: "Offset {o} has bucket {bucket} to itself.",
    of_bucket: "Offset {o} shares bucket {bucket} with all those from {from} to {to}.",
    of_bucket_last: "Offset {o} shares bucket {bucket} with all those beyond {from}.",
    of_alibi: "Head {head}, of slope {slope}: {distance} × {slope} = {cost} less.",
    of_rotary: "Pair {pair}: from the query to the key, the angle is {o} × {theta} = {angle} rad.",
    masked: "Position {i} does not see position {j}, which comes after it.",
    waves: "One row a position: fast waves on the left, slow ones on the right", coordinate: "coordinate", position: "position",
    keys: "The key of each offset (an example): beyond {clip}, always the same", offset: "offset j − i",
    buckets: "One offset a bucket near 0, more and more further away", bucket: "bucket",
    slopes: "The gentler the slope, the further a head sees", slope: "Slope",
    circle: "Pair {pair}, coordinates {a} and {b}: {theta} radian a position", between: "from q to k: {angle} rad",
    turned: "The two turned vectors, with the pair framed", arrow_q: "q, i = {i}", arrow_k: "k, j = {j}",
    curve_sinusoidal: "The dot product by offset", curve_shaw: "The score q·a / √d by offset, for one given query",
    curve_t5: "The bias added to the score, by offset (an example)", curve_alibi: "What each head adds to the score, by offset",
    curve_rotary: "The score q·k / √d by offset (here q = k); dashed, the share of pair {pair}",
    matrix: "All pairs: a single color along each diagonal", row: "row: query i; column: key j",
    help: "Move i and j, or choose a place in the square.", table: "As a table, offset by offset",
  },
};

export const SCHEMES = ["sinusoidal", "shaw", "t5", "alibi", "rotary"];
// The sliders of each scheme, then name: [least, largest, step] as in position_explorer.py.
const OWN = { sinusoidal: ["d"], shaw: ["d", "clip"], t5: ["n_bucket", "max_distance"], alibi: ["n_head", "head"], rotary: ["d", "pair"] };
export const RANGES = {
  n_position: [4, 64, 1], d: [4, 64, 2], n_head: [1, 16, 1], clip: [1, 16, 1], n_bucket: [8, 32, 4], max_distance: [32, 128, 8],
  i: [0, 63, 1], j: [0, 63, 1], head: [0, 15, 1], pair: [0, 31, 1],
};
const CHOICES = [...Object.keys(RANGES), "causal", "interleaved", "together"];

// --- arithmetic: pure functions, compared with d2lmini.positions in the tests ----------------------------------

const range = (n, from = 0) => Array.from({ length: n }, (_, k) => from + k);
const inner = (a, b) => a.reduce((total, x, c) => total + x * b[c], 0);
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

/** d/2 angular frequencies, from 1 radian a token down. */
export const frequencies = (d, base = 10000) => range(d / 2).map((m) => base ** (-2 * m / d));

/** Vaswani et al. 2017, §3.5: a sine and a cosine of each frequency. */
export const sinusoid = (position, d) => frequencies(d).flatMap((w) => [Math.sin(position * w), Math.cos(position * w)]);

/** Raffel et al. 2020, §2.1: one bucket for each near offset, then buckets that widen as a logarithm. In float32, as in PyTorch. */
export function t5Bucket(offset, causal, nBucket = 32, maxDistance = 128) {
  const own = causal ? nBucket : nBucket / 2, exact = Math.floor(own / 2), f = Math.fround;
  const distance = causal ? Math.max(-offset, 0) : Math.abs(offset), first = !causal && offset > 0 ? own : 0;
  if (distance < exact) return first + distance;
  const growth = f(f(Math.log(f(distance / exact))) / f(Math.log(maxDistance / exact)));
  return first + Math.min(exact + Math.floor(f(growth * (own - exact))), own - 1);
}

/** Press et al. 2022, §3: 2^(−8/H), 2^(−16/H)…; between two powers of two, some of the next power's. */
export function alibiSlopes(nHead) {
  const power = 2 ** Math.floor(Math.log2(nHead)), slopes = range(power, 1).map((h) => 2 ** (-8 / power * h));
  return power === nHead ? slopes : [...slopes, ...alibiSlopes(2 * power).filter((_, h) => h % 2 === 0).slice(0, nHead - power)];
}

/** Which two coordinates make pair m: neighbors, or one of each half. */
export const pairAt = (m, d, interleaved) => interleaved ? [2 * m, 2 * m + 1] : [m, m + d / 2];

/** Su et al. 2024, §3.2: each pair (a, b) turned by position · θ. */
export function rotate(x, position, { interleaved = false, base = 10000 } = {}) {
  const turned = [...x];
  frequencies(x.length, base).forEach((w, m) => {
    const [a, b] = pairAt(m, x.length, interleaved), cos = Math.cos(position * w), sin = Math.sin(position * w);
    turned[a] = x[a] * cos - x[b] * sin;
    turned[b] = x[a] * sin + x[b] * cos;
  });
  return turned;
}

/** What a model would learn, as an example: the same numbers as in position_explorer.py. */
export const exampleVector = (n, seed) => range(n, 1).map((c) => {
  const x = 43758.5453 * Math.sin(12.9898 * c + 78.233 * seed);
  return 2 * (x - Math.floor(x)) - 1;
});
const QUERY = 943; // among the examples, one that prefers near keys
export function exampleBias(nBucket, causal) {
  const own = causal ? nBucket : nBucket / 2;
  return range(nBucket).map((b) => 2 * Math.exp(-(b % own) / 4) - 1 - (b < own ? 0 : 0.5));
}

/** (1, 0) in each pair: an arrow that points right. */
export const startVector = (d, interleaved) => range(d).map((c) => Number(interleaved ? c % 2 === 0 : c < d / 2));

/** The vectors behind the scores: one a position (sinusoidal, rotary) or one an offset (Shaw). */
export function vectorsOf({ scheme, n_position: n, d, clip, interleaved }) {
  if (scheme === "sinusoidal") return range(n).map((p) => sinusoid(p, d));
  if (scheme === "rotary") return range(n).map((p) => rotate(startVector(d, interleaved), p, { interleaved }));
  return scheme === "shaw" ? range(2 * clip + 1, -clip).map((o) => exampleVector(d, 1000 + o)) : [];
}

/** The score of two positions, as a function of i and j: that it only depends on j − i is for the reader to see. */
export function scorer(choices) {
  const { scheme, d, clip, n_head: nHead, head, n_bucket: nBucket, max_distance: maxDistance, causal } = choices;
  const vectors = vectorsOf(choices), q = exampleVector(d, QUERY), biases = exampleBias(nBucket, causal), slope = alibiSlopes(nHead)[head];
  const masked = (score) => (i, j) => causal && j > i ? -Infinity : score(i, j);
  return {
    sinusoidal: (i, j) => inner(vectors[i], vectors[j]),
    rotary: (i, j) => inner(vectors[i], vectors[j]) / Math.sqrt(d),
    shaw: (i, j) => inner(q, vectors[clamp(j - i, -clip, clip) + clip]) / Math.sqrt(d),
    t5: masked((i, j) => biases[t5Bucket(j - i, causal, nBucket, maxDistance)]),
    alibi: masked((i, j) => -slope * Math.abs(j - i)),
  }[scheme];
}

/** [offset, score] for each offset between n positions. */
export function byOffset(score, n) {
  return range(2 * n - 1, 1 - n).map((o) => [o, score(Math.max(-o, 0), Math.max(o, 0))]).filter(([, y]) => y > -Infinity);
}

/** The offsets that share a bucket with this one, from the least to the largest; infinite at the far ends. */
export function bucketMates(offset, causal, nBucket, maxDistance) {
  const far = 4 * maxDistance, mine = t5Bucket(offset, causal, nBucket, maxDistance);
  const mates = range(2 * far + 1, -far).filter((o) => (!causal || o <= 0) && t5Bucket(o, causal, nBucket, maxDistance) === mine);
  const [from, to] = [mates[0], mates.at(-1)];
  return [from === -far ? -Infinity : from, to === far ? Infinity : to];
}

/** Where i and j are after one of them was moved; `together` keeps their offset and stops at the ends. */
export function move({ i, j, n_position: n, together }, name, value) {
  if (!together) return { i, j, [name]: value };
  const delta = clamp(value - (name === "i" ? i : j), -Math.min(i, j), n - 1 - Math.max(i, j));
  return { i: i + delta, j: j + delta };
}

/** Round numbers between two others, about `most` of them, and the decimals that they need. */
export function ticks(low, high, most) {
  const rough = (high - low) / most, power = Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((s) => s * 10 ** power >= rough * 0.999) * 10 ** power, first = Math.ceil(low / step - 1e-9);
  return { values: range(Math.floor(high / step + 1e-9) - first + 1, first).map((k) => k * step), digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

/** How many decimals a number needs, from 2 to 4. */
export const decimals = (x) => [2, 3].find((digits) => Math.abs(x * 10 ** digits - Math.round(x * 10 ** digits)) < 1e-6) ?? 4;

// --- texts -------------------------------------------------------------------------------------------------------

function details({ scheme, i, j, clip, head, n_head: nHead, n_bucket: nBucket, max_distance: maxDistance, causal, pair, d }, { say, fmt }) {
  const o = j - i, whole = (x) => fmt(x, 0);
  if (scheme === "shaw") return say(Math.abs(o) < clip ? "of_shaw_own" : "of_shaw", { o: whole(o), clipped: whole(clamp(o, -clip, clip)) });
  if (scheme === "t5") {
    const [from, to] = bucketMates(o, causal, nBucket, maxDistance), bucket = t5Bucket(o, causal, nBucket, maxDistance);
    if (from === -Infinity || to === Infinity) return say("of_bucket_last", { o: whole(o), bucket, from: whole(o < 0 ? to + 1 : from - 1) });
    return say(from === to ? "of_bucket_one" : "of_bucket", { o: whole(o), bucket, from: whole(o < 0 ? to : from), to: whole(o < 0 ? from : to) });
  }
  if (scheme === "alibi") {
    const slope = alibiSlopes(nHead)[head];
    return say("of_alibi", { head: head + 1, slope: fmt(slope, decimals(slope)), distance: Math.abs(o), cost: fmt(slope * Math.abs(o)) });
  }
  const theta = frequencies(d)[pair];
  return scheme === "rotary" ? say("of_rotary", { pair, o: whole(o), theta: fmt(theta, 4), angle: fmt(o * theta) }) : "";
}

const NAMES = { sinusoidal: "say_sinusoidal", shaw: "say_score", rotary: "say_score", t5: "say_bias", alibi: "say_bias" };

/** The finding in words; also what a screen reader says after each change. */
export function sentence(choices, { say, fmt }) {
  const { scheme, i, j } = choices, score = scorer(choices)(i, j);
  if (score === -Infinity) return say("masked", { i, j });
  const finding = say("only_offset", { o: fmt(j - i, 0), name: say(NAMES[scheme]), score: fmt(score) });
  return `${finding} ${details(choices, { say, fmt })}`.trim();
}

// --- pictures ------------------------------------------------------------------------------------------------------

/** A heat map as markup: a canvas that `paintHeat` fills, with marks at [row, column, height, width]. */
function heat(name, height, width, marks) {
  const place = ([row, column, rows, columns]) => `top: ${100 * row / height}%; left: ${100 * column / width}%; height: ${100 * rows / height}%; width: ${100 * columns / width}%`;
  return html`<div class="heat ${name}"><canvas data-heat="${name}"></canvas>${marks.map(({ at, side, text }) =>
    html`<i class="spot ${side ?? ""}" style="${place(at)}">${text ? html`<b>${text}</b>` : ""}</i>`)}</div>`;
}

function paintHeat(canvas, values, [low, high]) {
  const height = values.length, width = values[0].length, image = new ImageData(width, height);
  values.flat().forEach((value, k) => {
    if (value > -Infinity) image.data.set([...cividis((value - low) / (high - low || 1)), 255], 4 * k);
  });
  Object.assign(canvas, { width, height }).getContext("2d").putImageData(image, 0, 0);
}

const extent = (values) => [Math.min(...values.filter((x) => x > -Infinity)), Math.max(...values)];

/** The scale of a heat map: its lowest and highest value. */
const legend = ([low, high], { fmt }) => html`<p class="legend"><span>${fmt(low)}</span> <canvas data-heat="scale"></canvas> <span>${fmt(high)}</span></p>`;

/** Curves as markup; texts and the dot are outside of the drawing, which stretches. */
function plot(curves, now, { fmt }, { x, y }) {
  const points = curves.flatMap(({ points }) => points), [left, right] = extent(points.map(([a]) => a));
  const [low, high] = extent([...points.map(([, b]) => b), 0]), room = 0.06 * (high - low || 1);
  const across = (a) => 100 * (a - left) / (right - left || 1), down = (b) => 100 * (high + room - b) / (high - low + 2 * room);
  const path = ({ points, name }) => html`<path class="${name}" d="M${points.map(([a, b]) => `${across(a).toFixed(2)} ${down(b).toFixed(2)}`).join("L")}"/>`;
  const { values: xs } = ticks(left, right, 7), { values: ys, digits } = ticks(low, high, 5);
  return html`<div class="plot" aria-hidden="true"><span class="y-name">${y}</span><div class="frame"><svg viewBox="0 0 100 100" preserveAspectRatio="none">
      ${ys.map((b) => html`<path class="${b === 0 ? "zero" : "gridline"}" d="M0 ${down(b)}H100"/>`)}
      ${left < 0 && right > 0 ? html`<path class="zero" d="M${across(0)} 0V100"/>` : ""}
      ${now ? html`<path class="now" d="M${across(now[0])} 0V100"/>` : ""}${curves.map(path)}</svg>
    ${now ? html`<i class="dot" style="left: ${across(now[0])}%; top: ${down(now[1])}%"></i>` : ""}
    ${xs.map((a) => html`<span class="x" style="left: ${across(a)}%">${fmt(a, 0)}</span>`)}
    ${ys.map((b) => html`<span class="y" style="top: ${down(b)}%">${fmt(b, digits)}</span>`)}</div><span class="x-name">${x}</span></div>`;
}

const panel = (heading, content, axes = "") => html`<p class="heading">${heading}</p>${content}${axes ? html`<p class="axes">${axes}</p>` : ""}`;

/** Flat over each offset: for what has no values in between. */
const steps = (points) => points.flatMap(([o, y]) => [[o - 0.5, y], [o + 0.5, y]]);

/** The scheme's own picture. */
const PICTURES = {
  sinusoidal(c, view) {
    const marks = [{ at: [c.i, 0, 1, c.d], side: "q", text: "i" }, { at: [c.j, 0, 1, c.d], side: "k", text: "j" }];
    return panel(view.say("waves"), html`${heat("vectors", c.n_position, c.d, marks)}${legend([-1, 1], view)}`, `↓ ${view.say("position")} → ${view.say("coordinate")}`);
  },
  shaw(c, view) {
    const row = clamp(c.j - c.i, -c.clip, c.clip) + c.clip, rows = 2 * c.clip + 1;
    return panel(view.say("keys", c), html`${heat("vectors", rows, c.d, [{ at: [row, 0, 1, c.d], side: "k", text: view.fmt(row - c.clip, 0) }])}${
      legend([-1, 1], view)}`, `↓ ${view.say("offset")} → ${view.say("coordinate")}`);
  },
  t5(c, view) {
    const far = Math.max(c.max_distance, c.n_position), bucket = (o) => t5Bucket(o, c.causal, c.n_bucket, c.max_distance);
    const points = steps(range(c.causal ? far + 1 : 2 * far + 1, -far).map((o) => [o, bucket(o)]));
    const now = c.causal && c.j > c.i ? null : [c.j - c.i, bucket(c.j - c.i)];
    return panel(view.say("buckets"), plot([{ points, name: "main" }], now, view, { x: view.say("offset"), y: view.say("bucket") }));
  },
  alibi(c, view) {
    const slopes = alibiSlopes(c.n_head), most = Math.max(...slopes);
    return panel(view.say("slopes"), html`<table class="slopes"><thead><tr><th scope="col">${view.say("head")}</th><th scope="col">${view.say("slope")}</th></tr></thead>
      <tbody>${slopes.map((slope, h) => html`<tr class="${h === c.head ? "chosen" : ""}"><th scope="row">${h + 1}</th>
        <td><span class="bar"><i style="width: ${100 * slope / most}%"></i></span>${view.fmt(slope, 4)}</td></tr>`)}</tbody></table>`);
  },
  rotary(c, view) {
    const theta = frequencies(c.d)[c.pair], [a, b] = pairAt(c.pair, c.d, c.interleaved);
    const at = (p, r) => [r * Math.cos(p * theta), -r * Math.sin(p * theta)].map((x) => x.toFixed(3));
    const arrow = (p, side) => html`<g class="${side}"><path d="M0 0L${at(p, 0.9).join(" ")}"/><path class="point" transform="rotate(${(-p * theta * 180 / Math.PI).toFixed(2)})" d="M1 0L0.84 0.075L0.84 -0.075Z"/></g>`;
    const name = (p, side, text) => html`<span class="name ${side}" style="left: ${50 + 39 * at(p, 1.17)[0]}%; top: ${50 + 39 * at(p, 1.17)[1]}%">${text}</span>`;
    const cells = [[0, a], [0, b], [1, a], [1, b]].map(([row, column]) => ({ at: [row, column, 1, 1], side: row ? "k" : "q" }));
    return panel(view.say("circle", { pair: c.pair, a, b, theta: view.fmt(theta, 4) }), html`<div class="circle" aria-hidden="true">
        <svg viewBox="-1.28 -1.28 2.56 2.56"><circle r="1"/><path class="axis" d="M-1 0H1M0 -1V1"/>${arc(c.i * theta, c.j * theta)}${arrow(c.i, "q")}${arrow(c.j, "k")}</svg>
        ${name(c.i, "q", "q")}${name(c.j, "k", "k")}</div>
      <p class="key"><span class="q">${view.say("arrow_q", c)}</span> <span class="k">${view.say("arrow_k", c)}</span> <span>${view.say("between", { angle: view.fmt((c.j - c.i) * theta) })}</span></p>
      <p class="also">${view.say("turned")}</p>${heat("turned", 2, c.d, cells)}${legend([-1, 1], view)}`);
  },
};

/** The way from one angle to the other, as it was turned (more than a circle shows as a circle). */
function arc(from, to) {
  const r = 0.36, at = (angle) => `${(r * Math.cos(angle)).toFixed(3)} ${(-r * Math.sin(angle)).toFixed(3)}`;
  if (Math.abs(to - from) >= 2 * Math.PI) return html`<circle class="arc" r="${r}"/>`;
  return html`<path class="arc" d="M${at(from)}A${r} ${r} 0 ${Math.abs(to - from) > Math.PI ? 1 : 0} ${to > from ? 0 : 1} ${at(to)}"/>`;
}

function curve(c, view, score) {
  const { scheme } = c, points = byOffset(score, c.n_position), value = score(c.i, c.j);
  const others = scheme === "alibi" ? range(c.n_head).filter((h) => h !== c.head) : [], theta = frequencies(c.d)[c.pair];
  const curves = [
    ...others.map((head) => ({ points: byOffset(scorer({ ...c, head }), c.n_position), name: "other" })),
    ...scheme === "rotary" ? [{ points: points.map(([o]) => [o, Math.cos(o * theta) / Math.sqrt(c.d)]), name: "share" }] : [],
    { points: ["shaw", "t5"].includes(scheme) ? steps(points) : points, name: "main" },
  ];
  const title = { sinusoidal: "curve_sinusoidal", shaw: "curve_shaw", t5: "curve_t5", alibi: "curve_alibi", rotary: "curve_rotary" }[scheme];
  const now = value > -Infinity ? [c.j - c.i, value] : null;
  return panel(view.say(title, c), plot(curves, now, view, { x: view.say("offset"), y: view.say(NAMES[scheme]) }));
}

function matrix(c, view, all) {
  const n = c.n_position;
  const marks = [{ at: [c.i, 0, 1, n], side: "line", text: "i" }, { at: [0, c.j, n, 1], side: "line column", text: "j" }, { at: [c.i, c.j, 1, 1], side: "here" }];
  return panel(view.say("matrix"), html`${heat("pairs", n, n, marks)}${legend(extent(all.flat()), view)}`, view.say("row"));
}

// --- the page --------------------------------------------------------------------------------------------------------

function read(model) {
  const c = Object.fromEntries([...CHOICES, "scheme"].map((name) => [name, model.get(name)])); // while traits arrive one by one, some may not fit yet
  const last = limits(c);
  for (const name of Object.keys(last)) c[name] = Math.min(c[name], last[name]);
  return c;
}

const limits = ({ n_position, n_head, d }) => ({ i: n_position - 1, j: n_position - 1, head: n_head - 1, pair: d / 2 - 1 });

function build(el, model, { say }) {
  const scheme = model.get("scheme"), id = uniqueId();
  const slider = (name) => html`<label>${say(name)} <input name="${name}" type="range" min="${RANGES[name][0]}" max="${RANGES[name][1]}" step="${RANGES[name][2]}"><output></output></label>`;
  const box = (name) => html`<label><input name="${name}" type="checkbox"> ${say(name)}</label>`;
  const pairing = html`<label>${say("pairing")} <select name="interleaved"><option value="true">${say("neighbors")}</option><option value="false">${say("halves")}</option></select></label>`;
  return mount(el, "positions", model.get("lang"), html`<div class="controls">
      <label>${say("scheme")} <select name="scheme">${SCHEMES.map((name) => html`<option value="${name}">${say(name)}</option>`)}</select></label>
      ${slider("n_position")} ${OWN[scheme].map(slider)} ${scheme === "rotary" ? pairing : ""} ${["t5", "alibi"].includes(scheme) ? box("causal") : ""}</div>
    <div class="controls two">${slider("i")} ${slider("j")} ${box("together")}</div>
    <p class="summary" role="status" aria-live="polite"></p>
    <div class="views ${scheme}"><div class="picture"></div><div class="curve"></div><div class="matrix"></div></div>
    <p class="help">${say("help")}</p>
    <details><summary>${say("table")}</summary><div class="scroll" role="group" tabindex="0" aria-labelledby="${id}-table"><table class="offsets">
      <caption id="${id}-table" class="unseen">${say("table")}</caption><thead><tr><th scope="col">${say("offset")}</th><th scope="col">${say(NAMES[scheme])}</th>
      ${scheme === "t5" ? html`<th scope="col">${say("bucket")}</th>` : ""}</tr></thead><tbody></tbody></table></div></details>`);
}

function drawControls(root, c, { fmt }) {
  const last = limits(c);
  for (const field of root.querySelectorAll(".controls [name]")) {
    const { name } = field;
    if (field.type === "checkbox") field.checked = c[name];
    else field.value = c[name];
    if (field.type !== "range") continue;
    if (name in last) { field.max = last[name]; field.value = c[name]; }
    const shown = fmt(name === "head" ? c[name] + 1 : c[name], 0);
    field.nextElementSibling.textContent = shown;
    field.setAttribute("aria-valuetext", shown);
  }
}

function draw(root, model, view) {
  const c = read(model), score = scorer(c), all = range(c.n_position).map((i) => range(c.n_position).map((j) => score(i, j)));
  drawControls(root, c, view);
  root.querySelector(".picture").innerHTML = PICTURES[c.scheme](c, view);
  root.querySelector(".curve").innerHTML = curve(c, view, score);
  root.querySelector(".matrix").innerHTML = matrix(c, view, all);
  const vectors = vectorsOf(c);
  const heats = { vectors, turned: [vectors[c.i], vectors[c.j]], pairs: all, scale: [range(101)] };
  for (const canvas of root.querySelectorAll("[data-heat]")) {
    const name = canvas.dataset.heat;
    paintHeat(canvas, heats[name], name === "pairs" ? extent(all.flat()) : name === "scale" ? [0, 100] : [-1, 1]);
  }
  root.querySelector(".offsets tbody").innerHTML = html`${byOffset(score, c.n_position).map(([o, y]) => html`<tr class="${o === c.j - c.i ? "chosen" : ""}">
    <th scope="row">${view.fmt(o, 0)}</th><td>${view.fmt(y)}</td>${c.scheme === "t5" ? html`<td>${t5Bucket(o, c.causal, c.n_bucket, c.max_distance)}</td>` : ""}</tr>`)}`;
  const summary = root.querySelector(".summary"), text = sentence(c, view);
  if (summary.textContent !== text) summary.textContent = text; // an unchanged sentence is not said again
}

function connect(root, model) {
  root.addEventListener("input", ({ target }) => {
    const { name } = target, c = read(model);
    if (name === "scheme") return save(model, { scheme: target.value });
    const value = target.type === "checkbox" ? target.checked : name === "interleaved" ? target.value === "true" : Number(target.value);
    if (name === "i" || name === "j") return save(model, move(c, name, value));
    const last = limits({ ...c, [name]: value }); // fewer positions, heads or coordinates: the choices stay inside
    save(model, { [name]: value, ...Object.fromEntries(Object.keys(last).filter((key) => c[key] > last[key]).map((key) => [key, last[key]])) });
  });
  root.querySelector(".matrix").addEventListener("click", (event) => {
    const square = event.target.closest(".heat")?.getBoundingClientRect(), n = model.get("n_position");
    if (!square) return;
    const place = (x) => clamp(Math.floor(n * x), 0, n - 1);
    save(model, { i: place((event.clientY - square.top) / square.height), j: place((event.clientX - square.left) / square.width) });
  });
}

const render = (view) => live(view, CHOICES, ["scheme", "lang"], () => {
  const lang = view.model.get("lang"), voice = { say: texts(WORDS, lang), fmt: numbers(lang) };
  const root = build(view.el, view.model, voice);
  connect(root, view.model);
  return () => draw(root, view.model, voice);
});

export default { render };
