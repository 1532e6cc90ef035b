#!/usr/bin/python3
"""Measures what clients of its API cost an agent: how late its renewals are, without and with them.

Quiet clients: on each of the two listeners 500 that connect and say nothing, and 50 that send a
request byte by byte. Greedy ones: 100 on each that ask without a pause. Shaking ones: 100 that make
one TLS connection after the other (RSA, 2048 bits). Whoever is hung up on comes back.

Alone in a network namespace with an etcd and an nginx of its own. Root only.
"""

import argparse
import heapq
import os
import pathlib
import selectors
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

from checks import NGINX, RENEW_MS, await_answer, beats, checks, cpu_s

LATER_MOST_MS = 20.0  # how much later the median and the latest beat may be with clients
SHAKING_MOST_MS = 40.0  # the latest beat, while 16 handshakes of RSA are due at once
IDLE, SLOW, GREEDY, SHAKING = 500, 50, 100, 100
BYTE_S = 0.1   # between two bytes of a slow one
AGAIN_S = 0.2  # before who was hung up on comes back
ADDRESSES = 40  # that they come from over TCP: one alone gets few connections
CHECKS = 100

AGENT = """\
cluster: bench
node: {{name: node-a}}
etcd: {{endpoints: ["http://127.0.0.1:2379"]}}
groups: [{{name: g, vips: [{{address: 10.99.0.100/24, interface: bench0}}]}}]
checks: {checks}
api:
  socket: {directory}/ooha.sock
  listen: 127.0.0.1:8009
  {tls}
runtime_directory: {directory}
"""


class Client:
    """One connection, and what it does: idle, slow, greedy or shaking."""

    def __init__(self, crowd, path, number, kind):
        self.crowd, self.path, self.number, self.kind = crowd, path, number, kind
        self.socket, self.sent = None, 0
        what = "/v1/status" if path else "/leader"
        self.request = f"GET {what} HTTP/1.1\r\nHost: agent\r\n\r\n".encode()

    def dial(self):
        if self.path:
            self.socket = socket.socket(socket.AF_UNIX)
        else:
            self.socket = socket.socket()
            self.socket.bind((f"127.0.1.{1 + self.number % ADDRESSES}", 0))
        self.socket.setblocking(False)
        try:
            self.socket.connect(self.path or ("127.0.0.1", 8009))
        except BlockingIOError:
            if self.path:  # the queue of those who wait is full
                self.hang_up()
                return
        except OSError:
            self.hang_up()
            return
        if self.kind == "shaking":
            self.socket = self.crowd.tls.wrap_socket(self.socket, do_handshake_on_connect=False)
        self.crowd.selector.register(self.socket, selectors.EVENT_READ, self)
        if self.kind != "idle":
            self.crowd.call(BYTE_S if self.kind == "slow" else 0, self)

    def hang_up(self):
        self.crowd.forget(self.socket)
        self.socket.close()
        self.socket, self.sent = None, 0
        self.crowd.call(AGAIN_S, self)

    def say(self):
        n = len(self.request) if self.kind == "greedy" else self.sent + 1
        try:
            self.sent += self.socket.send(self.request[self.sent:n])
        except BlockingIOError:
            pass  # not connected yet, or nobody reads
        except OSError:
            self.hang_up()
            return
        if self.sent < len(self.request):
            self.crowd.call(BYTE_S, self)

    def shake(self):
        try:
            self.socket.do_handshake()
            self.crowd.answers += 1
        except ssl.SSLWantReadError:
            return
        except OSError:
            pass  # so many of one address are too many
        self.hang_up()

    def due(self):
        if self.socket is None:
            self.dial()
        elif self.kind == "shaking":
            self.shake()
        else:
            self.say()

    def heard(self):
        if self.kind == "shaking":
            self.shake()
            return
        try:
            data = self.socket.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.hang_up()
            return
        if b"HTTP/1.1 " in data:
            self.crowd.answers += 1
        if self.kind == "greedy" and data.endswith(b"}\n") or data.endswith(b"}"):
            self.sent = 0
            self.say()


