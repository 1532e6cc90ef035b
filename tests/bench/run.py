#!/usr/bin/python3
"""Measures how fast ooha moves the address and what it costs, beside keepalived, ucarp and
Pacemaker, in the lab: one run, one table. Ends with 1 if a target was missed or one of ooha's
trials failed."""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

import costs  # noqa: E402
import many  # noqa: E402
import measures  # noqa: E402
import plot  # noqa: E402
from faults import Faults  # noqa: E402
from lab import Lab, Options  # noqa: E402
from netns import LabError, told  # noqa: E402
from pacemaker import Pacemaker  # noqa: E402
from peers import Keepalived, KeepalivedQuick, Ucarp  # noqa: E402
from process import end_as_interrupted  # noqa: E402
from sides import Ooha  # noqa: E402
from table import Row, render  # noqa: E402

SIDES = (Ooha, Keepalived, KeepalivedQuick, Ucarp, Pacemaker)
NOBODY = "etcd alone"
REST_S = 5  # before costs are measured: the moves before have left things to do

# runs: trials, also in a short run; together: of all sides at once, each in a lab of its own, as it
# takes seconds, most of them waiting
Measure = collections.namedtuple("Measure", "act runs short together sides", defaults=(False, None))


def single(trial):
    """A trial of one fault, which gives one value a figure."""
    def act(side, directory, _):
        return {figure: [value] for figure, value in trial(side, directory).items()}
    return act


def idle(side, _, arguments):
    side.await_settled()
    time.sleep(REST_S)
    figures = measures.idle(side, arguments.seconds)
    alone = arguments.alone.get("wire", 0)
    return figures | {"wire": [max(value - alone, 0) for value in figures["wire"]]}


def etcd_costs(side, _, arguments):
    return costs.costs(side, arguments.seconds)


def moved(n):
    def act(side, directory, _):
        if n == 1:
            side.await_settled()
        elif len(side.lab.vips) != n:
            many.use_addresses(side, n)
        return {figure: [value] for figure, value in many.move_all(side, directory).items()}
    return act


def hand_overs(n_members):
    def act(side, directory, _):
        if n_members == len(side.lab.nodes):
            return many.hand_overs(side, directory, 100)
        side.crowd = side.crowd or many.Crowd(side.lab)
        side.crowd.grow(n_members)
        return many.hand_overs(side, directory, 20)
    return act


MEASURES = {
    "switchover": Measure(hand_overs(3), 1, 1, sides=(Ooha,)),
    "planned-move": Measure(single(measures.planned_move), 20, 3),
    "service-failure": Measure(single(measures.service_failure), 10, 3, together=True),
    "node-death": Measure(single(measures.node_death), 10, 3, together=True),
    "kill": Measure(single(measures.daemon_killed), 10, 1, together=True),
    "frozen": Measure(single(measures.daemon_frozen), 10, 1, together=True),
    "partition": Measure(single(measures.partition), 10, 1, together=True),
    "idle": Measure(idle, 3, 1),
    "etcd": Measure(etcd_costs, 1, 1, sides=(Ooha,)),
    "10 members": Measure(hand_overs(10), 1, 1, sides=(Ooha,)),
    "30 members": Measure(hand_overs(30), 1, 1, sides=(Ooha,)),
    "100 VIPs": Measure(moved(100), 5, 1),
    "1000 VIPs": Measure(moved(1000), 5, 2),
}
# (measure, figure): [(at most, of which statistic)]; they are ooha's
NEVER_TWO = [(0, "max")]
TARGETS = {
    ("switchover", "echo gap"): [(10, "median"), (25, "p99")],
    ("switchover", "two holders, times"): NEVER_TWO,
    ("planned-move", "echo gap"): [(10, "median")],
    ("node-death", "echo gap"): [(3200, "max")],
    ("1000 VIPs", "first removed -> last added"): [(300, "median")],
    ("idle", "RSS, holder"): [(12.9, "max")],
    ("idle", "RSS, standby"): [(12.9, "max")],
    ("idle", "RssAnon, holder"): [(3, "max")],
    ("idle", "RssAnon, standby"): [(3, "max")],
    ("idle", "CPU, holder"): [(0.1, "median")],
    ("idle", "CPU, standby"): [(0.1, "median")],
} | {(name, "two holders"): NEVER_TWO for name in (
    "planned-move", "service-failure", "node-death", "kill", "frozen", "partition")}


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=Options.build, metavar="DIR",
                        help="a release build; default: %(default)s")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help=f"only this of: {', '.join(MEASURES)}; may be given more than once")
    parser.add_argument("--side", action="append", metavar="NAME",
                        help=f"only this of: {', '.join(side.name for side in SIDES)}")
    defaults = ", ".join(f"{name} {row.runs}" for name, row in MEASURES.items())
    parser.add_argument("--runs", type=int, metavar="N",
                        help=f"trials of each; default: {defaults}")
    parser.add_argument("--short", action="store_true",
                        help="few trials of each: less than 12 minutes")
    parser.add_argument("--seconds", type=int, metavar="S",
                        help="length of one trial of what it costs; default: 60, short: 10")
    parser.add_argument("--svg", metavar="FILE", help="draw the gaps")
    parser.add_argument("--together", metavar="SIDE", help=argparse.SUPPRESS)
    parser.add_argument("--show-config", action="store_true",
                        help="print the configurations that are measured, and leave")
    parser.add_argument("--name", default=f"oohab{os.getpid()}",
                        help="the lab's name; default: one of its own")
    arguments = parser.parse_args()
    for given, known in ((arguments.only, list(MEASURES)),
                         (arguments.side, [side.name for side in SIDES])):
        for name in given or []:
            if name not in known:
                parser.error(f"no {name}; there are: {', '.join(known)}")
    if arguments.runs is not None and arguments.runs < 1:
        parser.error(f"--runs {arguments.runs}: at least 1")
    arguments.seconds = arguments.seconds or (10 if arguments.short else 60)
    arguments.alone = {}
    if arguments.together:
        arguments.side = [arguments.together]
    return arguments


