#!/usr/bin/python3
"""Plants faults one by one on a node that is well, and asks `ooha doctor` each time (root).

The node: a namespace with its interface, three etcd members, a systemd that says what it is told, a
Document Server and an nginx as far as files and a port go; and the records of three agents.
"""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import http.server
import json
import os
import pathlib
import re
import socket
import socketserver
import sys
import tempfile
import threading
import time
import typing

sys.dont_write_bytecode = True

from lab import Options  # noqa: E402
from netns import LabError, batch, exists, inside, nft, run, told, wait_for  # noqa: E402
from place import PATIENCE_S, VIP, Place, expect, wait_started  # noqa: E402
from process import end_as_interrupted  # noqa: E402

HOSTS = ["10.78.0.1", "10.78.0.2", "10.78.0.3"]  # all here; each with an etcd member
SIDE = "http://10.78.0.1:3379"  # another etcd, of one member
PREFIX = "/ooha/office/"
WORKERS = 2  # nodes, each with its share of the faults
BOUND_MS = 4000  # whatever is broken
ALWAYS = {"etcd-version-old"}  # Debian's etcd is 3.4.23; a note
FASTENED = ["--unsafe-no-fsync", "--auto-compaction-retention=1h", "--pre-vote"]

CONFIG = """\
cluster: office
node: {{name: node-a, zone: az-1}}
etcd:
  endpoints: [{endpoints}]
{login}groups:
  - name: office
    vips: [{{address: {vip}/24, interface: {interface}}}]
documentserver: {{config_directory: {directory}/ds, proxy_config: {directory}/nginx.conf}}
{checks}hooks: {{promoted: [/run/hook], demoted: []}}
api: {{socket: {directory}/run/ooha.sock}}
runtime_directory: {directory}/run
"""
CHECKS = """\
checks:
  - {name: proxy, type: http, url: "http://127.0.0.1:8000/index.html", interval: 1s, timeout: 1s}
"""
UNIT = "LoadState=loaded\nUnitFileState=enabled\nRuntimeDirectoryPreserve=restart\n"
# What only this command is to see of the host: /run, systemctl.
STAGE = """\
mount -t tmpfs none /run && mkdir -p /run/systemd/system &&
cp -rp {directory}/slash-run/. /run/ && mount --bind {directory}/systemctl /usr/bin/systemctl || exit 99
exec "$@"
"""


