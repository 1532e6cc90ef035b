#!/usr/bin/python3
"""Mode provider with whole agents: two nodes in two subnets, an etcd and a real BIND; clients ask for a
name (root; 77: skipped)."""

import json
import os
import pathlib
import shutil
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parent / "providers"))

from netns import batch, exists, inside, run, wait_for  # noqa: E402
from process import Process  # noqa: E402
from proofs import Proof, run_proofs  # noqa: E402

from bind import ZONE, Bind  # noqa: E402
from relay import Relay  # noqa: E402

BUILD = str(HERE.parents[1] / "build")
PATIENCE_S = 20
TTL_MS = 2000
NAME = "office"
OWN = {"a": "10.79.1.11", "b": "10.79.2.11"}  # of the nodes: in a zone, and so a subnet, each
HUB = {"a": "10.79.1.1", "b": "10.79.2.1"}    # of the services, in each of them

CONFIG = """\
cluster: office
node: {{name: node-{letter}, zone: az-{letter}, priority: {priority}}}
etcd: {{endpoints: ["http://{hub}:2379"]}}
lease: {{ttl: {ttl_ms}ms}}
flap: {{moves: 0}}
groups:
  - name: office
    failback: {{mode: never}}
    vips:
      - address: 192.0.2.1
        mode: provider
        provider:
          run: {directory}/providers/nsupdate
          timeout: 20s
          settings:
            {{server: {hub}, port: {port}, zone: {zone}, name: {name}, ttl: 1s, key_file: {key_file},
             nodes: {{node-a: {{publish: {own[a]}}}, node-b: {{publish: {own[b]}}}}}}}
api: {{socket: {directory}/{letter}/ooha.sock}}
runtime_directory: {directory}/{letter}
"""


