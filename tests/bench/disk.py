#!/usr/bin/python3
"""Holds short ttls against a busy disk: labs side by side, one a ttl, all etcd members' data on the
same real disk, which others write to meanwhile. Nothing may move. Where something did, it is said
what etcd's disk and the machine did then. Ends with 1 if an address moved, lapsed or had two holders."""

import argparse
import dataclasses
import os
import pathlib
import re
import shutil
import socket
import sys
import threading
import time

import tuned  # noqa: E402 (and the lab's folder from here on)
from lab import Options
from netns import LabError, now_us, wait_for
from own_disks import Disks, Staller, lines as stall_lines
from process import Process, end_as_interrupted, uninterrupted
from table import p99
from watch import Watch
from witness import Follower

HERE = pathlib.Path(__file__).resolve().parent
GAP_US = 50_000        # from there on what a client missed is told
SAMPLE_S = 0.05
STALL_STEP_MS, AFTER_STALL_US = 100, 500_000
AROUND_US = 1_000_000  # of an event: what the machine did that long before and after counts to it
WAL, BACKEND = "etcd_disk_wal_fsync_duration_seconds", "etcd_disk_backend_commit_duration_seconds"
LEADERS, RENEWAL = "etcd_server_leader_changes_seen_total", "ooha_renewal_duration_seconds"
LAPSED = re.compile(r"address down: no renewal has succeeded in time")
TRIED = re.compile(r": standby -> acquiring")


class Margin(threading.Thread):
    """Asks the holder again and again what is left of its hold, as its own metrics say."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node, self.over = node, threading.Event()
        self.left = []  # (when, ms)

    def run(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
            agent.settimeout(5)
            agent.connect(str(self.node.socket))
            while not self.over.wait(SAMPLE_S):
                left_ms = self.ask(agent)
                if left_ms is not None:
                    self.left.append((now_us(), left_ms))

    @staticmethod
    def ask(agent):
        agent.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += agent.recv(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        while len(body) < length:
            body += agent.recv(65536)
        found = re.search(rb"ooha_hold_left_seconds\{.*\} (\S+)", body)
        return round(float(found[1]) * 1000) if found else None


@dataclasses.dataclass
class Case:
    """One ttl on one tuning of etcd."""
    ttl_ms: int
    tuning: tuple
    lab: object = None
    watch: object = None
    before: dict = None   # metrics by node name
    said: dict = None     # node name -> how much of its agent's log is from before
    claim: dict = None
    margin: object = None
    disks: object = None  # of its members, if each has its own
    staller: object = None

    @property
    def name(self):
        return f"ttl {self.ttl_ms} ms, etcd {self.tuning[0]}/{self.tuning[1]}"


def parse_case(text):
    ttl_ms, _, tuning = text.partition("@")
    return Case(int(ttl_ms), tuned.parse_tuning(tuning))


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=Options.build, metavar="DIR",
                        help="a release build; default: %(default)s")
    parser.add_argument("--minutes", type=float, default=60, help="default: %(default)g")
    parser.add_argument("--case", action="append", type=parse_case, metavar="TTL@HEARTBEAT/ELECTION",
                        help="in ms; may be given more than once; default: 1000@50/500 700@10/100")
    parser.add_argument("--disk", default="/var/tmp", metavar="DIR",
                        help="on the disk that is loaded; default: %(default)s")
    parser.add_argument("--megabytes", type=float, default=20, metavar="N",
                        help="that others write to it each second, in bursts; default: %(default)g")
    parser.add_argument("--own-disks", action="store_true",
                        help="each member has a disk of its own, in memory, and each of these stands "
                             "still now and then")
    parser.add_argument("--stall", type=int, default=400, metavar="MS",
                        help="own disks: the longest that one stands still; default: %(default)s")
    parser.add_argument("--stall-every", type=float, default=3, metavar="S",
                        help="own disks: one of them, once in so long on average; default: %(default)g")
    parser.add_argument("--name", default=f"oohad{os.getpid()}",
                        help="the labs' name; default: one of their own")
    arguments = parser.parse_args()
    arguments.case = arguments.case or [parse_case("1000@50/500"), parse_case("700@10/100")]
    return arguments


def metrics_of(lab):
    return {node.name: (tuned.etcd_metrics(lab, node), tuned.agent_metrics(lab, node))
            for node in lab.nodes}


def begin(case, index, arguments, disk):
    """Brings a case's lab up."""
    case.lab = tuned.make(Options(name=f"{arguments.name}{index}", ttl_ms=case.ttl_ms,
                                  build=os.path.abspath(arguments.build),
                                  etcd_data=str(disk / f"etcd{index}")), case.tuning)
    if arguments.own_disks:
        case.disks = Disks(case.lab)
        case.disks.make()
        case.staller = Staller(case.disks, arguments.stall, arguments.stall_every)
    case.lab.up()
    case.lab.await_settled()


