"""What watches a lab of zones: one judge of all addresses, one prober a zone, clients, routes."""

import itertools

from lab import ECHO_PORT
from netns import LabError, wait_for
from process import Process, uninterrupted
from watch import Watch

import network
from routes import RouteWatch

ASKED_US = 200_000  # an address that was answered for so long before the end still is


class ZoneWatch(Watch):
    """As Watch. Probers hear their own zone only, so that two who answer in two zones are told from
    the times of their answers."""

    def __init__(self, lab, directory, vips):
        super().__init__(lab, directory, vips)
        self.probers = {}  # zone -> judge that asks there
        self.routes = None

    def start(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        everywhere = [word for vip in (*network.VIPS, network.INSIDE) for word in ("--vip", vip)]
        with uninterrupted():
            self.judge = self.start_judge("judge", everywhere, self.lab.nodes)
            for zone, eye in self.lab.eyes.items():
                words = [*everywhere, "--answers", f"{eye}:eth0"]
                for address in network.eye_addresses(zone):
                    words += ["--from", address]
                for node in self.lab.nodes_of(zone):
                    words += ["--ask", node.mac]
                self.probers[zone] = self.start_judge(f"prober-{zone}", words,
                                                      self.lab.nodes_of(zone))
            for vip in self.vips:
                self.clients[vip] = Process.start(
                    f"client {vip}", self.lab.client,
                    [self.lab.tool("tests/lab/client"), vip, ECHO_PORT],
                    self.directory / f"client-{vip.replace(':', '_')}.jsonl")
        for judge in (self.judge, *self.probers.values()):
            wait_for(lambda judge=judge: any(line.get("ready") for line in self.lines(judge)), 5,
                     lambda judge=judge: f"{judge.name} is ready: {judge.tail(5)}")
        self.routes = RouteWatch({where.name: where.namespace for where in
                                  (*self.lab.routers.values(), *self.lab.nodes)}, network.VIPS)

    def start_judge(self, name, words, nodes):
        return Process.start(name, None, [
            self.lab.tool("tests/lab/judge"), *words,
            *(f"{node.name}={node.namespace}" for node in nodes)], self.directory / f"{name}.jsonl")

    def started(self):
        return super().started() + list(self.probers.values())

    def abandon(self):
        super().abandon()
        if self.routes is not None:
            self.routes.close()
            self.routes = None

    def stop(self):
        """Ends all. LabError if one of them did not do its work; doubles() has what was seen."""
        started = self.started()
        for process in started:
            process.signal(15)
        statuses = {process.name: process.wait_exit(5) for process in started}
        judges = {self.judge.name, *(judge.name for judge in self.probers.values())}
        bad = [name for name, status in statuses.items()
               if status not in ((0, 1) if name in judges else (0,))]
        if bad:
            raise LabError(f"watchers failed: {statuses}")
        self.verdict = max(statuses[name] for name in judges)

    def judges_lines(self):
        return [line for judge in (self.judge, *self.probers.values())
                for line in self.lines(judge)]

    def doubles(self):
        said = [line for line in self.judges_lines()
                if "double" in line or "double_answer" in line or "failure" in line]
        return said + self.crossings()

    def answered(self):
        """{vip: [(who, from, until)]}: since when at the latest, and until when at the earliest."""
        found = {}
        for zone, prober in self.probers.items():
            since = {}  # (vip, kind) -> (MAC, t)
            end_us = None
            for line in self.lines(prober):
                if "end" in line:
                    end_us = line["t_us"] - ASKED_US
                if "answers" not in line:
                    continue
                track = line["answers"], line["kind"]
                if track in since:
                    mac, from_us = since.pop(track)
                    found.setdefault(track[0], []).append(((zone, mac), from_us, line["last_us"]))
                if line["mac"]:
                    since[track] = line["mac"], line["t_us"]
            for (vip, _), (mac, from_us) in since.items():
                found.setdefault(vip, []).append(((zone, mac), from_us, end_us or from_us))
        return found

    def crossings(self):
        """Where one answered still what was asked after another had answered already."""
        crossed = []
        for vip, spans in self.answered().items():
            for one, other in itertools.combinations(spans, 2):
                common_us = min(one[2], other[2]) - max(one[1], other[1])
                if one[0] != other[0] and common_us > 0:
                    crossed.append({"crossing": vip, "who": [one[0], other[0]],
                                    "lasted_us": common_us, "t_us": max(one[1], other[1])})
        return crossed

    def timeline(self, since_us):
        """All lines but the probers', in order, in ms from since_us; then the routes."""
        return super().timeline(since_us) + self.routes.told_since(since_us)
