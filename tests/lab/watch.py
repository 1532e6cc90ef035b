"""The judge and the clients of one scenario, and what their time lines say."""

import json
import pathlib

from lab import ECHO_PORT, EYE_ADDRESSES
from netns import LabError, wait_for
from process import Process, uninterrupted

KINDS = ("echo", "http")
NEVER_US = float("inf")  # of an outage: there was no good answer at all


class Watch:
    """Runs the judge for all virtual addresses, or those judged, and a client for each of those given."""

    def __init__(self, lab, directory, vips, judged=None):
        self.lab, self.directory = lab, pathlib.Path(directory)
        self.vips = vips
        self.judged = judged or lab.vips  # the judge has room for a few only
        self.stranger = None  # the MAC of a host that is no node
        self.judge, self.clients = None, {}
        self.verdict = None  # the judge's exit status, once stopped

    def start(self):
        """Returns when the judge knows the state and, where somebody serves, the clients him."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.lab.introduce_eye()
        command = [self.lab.tool("tests/lab/judge"), "--answers", f"{self.lab.eye}:eth0"]
        for vip in self.judged:
            command += ["--vip", vip]
        for address in EYE_ADDRESSES:
            command += ["--from", address]
        for node in self.lab.nodes:
            command += ["--ask", node.mac]
        if self.stranger:
            command += ["--stranger", self.stranger]
        command += [f"{node.name}={node.namespace}" for node in self.lab.nodes]
        with uninterrupted():
            self.judge = Process.start("judge", None, command, self.directory / "judge.jsonl")
            for vip in self.vips:
                self.clients[vip] = Process.start(
                    f"client {vip}", self.lab.client,
                    [self.lab.tool("tests/lab/client"), vip, ECHO_PORT],
                    self.directory / f"client-{vip.replace(':', '_')}.jsonl")
        wait_for(lambda: any(line.get("ready") for line in self.judge_lines()), 5,
                 lambda: f"the judge is ready: {self.judge.tail(5)}")

    def wait_served(self, seconds=5):
        """Until each client had a good answer of each kind."""
        for vip in self.vips:
            for kind in KINDS:
                wait_for(lambda vip=vip, kind=kind: self.client_lines(vip, kind, "first"), seconds,
                         f"{vip} answers {kind}")

    def started(self):
        return [p for p in [self.judge, *self.clients.values()] if p is not None]

    def abandon(self):
        """Ends what still runs; what it has seen does not matter any more."""
        for process in self.started():
            process.signal(9)

    def stop(self):
        """Ends all; the summaries are written. LabError if one of them did not do its work."""
        started = self.started()
        statuses = {}
        for process in started:
            process.signal(15)
        for process in started:
            statuses[process.name] = process.wait_exit(5)
        self.verdict = statuses.get("judge")
        bad = [name for name, status in statuses.items() if name != "judge" and status != 0]
        if self.verdict not in (0, 1) or bad:
            raise LabError(f"watchers failed: {statuses}; {self.judge and self.judge.tail(5)}")

    @staticmethod
    def lines(process):
        """The whole lines of a time line. What is not JSON is a crash, and must be seen."""
        found = []
        with open(process.log, encoding="utf-8", errors="replace") as handle:
            for line in handle.read().split("\n")[:-1]:
                try:
                    found.append(json.loads(line))
                except ValueError:
                    raise LabError(f"{process.name} says: {line}") from None
        return found

    def judge_lines(self):
        return self.lines(self.judge)

    def client_lines(self, vip, kind, *events):
        return [line for line in self.lines(self.clients[vip])
                if line["kind"] == kind and line["event"] in events]

    def switch_after(self, vip, kind, at_us, old):
        """The first answer from another node than old after at_us, as its line, or None."""
        for line in self.client_lines(vip, kind, "switch"):
            if line["t_us"] >= at_us and line["to"] != old:
                return line
        return None

    def outage_us(self, vip, kind, since_us, until_us=NEVER_US):
        """The longest time without a good answer since then, of those that began by until_us. One
        that still lasts is known once the watch is stopped, not before."""
        lines = self.client_lines(vip, kind, "gap", "switch", "end")
        if any(line["event"] == "end" and line["open_us"] < 0 for line in lines):
            return NEVER_US
        return max((line["t_us"] - max(line["start_us"], since_us) for line in lines
                    if line["t_us"] >= since_us and line["start_us"] <= until_us), default=0)

    def doubles(self):
        return [line for line in self.judge_lines()
                if "double" in line or "double_answer" in line or "failure" in line]

    def timeline(self, since_us):
        """All lines in order, as text, in ms from since_us."""
        lines = [("judge", line) for line in self.judge_lines()]
        for vip, client in self.clients.items():
            lines += [(vip, line) for line in self.lines(client)]
        lines.sort(key=lambda pair: pair[1]["t_us"])
        return [f"{(line['t_us'] - since_us) / 1000:+12.1f} ms  {who:12} " + " ".join(
            f"{key}={value}" for key, value in line.items() if key != "t_us")
            for who, line in lines]
