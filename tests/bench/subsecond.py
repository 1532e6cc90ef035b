#!/usr/bin/python3
"""Kills the holder's node again and again where ttl and etcd are tuned for less than a second, in every
third trial with etcd's leader on it, and measures what a client misses. With --leader-alone only
etcd's leader dies, elsewhere: what that costs a holder that is well. Ends with 1 if two nodes ever had
or answered for the address, if a trial failed, or if a median was a second or more."""

import argparse
import json
import os
import random
import signal
import sys
import time

import tuned  # noqa: E402 (and the lab's folder from here on)
import measures
from faults import Faults
from lab import Options
from netns import LabError, http_request, wait_for
from process import end_as_interrupted
from sides import Ooha
from table import Row, render
from watch import Watch

MEDIAN_MS = 1000
LOOK_S = 2.5      # after the death of etcd's leader alone
LEADER_EVERY = 3  # etcd's leader dies along in every third trial


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=Options.build, metavar="DIR",
                        help="a release build; default: %(default)s")
    parser.add_argument("--etcd", action="append", type=tuned.parse_tuning,
                        metavar="HEARTBEAT/ELECTION",
                        help="in ms; may be given more than once; default: 50/500 10/100")
    parser.add_argument("--ttl", action="append", type=int, metavar="MS",
                        help="may be given more than once; default: 1000 700")
    parser.add_argument("--leader-alone", action="store_true",
                        help="kill only the member that leads etcd, on another node than the holder's")
    parser.add_argument("--runs", type=int, default=50, metavar="N",
                        help="kills of each pair; default: %(default)s")
    parser.add_argument("--name", default=f"oohan{os.getpid()}",
                        help="the lab's name; default: one of its own")
    arguments = parser.parse_args()
    arguments.etcd = arguments.etcd or [(50, 500), (10, 100)]
    arguments.ttl = arguments.ttl or [1000, 700]
    return arguments


def member_id(lab, member):
    answer = http_request(lab.client, member.address, 2379, "/v3/maintenance/status", "{}")
    if answer is None or answer[0] != 200:
        raise LabError(f"etcd of {member.name} does not say who it is")
    return json.loads(answer[2])["header"]["member_id"]


def lead(lab, wanted):
    """Has that member lead etcd."""
    leader = lab.etcd_leader()
    if leader is not wanted:
        http_request(lab.client, leader.address, 2379, "/v3/maintenance/transfer-leadership",
                     json.dumps({"targetID": member_id(lab, wanted)}), timeout=5)
        wait_for(lambda: lab.etcd_leader() is wanted, 5, f"{wanted.name} leads etcd")


def kill_once(side, directory, with_leader):
    """One trial: its figures in ms, by name."""
    holder = side.lab.holders()[0]
    others = [member for member in side.lab.members if member is not holder]
    lead(side.lab, holder if with_leader else others[0])
    side.await_settled()
    trial = measures.Trial(side, directory)
    trial.run(side.faults.power_off)
    case = "with" if with_leader else "without"
    figures = trial.figures()
    figures |= {f"{name}, {case} etcd's leader": gap_ms for name, gap_ms in figures.items()}
    line = measures.last_timeline(side.lab)
    figures[f"silence over -> claimed, {case}"] = line["claimed_ms"]
    figures[f"claimed -> added, {case}"] = line["added_ms"] - line["claimed_ms"]
    figures["two holders"] = trial.double_ms()
    doubles = trial.watch.doubles()
    side.recover(trial.holder)
    return figures, doubles


def kill_leader_once(side, directory):
    """etcd's leader dies where nothing is held: a gap, if any, and whether anything moved."""
    holder, lab = side.lab.holders()[0], side.lab
    leader = next(member for member in lab.members if member is not holder)
    lead(lab, leader)
    side.await_settled()
    watch = Watch(lab, directory, lab.vips[:1])
    watch.start()
    try:
        watch.wait_served()
        time.sleep(random.uniform(0.3, 1.3))
        fault_us = lab.process(leader, "etcd").signal(signal.SIGKILL, whole_group=True)
        time.sleep(LOOK_S)
    finally:
        watch.stop()
    moved = lab.holders() != [holder]
    lab.process(leader, "etcd").wait_dead(5)
    lab.start(leader, "etcd")
    side.await_settled()
    return {"echo gap, etcd's leader dies elsewhere": watch.outage_us(lab.vips[0], "echo", fault_us)
            / 1000, "moves": int(moved)}, watch.doubles()


def kill_all(side, runs, what, leader_alone):
    """Returns (figures of all trials, how many failed, what the judge saw that must not be)."""
    found, n_failed, doubles = {}, 0, []
    for turn in range(runs):
        directory = side.lab.directory / "bench" / f"{what}-{turn}".replace("/", "-")
        try:
            figures, seen = (kill_leader_once(side, directory) if leader_alone
                             else kill_once(side, directory, turn % LEADER_EVERY == 0))
        except LabError as error:
            n_failed += 1
            print(f"{what}, kill {turn + 1}: {error}", file=sys.stderr)
            side.end()
            side.begin()
            continue
        doubles += seen
        for name, value in figures.items():
            found.setdefault(name, []).append(value)
        gaps = ", ".join(f"{name} {value:.0f}" for name, value in figures.items())
        print(f"{what} {turn + 1}/{runs}: {gaps}; load {os.getloadavg()[0]:.2f}",
              file=sys.stderr, flush=True)
    return found, n_failed, doubles


def rows_of(found, what):
    for name in sorted(found):
        target = MEDIAN_MS if name.startswith("echo gap") else 0 if name == "two holders" else None
        yield Row(name, what, "" if name == "moves" else "ms", found[name], target,
                  "max" if name == "two holders" else "median")


def measure(tuning, arguments):
    """All ttls on one tuning of etcd: (rows, failed, doubles)."""
    name = f"{tuning[0]}/{tuning[1]}"
    lab = tuned.make(Options(name=arguments.name, ttl_ms=arguments.ttl[0],
                             build=os.path.abspath(arguments.build)), tuning)
    rows, n_failed, doubles = [], 0, []
    try:
        lab.up()
        side = Ooha(lab, Faults(lab))
        side.begin()
        for ttl_ms in arguments.ttl:
            lab.use_ttl(ttl_ms)
            side.await_settled()
            what = f"etcd {name}, ttl {ttl_ms}"
            found, failed, seen = kill_all(side, arguments.runs, what, arguments.leader_alone)
            rows += rows_of(found, what)
            n_failed, doubles = n_failed + failed, doubles + seen
    finally:
        lab.down()
    return rows, n_failed, doubles


def main():
    arguments = read_arguments()
    end_as_interrupted()
    began, before = time.monotonic(), os.getloadavg()[0]
    rows, n_failed, doubles = [], 0, []
    for tuning in arguments.etcd:
        parts = measure(tuning, arguments)
        rows, n_failed, doubles = rows + parts[0], n_failed + parts[1], doubles + parts[2]
    print("\n".join(render(sorted(rows, key=lambda row: row.measure))))
    print(f"\nin {time.monotonic() - began:.0f} s, {os.cpu_count()} cores, load {before:.2f} before, "
          f"{os.getloadavg()[0]:.2f} after; {n_failed} kills failed, "
          f"two holders {len(doubles)} times")
    for line in doubles:
        print(f"  {line}")
    return 1 if n_failed or doubles or any(row.verdict == "MISSED" for row in rows) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"subsecond.py: {error}")
