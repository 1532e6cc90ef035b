"""What the chaos runner does to a lab: a row for each fault.

Another fault is another row: how to do it and to heal it (most are rows of faults.FAULTS), which
nodes it applies to, what it touches there, for how long it lasts, and the bound that follows.
"""

import dataclasses
import shutil
import threading
import typing

from excuse import PLANNED_US, STARTING_US
from faults import FAULTS, Faults
from netns import LabError, now_us

NODE = ("holder", "holder", "standby")  # where: drawn from these, so the holder twice as often
MEMBER = ("leader", "member")
CLUSTER = ("all",)
EVERYTHING = frozenset({"agent", "etcd", "services", "link", "filter", "runtime"})


class Havoc(Faults):
    """Faults, and those that only chaos knows."""

    def __init__(self, lab):
        super().__init__(lab)
        self.pulses = {}  # node name -> (event that ends them, thread)

    def stop_agent(self, node):
        return self.terminate(node, "agent")

    def start_agent(self, node):
        """Starts an agent again once the one that was told to stop has ended."""
        if not self.lab.process(node, "agent").wait_dead(15):
            raise LabError(f"the agent of {node.name} does not end")
        status = self.lab.process(node, "agent").status
        if status not in (0, None):
            raise LabError(f"the agent of {node.name} was told to stop and ends with {status}")
        return self.start(node, "agent")

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
    heal_bound_us: int = PLANNED_US
    disables: bool = True    # meanwhile the node cannot hold
    moves: bool = True       # the holder may have to change
    span_s: tuple = ()       # how long: between these; none: biased to the edges of the timing
    weight: int = 2


def stays(timing, span_us):
    """Nothing moves, and nothing is away for long."""
    return PLANNED_US


def death(timing, span_us):
    return timing.death_us


def death_unless_short(timing, span_us):
    """What is over before the hold ends costs nothing."""
    return PLANNED_US if span_us < timing.survives_us else timing.death_us


def check(name, hangs=False):
    return lambda timing, span_us: timing.check_us(name, hangs)


def starting(timing, span_us):
    """An etcd member comes or goes: nothing moves. What etcd's own silence means is measured."""
    return STARTING_US


def known(name, touches, bound, **more):
    """A row whose act and healing are those of faults.FAULTS."""
    return Row(name, *FAULTS[name][1:], frozenset(touches.split()), bound, **more)


def service(name, bound, **more):
    return known(name, "services", bound, **more)


def member(name, act, heal, **more):
    """A row for one etcd member."""
    return Row(name, act, heal, frozenset({"etcd"}), starting, where=MEMBER,
               heal_bound_us=STARTING_US, disables=False, moves=False, **more)


def each_member(act):
    return lambda havoc, node: [act(havoc, member) for member in havoc.lab.members][0]


def each_node(act):
    return lambda havoc, node: [act(havoc, node) for node in havoc.lab.nodes][0]


ROWS = (
    # the agent
    known("agent-kill", "agent runtime", death_unless_short, weight=4),
    known("agent-freeze", "agent", death_unless_short, weight=4),
    Row("agent-stop", Havoc.stop_agent, Havoc.start_agent, frozenset({"agent"}), stays, weight=4),
    Row("agent-crash", *FAULTS["agent-kill"][1:], frozenset({"agent"}), stays, weight=3,
        span_s=(0, 0.6)),  # systemd's Restart=always
    Row("agent-kill-wiped", Havoc.kill_agent_and_wipe, FAULTS["agent-kill"][2],
        frozenset({"agent", "runtime"}), death),
    Row("agents-stop", each_node(Havoc.stop_agent), each_node(Havoc.start_agent),
        frozenset({"agent"}), stays, where=CLUSTER, weight=1),
    # the node and its network
    Row("power", Faults.power_off, Faults.power_on, EVERYTHING, death, weight=3),
    Row("power-kept", Faults.power_off, Havoc.power_on_kept, EVERYTHING, death),
    known("link", "link", death),
    Row("link-flap", *FAULTS["link"][1:], frozenset({"link"}), death, span_s=(0.005, 0.5)),
    known("interface", "link", death),
    known("deaf", "link", death),
    known("mute", "link", death),
    known("peers-cut", "link", death_unless_short),
    known("etcd-cut", "filter", death_unless_short),
    known("etcd-cut-in", "filter", death_unless_short),
    known("etcd-cut-out", "filter", death_unless_short),
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
        heal_bound_us=STARTING_US, disables=False, moves=False, span_s=(0.5, 4)),
    Row("etcd-all-kill", each_member(FAULTS["etcd-kill"][1]),
        each_member(FAULTS["etcd-kill"][2]), frozenset({"etcd"}), starting, where=CLUSTER,
        heal_bound_us=STARTING_US, disables=False, moves=False, span_s=(0, 4), weight=1),
)
