"""Three zones: subnets of their own, joined by routers and long lines; a client behind a fourth."""

import itertools
import json
import os

import config
from lab import EYE_MAC, Lab, Node
from netns import LabError, batch, run, wait_for
from process import Process, uninterrupted

import bird
import frr
import routing

SPEAKERS = {"bird": bird, "frr": frr}
ZONES = (1, 2, 3)
EDGE = 0  # the client's router, among the routers
VIPS = ("203.0.113.7", "2001:db8:113::7")  # by route
INSIDE, INSIDE_ZONE = "10.81.0.100", 1     # by ARP, in that zone only
# there and back, in ms; between a zone and the client's router there is a cable
ROUND_TRIP_MS = {(1, 2): 2, (1, 3): 10, (2, 3): 10}

# a session that flaps for a second is back sooner than a move is worth
CHECK = """\
  - name: bgp
    type: exec
    command: [/bin/sh, -c, "{command}"]
    interval: 1s
    timeout: 3s
    fall: 3
"""


def home(zone):
    """Lines of an ip batch: the judge's prober of a zone, who only names itself by an address."""
    return [f"neigh replace {eye} lladdr {EYE_MAC} dev eth0 nud permanent"
            for eye in eye_addresses(zone)]


def eye_addresses(zone):
    return f"10.8{zone}.0.201", f"fd8{zone}::201"