def look(case):
    """From here on it counts."""
    case.lab.await_settled()
    case.watch = Watch(case.lab, case.lab.directory / "bench", case.lab.vips[:1])
    case.watch.start()
    case.watch.wait_served()
    case.before, case.claim = metrics_of(case.lab), case.lab.claim()
    case.margin = Margin(wait_for(case.lab.holders, 5, "somebody holds")[0])
    case.margin.start()
    case.said = {node.name: len(case.lab.process(node, "agent").tail(1 << 20))
                 for node in case.lab.nodes}


def events(case):
    """What the agents said of moves and lapses: (node, line)."""
    return [(node.name, line) for node in case.lab.nodes
            for line in case.lab.process(node, "agent").tail(1 << 20)[case.said[node.name]:]
            if LAPSED.search(line) or TRIED.search(line)]


def gaps(case):
    """[(kind, start, length)] in us of what its client missed."""
    vip = case.lab.vips[0]
    return [(line["kind"], line["start_us"], line["gap_us"])
            for kind in ("echo", "http")
            for line in case.watch.client_lines(vip, kind, "gap", "switch")
            if line["gap_us"] >= GAP_US]


def summed(parts):
    """Histograms of several nodes as one."""
    total = {}
    for buckets in parts:
        for bound_s, count in buckets:
            total[bound_s] = total.get(bound_s, 0) + count
    return sorted(total.items())


def grown(case, after, which, name):
    """How much a counter has grown, over all nodes."""
    return int(sum(after[node][which].get(label, 0) - case.before[node][which].get(label, 0)
                   for node in after for label in after[node][which] if label.startswith(name)))


def spread(buckets):
    return (f"half within {tuned.share_within(buckets, 0.5):g} ms, "
            f"99 % within {tuned.share_within(buckets, 0.99):g}, "
            f"99.99 % within {tuned.share_within(buckets, 0.9999):g}, n {buckets[-1][1]:.0f}")


def report(case, felt):
    """Prints what came of a case; returns whether anything was wrong."""
    after, claim = metrics_of(case.lab), case.lab.claim()
    found, missed, doubles = events(case), gaps(case), case.watch.doubles()
    print(f"\n{case.name}")
    for label, which, prefix in (("etcd's log synced", 0, WAL), ("etcd's store written", 0, BACKEND),
                                 ("renewals answered", 1, RENEWAL)):
        buckets = summed(tuned.histogram(case.before[node][which], after[node][which], prefix)
                         for node in after)
        print(f"  {label:22} {spread(buckets) if buckets else 'not known'}")
    lowest = sorted((left_ms, at_us) for at_us, left_ms in case.margin.left)
    print(f"  left of the hold       median {lowest[len(lowest) // 2][0]} ms, lowest "
          + ", ".join(f"{left_ms} (machine late by {late_ms(felt, at_us, at_us):.0f})"
                      for left_ms, at_us in lowest[:5]))
    if case.staller:
        for line in stall_lines(case.staller.stalls, case.margin.left, STALL_STEP_MS, AFTER_STALL_US):
            print(f"    {line}")
    unknown = grown(case, after, 1, "ooha_renewals_total") - grown_done(case, after)
    print(f"  renewals unknown       {unknown}")
    print(f"  etcd leaders changed   {max(leaders(case, after))}")
    print(f"  lapsed                 {sum(bool(LAPSED.search(line)) for _, line in found)}")
    print(f"  takeovers tried        {sum(bool(TRIED.search(line)) for _, line in found)}, "
          f"moves: epoch {case.claim['epoch']} -> {claim['epoch']}, {case.claim['node']} -> {claim['node']}")
    print(f"  two holders            {len(doubles)}")
    print(f"  client missed          {len(missed)} times more than {GAP_US // 1000} ms"
          + "".join(f"\n    {kind} {length_us / 1000:.0f} ms at {start_us / 1e6:.1f}, machine late by "
                    f"{late_ms(felt, start_us, start_us + length_us):.0f} ms around it"
                    for kind, start_us, length_us in missed))
    return bool(found or doubles or claim["epoch"] != case.claim["epoch"])


