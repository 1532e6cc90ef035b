#!/usr/bin/python3
"""Switches the address over between two chosen nodes, again and again, and measures the gaps that a
client sees, beside those that ooha says there were. Ends with 1 if one failed or a target was missed."""

import argparse
import json
import os
import pathlib
import random
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

from lab import Lab, Options  # noqa: E402
from netns import LabError, now_us, run  # noqa: E402
from process import end_as_interrupted  # noqa: E402
from table import Row, render  # noqa: E402
from watch import KINDS, Watch  # noqa: E402

MEDIAN_MS, P99_MS = 15, 50  # of what a client sees
AFTER_S = 0.3               # a gap soon after the move counts, too


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=Options.build, metavar="DIR",
                        help="a release build; default: %(default)s")
    parser.add_argument("--times", type=int, default=100, metavar="N",
                        help="default: %(default)s")
    parser.add_argument("--name", default=f"oohas{os.getpid()}",
                        help="the lab's name; default: one of its own")
    return parser.parse_args()


def switch_over(lab, asked, target):
    """One switchover: (when it was asked for, how long the command took in us, what it said)."""
    began_us = now_us()
    done = run(lab.tool("cli/ooha"), "--socket", asked.socket, "switchover", "--to", target.name,
               "--json", check=False)
    took_us = now_us() - began_us
    if done.returncode != 0:
        raise LabError(f"to {target.name}: exit {done.returncode}: {done.stderr.strip()}")
    return began_us, took_us, json.loads(done.stdout)


def play(lab, watch, times):
    """All of them, each at a random moment between two renewals: ([(began, took, answer)], failed)."""
    one, other, asked = lab.nodes
    moves, n_failed = [], 0
    for turn in range(times):
        holder = lab.holders()[0]
        target = other if holder is one else one
        time.sleep(random.uniform(0.3, 1.3))
        try:
            moves.append(switch_over(lab, asked, target))
            answers = lab.holders()
            if answers != [target]:
                raise LabError(f"{[node.name for node in answers]} has it, not {target.name}")
        except LabError as error:
            n_failed += 1
            print(f"\nswitchover {turn + 1}: {error}", file=sys.stderr)
        time.sleep(AFTER_S)
        if sys.stderr.isatty():
            print(f"\r\033[K{turn + 1}/{times}", end="", file=sys.stderr, flush=True)
    watch.stop()
    return moves, n_failed


def figures(watch, vip, moves):
    """{kind: the client's gap of each move in ms}, the last one's until the end."""
    ends = [began_us for began_us, _, _ in moves[1:]] + [now_us()]
    return {kind: [watch.outage_us(vip, kind, began_us, end_us) / 1000
                   for (began_us, _, _), end_us in zip(moves, ends)] for kind in KINDS}


def rows(gaps, moves):
    said = [answer["gap_ms"] for _, _, answer in moves if answer["gap_ms"] is not None]
    for statistic, target in (("median", MEDIAN_MS), ("p99", P99_MS)):
        yield Row("switchover: echo gap", "client", "ms", gaps["echo"], target, statistic)
    yield Row("switchover: http gap", "client", "ms", gaps["http"])
    yield Row("switchover: gap_ms", "ooha", "ms", said)
    for part in ("down", "claimed", "added", "announced"):
        yield Row(f"switchover: {part}", "ooha", "ms",
                  [answer["timeline"][f"{part}_ms"] for _, _, answer in moves
                   if answer["timeline"] and answer["timeline"][f"{part}_ms"] is not None])
    yield Row("switchover: the whole command", "operator", "ms",
              [took_us / 1000 for _, took_us, _ in moves])


def measure(lab, arguments):
    watch = Watch(lab, lab.directory / "bench", lab.vips[:1])
    lab.await_settled()
    if lab.holders()[0] is lab.nodes[2]:
        switch_over(lab, lab.nodes[2], lab.nodes[0])
    watch.start()
    try:
        watch.wait_served()
        moves, n_failed = play(lab, watch, arguments.times)
    finally:
        watch.abandon()
    table = list(rows(figures(watch, lab.vips[0], moves), moves)) if moves else []
    return table, n_failed, len(watch.doubles())


def main():
    arguments = read_arguments()
    end_as_interrupted()
    lab = Lab(Options(name=arguments.name, build=os.path.abspath(arguments.build)))
    before = os.getloadavg()[0]
    try:
        lab.up()
        table, n_failed, n_doubles = measure(lab, arguments)
    finally:
        lab.down()
    print("\n" + "\n".join(render(table)))
    print(f"\n{arguments.times} switchovers, {n_failed} failed; two holders: {n_doubles} times; "
          f"ttl {lab.options.ttl_ms} ms, {os.cpu_count()} cores, load {before:.2f} before, "
          f"{os.getloadavg()[0]:.2f} after")
    missed = any(row.verdict == "MISSED" for row in table)
    return 1 if n_failed or n_doubles or missed or not table else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"switchovers.py: {error}")