class ZoneNode(Node):
    """Two a zone: .11 and .12."""

    def __init__(self, lab, index):
        super().__init__(lab, index)
        self.place = ZONES[index // 2]
        self.zone = f"az-{self.place}"
        host = 11 + index % 2
        self.address, self.address6 = f"10.8{self.place}.0.{host}", f"fd8{self.place}::{host}"
        self.mac = f"02:00:0a:5{self.place}:00:{host:02x}"
        self.router, self.router6 = f"10.8{self.place}.0.1", f"fd8{self.place}::1"
        self.switch = lab.switches[self.place]

    @property
    def home(self):
        return [f"addr replace {self.address}/24 dev eth0",
                f"addr replace {self.address6}/64 dev eth0 nodad",
                f"route replace default via {self.router}",
                f"route replace default via {self.router6}"] + home(self.place)


class Router:
    """A zone's, or the client's: number 0."""

    def __init__(self, lab, number):
        self.number = number
        self.name = f"router-{number or 'edge'}"
        self.namespace = f"{lab.options.name}-r{number or 'c'}"
        self.directory = lab.directory / self.name
        # its side of its own network
        self.address, self.address6 = f"10.8{number or 4}.0.1", f"fd8{number or 4}::1"


def ends(low, high):
    """The addresses at both ends of the line between two routers, ((v4, v6), (v4, v6))."""
    line = 10 * low + high
    return tuple((f"10.80.{line}.{end}", f"fd80:{line}::{end}") for end in (1, 2))


def line_name(number):
    """What a router calls its line to that router."""
    return f"to-{number or 'edge'}"


class ZoneLab(Lab):
    """Six nodes, two a zone, one etcd member a zone, all addresses of VIPS by route."""

    def __init__(self, options, kind="bird", round_trip_ms=None):
        name = options.name
        self.switches = {zone: f"{name}-s{zone}" for zone in ZONES}
        super().__init__(options)
        self.kind, self.speaker = kind, SPEAKERS[kind]  # of all nodes and routers
        self.round_trip_ms = round_trip_ms or ROUND_TRIP_MS
        self.nodes = [ZoneNode(self, index) for index in range(2 * len(ZONES))]
        self.members = self.nodes[::2]
        self.routers = {number: Router(self, number) for number in (EDGE, *ZONES)}
        self.eyes = {zone: f"{name}-e{zone}" for zone in ZONES}

    @property
    def namespaces(self):
        return ([self.client] + [node.namespace for node in self.nodes]
                + [router.namespace for router in self.routers.values()]
                + [*self.switches.values(), *self.eyes.values()])

    def nodes_of(self, zone):
        return [node for node in self.nodes if node.place == zone]

    # -- the network

    def up_network(self):
        """As up(), but for all that runs on the nodes besides routing."""
        if os.geteuid() != 0:
            raise LabError("network namespaces need root")
        os.umask(0o022)
        for node in self.nodes:
            node.directory.mkdir(parents=True)
        self.save()
        self.make_network()

    def make_network(self):
        for namespace in self.namespaces:
            run("ip", "netns", "add", namespace)
        self.make_zones()
        self.make_lines()
        self.make_edge()
        for router in self.routers.values():
            self.start_router(router)
        for node in self.nodes:
            self.start_routing(node)
        self.await_routing()

    def make_zones(self):
        for zone in ZONES:
            switch, router = self.switches[zone], self.routers[zone]
            run("ip", "netns", "exec", switch, "sysctl", "-q", "-w",
                "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
            ports = [(node.namespace, "eth0", node.port, node.mac)
                     for node in self.nodes_of(zone)]
            ports += [(router.namespace, "zone", "p-router", f"02:00:0a:5{zone}:00:01"),
                      (self.eyes[zone], "eth0", "p-eye", EYE_MAC)]
            lines = [f"link add br0 netns {switch} type bridge forward_delay 0 mcast_snooping 0"]
            lines += [f"link add {interface} address {mac} netns {namespace} type veth "
                      f"peer name {port} netns {switch}"
                      for namespace, interface, port, mac in ports]
            run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")
            batch(switch, "link set br0 up",
                  *(f"link set {port} master br0 up" for _, _, port, _ in ports))
            batch(self.eyes[zone], "link set eth0 up")
            batch(router.namespace, "link set lo up", "link set zone up",
                  f"addr add {router.address}/24 dev zone",
                  f"addr add {router.address6}/64 dev zone nodad")
            for node in self.nodes_of(zone):
                batch(node.namespace, "link set lo up", "link set eth0 up", *node.home)

    def make_lines(self):
        """Between the zones: as long as round_trip_ms says."""
        for router in self.routers.values():
            run("ip", "netns", "exec", router.namespace, "sysctl", "-q", "-w",
                "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
        for low, high in itertools.combinations(ZONES, 2):
            name = f"wire/{low}{high}"
            log = self.directory / f"wire-{low}{high}.log"
            with uninterrupted():
                wire = self.processes["wire", f"{low}{high}"] = Process.start(name, None, [
                    self.tool("tests/lab/wire"), self.round_trip_ms[low, high] * 500,
                    f"{self.routers[low].namespace}:{line_name(high)}",
                    f"{self.routers[high].namespace}:{line_name(low)}"], log)
            wait_for(lambda wire=wire: "ready" in " ".join(wire.tail(1)), 5,
                     lambda wire=wire: f"{wire.name} is ready: {wire.tail(3)}")
            self.address_line(low, high)

    def make_edge(self):
        """The client's network, and cables from its router to those of the zones."""
        edge = self.routers[EDGE]
        run("ip", "link", "add", "eth0", "netns", self.client, "type", "veth", "peer", "name",
            "zone", "netns", edge.namespace)
        batch(edge.namespace, "link set lo up", "link set zone up",
              f"addr add {edge.address}/24 dev zone", f"addr add {edge.address6}/64 dev zone nodad")
        batch(self.client, "link set lo up", "link set eth0 up",
              "addr add 10.84.0.200/24 dev eth0", "addr add fd84::200/64 dev eth0 nodad",
              f"route add default via {edge.address}", f"route add default via {edge.address6}")
        for zone in ZONES:
            run("ip", "link", "add", line_name(zone), "netns", edge.namespace, "type", "veth",
                "peer", "name", line_name(EDGE), "netns", self.routers[zone].namespace)
            self.address_line(EDGE, zone)

    def address_line(self, low, high):
        for (address, address6), here, there in zip(ends(low, high), (low, high), (high, low)):
            name = line_name(there)
            batch(self.routers[here].namespace, f"link set {name} up",
                  f"addr add {address}/30 dev {name}", f"addr add {address6}/64 dev {name} nodad")

    # -- routing

    def start_router(self, router):
        router.directory.mkdir(exist_ok=True)
        self.start_daemons(router, self.speaker.router_config(
            router, routing.sessions_of(self, router)))

    def start_routing(self, node):
        self.start_daemons(node, self.speaker.node_config(node))

    def start_daemons(self, where, text):
        """Starts those that do not run."""
        ended = [(name, command) for name, command in self.speaker.daemons(where, text)
                 if not self.is_running(where, name)]
        for name, command in ended:
            self.speaker.before(where, name)
            with uninterrupted():
                self.processes[where.name, name] = Process.start(
                    f"{where.name}/{name}", where.namespace, command,
                    where.directory / f"{name}.log", nice=-5)
            self.speaker.after(where, name)
        self.save()
        if ended:
            self.speaker.configure(where)

    def end_daemons(self, where):
        for name in self.speaker.DAEMONS:
            self.process(where, name).end()

    def await_routing(self, seconds=40):
        """All sessions of all routers are up."""
        for router in self.routers.values():
            wait_for(lambda router=router: not self.speaker.sessions_down(router), seconds,
                     lambda router=router: f"{router.name}: sessions that are not up: "
                     f"{self.speaker.sessions_down(router)}")

    # -- what is asked of a lab

    def addresses_of(self, node):
        return all_addresses(node.namespace)

    def is_settled(self):
        held = self.holders(INSIDE)
        try:
            return len(held) == 1 and super().is_settled()
        except LabError:  # no member of etcd answers yet
            return False

    def await_calm(self, seconds):
        """Routing is whole, and the agents are settled."""
        self.await_routing(seconds)
        self.await_settled(seconds)
        for vip in (*self.vips, INSIDE):
            wait_for(lambda vip=vip: self.is_reached(vip), seconds, f"the client reaches {vip}")

    def is_reached(self, vip):
        return run("ip", "netns", "exec", self.client, "ping", "-c1", "-W1", vip,
                   check=False).returncode == 0

    def write_agent(self, node):
        near_first = sorted(self.members, key=lambda member: member.place != node.place)
        endpoints = [f"http://{member.address}:2379" for member in near_first]
        lines = "\n".join(f"      - address: {vip}\n        mode: route"
                          for vip in self.options.vips)
        if node.place == INSIDE_ZONE:
            lines += ("\n  - name: inside\n    vips:\n"
                      f"      - address: {INSIDE}/24\n        interface: eth0\n"
                      "    checks: [proxy, docservice]")
        config.write_agent_of(node, endpoints, lines, self.options.ttl_ms)
        path = node.directory / f"{node.name}.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("\nchecks:\n", "\nchecks:\n" + CHECK.format(
            command=self.speaker.check(node)), 1), encoding="utf-8")


def all_addresses(namespace):
    done = run("ip", "-j", "-n", namespace, "addr", "show")
    return [info["local"] for link in json.loads(done.stdout or "[]")
            for info in link.get("addr_info", []) if "local" in info]
