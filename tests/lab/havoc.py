"""What the chaos runner does to a lab: a row for each fault.

Another fault is another row: how to do it and to heal it (most are rows of faults.FAULTS), which
nodes it applies to, what it touches there, for how long it lasts, and the bound that follows.
"""

import contextlib
import dataclasses
import threading
import time
import typing

from etcd_faults import FILL_BYTES, EtcdFaults
from excuse import PLANNED_US, STARTING_US
from faults import FAULTS, Faults, spin
from netns import LabError, now_us
from rivals import Stranger

NODE = ("holder", "holder", "standby")  # where: drawn from these, so the holder twice as often
MEMBER = ("leader", "member")
CLUSTER = ("all",)
RESTART_US = 200_000  # an agent that is started again has taken its tenure up by then
HEARD_US = 1_000_000  # two renewals: one under way, and one by each of the other members
EVERYTHING = frozenset({"agent", "etcd", "services", "link", "filter", "runtime"})


class Havoc(Faults):
    """Faults, and those that only chaos knows."""

    def __init__(self, lab):
        super().__init__(lab)
        self.etcd = EtcdFaults(lab, self)
        self.backup = lab.directory / "backup"  # of etcd
        self.pulses = {}  # node name -> (event that ends them, thread)
        self.stranger = None  # a host that is no node, once there is one

    def kill_agent_and_wipe(self, node):
        before_us = self.kill(node, "agent")
        for path in node.runtime.iterdir():
            path.unlink()
        return before_us

    def power_on_kept(self, node):
        """Boots with the runtime directory as it was."""
        before_us = now_us()
        self.heal(node)
        return before_us

    def wipe_etcd(self, node):
        """etcd ends, and its data is gone."""
        before_us = self.etcd.kill_all()
        self.etcd.wipe()
        return before_us

    def restore_etcd(self, node):
        """etcd ends, and has the data of the run's beginning."""
        before_us = self.etcd.kill_all()
        self.etcd.restore(self.backup)
        return before_us

    def start_etcd(self, node):
        return self.etcd.start_all()

    def fill_etcd(self, node):
        before_us = now_us()
        deadline = time.monotonic() + 30
        while not self.etcd.alarms():
            if time.monotonic() > deadline:
                raise LabError("etcd cannot be filled")
            with contextlib.suppress(LabError):  # refused for want of space, or slow
                self.lab.put("/lab/filler", "x" * FILL_BYTES)
        return before_us

    def empty_etcd(self, node):
        self.lab.delete("/lab/filler")
        return self.etcd.make_space()

    def delete_keys(self):
        """Somebody deletes all our keys."""
        before_us = now_us()
        self.lab.change("/v3/kv/deleterange", key="/ooha/", range_end="/ooha0")
        return before_us

    def compact_etcd(self, node):
        """All of etcd's past is dropped, under the agents' watches."""
        before_us = now_us()
        self.etcd.etcdctl("compaction", str(self.etcd.revision()))
        return before_us

    def stranger_announces(self, node):
        """A host that is no node says that the addresses are its own."""
        self.stranger = self.stranger or Stranger(self.lab)
        return self.stranger.announce(*self.lab.vips)

    def spin_agent(self, node):
        """The agent runs in a circle."""
        return spin(self.lab.process(node, "agent").pid)

    def start_pulses(self, node, stopped_s=0.12, running_s=0.06):
        """The node's etcd member runs, stops, runs: slow, but never gone."""
        over = threading.Event()

        def pulse():
            while not over.is_set():
                self.freeze(node, "etcd")
                over.wait(stopped_s)
                self.thaw(node, "etcd")
                over.wait(running_s)
        thread = threading.Thread(target=pulse, daemon=True)
        self.pulses[node.name] = (over, thread)
        before_us = now_us()
        thread.start()
        return before_us

    def end_pulses(self, node):
        over, thread = self.pulses.pop(node.name)
        over.set()
        thread.join()
        return now_us()

    def heal_all(self):
        for node in self.lab.nodes:
            if node.name in self.pulses:
                self.end_pulses(node)
        super().heal_all()


def stays(timing, span_us):
    """Nothing moves, and nothing is away for long."""
    return PLANNED_US


def death(timing, span_us):
    return timing.death_us


def death_heard(timing, span_us):
    """Deaf, but still heard: on each connection that it has to a member one more renewal goes out and
    counts, though no answer comes back."""
    return timing.death_us + HEARD_US


def death_unless_short(timing, span_us):
    """What is over before the hold ends costs nothing."""
    return PLANNED_US if span_us < timing.survives_us else timing.death_us


