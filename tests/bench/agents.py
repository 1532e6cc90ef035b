#!/usr/bin/python3
"""What many agents of one group cost the etcd that they share, and themselves: 3, 10, 30 and 100 of them,
one holding and the others standing by, each in a namespace of its own on the lab's switch. Prints a table
of what a second of nothing happening takes: requests, bytes, CPU, growth."""

import argparse
import json
import os
import sys
import time

import tuned  # noqa: E402 (and the lab's folder from here on)
import config
from lab import Lab, Options
from netns import LabError, exists, run, wait_for
from process import Process, end_as_interrupted, uninterrupted
from sides import memory_kb, run_ns, run_threads_ns

COUNTS = (3, 10, 30, 100)
# of the switch's network, without those that the lab gives to others
HOSTS = [host for host in range(20, 200) if host not in (100, 101)]
SENT, RECEIVED = "etcd_network_client_grpc_sent_bytes_total", "etcd_network_client_grpc_received_bytes_total"
HANDLED, MESSAGES = "grpc_server_handled_total", "grpc_server_msg_sent_total"

AGENT = """\
cluster: office
node:
  name: {name}
etcd:
  endpoints: [{endpoints}]
lease:
  ttl: {ttl_ms}ms
groups:
  - name: office
    vips:
      - address: {vip}
        interface: eth0
api:
  socket: {directory}/run/ooha.sock
runtime_directory: {directory}/run
"""


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=Options.build, metavar="DIR",
                        help="a release build; default: %(default)s")
    parser.add_argument("--agents", action="append", type=int, metavar="N",
                        help=f"may be given more than once; default: {COUNTS}")
    parser.add_argument("--seconds", type=float, default=30, help="default: %(default)g")
    parser.add_argument("--ttl", type=int, default=3000, metavar="MS", help="default: %(default)s")
    parser.add_argument("--name", default=f"oohaa{os.getpid()}",
                        help="the lab's name; default: one of its own")
    arguments = parser.parse_args()
    arguments.agents = sorted(arguments.agents or COUNTS)
    if not 1 <= arguments.agents[-1] <= len(HOSTS):
        parser.error(f"--agents {arguments.agents[-1]}: from 1 to {len(HOSTS)}")
    return arguments


class Crowd:
    """Agents beside a lab whose own nodes have etcd only."""

    def __init__(self, lab):
        self.lab, self.agents, self.namespaces = lab, [], []

    def grow(self, n):
        first = len(self.agents)
        names = [f"agent-{i:03}" for i in range(first, n)]
        spaces = [f"{self.lab.options.name}-{i:03}" for i in range(first, n)]
        for space in spaces:
            run("ip", "netns", "add", space)
            self.namespaces.append(space)
        switch = self.lab.switch
        ports = [f"x{i}" for i in range(first, n)]
        run("ip", "-batch", "-", stdin="".join(
            f"link add eth0 netns {space} type veth peer name {port} netns {switch}\n"
            for space, port in zip(spaces, ports)), timeout=60)
        run("ip", "-n", switch, "-batch", "-", stdin="".join(
            f"link set {port} master br0 up\n" for port in ports), timeout=60)
        for i, (name, space) in enumerate(zip(names, spaces), first):
            run("ip", "-n", space, "-batch", "-", stdin="link set lo up\nlink set eth0 up\n"
                f"addr add 10.77.0.{HOSTS[i]}/24 dev eth0\n")
            self.start(name, space)
        wait_for(lambda: self.is_settled(n), 30 + n, f"one of {n} agents holds, all are present")

    def start(self, name, space):
        directory = self.lab.directory / name
        endpoints = ", ".join(f"http://{member.address}:2379" for member in self.lab.members)
        config.write(directory / "ooha.yaml", AGENT.format(
            name=name, endpoints=endpoints, ttl_ms=self.lab.options.ttl_ms,
            vip=self.lab.options.vips[0], directory=directory))
        (directory / "run").mkdir()
        with uninterrupted():
            agent = Process.start(f"{name}/agent", space, [
                self.lab.tool("agent/ooha-agent"), "--config", directory / "ooha.yaml"],
                directory / "agent.log")
            self.lab.processes[name, "agent"] = agent
        self.agents.append(agent)

    def is_settled(self, n):
        try:
            keys = self.lab.keys()
        except LabError:  # so many that start keep etcd busy
            return False
        return (sum(key.startswith("/ooha/office/members/") for key in keys) == n
                and "/ooha/office/groups/office/beat" in keys)

    def holder(self):
        name = self.lab.claim()["node"]
        return next(agent for agent in self.agents if agent.name == f"{name}/agent")

    def wire_bytes(self):
        """What has crossed the agents' ports at the switch so far."""
        links = json.loads(run("ip", "-n", self.lab.switch, "-s", "-j", "link", "show").stdout)
        return sum(link["stats64"][way]["bytes"] for link in links
                   if link["ifname"].startswith("x") for way in ("rx", "tx"))

    def remove(self):
        for space in self.namespaces:
            if exists(space):
                run("ip", "netns", "del", space, check=False)