def unit_of(name, figure):
    if figure == "wire":
        return "B/s"
    if figure.startswith("CPU") or "CPU" in figure:
        return "% core"
    if name == "idle" or figure.startswith("db growth"):
        return "MB"
    if name == "etcd":
        return "B/s" if "bytes" in figure else "1/s"
    return "" if figure.endswith("times") else "ms"


class Run:
    """What was found, and what went wrong on the way."""

    def __init__(self, lab, arguments):
        self.lab, self.arguments = lab, arguments
        self.results = {name: {} for name in MEASURES if name in (arguments.only or MEASURES)
                        and MEASURES[name].together == bool(arguments.together)}
        self.notes, self.n_failed = [], 0
        self.directory = lab.directory / "bench"

    def say(self, text):
        if sys.stderr.isatty() and not self.arguments.together:
            print(f"\r\033[K{text}, load {load()}", end="", file=sys.stderr, flush=True)

    def failed(self, kind, what, error):
        """Another one's failure is a line below the table, ooha's own is counted."""
        self.notes.append(f"{kind.name}: {what}: {told(error)}"[:200])
        self.n_failed += kind is Ooha

    def begin(self, side):
        """Whether it is there; tried twice, as after a trial that went wrong."""
        for last in (False, True):
            try:
                side.begin()
                return True
            except Exception as error:  # whatever it is, the others are to be measured
                if last:
                    self.failed(type(side), "does not start", error)
                self.end(side)
        return False

    def end(self, side):
        try:
            side.end()
        except Exception as error:  # as above
            self.failed(type(side), "its end", error)

    def measure(self, side, name):
        """All trials of a measure on a side. False: the side is gone."""
        found = collections.defaultdict(list)
        row = MEASURES[name]
        runs = self.arguments.runs or (row.short if self.arguments.short else row.runs)
        for turn in range(runs):
            directory = self.directory / f"{side.name}-{name}-{turn}".replace(" ", "-")
            try:
                figures = row.act(side, directory, self.arguments)
            except Exception as error:  # as above
                self.failed(type(side), f"{name}, trial {turn + 1}", error)
                self.end(side)
                if not self.begin(side):
                    break
                continue
            for figure, values in figures.items():
                found[figure].extend(values)
            self.say(f"{side.name}: {name} {turn + 1}/{runs}")
        self.results[name][side.name] = found
        return all(self.lab.is_running(node, side.service) for node in self.lab.nodes)

    def is_for(self, kind, name):
        if MEASURES[name].sides and kind not in MEASURES[name].sides:
            return False
        if name.endswith("VIPs") and int(name.split()[0]) > kind.vips_most:
            return False
        if name in kind.cannot:
            self.notes.append(f"{kind.name}: no {name}: {kind.cannot[name]}")
            return False
        return True

    def measure_side(self, kind):
        if kind.name not in (self.arguments.side or [kind.name]):
            return
        names = [name for name in self.results if self.is_for(kind, name)]
        if not names:
            return
        side, before = kind(self.lab, Faults(self.lab)), self.lab.options.vips
        began = time.monotonic()
        if not self.begin(side):
            return
        try:
            for name in names:
                if not self.measure(side, name):
                    self.notes.append(f"{kind.name}: nothing more after {name}")
                    break
        finally:
            try:
                many.use_one(side, before)
            except Exception as error:  # as above
                self.failed(kind, "its end", error)
        print(f"{kind.name}: {', '.join(names)}: in {time.monotonic() - began:.0f} s",
              file=sys.stderr)

    def measure_nobody(self):
        """What etcd does and sends by itself, with no side there."""
        if not {"idle", "etcd"} & set(self.results):
            return
        time.sleep(REST_S)
        usage = costs.usage(self.lab, self.arguments.seconds)
        self.arguments.alone = {"wire": usage["wire"]}
        if "idle" in self.results:
            self.results["idle"][NOBODY] = {"wire": [usage["wire"]]}
        if "etcd" in self.results:
            self.results["etcd"][NOBODY] = {"etcd CPU, 3 members": [100 * usage["CPU"]],
                                            "etcd requests": [usage["requests"]]}

    def measure_sides(self):
        """One after the other in one lab."""
        if not self.results:
            return
        try:
            self.lab.up()
            if not self.arguments.together:
                self.measure_nobody()
            for kind in SIDES:
                self.measure_side(kind)
        finally:
            self.take_down()

    def take_down(self):
        """On a machine that is very busy it may take two tries; what was measured counts anyhow."""
        try:
            self.lab.down()
        except LabError as error:
            self.notes.append(f"the lab {self.lab.options.name}: {error}")
            with contextlib.suppress(LabError):
                self.lab.down()

    def measure_together(self):
        """All sides at once, each by a process like this one."""
        names = [name for name in self.arguments.only or MEASURES if MEASURES[name].together]
        sides = [kind.name for kind in SIDES
                 if kind.name in (self.arguments.side or [kind.name])]
        words = [sys.executable, *sys.argv]
        if self.arguments.together or not names:
            return
        for name in names:
            self.results[name] = {}
            if not self.arguments.only:
                words += ["--only", name]
        with contextlib.ExitStack() as stack:
            # groups of their own: ^C would reach them twice, and the second take-down is none
            children = [subprocess.Popen([*words, "--together", side, "--name",
                                          f"{self.arguments.name}{i}"],
                                         stdout=subprocess.PIPE, text=True, start_new_session=True)
                        for i, side in enumerate(sides)]
            for child in children:
                stack.callback(child.wait)
                stack.callback(child.terminate)
            for side, child in zip(sides, children):
                self.take(side, child.communicate()[0])

    def take(self, side, text):
        try:
            said = json.loads(text)
        except ValueError:
            self.notes.append(f"{side}: its part of the run ended with nothing")
            self.n_failed += side == Ooha.name
            return
        for name, found in said["results"].items():
            self.results[name] |= found
        self.notes += said["notes"]
        self.n_failed += said["failed"]

    def told(self):
        return json.dumps({"results": self.results, "notes": self.notes, "failed": self.n_failed})

    def rows(self):
        return [row for name in MEASURES if name in self.results
                for row in rows_of(name, self.results[name])]


