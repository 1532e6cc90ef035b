"""What is seen of a lab while it is broken: etcd's silences, the machine's own, the agents' health."""

import json
import os
import pathlib
import re
import socket
import sys
import threading

from netns import inside, now_us
from process import Process, uninterrupted

HERE = pathlib.Path(__file__).resolve().parent
ASK_EVERY_S, ASK_TIMEOUT_S = 0.1, 1.0
SILENT_US = 400_000  # between two answers, from which on etcd counts as silent
BAD = re.compile(r"Sanitizer|runtime error:|[Aa]ssert|SUMMARY:|stack smashing|free\(\)|malloc\(\)")
DESCRIPTORS_MORE, RSS_MORE_KB = 8, 4096  # what an agent may have more at the end than at first


class Follower:
    """Reads a growing file of JSON lines, each line once."""

    def __init__(self, path):
        self.path, self.at, self.lines = path, 0, []

    def read(self):
        """Returns the lines that are new; self.lines has all."""
        with open(self.path, "rb") as handle:
            handle.seek(self.at)
            data = handle.read()
        whole = data[:data.rfind(b"\n") + 1]
        self.at += len(whole)
        fresh = [json.loads(line) for line in whole.splitlines()]
        self.lines += fresh
        return fresh


class EtcdWitness:
    """Asks each member for its health, which takes a leader and a majority."""

    def __init__(self, lab):
        self.lab = lab
        self.over = threading.Event()
        self.good = []  # (asked, answered) in us, of any member
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=inside, daemon=True, args=(
            lab.client, lambda member=member: self.ask_on(member.address)))
            for member in lab.members]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def ask_on(self, address):
        while not self.over.wait(ASK_EVERY_S):
            asked_us = now_us()
            if self.ask(address):
                with self.lock:
                    self.good.append((asked_us, now_us()))

    @staticmethod
    def ask(address):
        try:
            with socket.create_connection((address, 2379), timeout=ASK_TIMEOUT_S) as connection:
                connection.settimeout(ASK_TIMEOUT_S)
                connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
                answer = b""
                while more := connection.recv(4096):
                    answer += more
            return b'"health":"true"' in answer
        except OSError:
            return False

    def is_back(self, since_us):
        """Whether something that was asked since then was answered well."""
        with self.lock:
            return any(asked_us >= since_us for asked_us, _ in self.good[-20:])

    def silences(self, since_us):
        """(start, end) of each time since then in which etcd may not have worked; one that still
        lasts ends now."""
        with self.lock:
            good = sorted(pair for pair in self.good if pair[1] >= since_us)
        found, last_us = [], good[0][0] if good else since_us
        for asked_us, answered_us in good + [(0, now_us())]:
            if answered_us - last_us > SILENT_US:
                found.append((last_us, answered_us))
            last_us = max(last_us, asked_us)
        return found


class Load:
    """The neighbour that burns, and the one that feels how late the machine is."""

    def __init__(self, directory):
        self.directory, self.processes, self.felt = directory, [], None

    def start(self):
        with uninterrupted():
            for what in ("burn", "feel"):
                self.processes.append(Process.start(
                    what, None, [sys.executable, HERE / "load.py", what],
                    self.directory / f"{what}.jsonl"))
        self.felt = Follower(self.directory / "feel.jsonl")

    def stop(self):
        for process in self.processes:
            process.signal(9)

    def late_us(self, from_us, to_us):
        """By how much the machine itself was late in that time."""
        if self.felt is None:
            return 0
        self.felt.read()
        return sum(line["late_us"] for line in self.felt.lines if from_us <= line["t_us"] <= to_us)


def measure(process):
    """(descriptors, resident kB) of a process, or None if it is gone."""
    try:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        return (len(os.listdir(f"/proc/{process.pid}/fd")),
                int(re.search(r"VmRSS:\s+(\d+)", status)[1]))
    except (OSError, TypeError):
        return None


def place(process):
    """Where in the kernel a process is."""
    found = []
    for name in ("wchan", "syscall", "stack"):
        try:
            text = pathlib.Path(f"/proc/{process.pid}/{name}").read_text(encoding="ascii")
            found.append(f"{name} {' '.join(text.split())}")
        except OSError:
            continue
    return "; ".join(found)


class Agents:
    """What the agents write, and what they take of the machine."""

    def __init__(self, lab):
        self.lab = lab
        self.read_to = {node.name: 0 for node in lab.nodes}
        self.first, self.last = {}, {}  # node name -> (descriptors, kB)

    def log_of(self, node):
        return node.directory / "agent.log"

    def marks(self):
        """Where each log ends now."""
        return {node.name: self.log_of(node).stat().st_size for node in self.lab.nodes}

    def said(self, node, mark):
        with open(self.log_of(node), "rb") as handle:
            handle.seek(mark)
            return handle.read().decode(errors="replace").splitlines()

    def findings(self):
        """New lines that no agent should ever write."""
        found = []
        for node in self.lab.nodes:
            lines = self.said(node, self.read_to[node.name])
            found += [f"{node.name}: {line}" for line in lines if BAD.search(line)]
            self.read_to[node.name] = self.log_of(node).stat().st_size
        return found

    def sample(self):
        """To be called when all is calm."""
        for node in self.lab.nodes:
            now = measure(self.lab.process(node, "agent"))
            if now is not None:
                self.first.setdefault(node.name, now)
                self.last[node.name] = now

    def growth(self, is_sanitized):
        """What grew; a sanitizer keeps freed memory, so that its kB say nothing."""
        found = []
        for name, (descriptors, kilobytes) in self.first.items():
            more, more_kb = self.last[name][0] - descriptors, self.last[name][1] - kilobytes
            if more > DESCRIPTORS_MORE or (more_kb > RSS_MORE_KB and not is_sanitized):
                found.append(f"the agent of {name} grew by {more} descriptors and {more_kb} kB")
        return found