def death_heard_unless_short(timing, span_us):
    return PLANNED_US if span_us < timing.survives_us else death_heard(timing, span_us)


def death_unless_quick(timing, span_us):
    """As above, of an agent that does not re-arm the address meanwhile."""
    return PLANNED_US if span_us < timing.armed_us - RESTART_US else timing.death_us


def back(timing, span_us):
    """The service may be gone, by right; from now on it is owed."""
    return timing.back_us


def check(name, hangs=False):
    return lambda timing, span_us: timing.check_us(name, hangs)


def starting(timing, span_us):
    """An etcd member comes or goes: nothing moves. What etcd's own silence means is measured."""
    return STARTING_US


@dataclasses.dataclass(frozen=True)
class Row:
    """One kind of fault."""
    name: str
    act: typing.Callable     # (havoc, node) -> when, in us
    heal: typing.Callable    # (havoc, node) -> when, in us
    touches: frozenset       # of a node; two faults that touch the same are not on it at once
    # (timing, how long it lasts) -> us in which the service is back, if it hits the holder
    bound: typing.Callable
    where: tuple = NODE
    heal_bound: typing.Callable = stays  # as bound, from the healing on
    disables: bool = True    # meanwhile the node cannot hold
    moves: bool = True       # the holder may have to change
    heal_moves: bool = False  # or does when it is healed
    span_s: tuple = ()       # how long: between these; none: biased to the edges of the timing
    weight: int = 2


def known(name, touches, bound, **more):
    """A row whose act and healing are those of faults.FAULTS."""
    return Row(name, *FAULTS[name][1:], frozenset(touches.split()), bound, **more)


def service(name, bound, **more):
    return known(name, "services", bound, **more)


def member(name, act, heal, **more):
    """A row for one etcd member."""
    return Row(name, act, heal, frozenset({"etcd"}), starting, where=MEMBER,
               heal_bound=starting, disables=False, moves=False, **more)


def etcd_data(name, act, **more):
    """A row for etcd's data: all members end, and come back with other data."""
    return Row(name, act, Havoc.start_etcd, frozenset({"etcd"}), death, where=CLUSTER,
               heal_bound=back, heal_moves=True, disables=False, weight=1, **more)


def each_member(act):
    return lambda havoc, node: [act(havoc, member) for member in havoc.lab.members][0]


def each_node(act):
    return lambda havoc, node: [act(havoc, node) for node in havoc.lab.nodes][0]


