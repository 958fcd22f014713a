"""The pages: one a student and one for the class, in both languages, alone in their file, without a script."""

import html
import re
from urllib.parse import quote

from d2lmini import i18n, palette
from d2lmini.exercises.sets import EXERCISES
from d2lmini.grading.records import Mark, Record
from d2lmini.grading.report import Class, decimal, name_of
from d2lmini.i18n import Language, Text

OVERVIEW = "overview.html"
MOST_MISTAKES = 15  # bars in the chart
CSS = f"""
{palette.css(":root", "@media (prefers-color-scheme: dark) { :root")} }}
:root {{ color-scheme: light dark; }}
body {{ max-width: 62rem; margin: 0 auto; padding: 1rem; background: var(--c-paper); color: var(--c-ink); font: 1rem/1.5 system-ui, sans-serif; }}
a {{ color: var(--c-blue); }}
code, pre {{ font-family: ui-monospace, Consolas, monospace; font-size: .9em; }}
pre {{ overflow-x: auto; padding: .6rem; background: var(--c-panel); border: 1px solid var(--c-rule); }}
table {{ border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }}
caption {{ text-align: start; color: var(--c-muted); }}
th, td {{ padding: .25rem .5rem; border-bottom: 1px solid var(--c-rule); text-align: start; vertical-align: top; font-weight: 400; }}
thead th {{ font-weight: 600; border-color: var(--c-muted); }}
td.number, th.number {{ text-align: end; white-space: nowrap; font-variant-numeric: tabular-nums; }}
td.bar {{ width: 40%; }}
.bar i {{ display: block; height: 1.1em; margin-top: .2em; background: var(--c-blue); border: 1px solid var(--c-blue); print-color-adjust: exact; }}
section {{ margin: 1rem 0; padding: .1rem 1rem; border-left: .3rem solid var(--c-rule); overflow-wrap: anywhere; }}
section.right {{ border-color: var(--c-green); }}
section.wrong {{ border-color: var(--c-vermilion); }}
.wide {{ overflow-x: auto; }}
#show-fr:checked ~ main [lang="en"], #show-en:checked ~ main [lang="fr"] {{ display: none; }}
@media print {{ body > input, body > label {{ display: none; }} }}
"""  # noqa: E501
MARKS = {"right": "✓", "wrong": "✗", "todo": "○", "missing": "○"}  # signs that every font has


def student_page(record: Record, language: Language) -> str:
    """What one student did, exercise by exercise; of the others it says nothing, for it may be handed back."""
    parts = [f"<h1>{safe(record.who)}</h1>"]
    if record.student:
        parts.append(f"<p>{told(Text('Nom dans le notebook :', 'Name in the notebook:'))} <strong>{safe(record.student)}</strong></p>")
    parts.append(f"<p><strong>{told(_of(record.total, record.maximum))}</strong></p>")
    parts += [f"<p>⚠ {told(remark)}</p>" for remark in record.remarks]
    return page(Text(record.who, record.who), "\n".join([*parts, *map(_exercise, record.marks)]), language)


def _exercise(mark: Mark) -> str:
    exercise = EXERCISES[mark.name]
    code = ""
    if mark.code:
        title = told(Text("Le code remis", "The code handed in"))
        code = f"<details><summary>{title}</summary><pre><code>{safe(mark.code)}</code></pre></details>"
    return f"""<section class="{mark.state}">
<h2>{MARKS[mark.state]} {told(exercise.title)} <small>· <code>{mark.name}</code> · {told(_of(mark.earned, exercise.points))}</small></h2>
<p>{told(mark.text)}</p>
{code}
</section>"""


# --- the class ------------------------------------------------------------------------------------------------------


def overview(found: Class, language: Language) -> str:
    """The class on one page: how totals spread, what succeeds, which mistakes are common, who looks like whom."""
    n = len(found.records)
    title = Text("Les notes de la classe", "The grades of the class")
    parts = [
        f"<h1>{told(title)}</h1>",
        f"<p>{told(Text('Notebooks : {n}.', 'Notebooks: {n}.').fill(n=n))} "
        f'<a href="grades.csv">{told(Text("Le tableau des notes (CSV)", "The table of grades (CSV)"))}</a></p>',
        f"<h2>{told(Text('Les totaux', 'Totals'))}</h2>",
        _totals(found),
        f"<h2>{told(Text('La réussite par exercice', 'Success by exercise'))}</h2>",
        _success(found),
        f"<h2>{told(Text('Les erreurs les plus communes', 'The commonest mistakes'))}</h2>",
        _mistakes(found),
        f"<h2>{told(Text('Les étudiants', 'Students'))}</h2>",
        _students(found),
        _alike(found),
    ]
    return page(title, "\n".join(parts), language)


