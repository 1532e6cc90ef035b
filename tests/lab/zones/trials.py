"""The trials of the lab of zones: each breaks one thing some times, and measures what a client sees
and which part of it the routing took."""

import dataclasses
import statistics
import time

from netns import LabError, in_ms, now_us, run, wait_for

import network
from breaking import ZoneFaults
from seeing import ZoneWatch

TRIALS = {}
# the median of planned moves, one alone may meet a busy machine; FRR takes turns at each hop
MEDIAN_US = {"bird": 100_000, "frr": 400_000}
ONE_PLANNED_US = 1_000_000
ELECTION_US = 2_500_000     # over the ttl: etcd may have to elect, agents to ask another member
ROUTING_US = 10_000_000     # sessions that come back
CHECKED_US = 5_000_000      # three turns of a check, of 1 s each, and their ends
CALM_S = 40


@dataclasses.dataclass
class Trial:
    """One row of the table, while it is filled."""
    name: str
    function: object
    moves: object         # True: it has to; False: it must not; None: it may
    vip: str
    bound_us: object      # of one: function of the ttl
    has_median: bool = False  # bound: MEDIAN_US
    gaps: dict = dataclasses.field(default_factory=lambda: {"echo": [], "http": []})
    routing: list = dataclasses.field(default_factory=list)
    moved: list = dataclasses.field(default_factory=list)
    problems: list = dataclasses.field(default_factory=list)


def trial(*, moves, bound, has_median=False, vip=network.VIPS[0]):
    """Registers a trial: a function of a stage that breaks something of the holder and returns
    when. Its docstring says what it is."""
    def register(function):
        name = function.__name__.replace("_", "-")
        TRIALS[name] = lambda: Trial(name, function, moves, vip, bound, has_median)
        return function
    return register


def cut_off(ttl_us):
    return ttl_us + ELECTION_US


def planned(_):
    return ONE_PLANNED_US


def checked(_):
    return CHECKED_US


def routed(_):
    return ROUTING_US


class Stage:
    """What a trial's function works with."""

    def __init__(self, lab, watch, vip):
        self.lab, self.watch, self.vip = lab, watch, vip
        self.faults = ZoneFaults(lab)
        self.group = "inside" if vip == network.INSIDE else "office"
        self.holder = None

    def begin(self):
        self.lab.await_calm(CALM_S)
        self.holder = self.lab.holders(self.vip)[0]

    def elsewhere(self):
        """A node of the next zone."""
        place = self.holder.place % len(network.ZONES) + 1
        return self.lab.nodes_of(place)[0]

    def beside(self):
        return next(node for node in self.lab.nodes_of(self.holder.place)
                    if node is not self.holder)

    def switch_over(self, target):
        """Returns when the holder gave way, which is what a planned move's gap begins with."""
        before_us = now_us()
        run(self.lab.tool("cli/ooha"), "--socket", self.holder.socket, "switchover", "--yes",
            "--group", self.group, "--to", target.name)
        return before_us


@trial(moves=True, bound=planned, has_median=True)
def planned_move(stage):
    """ooha switchover to another zone."""
    return stage.switch_over(stage.elsewhere())


@trial(moves=True, bound=planned, has_median=True)
def planned_move_inside(stage):
    """ooha switchover to the other node of the zone."""
    return stage.switch_over(stage.beside())


@trial(moves=True, bound=planned, has_median=True, vip=network.INSIDE)
def planned_move_by_arp(stage):
    """The same of an address of the zone's own subnet, in mode arp."""
    return stage.switch_over(stage.beside())


@trial(moves=True, bound=cut_off, vip=network.INSIDE)
def node_death_by_arp(stage):
    """The holder of an address of the zone's own subnet, in mode arp, loses power."""
    return stage.faults.power_off(stage.holder)


@trial(moves=True, bound=cut_off)
def node_death(stage):
    """The holder loses power."""
    return stage.faults.power_off(stage.holder)


@trial(moves=True, bound=cut_off)
def zone_power_loss(stage):
    """The holder's zone loses power: both nodes, an etcd member, the router."""
    return stage.faults.zone_power_off(stage.holder.place)


@trial(moves=True, bound=cut_off)
def zone_cut_off(stage):
    """The holder's zone and the others do not hear each other; clients reach all."""
    return stage.faults.cut_zone(stage.holder.place)


@trial(moves=True, bound=cut_off)
def zone_cut_one_way(stage):
    """Nothing that the holder's zone sends reaches the others; the clients it does."""
    return stage.faults.cut_zone_one_way(stage.holder.place)


@trial(moves=True, bound=cut_off)
def zone_filtered_one_way(stage):
    """The same, but what the routers say to each other gets through."""
    return stage.faults.filter_zone_one_way(stage.holder.place)