def grown_done(case, after):
    return int(sum(after[node][1].get(label, 0) - case.before[node][1].get(label, 0)
                   for node in after for label in after[node][1]
                   if label.startswith("ooha_renewals_total") and 'outcome="done"' in label))


def leaders(case, after):
    return [int(after[node][0].get(LEADERS, 0) - case.before[node][0].get(LEADERS, 0))
            for node in after] or [0]


def late_ms(felt, from_us, to_us):
    """By how much the machine itself was late around then."""
    return sum(line["late_us"] for line in felt
               if from_us - AROUND_US <= line["t_us"] <= to_us + AROUND_US) / 1000


def start_tool(name, script, directory, *words):
    with uninterrupted():
        return Process.start(name, None, [sys.executable, script, *words],
                             directory / f"{name}.jsonl")


def wait_out(cases, seconds, load):
    until, last = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        time.sleep(min(5, max(0, until - time.monotonic())))
        for case in cases:
            case.lab.require_running()
        if time.monotonic() - last >= 60:
            last = time.monotonic()
            line = (load.read() or load.lines[-1:] or [{}])[-1]
            print(f"{(until - last) / 60:5.1f} min left, load {os.getloadavg()[0]:.2f}, disk {line}, "
                  f"events {[len(events(case)) for case in cases]}", file=sys.stderr, flush=True)


def take_down(cases, tools):
    """Ends and removes whatever there is."""
    for case in cases:
        if case.margin:
            case.margin.over.set()
        if case.staller and case.staller.is_alive():
            case.staller.stop()
    for tool in tools:
        tool.end()
    for case in cases:
        if case.watch:
            case.watch.abandon()
        if case.lab:
            case.lab.down()
    for case in cases:  # processes of one lab see the disks of the other, too
        if case.disks:
            case.disks.remove()


def measure(arguments, disk):
    cases, tools = arguments.case, []
    try:
        for index, case in enumerate(cases):
            begin(case, index, arguments, disk)
        logs = cases[0].lab.directory
        for case in cases:
            look(case)
        folders = [case.disks.of(member) for case in cases if case.disks
                   for member in case.lab.members] or [disk]
        for i, folder in enumerate(folders):
            tools.append(start_tool(f"disk{i}", HERE / "disk_load.py", logs, folder,
                                    arguments.megabytes))
        tools.append(start_tool("feel", HERE.parent / "lab" / "load.py", logs, "feel"))
        load, feel = Follower(logs / "disk0.jsonl"), Follower(logs / "feel.jsonl")
        for case in cases:
            if case.staller:
                case.staller.start()
        wait_out(cases, arguments.minutes * 60, load)
        for case in cases:
            if case.staller:
                case.staller.stop()
            case.margin.over.set()
            case.watch.stop()
        for tool in tools:
            tool.end()
        load.read()
        feel.read()
        print(f"{arguments.minutes:g} minutes, {arguments.megabytes:g} MB/s in bursts beside; "
              f"{os.cpu_count()} cores, load {os.getloadavg()[2]:.2f} in the last quarter of an hour")
        last = load.lines[-1]
        print("of others, ms, median, p99, max: "
              f"4 KiB synced {last['log_ms']}, bursts synced {last['burst_ms']}")
        late = [line["late_us"] / 1000 for line in feel.lines]
        print(f"the machine was late by 20 ms or more {len(late)} times, p99 {p99(late) if late else 0:.0f}, "
              f"most {max(late, default=0):.0f} ms")
        return [report(case, feel.lines) for case in cases]
    finally:
        take_down(cases, tools)


def main():
    arguments = read_arguments()
    end_as_interrupted()
    disk = pathlib.Path(arguments.disk) / arguments.name
    disk.mkdir(parents=True)
    try:
        wrong = measure(arguments, disk)
    finally:
        shutil.rmtree(disk, ignore_errors=True)
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"disk.py: {error}")
