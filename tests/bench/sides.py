"""The programs that are measured against each other, behind one set of verbs; ooha is here, the
others are in peers.py and pacemaker.py.

All run on the nodes of such a lab, those that have checks with the same ones at the same intervals:
/healthcheck through nginx every 2 s, the stand-in Document Server every second, both fall after 2.
"""

import json
import os
import signal

from netns import LabError, nft, run, wait_for

SETTLE_S = 40
FENCE = "ooha-office"


def run_ns(pid):
    """The CPU time of a process's main thread so far, ns."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as handle:
        return int(handle.read().split()[0])


def run_threads_ns(pid):
    """The CPU time of all threads of a process so far, ns."""
    return sum(run_ns(f"{pid}/task/{thread}") for thread in os.listdir(f"/proc/{pid}/task"))


def dead_children_ns(pid):
    """The CPU time of a process's children that have ended, ns, in steps of a clock tick."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as handle:
        fields = handle.read().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def memory_kb(pid):
    """{VmRSS, RssAnon, RssFile: kB} of a process."""
    wanted = ("VmRSS", "RssAnon", "RssFile")
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as handle:
        pairs = [line.split(":", 1) for line in handle]
    return {name: int(value.split()[0]) for name, value in pairs if name in wanted}


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as handle:
        return [int(word) for word in handle.read().split()]


def sent_bytes(lab):
    """What all nodes have sent so far, as their interfaces count it: whole frames."""
    total = 0
    for node in lab.nodes:
        links = json.loads(run("ip", "-j", "-s", "-n", node.namespace, "link", "show", "dev",
                               "eth0").stdout)
        total += links[0]["stats64"]["tx"]["bytes"]
    return total


class Side:
    """What all have in common: one daemon a node, kept with the lab's processes."""
    name = service = ""
    cannot = {}  # measure: why it is not there
    vips_most = 1000

    def __init__(self, lab, faults):
        self.lab, self.faults = lab, faults

    def start(self, node):
        raise NotImplementedError

    def is_settled(self):
        raise NotImplementedError

    def pids(self, node):
        """The processes that make up the daemon of a node."""
        return [self.lab.process(node, self.service).pid]

    def await_settled(self):
        """One holder, everybody else ready to take over from it."""
        wait_for(self.is_settled, SETTLE_S,
                 lambda: f"{self.name} is settled; held by {[n.name for n in self.lab.holders()]}")

    def begin(self):
        self.faults.heal_all()
        for node in self.lab.nodes:
            self.start(node)
        self.await_settled()

    def end(self):
        """Takes the daemons off the nodes, and what they may have left."""
        for node in self.lab.nodes:
            process = self.lab.processes.pop((node.name, self.service), None)
            if process is not None:
                process.end()
            self.faults.delete_vip(node)
        self.lab.save()

    def stop(self, node):
        """The operator's stop; returns when it was asked for."""
        return self.lab.process(node, self.service).signal(signal.SIGTERM)

    def signal(self, node, number):
        """To the whole daemon; returns the time just before."""
        return self.lab.process(node, self.service).signal(number, whole_group=True)

    def kill(self, node):
        return self.signal(node, signal.SIGKILL)

    def freeze(self, node):
        return self.signal(node, signal.SIGSTOP)

    def thaw(self, node):
        return self.signal(node, signal.SIGCONT)

    def power_off(self, node):
        return self.faults.power_off(node)

    def recover(self, node):
        """Brings a node back after any of the above, as a booted one."""
        process = self.lab.process(node, self.service)
        if not process.wait_dead(10):
            raise LabError(f"{self.service} of {node.name} does not end")
        if not self.lab.is_running(node, "standin"):  # the node was dead, not only its daemon
            self.faults.power_on(node)
        self.start(node)
        self.await_settled()


class Ooha(Side):
    """ooha-agent."""
    name, service = "ooha", "agent"
    crowd = None  # members beside the nodes (many.py)

    def start(self, node):
        self.lab.options.agent = True  # healing a node starts it from now on
        self.lab.start(node, "agent")

    def is_settled(self):
        return self.lab.is_settled()

    def end(self):
        if self.crowd:
            self.crowd.end()  # first: they would take over
            self.crowd = None
        self.lab.options.agent = False
        super().end()
        for node in self.lab.nodes:
            # of one that was killed: it would keep the next side's packets out
            nft(node.namespace, "".join(
                f"add table {family} {FENCE}\ndelete table {family} {FENCE}\n"
                for family in ("inet", "arp")))

    def show_config(self):
        node = self.lab.nodes[0]
        self.lab.write_agent(node)
        return (node.directory / f"{node.name}.yaml").read_text(encoding="utf-8")