def _totals(found: Class) -> str:
    shares = [100 * record.total / record.maximum for record in found.records]
    tenths = [min(int(share // 10), 9) for share in shares]
    counts = [(Text(f"de {10 * t} à {10 * t + 10} %", f"{10 * t} to {10 * t + 10}%"), tenths.count(t)) for t in range(10)]
    middle = sorted(shares)[len(shares) // 2]
    text = Text("Médiane : {fr} %.", "Median: {en}%.").fill(fr=decimal(round(middle, 1), "fr"), en=decimal(round(middle, 1), "en"))
    top = max(n for _, n in counts)
    return f"<p>{told(text)}</p>" + _bars(
        (Text("part des points", "share of points"), Text("étudiants", "students")),
        [(told(label), n / top, Text(str(n), str(n))) for label, n in counts],
    )


def _success(found: Class) -> str:
    rows = []
    for name in found.exercises:
        earned = [mark.earned / EXERCISES[name].points for record in found.records for mark in record.marks if mark.name == name]
        share = sum(earned) / len(earned)
        label = f"{told(EXERCISES[name].title)} <code>{name}</code>"
        rows.append((label, share, Text(f"{100 * share:.0f} %", f"{100 * share:.0f}%")))
    return _bars((Text("exercice", "exercise"), Text("points obtenus", "points earned")), rows)


def _mistakes(found: Class) -> str:
    listed = found.mistakes()[:MOST_MISTAKES]
    if not listed:
        return f"<p>{told(Text('Aucune.', 'None.'))}</p>"
    rows = [(f"<code>{name}</code> {told(name_of(name, code))}", n / listed[0][2], Text(str(n), str(n))) for name, code, n in listed]
    return _bars((Text("erreur", "mistake"), Text("étudiants", "students")), rows)


def _students(found: Class) -> str:
    names = found.exercises
    titles = [told(Text("étudiant", "student")), *(f"<code>{name}</code>" for name in names), told(Text("total", "total")), "%"]
    head = "".join(f'<th scope="col"{_number(i)}>{title}</th>' for i, title in enumerate(titles))
    rows = []
    for record in found.records:
        earned = {mark.name: told(figure(mark.earned)) for mark in record.marks}
        percent = round(100 * record.total / record.maximum)
        cells = [*(earned.get(name, "–") for name in names), told(_of(record.total, record.maximum)), str(percent)]
        link = f'<a href="{quote(record.page)}">{safe(record.who)}</a>{" ⚠" if record.remarks else ""}'
        rows.append(f'<tr><th scope="row">{link}</th>' + "".join(f'<td class="number">{cell}</td>' for cell in cells) + "</tr>")
    return f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _number(column: int) -> str:
    return ' class="number"' if column else ""


def _alike(found: Class) -> str:
    if not found.alike:
        return ""
    title = Text("Des notebooks qui se ressemblent", "Notebooks that look alike")
    note = Text("À regarder de près : ce n'est pas une preuve.", "Worth a look: this is not a proof.")
    items = []
    for pair in found.alike:
        same = Text("le même fichier", "the same file")
        share = same if pair.identical else Text(f"{100 * pair.share:.0f} % en commun", f"{100 * pair.share:.0f}% in common")
        items.append(f"<li>{safe(pair.first)} · {safe(pair.second)} : {told(share)}</li>")
    return f"<h2>{told(title)}</h2><p>{told(note)}</p><ul>{''.join(items)}</ul>"


def _bars(titles: tuple[Text, Text], rows: list[tuple[str, float, Text]]) -> str:
    """A bar chart that is a table: label, bar, value in words."""
    body = "".join(
        f'<tr><th scope="row">{label}</th><td class="bar" aria-hidden="true">{_bar(share)}</td><td class="number">{told(value)}</td></tr>'
        for label, share, value in rows
    )
    bar = '<td class="bar" aria-hidden="true"></td>'
    head = f'<th scope="col">{told(titles[0])}</th>{bar}<th scope="col" class="number">{told(titles[1])}</th>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _bar(share: float) -> str:
    return f'<i style="width:{100 * share:.1f}%"></i>' if share else ""


# --- what every page shares -----------------------------------------------------------------------------------------


def page(title: Text, body: str, language: Language) -> str:
    """A whole page that shows one language and hides the other one click away."""
    chosen = {one: " checked" if one == language else "" for one in i18n.LANGUAGES}
    return f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{safe(getattr(title, language))}</title>
<style>{CSS}</style>
</head>
<body>
<input type="radio" name="language" id="show-fr"{chosen["fr"]}><label for="show-fr" lang="fr">Français</label>
<input type="radio" name="language" id="show-en"{chosen["en"]}><label for="show-en" lang="en">English</label>
<main>
{body}
</main>
</body>
</html>
"""


def told(text: Text) -> str:
    """A text in both languages, what is between backticks as code."""
    fr, en = (re.sub("`([^`]+)`", r"<code>\1</code>", safe(part)) for part in (i18n.typography(text.fr), i18n.apostrophes(text.en)))
    return fr if fr == en else f'<span lang="fr">{fr}</span><span lang="en">{en}</span>'


def safe(text: str) -> str:
    """A text that can't be anything but text."""
    return html.escape(text, quote=True)


def figure(x: float) -> Text:
    """A number as each language writes it."""
    return Text(decimal(x, "fr"), decimal(x, "en"))


def _of(earned: float, points: float) -> Text:
    fields = {"fr": decimal(earned, "fr"), "en": decimal(earned, "en"), "points": f"{points:g}"}
    return Text("{fr} sur {points}", "{en} of {points}").fill(**fields)
