"""The course's colors: one set for figures, widgets and pages, in light and in dark."""

# name: (light, dark). Each data color keeps a contrast of 3:1 and each text color one of 4.5:1 on `paper`.
PALETTE = {
    "paper": ("#fffefb", "#14181d"),
    "panel": ("#f4f2ec", "#1e242b"),
    "ink": ("#1c2733", "#e6e9ec"),
    "muted": ("#5c6873", "#a3adb8"),
    "rule": ("#d8dadd", "#3a434e"),
    "blue": ("#1f6fb2", "#5aa9e6"),
    "vermilion": ("#c4501b", "#f0875a"),
    "green": ("#1b7f5c", "#4fbf97"),
    "violet": ("#7d4fa3", "#b794d8"),
    "ochre": ("#8d6a00", "#d9b23f"),
}
LIGHT = {name: light for name, (light, _) in PALETTE.items()}
DARK = {name: dark for name, (_, dark) in PALETTE.items()}
SERIES = ("blue", "vermilion", "green", "violet", "ochre")
HEAT = "cividis"  # weights from 0 to 1: readable in grey and by color-blind eyes


def css(selector_light: str, selector_dark: str) -> str:
    """The palette as CSS variables `--c-ink`, `--c-blue`…, one block a theme."""
    blocks = (
        selector + " {" + " ".join(f"--c-{name}: {value};" for name, value in colors.items()) + "}"
        for selector, colors in ((selector_light, LIGHT), (selector_dark, DARK))
    )
    return "\n".join(blocks)
