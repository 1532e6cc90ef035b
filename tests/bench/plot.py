"""The gaps of a run as an SVG: one line a measure and side, one dot a trial, logarithmic."""

import math
import statistics
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, LINE, TOP = 900, 300, 30, 18, 46
COLOURS = {"ooha": "#0b7a4b", "keepalived 1s": "#b3541e", "keepalived 100ms": "#d98b2b",
           "ucarp": "#5b5ea6", "pacemaker": "#8c2d5a"}
OTHER = "#555555"
STYLE = ("text{font:12px sans-serif;fill:#222}.head{font-weight:bold}"
         ".tick{fill:#777;font-size:11px}.grid{stroke:#ddd}.middle{stroke-width:2}")


def label(value_ms):
    return f"{value_ms / 1000:g} s" if value_ms >= 1000 else f"{value_ms:g} ms"


def grid(low, high, x, bottom):
    for power in range(low, high + 1):
        at = x(10 ** power)
        yield f'<line class="grid" x1="{at:.1f}" y1="{TOP - 6}" x2="{at:.1f}" y2="{bottom}"/>'
        yield (f'<text class="tick" x="{at:.1f}" y="{TOP - 12}" text-anchor="middle">'
               f'{label(10 ** power)}</text>')


def dots(row, y, x):
    colour = COLOURS.get(row.side, OTHER)
    yield f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(row.side)}</text>'
    for figure in row.figures:
        yield (f'<circle cx="{x(figure):.1f}" cy="{y}" r="3" fill="{colour}" fill-opacity="0.45">'
               f'<title>{figure:.1f} ms</title></circle>')
    middle = x(statistics.median(row.figures))
    yield (f'<line class="middle" stroke="{colour}" x1="{middle:.1f}" y1="{y - 7}" '
           f'x2="{middle:.1f}" y2="{y + 7}"/>')


def draw(rows, title):
    """The SVG's text. rows: of gaps in ms; those of one measure follow each other."""
    rows = [row for row in rows if row.figures]
    figures = [max(figure, 1) for row in rows for figure in row.figures] or [1]
    low = math.floor(math.log10(min(figures)))
    high = max(math.ceil(math.log10(max(figures))), low + 1)

    def x(value):
        share = (math.log10(max(value, 1)) - low) / (high - low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)
    parts, y, measure = [], TOP, None
    for row in rows:
        if row.measure != measure:
            measure, y = row.measure, y + LINE // 2
            parts.append(f'<text class="head" x="8" y="{y + 4}">{escape(measure)}</text>')
        parts += dots(row, y, x)
        y += LINE
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 8}" '
        f'viewBox="0 0 {WIDTH} {y + 8}">', f"<style>{STYLE}</style>",
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text class="head" x="8" y="16">{escape(title)}</text>',
        *grid(low, high, x, y), *parts, "</svg>", ""])