class Crowd:
    """All clients, on one loop, in a process of their own."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.later, self.n, self.answers = [], 0, 0
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE

    def call(self, seconds, client):
        self.n += 1
        heapq.heappush(self.later, (time.monotonic() + seconds, self.n, client))

    def forget(self, handle):
        try:
            self.selector.unregister(handle)
        except KeyError:
            pass

    def run(self, clients, seconds):
        for client in clients:
            client.dial()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for key, _ in self.selector.select(0.02):
                key.data.heard()
            while self.later and self.later[0][0] < time.monotonic():
                heapq.heappop(self.later)[2].due()
        n_open = sum(client.socket is not None for client in clients)
        print(f"{self.answers} answers, {n_open} of {len(clients)} connected", flush=True)


def crowd(kinds, path, seconds):
    """The process of the clients ends here."""
    everybody = Crowd()
    everybody.run([Client(everybody, where, i, kind) for kind, n in kinds.items()
                   for i in range(n)
                   for where in ((None,) if kind == "shaking" else (path, None))], seconds)


# slow ones first, or idle ones would take all places
CROWDS = {"nobody": {}, "quiet": {"slow": SLOW, "idle": IDLE}, "greedy": {"greedy": GREEDY},
          "shaking": {"shaking": SHAKING}}


def measure(arguments, directory, name):
    """(per cent of a core, ms by which each beat came later than the interval, what they say)"""
    path = os.path.join(directory, "ooha.yaml")
    tls = f"tls: {{cert_file: {directory}/crt, key_file: {directory}/key}}"
    text = AGENT.format(checks=checks(CHECKS), directory=directory,
                        tls=tls if name == "shaking" else "")
    pathlib.Path(path).write_text(text, encoding="utf-8")
    with open(os.path.join(directory, f"agent-{name}.log"), "w", encoding="utf-8") as log:
        agent = subprocess.Popen([f"{arguments.build}/agent/ooha-agent", "--config", path],
                                 stderr=log)
    clients = None
    try:
        beats(4)  # it holds
        words = [sys.executable, __file__, "--crowd", name, "--socket", f"{directory}/ooha.sock",
                 "--seconds", str(arguments.seconds + 3)]
        clients = subprocess.Popen(["nice", *words], stdout=subprocess.PIPE, text=True)
        time.sleep(2)
        before, began = cpu_s(agent.pid), time.monotonic()
        seen = beats(arguments.seconds)
        cpu = 100 * (cpu_s(agent.pid) - before) / (time.monotonic() - began)
        said = clients.communicate()[0].strip()
        if agent.poll() is not None:
            sys.exit(f"the agent ended: {directory}/agent-{name}.log")
    finally:
        if clients is not None:
            clients.kill()
            clients.wait()
        agent.terminate()
        agent.wait()
    return cpu, [(b - a) * 1000 - RENEW_MS for a, b in zip(seen, seen[1:])], said


def run(arguments, directory):
    for words in ("link set lo up", "link add bench0 type veth peer bench1", "link set bench1 up",
                  "link set bench0 up", "addr add 10.99.0.1/24 dev bench0"):
        subprocess.run(["ip", *words.split()], check=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                    "/CN=bench", "-keyout", f"{directory}/key", "-out", f"{directory}/crt"],
                   check=True, stderr=subprocess.DEVNULL)
    os.chmod(f"{directory}/key", 0o600)
    config = os.path.join(directory, "nginx.conf")
    pathlib.Path(config).write_text(NGINX.format(directory), encoding="utf-8")
    servers = [
        subprocess.Popen(["etcd", "--data-dir", f"{directory}/etcd", "--log-level", "error",
                          "--unsafe-no-fsync"], stderr=subprocess.DEVNULL),
        subprocess.Popen(["nginx", "-c", config, "-p", directory], stderr=subprocess.DEVNULL)]
    try:
        await_answer(2379)
        await_answer(8000)
        return {name: measure(arguments, directory, name) for name in CROWDS}
    finally:
        for server in servers:
            server.terminate()
            server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build-bench", help="a release build; %(default)s")
    parser.add_argument("--seconds", type=int, default=30, help="of each; %(default)s")
    for hidden in ("--crowd", "--socket"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.crowd:
        return crowd(CROWDS[arguments.crowd], arguments.socket, arguments.seconds)
    if not arguments.inside:
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv, "--inside"])
    with tempfile.TemporaryDirectory() as directory:
        found = run(arguments, directory)
    print("clients   CPU, % of a core   beats   late by, ms: median     most   of the clients")
    for name, (cpu, late, said) in found.items():
        print(f"{name:7}   {cpu:15.2f}   {len(late):5}   {statistics.median(late):19.2f}"
              f"   {max(late):6.1f}   {said}")
    alone = found["nobody"][1]
    good = all(statistics.median(late) - statistics.median(alone) <= LATER_MOST_MS and
               max(late) - max(alone) <= (SHAKING_MOST_MS if name == "shaking" else LATER_MOST_MS)
               for name, (_, late, _) in found.items())
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"{'good' if good else 'BAD'}: at most {LATER_MOST_MS:.0f} ms ({SHAKING_MOST_MS:.0f} "
          f"with TLS) later than without; load {load}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
