"""The programs that are measured against each other, behind one set of verbs.

Both run on the nodes of one lab, one after the other, with the same checks at the same intervals:
/healthcheck through nginx every 2 s, the stand-in Document Server every second, both fall after 2.
"""

import os
import signal
import sys
import time

import config
from lab import LETTERS
from netns import LabError, http_request, now_us, wait_for
from process import Process

SETTLE_S = 40


def run_ns(pid):
    """The CPU time of a process's main thread so far, ns."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as handle:
        return int(handle.read().split()[0])


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


class Side:
    """What both have in common: one daemon a node, kept with the lab's processes."""
    name = service = ""

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

    def kill(self, node):
        """kill -9 of the whole daemon; returns the time just before."""
        return self.lab.process(node, self.service).signal(signal.SIGKILL, whole_group=True)

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

    def start(self, node):
        self.lab.options.agent = True  # healing a node starts it from now on
        self.lab.start(node, "agent")

    def is_settled(self):
        return self.lab.is_settled()

    def end(self):
        self.lab.options.agent = False
        super().end()

    def show_config(self):
        node = self.lab.nodes[0]
        endpoints = [f"http://{member.address}:2379" for member in self.lab.members]
        config.write_agent(node, endpoints, self.lab.options.vips, self.lab.options.ttl_ms)
        return (node.directory / f"{node.name}.yaml").read_text(encoding="utf-8")


KEEPALIVED = """\
global_defs {{
    router_id {node}
    script_user root
    enable_script_security
}}
vrrp_script proxy {{
    script "{directory}/check-proxy"
    interval 2
    timeout 4
    rise 2
    fall 2
}}
vrrp_script docservice {{
    script "{directory}/check-docservice"
    interval 1
    timeout 1
    rise 2
    fall 2
}}
vrrp_instance office {{
    state BACKUP
    nopreempt
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 1
    virtual_ipaddress {{
        {vip} dev eth0
    }}
    track_script {{
        proxy
        docservice
    }}
}}
"""

CHECKS = {
    "check-proxy": '#!/bin/sh\n[ "$(curl -s -f -m 4 http://127.0.0.1/healthcheck)" = true ]\n',
    "check-docservice": "#!/bin/sh\n"
                        "exec curl -s -f -m 1 -o /dev/null http://127.0.0.1:8000/index.html\n",
}


class Keepalived(Side):
    """keepalived as its manual has it: the first node 50 more than the next, advert_int 1."""
    name, service = "keepalived", "keepalived"
    priorities = dict(zip(LETTERS, (150, 100, 50)))

    def write(self, node):
        directory = node.directory / "keepalived"
        for name, text in CHECKS.items():
            config.write(directory / name, text, 0o755)
        config.write(directory / "keepalived.conf", KEEPALIVED.format(
            node=node.name, directory=directory, priority=self.priorities[node.letter],
            vip=self.lab.options.vips[0]))
        return directory

    def start(self, node):
        if self.lab.is_running(node, self.service):
            return
        directory = self.write(node)
        (directory / "log").unlink(missing_ok=True)
        self.faults.delete_vip(node)  # one that was killed has left it behind
        self.lab.processes[node.name, self.service] = Process.start(
            f"{node.name}/{self.service}", node.namespace,
            ["keepalived", "--vrrp", "--dont-fork", "--log-console", "--no-syslog",
             "-f", directory / "keepalived.conf", "-p", directory / "pid",
             "-r", directory / "vrrp.pid"], directory / "log")
        self.lab.save()

    def pids(self, node):
        parent = self.lab.process(node, self.service).pid
        return [parent] + children(parent)[:1]  # the VRRP process; its children are scripts

    def is_settled(self):
        for node in self.lab.nodes:
            log = (node.directory / "keepalived" / "log").read_text(errors="replace")
            if "Entering BACKUP STATE" not in log or not self.lab.is_running(node, self.service):
                return False
            answer = http_request(node.namespace, "127.0.0.1", 80, "/healthcheck")
            if answer is None or answer[2] != b"true":
                return False
        return len(self.lab.holders()) == 1

    def await_settled(self):
        super().await_settled()
        time.sleep(1.5)  # an advertisement more, so that all have heard the master

    def show_config(self):
        directory = self.write(self.lab.nodes[0])
        text = (directory / "keepalived.conf").read_text(encoding="utf-8")
        others = ", ".join(str(self.priorities[node.letter]) for node in self.lab.nodes[1:])
        scripts = "".join(f"# {name}:\n" + "".join(f"#   {line}\n" for line in body.splitlines())
                          for name, body in CHECKS.items())
        return f"{text}# the other nodes: priority {others}\n{scripts}"


class KeepalivedQuick(Keepalived):
    """keepalived with the priorities that make its skew time shortest."""
    name = "keepalived 254"
    priorities = dict(zip(LETTERS, (254, 253, 252)))


SIDES = (Ooha, Keepalived, KeepalivedQuick)
