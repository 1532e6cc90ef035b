#!/usr/bin/python3
"""Measures how fast ooha moves the address and what it costs, beside keepalived, in the lab."""

import argparse
import os
import pathlib
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

import measures  # noqa: E402
from faults import Faults  # noqa: E402
from lab import Lab, Options  # noqa: E402
from netns import LabError  # noqa: E402
from sides import SIDES, Keepalived, KeepalivedQuick, Ooha  # noqa: E402
from table import Row, render  # noqa: E402

ALL = (Ooha, Keepalived, KeepalivedQuick)
# name: (what one trial is, how many, the sides)
TRIALS = {
    "planned-move": (measures.planned_move, 20, ALL),
    "node-death": (measures.node_death, 10, ALL),
    "kill": (measures.daemon_killed, 10, (Ooha, Keepalived)),
    "idle": (measures.idle, 3, (Ooha, Keepalived)),
}
# (measure, figure): (at most, of which statistic); they are ooha's
TARGETS = {
    ("planned-move", "echo gap"): (15, "median"),
    ("planned-move", "two holders"): (0, "max"),
    ("node-death", "echo gap"): (3200, "max"),
    ("node-death", "two holders"): (0, "max"),
    ("kill", "two holders"): (0, "max"),
    ("idle", "RSS, holder"): (14, "max"),
    ("idle", "RSS, standby"): (14, "max"),
    ("idle", "RssAnon, holder"): (4, "max"),
    ("idle", "RssAnon, standby"): (4, "max"),
    ("idle", "CPU, holder"): (0.2, "median"),
    ("idle", "CPU, standby"): (0.2, "median"),
}


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=Options.build, metavar="DIR",
                        help="a release build; default: %(default)s")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help=f"only this of: {', '.join(TRIALS)}; may be given more than once")
    parser.add_argument("--side", action="append", metavar="NAME",
                        help=f"only this of: {', '.join(side.name for side in SIDES)}")
    defaults = ", ".join(f"{name} {row[1]}" for name, row in TRIALS.items())
    parser.add_argument("--runs", type=int, metavar="N",
                        help=f"trials of each; default: {defaults}")
    parser.add_argument("--seconds", type=int, default=60, metavar="S",
                        help="length of one idle trial; default: %(default)s")
    parser.add_argument("--show-config", action="store_true",
                        help="print the configurations that are measured, and leave")
    parser.add_argument("--name", default=f"oohab{os.getpid()}",
                        help="the lab's name; default: one of its own")
    arguments = parser.parse_args()
    for given, known in ((arguments.only, list(TRIALS)),
                         (arguments.side, [side.name for side in SIDES])):
        for name in given or []:
            if name not in known:
                parser.error(f"no {name}; there are: {', '.join(known)}")
    if arguments.runs is not None and arguments.runs < 1:
        parser.error(f"--runs {arguments.runs}: at least 1")
    return arguments


def unit_of(name, figure):
    if name != "idle":
        return "ms"
    return "% core" if figure.startswith("CPU") else "MB"


def trial(side, name, directory, seconds):
    if name == "idle":
        side.await_settled()
        time.sleep(5)  # the moves before it have left things to do
        return measures.idle(side, seconds)
    figures = TRIALS[name][0](side, directory)
    return {figure: [value] for figure, value in figures.items()}


def measure(side, name, arguments, say):
    """{figure: values} of all trials of a measure on a side; a failed one is said, not counted."""
    found, n_failed = {}, 0
    runs = arguments.runs or TRIALS[name][1]
    for turn in range(runs):
        directory = (side.lab.directory / "bench" / side.name.replace(" ", "-") /
                     f"{name}-{turn}")
        try:
            figures = trial(side, name, directory, arguments.seconds)
        except LabError as error:
            n_failed += 1
            print(f"\n{name}, {side.name}, trial {turn + 1}: {error}", file=sys.stderr)
            side.end()
            side.begin()
            continue
        for figure, values in figures.items():
            found.setdefault(figure, []).extend(values)
        say(f"{side.name}: {name} {turn + 1}/{runs}")
    return found, n_failed


def rows_of(name, results):
    """The rows of a measure: figure by figure, the sides below each other."""
    figures = dict.fromkeys(figure for found in results.values() for figure in found)
    for figure in figures:
        for side, found in results.items():
            target = TARGETS.get((name, figure)) if side == Ooha.name else None
            yield Row(f"{name}: {figure}", side, unit_of(name, figure), found.get(figure, []),
                      *(target or ()))


def load():
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def run_all(lab, arguments):
    """Returns (rows, number of failed trials)."""
    def say(text):
        if sys.stderr.isatty():
            print(f"\r\033[K{text}, load {load()}", end="", file=sys.stderr, flush=True)
    results = {name: {} for name in TRIALS if name in (arguments.only or TRIALS)}
    n_failed = 0
    for kind in SIDES:
        names = [name for name in results if kind in TRIALS[name][2]]
        if not names or kind.name not in (arguments.side or [kind.name]):
            continue
        side = kind(lab, Faults(lab))
        side.begin()
        for name in names:
            results[name][kind.name], failed = measure(side, name, arguments, say)
            n_failed += failed
        side.end()
    say("done")
    return [row for name, found in results.items() for row in rows_of(name, found)], n_failed


def show_config(lab):
    for kind in SIDES:
        print(f"# ---- {kind.name}: {kind.__doc__}")
        print(kind(lab, None).show_config())


def main():
    arguments = read_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the lab is taken down then, too
    lab = Lab(Options(name=arguments.name, build=os.path.abspath(arguments.build), agent=False))
    if arguments.show_config:
        try:
            show_config(lab)
        finally:
            lab.down()
        return 0
    started, before = time.monotonic(), load()
    try:
        lab.up()
        rows, n_failed = run_all(lab, arguments)
    finally:
        lab.down()
    print("\n" + "\n".join(render(rows)))
    print(f"\nin {time.monotonic() - started:.0f} s, ttl {lab.options.ttl_ms} ms, "
          f"{os.cpu_count()} cores, load {before} before, {load()} after; "
          f"{n_failed} trials failed")
    return 1 if n_failed or any(row.verdict == "MISSED" for row in rows) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"run.py: {error}")
