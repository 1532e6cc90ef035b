"""What is measured: each function runs one trial on a settled side and returns its figures.

A gap is what a client saw: the longest time without a good answer from the fault on, until
another node had answered. Times in ms.
"""

import json
import random
import time

from netns import LabError, now_us
from sides import dead_children_ns, memory_kb, run_threads_ns, sent_bytes
from watch import KINDS, Watch

MOVE_PATIENCE_S = 12
AFTER_MOVE_S = 0.5   # a gap soon after the move counts too
WINDOW_S = 10        # how long after a fault that nobody mends two holders are looked for
AFTER_HEAL_S = 3     # and how long after it was mended


class Trial:
    """One fault under the eyes of judge and client."""

    def __init__(self, side, directory):
        self.side, self.lab = side, side.lab
        self.vip = self.lab.vips[0]
        self.holder = self.lab.holders()[0]
        self.watch = Watch(self.lab, directory, [self.vip])
        self.fault_us = 0
        self.target = None

    def run(self, act, window_s=0.0, heal=None):
        """act(holder) -> time of the fault. Returns when another node has answered both kinds, and
        not before the window is over."""
        self.watch.start()
        try:
            self.watch.wait_served()
            # anywhere between two renewals and two advertisements
            time.sleep(random.uniform(0.3, 1.3))
            self.fault_us = act(self.holder)
            self.await_move()
            rest_s = window_s - (now_us() - self.fault_us) / 1e6
            time.sleep(max(AFTER_MOVE_S, rest_s))
            if heal:
                heal(self.holder)
                time.sleep(AFTER_HEAL_S)
        finally:
            self.watch.stop()

    def switch(self, kind):
        return self.watch.switch_after(self.vip, kind, self.fault_us, self.holder.name)

    def await_move(self):
        deadline = time.monotonic() + MOVE_PATIENCE_S
        while not all(self.switch(kind) for kind in KINDS):
            if time.monotonic() > deadline:
                raise LabError(f"nobody took over from {self.holder.name}")
            time.sleep(0.25)  # seldom: two cores do all the work that is measured
        self.target = self.lab.node(self.switch("echo")["to"])

    def figures(self):
        return {f"{kind} gap": self.watch.outage_us(self.vip, kind, self.fault_us) / 1000
                for kind in KINDS}

    def double_ms(self):
        """How long two nodes had the address."""
        total_us, since_us = 0, None
        for line in self.watch.judge_lines():
            if "double" in line and since_us is None:
                since_us = line["t_us"]
            elif "double_over" in line and since_us is not None:
                total_us, since_us = total_us + line["t_us"] - since_us, None
            elif "end" in line and since_us is not None:
                total_us += line["t_us"] - since_us
        return total_us / 1000

    def address_at(self, node, event):
        """When the judge saw the address come to or go from a node."""
        for line in self.watch.judge_lines():
            if (line.get("vip") == self.vip and line.get("node") == node.name
                    and line.get("event") == event and line["t_us"] >= self.fault_us):
                return line["t_us"]
        raise LabError(f"the judge saw no {event} of {node.name}")


def last_timeline(lab):
    """The time line of the newest transition in ooha's own history."""
    history = lab.keys("/ooha/office/history/")
    return json.loads(history[max(history)])["timeline"]


def planned_parts(trial):
    """The way of a planned move, by the judge's address events and ooha's own time line."""
    down_us = trial.address_at(trial.holder, "down")
    up_us = trial.address_at(trial.target, "up")
    away_ms = (up_us - down_us) / 1000
    parts = {"SIGTERM -> address removed": (down_us - trial.fault_us) / 1000,
             "removed -> added elsewhere": away_ms}
    if trial.side.service == "agent":
        line = last_timeline(trial.lab)  # in whole ms, from the decision to leave
        parts |= {"of it, until claimed": line["claimed_ms"] - line["down_ms"],
                  "of it, until added": line["added_ms"] - line["claimed_ms"]}
    parts["added -> echo answered"] = (trial.switch("echo")["t_us"] - up_us) / 1000
    return parts


def planned_move(side, directory):
    """SIGTERM of the holder's daemon, started again afterwards."""
    trial = Trial(side, directory)
    trial.run(side.stop)
    figures = trial.figures() | planned_parts(trial) | {"two holders": trial.double_ms()}
    side.recover(trial.holder)
    return figures


def service_failure(side, directory):
    """The holder's Document Server does not listen any more, and its checks have to notice."""
    trial = Trial(side, directory)
    trial.run(lambda node: side.faults.standin(node, "refuse"))
    figures = trial.figures() | {"two holders": trial.double_ms()}
    side.faults.standin(trial.holder, "true")
    side.await_settled()
    return figures


def node_death(side, directory):
    """Power off: link down and kill -9 of daemon, etcd member and services at once."""
    trial = Trial(side, directory)
    leader = side.lab.etcd_leader()
    trial.run(side.power_off)
    figures = trial.figures() | {"two holders": trial.double_ms()}
    if side.service == "agent":
        case = "with" if leader is trial.holder else "without"
        figures[f"echo gap, {case} etcd's leader"] = figures["echo gap"]
    side.recover(trial.holder)
    return figures


def daemon_killed(side, directory):
    """kill -9 of the daemon alone; the node lives on and nobody restarts it for a while."""
    trial = Trial(side, directory)
    trial.run(side.kill, WINDOW_S)
    figures = trial.figures() | {"two holders": trial.double_ms()}
    side.recover(trial.holder)
    return figures


def daemon_frozen(side, directory):
    """SIGSTOP of the daemon, and SIGCONT after a while."""
    trial = Trial(side, directory)
    trial.run(side.freeze, WINDOW_S, side.thaw)
    figures = trial.figures() | {"two holders": trial.double_ms()}
    side.await_settled()
    return figures


def partition(side, directory):
    """The holder and the other nodes do not hear each other for a while; the client hears all."""
    trial = Trial(side, directory)
    trial.run(side.faults.cut_peers, WINDOW_S, side.faults.heal_cuts)
    figures = trial.figures() | {"two holders": trial.double_ms()}
    side.await_settled()
    return figures


def idle(side, seconds):
    """Memory and CPU of the daemons while nothing happens: lists, one figure a node and role."""
    holder = side.lab.holders()[0]
    pids = {node: side.pids(node) for node in side.lab.nodes}

    def cpu_ns():
        return {node: (sum(map(run_threads_ns, own)), sum(map(dead_children_ns, own)))
                for node, own in pids.items()}
    before, sent, began = cpu_ns(), sent_bytes(side.lab), time.monotonic()
    time.sleep(seconds)
    after, took_ns = cpu_ns(), (time.monotonic() - began) * 1e9
    figures = {"wire": [(sent_bytes(side.lab) - sent) / seconds]}
    for node, own in pids.items():
        role = "holder" if node is holder else "standby"
        memory = [memory_kb(pid) for pid in own]
        daemon, scripts = (100 * (after[node][i] - before[node][i]) / took_ns for i in (0, 1))
        for name, figure in (
                ("RSS", sum(kb["VmRSS"] for kb in memory) / 1024),
                ("RssAnon", sum(kb["RssAnon"] for kb in memory) / 1024),
                ("RssFile", sum(kb["RssFile"] for kb in memory) / 1024),
                ("CPU", daemon),
                ("CPU with its scripts", daemon + scripts)):
            figures.setdefault(f"{name}, {role}", []).append(figure)
    return figures
