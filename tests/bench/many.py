"""Moves of many virtual addresses, and in clusters of many members."""

import contextlib
import random
import select
import shutil
import socket
import struct
import threading
import time

import config
from measures import AFTER_MOVE_S, MOVE_PATIENCE_S
from netns import LabError, batch, exists, inside, now_us, run, wait_for
from process import Process
from switchovers import switch_over
from watch import Watch

NETWORK = "10.78.0.0/16"
NEWADDR, DELADDR, IFA_LOCAL = 20, 21, 2
RTMGRP_IPV4_IFADDR = 0x10
RCVBUFFORCE = 33
READY_S = 60


def addresses(n):
    """As the configurations have them; one is the lab's own."""
    return [f"10.78.{1 + i // 250}.{1 + i % 250}/32" for i in range(n)]


class Kernel:
    """When the addresses of NETWORK come and go on each node, as the kernel tells: [(t_us, node's
    name, whether it came, address)]."""

    def __init__(self, nodes):
        self.events, self.sockets = [], {}
        for node in nodes:
            def listen():
                handle = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
                handle.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, 8 << 20)
                handle.bind((0, RTMGRP_IPV4_IFADDR))
                return handle
            self.sockets[inside(node.namespace, listen)] = node.name
        self.over = False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        read = []  # taken apart later, so that the times are right
        while not self.over:
            for handle in select.select(list(self.sockets), [], [], 0.1)[0]:
                data = handle.recv(1 << 16)
                read.append((now_us(), self.sockets[handle], data))
        for at_us, name, data in read:
            self.events += [(at_us, name, *event) for event in self.parse(data)]
        for handle in self.sockets:
            handle.close()

    @staticmethod
    def parse(data):
        while len(data) >= 24:
            length, kind = struct.unpack_from("=IH", data)
            body, data = data[24:length], data[(length + 3) & ~3:]
            while kind in (NEWADDR, DELADDR) and len(body) >= 4:
                size, attribute = struct.unpack_from("=HH", body)
                if attribute == IFA_LOCAL:
                    yield kind == NEWADDR, socket.inet_ntoa(body[4:8])
                body = body[(max(size, 4) + 3) & ~3:]

    def stop(self):
        """The events of NETWORK, in order."""
        self.over = True
        self.thread.join()
        return [event for event in self.events if event[3].startswith("10.78.")]


def use_addresses(side, n):
    """Restarts a side with n addresses in another network."""
    side.end()
    side.lab.options.vips = tuple(addresses(n))
    run("ip", "-n", side.lab.client, "route", "replace", NETWORK, "dev", "eth0")
    side.begin()


def use_one(side, before):
    side.end()
    side.lab.options.vips = before


def is_moved(lab, old):
    """Whether one other node has all, and the old one none."""
    held = {node.name: run("ip", "-o", "-4", "-n", node.namespace, "addr", "show", "dev",
                           "eth0").stdout.count(" 10.78.") for node in lab.nodes}
    return held[old.name] == 0 and len(lab.vips) in held.values()