class DocumentServer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"Server is functioning normally. Version: 8.2.1. Build: 38"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Node(Place):
    """A node that is well."""

    def __init__(self, name, build, directory):
        super().__init__(name, build, directory)
        self.outside = f"{name}-out"
        run("ip", "netns", "add", self.outside)
        batch(name, "link set wire netns " + self.outside,
              *[f"addr add {host}/24 dev eth0" for host in HOSTS[1:]])
        batch(self.outside, "link set lo up", "link set wire up")
        self.lay_out()
        self.members = [self.member(i) for i in range(len(HOSTS))]
        wait_for(lambda: self.etcdctl("endpoint", "health", check=False).returncode == 0,
                 PATIENCE_S, "etcd answers")

    def leave(self):
        super().leave()
        if exists(self.outside):
            run("ip", "netns", "del", self.outside, check=False)

    def lay_out(self):
        """The files."""
        (self.directory / "ds").mkdir()
        (self.directory / "slash-run").mkdir()
        secret = {"inbox": {"string": "s1"}, "outbox": {"string": "s1"}, "session": {"string": "s1"}}
        self.write("ds/default.json", "{}")
        self.write("ds/local.json", json.dumps({"services": {"CoAuthoring": {"secret": secret}}}))
        self.write("nginx.conf", "events {}\nhttp { server { listen 80; } }\n")
        self.write("slash-run/hook", "#!/bin/sh\n").chmod(0o755)
        self.unit(UNIT)

    def unit(self, text):
        self.write("systemctl", f"#!/bin/sh\ncat <<X\n{text}X\n").chmod(0o755)

    def member(self, i, *options, flags=FASTENED):
        host = HOSTS[i]
        return self.start(
            f"etcd-{i}", "etcd", "--name", f"m{i}", "--data-dir", self.directory / f"etcd-{i}",
            "--listen-client-urls", f"http://{host}:2379",
            "--advertise-client-urls", f"http://{host}:2379",
            "--listen-peer-urls", f"http://{host}:2380",
            "--initial-advertise-peer-urls", f"http://{host}:2380", "--initial-cluster",
            ",".join(f"m{k}=http://{host}:2380" for k, host in enumerate(HOSTS)), *flags, *options)

    def etcdctl(self, *words, check=True, endpoints=None):
        endpoints = endpoints or ",".join(f"http://{host}:2379" for host in HOSTS)
        return self.run("etcdctl", "--endpoints", endpoints, *words, check=check)

    def configure(self, endpoints=None, login="", vip=VIP, interface="eth0", checks=CHECKS):
        endpoints = endpoints or [f"http://{host}:2379" for host in HOSTS]
        text = CONFIG.format(endpoints=", ".join(endpoints), login=login, vip=vip,
                             interface=interface, checks=checks, directory=self.directory)
        return self.write("ooha.yaml", text)

    def listen(self, host):
        """A Document Server's port, until the server that is returned is shut down."""
        server = inside(self.namespace,
                        lambda: http.server.ThreadingHTTPServer((host, 8000), DocumentServer))
        self.listening(server)
        return server

    def listening(self, server):
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.servers.append(server)

    def close(self, server):
        server.shutdown()
        server.server_close()
        self.servers.remove(server)

    def doctor(self, *words, wrap=(), clock="good"):
        """What it finds: the ids, the whole document, and the exit status."""
        done = self.run(
            "sh", "-c", STAGE.format(directory=self.directory), "stage", *wrap, "env",
            f"LD_PRELOAD={self.tool('tests/lab/libfake_clock.so')}", f"LAB_CLOCK={clock}",
            self.tool("cli/ooha"), "doctor", "--json", "--config", self.directory / "ooha.yaml",
            *words, check=False)
        expect(done.stdout.startswith("{"), f"{done.returncode}: {done.stderr.strip()}")
        document = json.loads(done.stdout)
        expect(document["took_ms"] < BOUND_MS, f"took {document['took_ms']} ms")
        return {one["id"] for one in document["findings"]}, document, done.returncode

    def record(self, name, **changes):
        """Writes a record as node-a's agent has written its own, with changes in its `config`, or
        at its top where it has them there."""
        value = json.loads(json.dumps(self.own))
        value.update(node=name)
        for key, change in changes.items():
            (value["config"] if key in value["config"] else value)[key] = change
        self.etcdctl("put", f"{PREFIX}members/{name}", json.dumps(value))

    def records(self):
        """Those of three agents, each on a host and in a zone of its own."""
        self.record("node-a")
        for i, name in ((1, "node-b"), (2, "node-c")):
            self.record(name, zone=f"az-{i + 1}", etcd=HOSTS[i], macs=[f"02:00:00:00:00:0{i}"])

    def learn(self):
        """Lets an agent write its record, to know how they are; with it running all is well, too."""
        self.configure()
        agent = self.agent(self.directory / "ooha.yaml")
        wait_started(agent)

        def said():
            text = self.etcdctl("get", f"{PREFIX}members/node-a", "--print-value-only").stdout
            return json.loads(text or "{}")

        def config():
            return said().get("config") or {}
        wait_for(lambda: config().get("documentserver"), PATIENCE_S,
                 "the agent's record with its configuration")
        self.own = said()
        for i, name in ((1, "node-b"), (2, "node-c")):
            self.record(name, zone=f"az-{i + 1}", etcd=HOSTS[i])
        wait_for(self.has_vip, PATIENCE_S, "the agent takes the VIP")
        found, document, status = self.doctor()
        expect(found == ALWAYS and status == 0, f"with the agent running: {document['findings']}")
        self.configure(checks=CHECKS.replace("interval: 1s", "interval: 2s"))
        agent.signal(1)
        wait_for(lambda: config()["checks"] != self.own["config"]["checks"], PATIENCE_S,
                 "the record with the checks of the new file")
        agent.signal(15)
        expect(agent.wait_dead(5), "the agent does not end")
        self.etcdctl("del", PREFIX, "--prefix")
        same_as_before(self)


@dataclasses.dataclass
class Fault:
    name: str
    id: str
    also: frozenset  # what follows from it, and is as right
    severity: str
    play: typing.Callable


FAULTS = []


def fault(name, ailment, *also, severity="warning"):
    """A generator that breaks something, yields what doctor is to be asked with, and mends it."""
    def register(play):
        FAULTS.append(Fault(name, ailment, frozenset(also), severity, play))
        return play
    return register