ROWS = (
    # the agent
    known("agent-kill", "agent runtime", death_unless_quick, weight=4),
    known("agent-freeze", "agent", death_unless_quick, weight=4),
    known("agent-stop", "agent", stays, weight=4),
    Row("agent-crash", *FAULTS["agent-kill"][1:], frozenset({"agent"}), stays, weight=3,
        span_s=(0, 0.25)),  # systemd's Restart=always
    Row("agent-kill-wiped", Havoc.kill_agent_and_wipe, FAULTS["agent-kill"][2],
        frozenset({"agent", "runtime"}), death),
    Row("agent-stuck", Havoc.spin_agent, lambda havoc, node: (
        havoc.kill(node, "agent"), havoc.start(node, "agent"))[0], frozenset({"agent"}), death),
    Row("agents-stop", each_node(FAULTS["agent-stop"][1]), each_node(FAULTS["agent-stop"][2]),
        frozenset({"agent"}), stays, where=CLUSTER, weight=1),
    # the node and its network
    Row("power", Faults.power_off, Faults.power_on, EVERYTHING, death, weight=3),
    Row("power-kept", Faults.power_off, Havoc.power_on_kept, EVERYTHING, death),
    known("link", "link", death),
    Row("link-flap", *FAULTS["link"][1:], frozenset({"link"}), death, span_s=(0.005, 0.5)),
    known("interface", "link", death),
    known("deaf", "link", death_heard),
    known("mute", "link", death),
    known("peers-cut", "link", death_unless_short),
    known("etcd-cut", "filter", death_unless_short),
    known("etcd-cut-in", "filter", death_heard_unless_short),
    known("etcd-cut-out", "filter", death_unless_short),
    Row("interface-renamed", Faults.interface_rename, Faults.interface_restore,
        frozenset({"link"}), stays),
    Row("interface-deleted", Faults.interface_delete, Faults.interface_restore,
        frozenset({"link"}), death),
    Row("interface-mac", Faults.change_mac, Faults.interface_restore, frozenset({"link"}), stays,
        disables=False, moves=False, weight=1),
    Row("interface-mtu", Faults.change_mtu, Faults.interface_restore, frozenset({"link"}), stays,
        disables=False, moves=False, weight=1),
    Row("stranger-announces", Havoc.stranger_announces, lambda havoc, node: now_us(),
        frozenset({"link"}), stays, where=CLUSTER, disables=False, moves=False, span_s=(0, 0)),
    known("vip-gone", "", stays, disables=False, moves=False, where=("holder",)),
    known("ruleset-flushed", "filter", stays, disables=False, moves=False),
    Row("runtime-full", Faults.fill_runtime, Faults.empty_runtime, frozenset({"runtime"}), stays,
        disables=False, moves=False),
    # the Document Server and its proxy
    service("docservice-false", check("proxy")),
    service("docservice-hang", check("docservice", hangs=True)),
    service("docservice-hang-healthcheck", check("proxy", hangs=True), span_s=(1, 14), weight=1),
    service("docservice-refuse", check("docservice")),
    service("docservice-500", check("docservice"), weight=1),
    service("docservice-slow", check("docservice", hangs=True), weight=1),
    service("docservice-kill", check("docservice")),
    service("docservice-freeze", check("docservice", hangs=True), weight=1),
    service("nginx-stop", check("proxy")),
    service("nginx-freeze", check("proxy", hangs=True), span_s=(1, 14), weight=1),
    # etcd
    member("etcd-kill", *FAULTS["etcd-kill"][1:], weight=4),
    member("etcd-freeze", *FAULTS["etcd-freeze"][1:], weight=4),
    member("etcd-slow", Havoc.start_pulses, Havoc.end_pulses),
    Row("etcd-all-freeze", each_member(FAULTS["etcd-freeze"][1]),
        each_member(FAULTS["etcd-freeze"][2]), frozenset({"etcd"}), starting, where=CLUSTER,
        heal_bound=starting, disables=False, moves=False, span_s=(0.5, 4)),
    Row("etcd-all-kill", each_member(FAULTS["etcd-kill"][1]),
        each_member(FAULTS["etcd-kill"][2]), frozenset({"etcd"}), starting, where=CLUSTER,
        heal_bound=starting, disables=False, moves=False, span_s=(0, 4), weight=1),
    etcd_data("etcd-wiped", Havoc.wipe_etcd, span_s=(0, 4)),
    # an assumption: that takes longer than a ttl
    etcd_data("etcd-restored", Havoc.restore_etcd, span_s=(3.2, 5)),
    Row("etcd-full", Havoc.fill_etcd, Havoc.empty_etcd, frozenset({"etcd"}), death, where=CLUSTER,
        heal_bound=back, heal_moves=True, disables=False, span_s=(0, 5), weight=1),
    Row("etcd-compacted", Havoc.compact_etcd, lambda havoc, node: now_us(), frozenset({"etcd"}),
        stays, where=CLUSTER, disables=False, moves=False, span_s=(0, 0)),
    Row("keys-deleted", lambda havoc, node: havoc.delete_keys(), lambda havoc, node: now_us(),
        frozenset({"etcd"}), back, where=CLUSTER, disables=False, span_s=(0, 0), weight=1),
)

# rows that a scenario of run.py has alone, and judges more closely
COVERED = {
    "agent-kill": "agent-killed", "agent-freeze": "agent-frozen", "agent-stop": "agent-terminated",
    "agent-crash": "agent-killed-and-restarted", "agent-stuck": "stuck-holder-is-silent",
    "power": "power-lost", "link": "link-of-holder", "link-flap": "carrier-glitch",
    "interface": "interface-set-down", "interface-renamed": "interface-renamed",
    "interface-deleted": "interface-recreated", "interface-mac": "interface-changed",
    "interface-mtu": "interface-changed", "stranger-announces": "stranger-takes-address",
    "etcd-cut": "holder-cut-from-etcd", "vip-gone": "vip-deleted",
    "ruleset-flushed": "ruleset-flushed", "docservice-false": "docservice-false",
    "docservice-hang": "docservice-hung", "docservice-refuse": "docservice-refused",
    "nginx-stop": "nginx-down", "etcd-kill": "etcd-leader-killed",
    "etcd-freeze": "etcd-member-asked-hangs", "etcd-all-freeze": "etcd-stopped-for-a-second",
    "etcd-all-kill": "etcd-down-past-the-hold", "etcd-wiped": "etcd-wiped",
    "etcd-restored": "etcd-restored", "etcd-full": "etcd-out-of-space",
    "keys-deleted": "etcd-keys-deleted",
}