def rows_of(name, results):
    """The rows of a measure: figure by figure, the sides below each other."""
    figures = dict.fromkeys(figure for found in results.values() for figure in found)
    for figure in figures:
        for side, found in results.items():
            targets = TARGETS.get((name, figure)) if side == Ooha.name else None
            for target in targets or [()]:
                yield Row(f"{name}: {figure}", side, unit_of(name, figure), found.get(figure, []),
                          *target)


def gaps(rows):
    """One row a measure and side, of what a client saw, for the picture."""
    wanted = [f"{name}: {'http' if name == 'service-failure' else 'echo'} gap" for name in (
        "switchover", "planned-move", "service-failure", "node-death", "kill", "frozen",
        "partition", "10 members", "30 members")]
    wanted += ["100 VIPs: client's longest gap", "1000 VIPs: client's longest gap"]
    seen = {}
    for row in rows:
        if row.measure in wanted:
            seen.setdefault((row.measure.partition(":")[0], row.side), row)
    return [Row(name, side, row.unit, row.figures) for (name, side), row in seen.items()]


def load():
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def show_config(lab):
    for kind in SIDES:
        print(f"# ---- {kind.name}: {kind.__doc__}")
        print(kind(lab, None).show_config())


def main():
    arguments = read_arguments()
    end_as_interrupted()
    lab = Lab(Options(name=arguments.name, build=os.path.abspath(arguments.build), agent=False))
    if arguments.show_config:
        try:
            show_config(lab)
        finally:
            lab.down()
        return 0
    started, before = time.monotonic(), load()
    run = Run(lab, arguments)
    run.measure_sides()
    if arguments.together:
        print(run.told())
        return 0
    run.measure_together()
    rows = run.rows()
    run.say("done")
    print("\n" + "\n".join(render(rows) + [""] + run.notes))
    print(f"in {time.monotonic() - started:.0f} s, ttl {lab.options.ttl_ms} ms, "
          f"{os.cpu_count()} cores, load {before} before, {load()} after; "
          f"{run.n_failed} of ooha's trials failed")
    if arguments.svg:
        pathlib.Path(arguments.svg).write_text(
            plot.draw(gaps(rows), "How long a client was without an answer"), encoding="utf-8")
    return 1 if run.n_failed or any(row.verdict == "MISSED" for row in rows) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"run.py: {error}")