def simple(name, ailment, *also, severity="warning", config=None, doctor=None, ip=(), back=(),
           record=None, ):
    """Most are a change in one place."""
    def play(node):
        if config is not None:
            node.configure(**(config(node) if callable(config) else config))
        if ip:
            batch(node.namespace, *ip)
        if record is not None:
            node.record("node-b", **{"zone": "az-2", "etcd": HOSTS[1], **record})
        yield doctor(node) if callable(doctor) else doctor or {}
        if back:
            batch(node.namespace, *back)
    fault(name, ailment, *also, severity=severity)(play)


@contextlib.contextmanager
def filtered(node, rule):
    nft(node.namespace, "table inet lab {\nchain input {\ntype filter hook input priority 0\n"
                        f"{rule}\n}}\n}}\n")
    try:
        yield
    finally:
        nft(node.namespace, "delete table inet lab\n")


@contextlib.contextmanager
def side(node, *options, flags=FASTENED):
    """An etcd of one member, which is a finding by itself."""
    process = node.start("side", "etcd", "--name", "side", "--data-dir", node.directory / "side",
                         "--listen-client-urls", SIDE, "--advertise-client-urls", SIDE,
                         "--listen-peer-urls", "http://10.78.0.1:3380",
                         "--initial-advertise-peer-urls", "http://10.78.0.1:3380",
                         "--initial-cluster", "side=http://10.78.0.1:3380", *flags, *options)
    wait_for(lambda: node.etcdctl("endpoint", "health", endpoints=SIDE, check=False).returncode == 0,
             PATIENCE_S, "the other etcd answers")
    node.configure(endpoints=[SIDE])
    try:
        yield
    finally:
        process.end()
        run("rm", "-rf", node.directory / "side")


@contextlib.contextmanager
def sysctl(node, **values):
    def put(name, value):
        return node.run("sysctl", "-qn", name if value is None else f"{name}={value}").stdout.strip()
    names = {f"net.ipv4.{name.replace('__', '.')}": value for name, value in values.items()}
    before = {name: put(name, None) for name in names}
    try:
        for name, value in names.items():
            put(name, value)
        yield
    finally:
        for name, value in before.items():
            put(name, value)


# -- etcd


@fault("packets to an etcd member are dropped", "etcd-dropped")
def dropped(node):
    with filtered(node, f"ip daddr {HOSTS[2]} tcp dport 2379 drop"):
        yield {}


@fault("packets to all etcd members are dropped", "etcd-dropped", severity="critical")
def all_dropped(node):
    with filtered(node, "tcp dport 2379 drop"):
        yield {}


@fault("packets to an etcd member are rejected with a reset", "etcd-refused")
def reset(node):
    with filtered(node, f"ip daddr {HOSTS[2]} tcp dport 2379 reject with tcp reset"):
        yield {}


@fault("packets to an etcd member are rejected by ICMP", "etcd-refused")
def rejected(node):
    with filtered(node, f"ip daddr {HOSTS[2]} tcp dport 2379 reject with icmp admin-prohibited"):
        yield {}


simple("an endpoint is no etcd", "etcd-failed",
       config=lambda node: {"endpoints": [f"http://{host}:2379" for host in HOSTS]
                            + ["http://127.0.0.1:8000"]})
simple("one endpoint is named, of three", "etcd-endpoints-few",
       config={"endpoints": [f"http://{HOSTS[0]}:2379"]})


@fault("two of three members are stopped", "etcd-no-leader", "etcd-failed", severity="critical")
def no_majority(node):
    for process in node.members[1:]:
        process.signal(19)

    def asked():
        status = node.etcdctl("endpoint", "status", "-w", "json", check=False,
                              endpoints=f"http://{HOSTS[0]}:2379").stdout
        return '"leader":0' in status or '"leader"' not in status or "no leader" in status
    wait_for(asked, PATIENCE_S, "no leader")
    yield {}
    for process in node.members[1:]:
        process.signal(18)
    wait_for(lambda: node.etcdctl("endpoint", "health", check=False).returncode == 0,
             PATIENCE_S, "etcd answers again")


@fault("a fourth member", "etcd-even")
def even(node):
    node.etcdctl("member", "add", "m4", "--peer-urls=http://10.78.0.4:2380")
    yield {}
    listed = node.etcdctl("member", "list").stdout
    number = next(line for line in listed.splitlines() if ":2380" in line and "10.78.0.4" in line)
    node.etcdctl("member", "remove", number.split(",")[0])