class Client:
    """Resolves the name all the time, as a client that keeps no answer: what it was, in order."""

    def __init__(self, bind):
        self.bind, self.seen, self.over = bind, [], threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        over = False
        while not over:
            over = self.over.wait(0.05)  # the last look comes after all else
            now = self.bind.ask(NAME)
            if not self.seen or self.seen[-1] != now:
                self.seen.append(now)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class Providers(Proof):
    """A name follows the lease."""

    def setUp(self):
        self.name = f"provider{os.getpid()}"
        self.directory = pathlib.Path(f"/run/ooha-{self.name}")
        self.processes, self.relays, self.bind = [], [], None
        self.addCleanup(self.leave)
        shutil.copytree(HERE.parents[1] / "scripts/providers", self.directory / "providers")
        self.hub = f"{self.name}-hub"
        run("ip", "netns", "add", self.hub)
        batch(self.hub, "link set lo up")
        for letter, address in OWN.items():
            (self.directory / letter).mkdir()
            self.make_node(letter, address)
        self.bind = Bind("any", port=5300, inside=("ip", "netns", "exec", self.hub))
        self.start("etcd", self.hub, "etcd", "--data-dir", self.directory / "etcd", "--listen-client-urls",
                   "http://0.0.0.0:2379", "--advertise-client-urls", f"http://{HUB['a']}:2379",
                   "--listen-peer-urls", "http://127.0.0.1:2380", "--unsafe-no-fsync")
        self.ports = dict.fromkeys(OWN, self.bind.port)
        self.agents = {}

    def make_node(self, letter, address):
        namespace = self.namespace(letter)
        run("ip", "netns", "add", namespace)
        batch(namespace, f"link add eth0 type veth peer name zone-{letter} netns {self.hub}", "link set lo up",
              "link set eth0 up", f"addr add {address}/24 dev eth0")
        batch(namespace, f"route add default via {HUB[letter]}")
        batch(self.hub, f"link set zone-{letter} up", f"addr add {HUB[letter]}/24 dev zone-{letter}")

    def namespace(self, letter):
        return f"{self.name}-{letter}"

    def leave(self):
        for process in self.processes:
            process.signal(signal.SIGCONT)
            process.signal(signal.SIGKILL, whole_group=True)
            process.wait_dead(5)
        for relay in self.relays:
            relay.close()
        if self.bind is not None:
            self.bind.stop()
        for namespace in [self.hub, *map(self.namespace, OWN)]:
            if exists(namespace):
                run("ip", "netns", "del", namespace, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self, name, namespace, *command):
        process = Process.start(name, namespace, command, self.directory / f"{name}.log")
        self.processes.append(process)
        return process

    def agent(self, letter):
        path = self.directory / f"{letter}.yaml"
        path.write_text(CONFIG.format(
            letter=letter, priority=200 if letter == "a" else 100, hub=HUB[letter], ttl_ms=TTL_MS, own=OWN,
            port=self.ports[letter], zone=ZONE, name=NAME, key_file=self.bind.key_file, directory=self.directory),
            encoding="utf-8")
        self.agents[letter] = self.start(f"agent-{letter}", self.namespace(letter), f"{BUILD}/agent/ooha-agent",
                                         "--config", path)

    def ooha(self, letter, *words):
        return run("ip", "netns", "exec", self.namespace(letter), f"{BUILD}/cli/ooha", "--socket",
                   self.directory / letter / "ooha.sock", *words, check=False)

    def status(self, letter):
        out = self.ooha(letter, "status", "--json").stdout
        return json.loads(out) if out.startswith("{") else None

    def vip(self, letter):
        """What the agent says of the VIP."""
        status = self.status(letter)
        return status["groups"][0]["vips"][0] if status else {}

    def eligible(self, letter):
        """{node: whether it may take over}, as the agent knows."""
        status = self.status(letter)
        return {member["node"]: member["eligible"] for member in status["members"]} if status else {}

    def await_name(self, letter):
        wait_for(lambda: self.bind.ask(NAME) == [OWN[letter]], PATIENCE_S,
                 lambda: f"the name is {letter}'s: {self.bind.ask(NAME)}; {self.agents[letter].tail(9)}")

    def await_confirmed(self, letter):
        wait_for(lambda: self.vip(letter).get("told"), PATIENCE_S,
                 lambda: f"confirmed: {self.vip(letter)}; {self.agents[letter].tail(9)}")

    def begin(self):
        """node-a holds, node-b stands by."""
        self.agent("a")
        self.await_confirmed("a")
        self.agent("b")
        wait_for(lambda: self.eligible("a").get("node-b"), PATIENCE_S,
                 lambda: f"node-b is eligible: {self.agents['b'].tail(9)}")

    def test_name_follows_a_switchover_and_a_dead_holder(self):
        self.begin()
        self.assertEqual(self.bind.ask(NAME), [OWN["a"]])
        vip = self.vip("a")
        self.assertEqual((vip["mode"], vip["interface"], vip["provider"]["state"]), ("provider", None, "confirmed"))
        with Client(self.bind) as client:
            began = time.monotonic()
            done = self.ooha("a", "switchover", "--to", "node-b", "--yes")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.await_name("b")
            self.figure("switchover until the name has moved", time.monotonic() - began)
            self.await_confirmed("b")
            self.assertEqual(self.vip("a")["provider"]["state"], "idle")
            began = time.monotonic()
            self.agents["b"].signal(signal.SIGKILL, whole_group=True)
            self.await_name("a")
            self.figure("death until the name has moved", time.monotonic() - began)
        self.assertEqual(client.seen, [[OWN["a"]], [OWN["b"]], [OWN["a"]]])

    def test_restarted_agent_adopts_and_only_asks(self):
        self.begin()
        serial = self.bind.dig("+short", "+answer", ZONE, "SOA")
        self.agents["a"].signal(signal.SIGKILL)
        self.agents["a"].wait_dead(5)
        self.agent("a")
        self.await_confirmed("a")
        self.assertEqual(self.vip("a")["provider"]["runs"], 1)
        self.assertEqual(self.bind.dig("+short", "+answer", ZONE, "SOA"), serial)

    def test_late_update_of_a_frozen_holder_loses(self):
        """node-a's first update is held up in the network; the agent freezes, node-b takes over; then it arrives."""
        relay = Relay((HUB["a"], self.bind.port), holds=lambda number: number == 3, address=HUB["a"],
                      inside=lambda make: inside(self.hub, make))
        self.relays.append(relay)
        self.ports["a"] = relay.port
        self.agent("a")
        self.assertTrue(relay.held.wait(PATIENCE_S), self.agents["a"].tail(9))
        self.assertEqual(self.vip("a")["provider"]["state"], "moving")
        self.assertEqual(self.bind.ask(NAME), [])
        self.agents["a"].signal(signal.SIGSTOP)
        self.agent("b")
        self.await_confirmed("b")
        with Client(self.bind) as client:
            relay.release()
            wait_for(lambda: relay.count > 3, PATIENCE_S, "the late call has come back, and looks again")
            time.sleep(0.5)  # for what must not happen
            self.agents["a"].signal(signal.SIGCONT)
            time.sleep(0.5)
            self.await_confirmed("b")
        self.assertEqual(client.seen, [[OWN["b"]]])
        self.assertEqual(self.vip("b")["provider"]["repairs"], 0)

    def test_what_was_changed_behind_its_back_is_brought_back(self):
        self.begin()
        self.bind.update(f"update delete {NAME}.{ZONE} A", f"update add {NAME}.{ZONE} 1 A 192.0.2.66")
        self.await_name("a")
        wait_for(lambda: self.vip("a")["provider"]["repairs"] == 1, PATIENCE_S, lambda: self.vip("a"))

    def test_newer_epoch_fences_and_is_told(self):
        self.bind.update(f'update add _ooha.{NAME}.{ZONE} 1 TXT '
                         '"ooha=1 cluster=office group=office node=node-x epoch=99"')
        self.agent("a")
        wait_for(lambda: self.vip("a").get("provider", {}).get("state") == "fenced", PATIENCE_S,
                 lambda: f"{self.vip('a')}; {self.agents['a'].tail(9)}")
        self.assertIn("is node-x's, epoch 99; ours is 1", self.vip("a")["error"])
        status = self.ooha("a", "status")
        self.assertEqual(status.returncode, 1, status.stdout)
        self.assertIn("epoch 99", status.stdout)
        self.bind.update(f"update delete _ooha.{NAME}.{ZONE} TXT")
        self.await_name("a")

    @staticmethod
    def figure(what, seconds):
        print(f"      {what}: {seconds * 1000:.0f} ms", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]):
        BUILD = os.path.abspath(sys.argv.pop(1))
    if os.geteuid() != 0 or not all(shutil.which(name) for name in ("ip", "nft", "etcd", "named", "nsupdate")):
        print("skipped: needs root, iproute2, nftables, etcd and bind9")
        sys.exit(77)
    sys.exit(0 if run_proofs(sys.argv).wasSuccessful() else 1)