def move_all(side, directory):
    """SIGTERM of the holder's daemon; a client asks the first, the middle and the last address."""
    lab = side.lab
    n = len(lab.vips)
    asked = list(dict.fromkeys((lab.vips[0], lab.vips[n // 2], lab.vips[-1])))
    holder = lab.holders()[0]
    watch, kernel = Watch(lab, directory, asked, asked), Kernel(lab.nodes)
    try:
        watch.start()
        watch.wait_served()
        time.sleep(random.uniform(0.3, 1.3))
        fault_us = side.stop(holder)
        wait_for(lambda: time.sleep(0.25) or is_moved(lab, holder), MOVE_PATIENCE_S + 20,
                 f"{n} addresses moved away from {holder.name}")
        time.sleep(AFTER_MOVE_S)
        watch.stop()
    finally:
        watch.abandon()
        events = kernel.stop()
    downs = [at_us for at_us, name, came, _ in events if not came and name == holder.name]
    ups = {}  # each address's first: every renewal is told as well
    for at_us, name, came, address in events:
        if came and name != holder.name:
            ups.setdefault(address, at_us)
    if len(ups) < n or len(downs) < n:
        raise LabError(f"of {n} addresses {len(downs)} were seen to go and {len(ups)} to come")
    figures = {"first removed -> last added": (max(ups.values()) - min(downs)) / 1000,
               "client's longest gap": max(watch.outage_us(vip, "echo", fault_us)
                                           for vip in asked) / 1000}
    side.recover(holder)
    return figures


class Crowd:
    """Members beside the lab's nodes: agents in namespaces of their own, without checks, which
    never get the address."""

    def __init__(self, lab):
        self.lab, self.names, self.processes = lab, [], []

    def grow(self, n_members):
        """Until the cluster has so many."""
        lab = self.lab
        for i in range(len(self.names), n_members - len(lab.nodes)):
            name = f"{lab.options.name}-x{i}"
            self.names.append(name)
            run("ip", "netns", "add", name)
            run("ip", "-batch", "-", stdin=f"link add eth0 netns {name} type veth peer name p-x{i} "
                                           f"netns {lab.switch}\n")
            batch(lab.switch, f"link set p-x{i} master br0 up")
            batch(name, "link set lo up", "link set eth0 up",
                  f"addr add 10.77.0.{30 + i}/24 dev eth0")
            self.processes.append(self.agent(name, f"extra-{i}"))
        wait_for(lambda: time.sleep(0.2) or len(self.members()) == n_members, READY_S,
                 lambda: f"{n_members} members; there are {len(self.members())}")
        time.sleep(2)

    def members(self):
        return self.lab.keys("/ooha/office/members/")

    def agent(self, namespace, name):
        directory = self.lab.directory / name
        endpoints = ", ".join(f"http://{member.address}:2379" for member in self.lab.members)
        config.write(directory / "ooha.yaml", f"""\
cluster: office
node: {{name: {name}, priority: 1}}
etcd: {{endpoints: [{endpoints}]}}
lease: {{ttl: {self.lab.options.ttl_ms}ms}}
groups: [{{name: office, vips: [{{address: {self.lab.options.vips[0]}, interface: eth0}}]}}]
checks: []
api: {{socket: {directory}/ooha.sock}}
runtime_directory: {directory}
""")
        return Process.start(name, namespace, [self.lab.tool("agent/ooha-agent"), "--config",
                                               directory / "ooha.yaml"], directory / "log")

    def end(self):
        for process in self.processes:
            process.signal(15)
        for process in self.processes:
            with contextlib.suppress(LabError):
                process.end()
        for i, name in enumerate(self.names):
            if exists(name):
                run("ip", "netns", "del", name, check=False)
            shutil.rmtree(self.lab.directory / f"extra-{i}", ignore_errors=True)


def hand_overs(side, directory, times):
    """{figure: [ms]} of switchovers between two nodes, asked for at random moments."""
    lab = side.lab
    watch = Watch(lab, directory, lab.vips[:1])
    one, other, asked = lab.nodes
    if lab.holders()[0] is asked:
        switch_over(lab, asked, one)
        side.await_settled()
    began, answers = [], []
    watch.start()
    try:
        watch.wait_served()
        for _ in range(times):
            target = other if lab.holders()[0] is one else one
            time.sleep(random.uniform(0.2, 0.8))
            began_us, _, answer = switch_over(lab, asked, target)
            began.append(began_us)
            answers.append(answer)
            if lab.holders() != [target]:
                raise LabError(f"{[node.name for node in lab.holders()]} has it, not {target.name}")
            time.sleep(0.2)
        watch.stop()
    finally:
        watch.abandon()
    ends = began[1:] + [now_us()]
    figures = {f"{kind} gap": [watch.outage_us(lab.vips[0], kind, *span) / 1000
                               for span in zip(began, ends)] for kind in ("echo", "http")}
    for part in ("down", "claimed", "added", "announced"):
        figures[f"{part}, by ooha"] = [
            answer["timeline"][f"{part}_ms"] for answer in answers
            if answer["timeline"] and answer["timeline"][f"{part}_ms"] is not None]
    figures["two holders, times"] = [len(watch.doubles())]
    return figures