@fault("etcd of one member", "etcd-single")
def single(node):
    with side(node):
        yield {}


@fault("an election timeout that the ttl does not outlast", "etcd-election-long", "etcd-single")
def election(node):
    with side(node, "--heartbeat-interval=500", "--election-timeout=5000"):
        yield {}


@fault("the same, set by a file: by the shortest lease", "etcd-election-long",
       "etcd-single", "etcd-not-compacted")
def election_unseen(node):
    file = node.write("etcd.yaml", f"""\
name: side
data-dir: {node.directory}/side
listen-client-urls: {SIDE}
advertise-client-urls: {SIDE}
listen-peer-urls: http://10.78.0.1:3380
initial-advertise-peer-urls: http://10.78.0.1:3380
initial-cluster: side=http://10.78.0.1:3380
heartbeat-interval: 500
election-timeout: 5000
enable-grpc-gateway: true
""")
    process = node.start("side", "etcd", "--config-file", file)
    wait_for(lambda: node.etcdctl("endpoint", "health", endpoints=SIDE, check=False).returncode == 0,
             PATIENCE_S, "the other etcd answers")
    node.configure(endpoints=[SIDE])
    yield {}
    process.end()
    run("rm", "-rf", node.directory / "side")


@fault("nobody compacts, and the environment has all that etcd is told", "etcd-not-compacted",
       "etcd-single", "etcd-election-long")
def environment(node):
    options = {"name": "side", "data-dir": node.directory / "side", "listen-client-urls": SIDE,
               "advertise-client-urls": SIDE, "listen-peer-urls": "http://10.78.0.1:3380",
               "initial-advertise-peer-urls": "http://10.78.0.1:3380", "pre-vote": "true",
               "initial-cluster": "side=http://10.78.0.1:3380", "election-timeout": "1500"}
    process = node.start("side", "env", *[f"ETCD_{name.upper().replace('-', '_')}={value}"
                                          for name, value in options.items()], "etcd")
    wait_for(lambda: node.etcdctl("endpoint", "health", endpoints=SIDE, check=False).returncode == 0,
             PATIENCE_S, "the other etcd answers")
    node.configure(endpoints=[SIDE])
    yield {}
    process.end()
    run("rm", "-rf", node.directory / "side")


@fault("nobody compacts", "etcd-not-compacted", "etcd-single")
def not_compacted(node):
    with side(node, flags=["--unsafe-no-fsync", "--pre-vote"]):
        yield {}


@fault("a database near its quota", "etcd-filling", "etcd-single")
def filling(node):
    with side(node, "--quota-backend-bytes=4000000"):
        def near():
            node.run("sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x | "
                     f"etcdctl --endpoints {SIDE} put filler")
            time.sleep(0.11)  # it counts what is committed, 100 ms later
            status = node.etcdctl("endpoint", "status", "-w", "json", endpoints=SIDE).stdout
            return json.loads(status)[0]["Status"]["dbSize"] > 3100000
        wait_for(near, PATIENCE_S, "a database of 78 %")
        yield {}


@fault("a database at its quota", "etcd-full", "etcd-single", severity="critical")
def full(node):
    with side(node, "--quota-backend-bytes=200000"):
        def refused():
            return "space" in node.run("sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x | "
                                       f"etcdctl --endpoints {SIDE} put filler",
                                       check=False).stderr
        wait_for(refused, PATIENCE_S, "NOSPACE")
        yield {}


@contextlib.contextmanager
def with_auth(node, *grants):
    with side(node):
        for words in (("user", "add", "root:r"), ("user", "grant-role", "root", "root"),
                      ("user", "add", "ooha:right"), *grants, ("auth", "enable")):
            node.etcdctl(*words, endpoints=SIDE)
        yield


def login(node, password, endpoints=(SIDE,)):
    file = node.write("password", password + "\n")
    return node.configure(endpoints=endpoints, login=f"  username: ooha\n  password_file: {file}\n")


@fault("an etcd user without rights, and with those that doctor says to give", "etcd-rights",
       "etcd-single", severity="critical")