class Sample:
    """Counters at one moment."""

    def __init__(self, crowd):
        lab = crowd.lab
        self.at = time.monotonic()
        self.etcd_ns = sum(run_threads_ns(lab.process(member, "etcd").pid)
                           for member in lab.members)
        self.agent_ns = {agent.name: run_ns(agent.pid) for agent in crowd.agents}
        self.metrics = [tuned.etcd_metrics(lab, member) for member in lab.members]
        self.revision = lab.range("/ooha/")[0]
        self.wire = crowd.wire_bytes()

    def total(self, prefix, *parts):
        """The sum over all members of the metrics that begin so and have these parts in their labels."""
        return sum(value for metrics in self.metrics for name, value in metrics.items()
                   if name.startswith(prefix) and all(part in name for part in parts))


def figures(crowd, before, after):
    """{what: value}, of one second."""
    seconds = after.at - before.at
    holder = crowd.holder().name

    def rate(*what):
        return (after.total(*what) - before.total(*what)) / seconds
    standbys = [(after.agent_ns[name] - ns) / seconds / 1e7
                for name, ns in before.agent_ns.items() if name != holder]
    memory = [memory_kb(agent.pid) for agent in crowd.agents]
    return {
        "reads and writes a second": rate(HANDLED, 'grpc_service="etcdserverpb.KV"'),
        "lease requests a second": rate(MESSAGES, "LeaseKeepAlive"),
        "watch messages a second": rate(MESSAGES, 'grpc_method="Watch"'),
        "kB a second from etcd": rate(SENT) / 1000,
        "kB a second to etcd": rate(RECEIVED) / 1000,
        "etcd, % of a core, all members": (after.etcd_ns - before.etcd_ns) / seconds / 1e7,
        "holder, % of a core": (after.agent_ns[holder] - before.agent_ns[holder]) / seconds / 1e7,
        "a standby, % of a core": sum(standbys) / max(1, len(standbys)),
        "all agents, % of a core": sum(after.agent_ns[name] - ns for name, ns
                                       in before.agent_ns.items()) / seconds / 1e7,
        "an agent, MB resident": sum(kb["VmRSS"] for kb in memory) / 1024 / len(memory),
        "kB a second on the wire": (after.wire - before.wire) / seconds / 1000,
        "revisions a second": (after.revision - before.revision) / seconds,
    }


def measure(crowd, n, seconds):
    crowd.grow(n)
    time.sleep(5)  # what the start has left to do
    before = Sample(crowd)
    time.sleep(seconds)
    after = Sample(crowd)
    for agent in crowd.agents:
        if not agent.is_alive():
            raise LabError(f"{agent.name} has ended: {agent.tail(5)}")
    return figures(crowd, before, after)


def render(columns):
    names = list(next(iter(columns.values())))
    lines = [["agents", *map(str, columns)]] + [
        [name, *(f"{column[name]:.2f}" for column in columns.values())] for name in names]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return ["  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                      for i, (cell, width) in enumerate(zip(line, widths))) for line in lines]


def main():
    arguments = read_arguments()
    end_as_interrupted()
    lab = Lab(Options(name=arguments.name, build=os.path.abspath(arguments.build), agent=False,
                      ttl_ms=arguments.ttl))
    crowd, columns = Crowd(lab), {}
    try:
        lab.up()
        for n in arguments.agents:
            columns[n] = measure(crowd, n, arguments.seconds)
            print(f"{n} agents: {columns[n]}, load {os.getloadavg()[0]:.2f}", file=sys.stderr)
    finally:
        try:
            lab.down()
        finally:
            crowd.remove()
    print("\n".join(render(columns)))
    print(f"\nttl {arguments.ttl} ms, {arguments.seconds:g} s each, {os.cpu_count()} cores, "
          f"load {os.getloadavg()[0]:.2f} at the end")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"agents.py: {error}")
