"""What the demo prints: acts, labelled lines, steps with the time they took, drawings of nodes.

At most 80 columns. Colour on a terminal, unless NO_COLOR is set; without a UTF-8 locale, ASCII.
"""

import contextlib
import os
import textwrap
import threading
import time

WIDTH = 78
LABEL = 10  # columns before what a label stands for
BOX = 21
BETWEEN = 2  # boxes
PLUG = BOX // 2  # where a box is plugged in
TICK_S = 0.1
STYLES = {"plain": "", "title": "1", "quiet": "2", "good": "32", "warning": "33", "bad": "31"}
ASCII = str.maketrans("─│┌┐└┘┬┴●✗", "-|++++++*x")


def is_utf8(environment):
    """By the rule of terminals' own programs: the first of these that is set decides."""
    said = next((environment[name] for name in ("LC_ALL", "LC_CTYPE", "LANG")
                 if environment.get(name)), "")
    return "utf8" in said.lower().replace("-", "")


class Page:
    def __init__(self, stream):
        self.stream = stream
        self.terminal = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.colour = self.terminal and not os.environ.get("NO_COLOR")
        self.utf8 = is_utf8(os.environ)

    def write(self, text):
        self.stream.write(text if self.utf8 else text.translate(ASCII))
        self.stream.flush()

    def line(self, text=""):
        self.write(text.rstrip() + "\n")

    def paint(self, style, text):
        code = STYLES[style]
        return f"\033[{code}m{text}\033[0m" if self.colour and code and text else text

    def act(self, number, title):
        self.line()
        self.line(self.label(f"Act {number}") + self.paint("title", title))
        self.rule()

    def rule(self):
        self.line(self.paint("quiet", "  " + "─" * (WIDTH - 2)))

    def label(self, text):
        return self.paint("quiet", f"  {text:<{LABEL - 2}}")

    def field(self, label, text, style="plain"):
        """A label and what it stands for, on as many lines as that needs."""
        for part in textwrap.wrap(text, WIDTH - LABEL) or [""]:
            self.line(self.label(label) + self.paint(style, part))
            label = ""

    def boxes(self, label, names, contents, cable=False):
        """A box for each name with its lines of (style, text); the first line's style is also the
        frame's. On a cable, if there is one."""
        if cable:
            plugs = [i * (BOX + BETWEEN) + PLUG for i in range(len(names))]
            self.line(self.label("switch") + "".join(
                "┬" if column in plugs else "─"
                for column in range(WIDTH - LABEL - len(" client"))) + " client")
        frames = [lines[0][0] for lines in contents]

        def row(label, parts):
            self.line(self.label(label) + (" " * BETWEEN).join(parts))
        tops = [f"┌─ {name} ".ljust(BOX - 1, "─") + "┐" for name in names]
        if cable:
            tops = [top[:PLUG] + "┴" + top[PLUG + 1:] for top in tops]
        row("", map(self.paint, frames, tops))
        for cells in zip(*contents):
            row(label, (self.paint(frame, "│ ") + self.paint(style, f"{text:<{BOX - 4}}")
                        + self.paint(frame, " │")
                        for frame, (style, text) in zip(frames, cells)))
            label = ""
        row("", (self.paint(frame, "└" + "─" * (BOX - 2) + "┘") for frame in frames))

    @contextlib.contextmanager
    def step(self, label, text):
        """A line that says what is done and how long it took; on a terminal also while it lasts.
        Yields a function that sets the text anew."""
        said = [text]
        began = time.monotonic()
        over = threading.Event()

        def show(end, style="plain"):
            took = f"{time.monotonic() - began:.1f} s"
            room = WIDTH - LABEL - len(took)
            self.write(self.label(label) + f"{self.paint(style, said[0])}"
                       f"{' ' * max(room - len(said[0]), 1)}{self.paint('quiet', took)}{end}")

        def tick():
            while not over.wait(TICK_S):
                show("\r", "quiet")
        ticker = threading.Thread(target=tick, daemon=True)
        if self.terminal:
            ticker.start()
        try:
            yield lambda text: said.__setitem__(0, text)
        finally:
            over.set()
            if self.terminal:
                ticker.join()
                self.write("\r\033[K")
            show("\n")