def rights(node):
    with with_auth(node):
        login(node, "right")
        yield {}
        fix = next(one["fix"] for one in node.doctor()[1]["findings"] if one["id"] == "etcd-rights")
        for line in fix.splitlines()[1:]:
            node.etcdctl("--user", "root:r", *line.split()[1:], endpoints=SIDE)
        found = node.doctor()[0]
        expect(found == ALWAYS | {"etcd-single"}, f"with the rights that it said: {found}")


@fault("an etcd user that may only read", "etcd-rights", "etcd-single", severity="critical")
def reading(node):
    with with_auth(node, ("role", "add", "r"), ("user", "grant-role", "ooha", "r"),
                   ("role", "grant-permission", "r", "read", "--prefix", PREFIX)):
        login(node, "right")
        yield {}


@fault("a wrong password for etcd", "etcd-login", "etcd-single", "etcd-failed", severity="critical")
def password(node):
    with with_auth(node):
        login(node, "wrong")
        yield {}


@fault("a member without pre-vote", "etcd-pre-vote-off")
def pre_vote(node):
    node.members[2].end()
    node.members[2] = node.member(2, flags=FASTENED[:2])
    wait_for(lambda: node.etcdctl("endpoint", "health", check=False).returncode == 0,
             PATIENCE_S, "etcd answers again")
    yield {}
    node.members[2].end()
    node.members[2] = node.member(2)
    wait_for(lambda: node.etcdctl("endpoint", "health", check=False).returncode == 0,
             PATIENCE_S, "etcd answers again")


class SlowWay(socketserver.StreamRequestHandler):
    """Hands on what comes, late; and at once what is answered."""

    def handle(self):
        try:
            there = inside(self.server.namespace,
                           lambda: socket.create_connection(self.server.target))
        except OSError:  # not there yet, or no longer
            return
        answers = threading.Thread(target=self.pass_on, args=(there, self.connection))
        answers.start()
        self.pass_on(self.connection, there, delay_s=self.server.delay_s)
        answers.join()
        there.close()

    def pass_on(self, source, target, delay_s=0):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                time.sleep(delay_s)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


def slow_way(node, here, target, delay_s):
    server = inside(node.namespace, lambda: socketserver.ThreadingTCPServer(here, SlowWay))
    server.namespace, server.target, server.delay_s = node.namespace, target, delay_s
    server.daemon_threads = True
    node.listening(server)
    return server


def expect_check_to_warn(node):
    """The agent's --check says the same as doctor, as a warning."""
    done = node.run(node.tool("agent/ooha-agent"), "--check", "--config",
                    node.directory / "ooha.yaml", check=False)
    expect(done.returncode == 0 and done.stdout == "" and re.fullmatch(
        r"warning: etcd takes [2-9]\d\d ms to answer; a renewal has 400 ms .* "
        r"lease\.ttl of [\dm]+s or more has time to spare\n", done.stderr),
           f"--check: {done.returncode}: {done.stderr!r}")


@fault("a slow way to etcd", "etcd-slow")
def slow(node):
    server = slow_way(node, ("127.0.0.1", 4379), (HOSTS[0], 2379), 0.25)
    node.configure(endpoints=["http://127.0.0.1:4379"])
    expect_check_to_warn(node)
    node.configure(endpoints=["http://127.0.0.1:4379"] + [f"http://{host}:2379"
                                                          for host in HOSTS[1:]])
    yield {}
    node.close(server)


def far_member(node, i):
    """One of three etcd members, to each of which its peers come by a slow way."""
    host = HOSTS[i]
    return node.start(
        f"far-{i}", "etcd", "--name", f"far{i}", "--data-dir", node.directory / f"far-{i}",
        "--listen-client-urls", f"http://{host}:3379",
        "--advertise-client-urls", f"http://{host}:3379",
        "--listen-peer-urls", f"http://{host}:3380",
        "--initial-advertise-peer-urls", f"http://{host}:3381", "--initial-cluster",
        ",".join(f"far{k}=http://{other}:3381" for k, other in enumerate(HOSTS)), *FASTENED,
        "--heartbeat-interval=20", "--election-timeout=400")


def peers_have_measured(node):
    """After 5 s, and then each 30 s. It begins with an eighth of the first: its mean is smoothed."""
    page = node.run("curl", "-s", f"http://{HOSTS[0]}:3379/metrics", check=False).stdout
    means = re.findall(r"^etcd_network_peer_round_trip_time_seconds_sum\S+ (\S+)$", page, re.M)
    return any(float(mean) > 0.045 for mean in means)


