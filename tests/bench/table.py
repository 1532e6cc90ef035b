"""Figures of many trials as lines of one aligned table."""

import dataclasses
import math
import statistics

P99_NEEDS = 100  # trials; with fewer the 99th percentile is only the maximum


def p99(figures):
    return sorted(figures)[math.ceil(0.99 * len(figures)) - 1]


@dataclasses.dataclass
class Row:
    """One line: what was measured on whom, the figures, and what was wanted of them."""
    measure: str
    side: str
    unit: str
    figures: list
    target: float = None   # at most
    statistic: str = "median"  # what the target is held against: median, p99 or max

    @property
    def verdict(self):
        if self.target is None or not self.figures:
            return ""
        value = {"median": statistics.median, "p99": p99, "max": max}[self.statistic](self.figures)
        return "ok" if value <= self.target else "MISSED"


HEAD = ("measure", "side", "unit", "n", "median", "p99", "min", "max", "target", "")


def text_of(value):
    """Three digits that say something, whatever the size; 0 is exactly 0."""
    if value == 0:
        return "0"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.1f}"


def cells(row):
    figures = sorted(row.figures)
    high = text_of(p99(figures)) if len(figures) >= P99_NEEDS else "-"
    target = "" if row.target is None else f"{row.statistic} <= {row.target:g}"
    return (row.measure, row.side, row.unit, str(len(figures)),
            text_of(statistics.median(figures)), high, text_of(figures[0]), text_of(figures[-1]),
            target, row.verdict)


def render(rows):
    """The table's lines; rows without a figure are left out."""
    lines = [HEAD] + [cells(row) for row in rows if row.figures]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    left = {0, 1, 2, 8, 9}
    return ["  ".join(cell.ljust(width) if i in left else cell.rjust(width)
                      for i, (cell, width) in enumerate(zip(line, widths))).rstrip()
            for line in lines]