@trial(moves=None, bound=routed)
def router_restart(stage):
    """The routing of the holder's zone ends and starts."""
    return stage.faults.router_restart(stage.lab.routers[stage.holder.place])


@trial(moves=False, bound=routed)
def session_flap(stage):
    """The holder's session with its router ends, and may come back after 1 s."""
    return stage.faults.flap(stage.holder)


@trial(moves=True, bound=checked)
def session_loss(stage):
    """The holder's session with its router ends for good; a check asks for it, three times."""
    return stage.faults.end_session(stage.holder)


def routing_part(stage, fault_us, target):
    """How long the routing took: until the client's router leads to the new holder, from when
    the kernel there had the route; where nothing moved, how long that router knew no way."""
    routes, vip, edge = stage.watch.routes, stage.vip, stage.lab.routers[network.EDGE].name
    if vip == network.INSIDE:
        return None
    if target is stage.holder:
        gone_us = routes.first(edge, vip, fault_us, gone=True)
        back_us = gone_us and routes.first(edge, vip, gone_us)
        return back_us and back_us - gone_us
    put_us = routes.first(target.name, vip, fault_us)
    where, gateway = (edge, network.ends(network.EDGE, target.place)[1][":" in vip])
    if target.place == stage.holder.place:
        where, gateway = stage.lab.routers[target.place].name, target.address
    known_us = put_us and routes.first(where, vip, put_us, gateway)
    return known_us and known_us - put_us


def await_outcome(stage, row, fault_us):
    """Until the client is served as it should be; returns the node that serves."""
    bound_us = row.bound_us(stage.lab.options.ttl_ms * 1000)
    patience = bound_us / 1e6 + 5

    def served():
        line = stage.watch.switch_after(stage.vip, "echo", fault_us, stage.holder.name)
        return line and stage.lab.node(line["to"])
    if row.moves:
        return wait_for(served, patience, f"{stage.vip} is answered by another than "
                        f"{stage.holder.name}")
    time.sleep(1)
    wait_for(lambda: stage.lab.is_reached(stage.vip), patience, f"{stage.vip} is reached again")
    time.sleep(1)
    return served() or stage.holder


def play(stage, row):
    """One trial."""
    stage.begin()
    fault_us = row.function(stage)
    target = await_outcome(stage, row, fault_us)
    time.sleep(0.5)  # what would break again
    row.moved.append(f"{stage.holder.letter}{target.letter}")
    if row.moves is False and target is not stage.holder:
        row.problems.append(f"moved to {target.name}")
    for kind, gaps in row.gaps.items():
        gap_us = stage.watch.outage_us(stage.vip, kind, fault_us)
        gaps.append(gap_us)
        bound_us = row.bound_us(stage.lab.options.ttl_ms * 1000)
        if gap_us > bound_us:
            row.problems.append(f"{kind}: {in_ms(gap_us)} ms, bound {in_ms(bound_us)} ms")
    part_us = routing_part(stage, fault_us, target)
    if part_us is not None:
        row.routing.append(part_us)
    if row.problems:
        row.problems += stage.watch.timeline(fault_us)[-60:]
    stage.faults.heal_all()


def play_all(lab, name, directory, n_trials):
    """Plays a trial some times; returns its row."""
    row = TRIALS[name]()
    watch = ZoneWatch(lab, directory, [row.vip])
    stage = Stage(lab, watch, row.vip)
    try:
        stage.faults.heal_all()  # whatever the one before has left, if it failed
        lab.await_calm(CALM_S)
        watch.start()
        watch.wait_served()
        for _ in range(n_trials):
            if not row.problems:
                play(stage, row)
        watch.stop()
        row.problems += [f"judge: {line}" for line in watch.doubles()[:3]]
    except (LabError, OSError) as error:
        row.problems.append(str(error))
        if watch.routes is not None:
            row.problems += watch.timeline(now_us())[-60:]
    finally:
        watch.abandon()
    most_us = MEDIAN_US[lab.kind]
    if row.has_median and row.gaps["echo"] and median(row.gaps["echo"]) > most_us:
        row.problems.append(f"the median of the gaps is {in_ms(median(row.gaps['echo']))} ms, "
                            f"bound {in_ms(most_us)} ms")
    return row


def median(values):
    return statistics.median(values)


def cell(values):
    return f"{in_ms(median(values))} / {in_ms(max(values))}" if values else "-"


HEADER = (f"{'':24} {'n':>3} {'echo ms':>13} {'http ms':>13} {'routing ms':>13}  "
          "(median / longest)")


def row_text(row):
    return (f"{row.name:24} {len(row.moved):3} {cell(row.gaps['echo']):>13} "
            f"{cell(row.gaps['http']):>13} {cell(row.routing):>13}  "
            f"{'FAIL' if row.problems else 'ok':4} {' '.join(row.moved)}")