@fault("an election timeout that is short for the way between members", "etcd-timings-short")
def far_apart(node):
    servers = [slow_way(node, (host, 3381), (host, 3380), 0.4) for host in HOSTS]
    members = [far_member(node, i) for i in range(len(HOSTS))]
    wait_for(lambda: peers_have_measured(node), 4 * PATIENCE_S, "etcd knows the way to its peers")
    node.configure(endpoints=[f"http://{host}:3379" for host in HOSTS])
    yield {}
    for i, (member, server) in enumerate(zip(members, servers)):
        member.end()
        node.close(server)
        run("rm", "-rf", node.directory / f"far-{i}")


simple("two of three members in one zone", "etcd-zones", record={"zone": "az-1"})

# -- this host

simple("a clock 1 % fast", "clock-rate", severity="critical", doctor={"clock": "fast"})
simple("a clock that nobody sets", "clock-unsynchronised", severity="note",
       doctor={"clock": "unsynchronised"})
simple("no CAP_NET_ADMIN", "no-net-admin", severity="critical",
       doctor={"wrap": ["setpriv", "--bounding-set=-net_admin"]})
simple("no CAP_NET_RAW", "no-net-raw", severity="critical",
       doctor={"wrap": ["setpriv", "--bounding-set=-net_raw"]})
simple("no nf_tables", "no-nf-tables",
       doctor=lambda node: {"wrap": [node.tool("tests/lab/without_nft")]})


@fault("a unit that is not enabled", "unit-not-enabled")
def not_enabled(node):
    node.unit(UNIT.replace("enabled", "disabled"))
    yield {}
    node.unit(UNIT)


@fault("a runtime directory that goes at a restart", "runtime-directory-lost")
def not_preserved(node):
    node.unit(UNIT.replace("=restart", "=no"))
    yield {}
    node.unit(UNIT)


@fault("a hook that everybody may write to", "hook-untrusted")
def hook(node):
    (node.directory / "slash-run/hook").chmod(0o777)
    yield {}
    (node.directory / "slash-run/hook").chmod(0o755)


@fault("a local.json that everybody may read", "secret-readable")
def secret(node):
    (node.directory / "ds/local.json").chmod(0o644)
    yield {}
    (node.directory / "ds/local.json").chmod(0o600)


@fault("a password that everybody may read", "secret-readable", severity="critical")
def open_password(node):
    node.write("password", "x\n").chmod(0o644)
    node.configure(login=f"  username: ooha\n  password_file: {node.directory}/password\n")
    yield {}


@fault("a key that there is not", "configuration-wrong", severity="critical")
def configuration(node):
    path = node.configure()
    path.write_text(path.read_text("utf-8") + "colour: red\n", "utf-8")
    yield {}


# -- its network

simple("an interface that there is not", "interface-missing", severity="critical",
       config={"interface": "eth9"})
simple("an address of another network", "vip-outside-subnet", config={"vip": "10.99.0.100"})
simple("a small MTU", "mtu-small", severity="note", ip=["link set eth0 mtu 1200"],
       back=["link set eth0 mtu 1500"])
simple("another interface in the same subnet", "arp-flux",
       ip=["link add eth1 type veth peer name eth1p", "link set eth1 up", "link set eth1p up",
           "addr add 10.78.0.7/24 dev eth1 noprefixroute"],
       back=["link del eth1"])


@fault("a cable that is out", "interface-down", severity="critical")
def cable(node):
    batch(node.outside, "link set wire down")
    yield {}
    batch(node.outside, "link set wire up")


def files_of_run(node, name, text):
    path = node.directory / "slash-run" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def index_of(node):
    return json.loads(run("ip", "-j", "-n", node.namespace, "link", "show", "eth0").stdout)[0][
        "ifindex"]


@fault("systemd-networkd manages the interface; and keeps what is others'", "networkd-in-charge")
def networkd(node):
    network = node.write("lan.network", "[Network]\nDHCP=yes\nKeepConfiguration=no\n")
    link = files_of_run(node, f"systemd/netif/links/{index_of(node)}",
                        f"ADMIN_STATE=configured\nNETWORK_FILE={network}\n")
    yield {}
    network.write_text("[Network]\nKeepConfiguration = static\n", "utf-8")
    found = node.doctor()[0]
    link.unlink()
    expect(found == ALWAYS, f"with KeepConfiguration=static: {found}")


@fault("NetworkManager manages the interface", "network-manager-in-charge")
def network_manager(node):
    device = files_of_run(node, f"NetworkManager/devices/{index_of(node)}", "managed=1\n")
    yield {}
    device.unlink()


@fault("a stranger has the VIP", "vip-duplicate", severity="critical")
def duplicate(node):
    batch(node.outside, f"addr add {VIP}/24 dev wire")
    yield {}
    batch(node.outside, f"addr del {VIP}/24 dev wire")


@fault("a stranger has the VIP that another node holds; and that node has it", "vip-duplicate",
       severity="critical")
def duplicate_of_holder(node):
    claim = {"version": 1, "node": "node-b", "kind": "taken", "nonce": "01", "epoch": 1,
             "ttl_ms": 3000}
    batch(node.outside, f"addr add {VIP}/24 dev wire")
    node.etcdctl("put", f"{PREFIX}groups/office/leader", json.dumps(claim))
    yield {}
    mac = json.loads(run("ip", "-j", "-n", node.outside, "link", "show", "wire").stdout)[0]["address"]
    node.record("node-b", zone="az-2", etcd=HOSTS[1], macs=[mac])
    found = node.doctor()[0]
    node.etcdctl("del", f"{PREFIX}groups/office/leader")
    batch(node.outside, f"addr del {VIP}/24 dev wire")
    expect(found == ALWAYS, f"with the VIP on its holder: {found}")


@fault("arp_ignore 8", "arp-silenced", severity="critical")
def silenced(node):
    with sysctl(node, conf__eth0__arp_ignore=8):
        yield {}


@fault("a strict rp_filter, and the default route elsewhere", "reverse-path")
def reverse(node):
    batch(node.namespace, "link add eth2 type veth peer name eth2p", "link set eth2 up",
          "link set eth2p up", "addr add 10.79.0.1/24 dev eth2", "route add default via 10.79.0.254")
    with sysctl(node, conf__eth0__rp_filter=1):
        yield {}
    batch(node.namespace, "link del eth2")


@fault("nginx on the VIP itself; and with ip_nonlocal_bind", "nonlocal-bind")
def bound(node):
    node.write("nginx.conf", f"events {{}}\nhttp {{ server {{ listen {VIP}:80; }} }}\n")
    yield {}
    with sysctl(node, ip_nonlocal_bind=1):
        found = node.doctor()[0]
    node.write("nginx.conf", "events {}\nhttp { server { listen 80; } }\n")
    expect(found == ALWAYS, f"with ip_nonlocal_bind: {found}")


# -- the nodes


@fault("no other node", "node-single")
def alone(node):
    node.etcdctl("del", f"{PREFIX}members/node-b")
    node.etcdctl("del", f"{PREFIX}members/node-c")
    yield {}


simple("another ttl", "ttl-differs", record={"ttl_ms": 5000})
simple("other VIPs", "groups-differ", record={"groups": "0123456789abcdef"})
simple("other checks", "checks-differ", record={"checks": "0123456789abcdef"})
simple("another agent", "agent-versions-differ", severity="note", record={"agent_version": "0.0.9"})
simple("another MTU", "mtu-differs", record={"mtu": 9000})
simple("another Document Server", "documentserver-versions-differ",
       record={"documentserver": "8.3.0.1"})
simple("another JWT secret", "jwt-secrets-differ", severity="critical", record={"secret": "0000"})

# -- the Document Server

simple("no checks", "checks-missing", config={"checks": ""})
simple("checks that do not ask it", "checks-missing", config={
    "checks": "checks:\n  - {name: root, type: file, path: /}\n"})


@fault("its port is open to others", "documentserver-port-open", severity="note")
def port_open(node):
    server = node.listen(HOSTS[0])
    yield {}
    node.close(server)


# --


def same_as_before(node):
    """All that a fault may have left unmended by the way."""
    node.configure()
    node.records()


def ask(node, one):
    """Plants a fault; returns its finding and what was wrong with the answer, or None."""
    play = one.play(node)
    how = next(play)
    try:
        found, document, status = node.doctor(**how)
    finally:
        for _ in play:
            pass
        same_as_before(node)
    finding = next((item for item in document["findings"] if item["id"] == one.id), None)
    if finding is None:
        return None, f"not found, but {sorted(found)}"
    if found - ALWAYS != {one.id} | (found & one.also):
        return finding, f"more than that: {sorted(found - ALWAYS - {one.id})}"
    if finding["severity"] != one.severity:
        return finding, f"is a {finding['severity']}, not a {one.severity}"
    worst = document["findings"][0]["severity"]
    if status != {"note": 0, "warning": 1, "critical": 2}[worst]:
        return finding, f"exit status {status} for {worst}"
    return finding, None


def as_nobody(node):
    """An ordinary user is told what takes root, and no more is wrong; a secret stops it."""
    nobody = {"wrap": ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]}
    node.configure().chmod(0o644)
    found, document, status = node.doctor(**nobody)
    expect(found <= ALWAYS and status == 0, f"as nobody: {document['findings']}")
    unseen = {item["what"]: item["why"] for item in document["not_seen"]}
    expect(unseen.get("nf_tables") == "takes root", f"as nobody: {unseen}")
    login(node, "right", [f"http://{HOSTS[0]}:2379"]).chmod(0o644)
    try:
        said = node.doctor(**nobody)
    except LabError as error:
        said = str(error)
    expect("3: " in str(said) and "Permission denied" in str(said), f"as nobody: {said}")
    node.configure()


def well(node):
    """Nothing on a node that is well, before the first start and afterwards; --local, too."""
    for words in ((), ("--local",)):
        found, document, status = node.doctor(*words)
        expect(found <= ALWAYS, f"{words}: found {document['findings']}")
        expect(status == 0, f"{words}: exit status {status}")
        expect(words or found == ALWAYS, "etcd's version was not looked at")
    as_nobody(node)
    unseen = [item["what"] for item in node.doctor()[1]["not_seen"]]
    expect(not unseen, f"not seen: {unseen}")


def documented():
    """docs/doctor.md has a section for each finding, and none besides."""
    top = pathlib.Path(__file__).resolve().parents[2]
    names = set(re.findall(r'(?:NOTE|WARNING|CRITICAL)\(\s*"([a-z0-9-]+)"',
                           (top / "lib/doctor/names.c").read_text("utf-8")))
    sections = {name for line in re.findall(r"^### (.*)$", (top / "docs/doctor.md").read_text("utf-8"),
                                            re.M) for name in line.split(", ")}
    expect(len(names) > 40 and names == sections, f"only in one of them: {names ^ sections}")


def attempt(name, act):
    """Runs one, prints its row, and returns whether it went well."""
    began = time.monotonic()
    try:
        finding, problem = act()
    except Exception as error:
        finding, problem = None, told(error)
    text = finding["what"] if finding and not problem else problem or ""
    print(f"{'ok   ' if problem is None else 'FAIL '} {name[:58]:58} "
          f"{time.monotonic() - began:4.1f} s  {text[:110]}", flush=True)
    return problem is None


def play_all(node, chosen):
    """Returns how each went."""
    def is_well(act):
        return lambda: (None, act(node))
    node.listen("127.0.0.1")
    return [attempt("a node that is well, its agent running", is_well(Node.learn)),
            attempt("the same, its agent not", is_well(well)),
            *[attempt(one.name, lambda one=one: ask(node, one)) for one in chosen],
            attempt("the node that is well, after all that", is_well(well))]


def play_on(build, root, number, chosen):
    node = Node(f"doctor{os.getpid()}-{number}", build, root / str(number))
    try:
        return play_all(node, chosen)
    finally:
        node.leave()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=Options.build, metavar="DIR")
    parser.add_argument("--only", metavar="WORD", help="faults with that in their name or finding")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("doctor: network namespaces need root", file=sys.stderr)
        return 77
    os.umask(0o022)
    end_as_interrupted()
    chosen = [one for one in FAULTS
              if not arguments.only or arguments.only in one.name or arguments.only in one.id]
    build = pathlib.Path(arguments.build).resolve()
    workers = min(WORKERS, len(chosen))
    with tempfile.TemporaryDirectory(prefix="doctor-", dir="/dev/shm") as root, \
            concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        os.chmod(root, 0o755)
        parts = [pool.submit(play_on, build, pathlib.Path(root), i, chosen[i::workers])
                 for i in range(workers)]
        results = [result for part in parts for result in part.result()]
    results.append(attempt("each finding has its section", lambda: (None, documented())))
    good, bad = results.count(True), results.count(False)
    print(f"{good} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
