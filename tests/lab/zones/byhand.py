"""What the shipped configurations do with routes that come and go, without any agent: the lab puts
addresses and routes as an agent would."""

import time

from netns import LabError, batch, now_us, run, set_link, wait_for

import network
from routes import RouteWatch
from seeing import ZoneWatch

OTHERS = ("203.0.113.8/32 dev lo proto 78",      # another protocol
          "203.0.113.9/32 dev lo proto static",  # somebody's own
          "198.51.100.7/32 dev lo proto 79",     # not from the range
          "203.0.113.128/25 dev lo proto 79",    # not one address
          "192.0.2.128/25 via {router}")
METRIC = 100
# a change goes from a node's kernel to the client's router's, however busy the machine is; on an
# idle one it takes 5 and 190 ms
CHANGE_US = {"bird": 500_000, "frr": 1_000_000}
DETECTED_US = 1_000_000  # three BFD packets of 100 ms, and what they are late
BACK_S = 20
LINE_SLACK_MS = 3


def expect(is_so, what):
    if not is_so:
        raise LabError(what)


def route_of(vip):
    """Its prefix, and what ends its route."""
    return (f"{vip}/128", "") if ":" in vip else (f"{vip}/32", f" src {vip}")


def take(node, vip, lifetime_s=None):
    """Puts address and route as an agent in route mode; returns when it began."""
    prefix, source = route_of(vip)
    lifetime = f" valid_lft {lifetime_s} preferred_lft {lifetime_s}" if lifetime_s else ""
    nodad = " nodad" if ":" in vip else ""
    return batch(node.namespace, f"addr replace {prefix} dev lo{nodad}{lifetime}",
                 f"route replace {prefix} dev lo proto 79 metric {METRIC}{source}")


def leave(node, vip):
    """The way first, then the address."""
    prefix, _ = route_of(vip)
    before_us = now_us()
    for words in (("route", "del", prefix, "proto", "79"),
                  ("addr", "del", prefix, "dev", "lo")):
        run("ip", "-n", node.namespace, *words, check=False)
    return before_us


class Proof:
    """What is announced, and when: routes that come, go, move and run out, a node and a daemon that
    end; and that nothing else is."""

    def __init__(self, lab):
        self.lab, self.node, self.other = lab, lab.nodes[0], lab.nodes[2]
        self.edge = lab.routers[network.EDGE]
        self.watch = RouteWatch({router.name: router.namespace for router in lab.routers.values()},
                                network.VIPS)
        self.figures = []  # (what, us)

    def to(self, node, vip):
        """What the client's router calls the way to a node."""
        return network.ends(network.EDGE, node.place)[1][":" in vip]

    def heard(self, what, vip, since_us, node=None, bound_us=None):
        """Waits until the client's router has the route by the node's zone (None: has lost it)."""
        gateway = node and self.to(node, vip)
        bound_us = bound_us or CHANGE_US[self.lab.kind]
        try:
            at_us = wait_for(lambda: self.watch.first(self.edge.name, vip, since_us, gateway,
                                                      gone=node is None), bound_us / 1e6 + 5, what)
        except LabError as error:
            raise LabError("\n".join([f"{error}", *self.watch.told_since(since_us)])) from None
        self.figures.append((what, at_us - since_us))
        expect(at_us - since_us <= bound_us, f"{what}: {(at_us - since_us) / 1000:.0f} ms, bound "
               f"{bound_us / 1000:.0f} ms")

    def run(self):
        for step in (self.lines, self.learnt, self.nothing_else, self.withdrawn, self.moved,
                     self.judged, self.run_out, self.node_gone, self.daemon_again):
            step()

    def print_figures(self):
        for what, took_us in self.figures:
            print(f"   {what:44} {took_us / 1000:7.1f} ms")
        self.watch.close()

    def lines(self):
        """The lines between the zones are as long as they are to be, there and back."""
        for (low, high), wanted_ms in self.lab.round_trip_ms.items():
            address, _ = network.ends(low, high)[1]
            done = run("ip", "netns", "exec", self.lab.routers[low].namespace, "ping", "-q", "-c5",
                       "-i0.05", address)
            least_ms = float(done.stdout.rpartition(" = ")[2].split("/")[0])
            self.figures.append((f"az-{low} to az-{high} and back", least_ms * 1000))
            expect(wanted_ms <= least_ms < wanted_ms + LINE_SLACK_MS,
                   f"az-{low} to az-{high}: {least_ms} ms there and back, not {wanted_ms}")

    def learnt(self):
        for vip in network.VIPS:
            self.heard(f"a route comes: {vip}", vip, take(self.node, vip), self.node)
            wait_for(lambda vip=vip: self.lab.is_reached(vip), 2, f"{vip} answers the client")

    def nothing_else(self):
        """The zone's router hears of the two addresses, with MED and community, and of no more."""
        batch(self.node.namespace, *(f"route add {line.format(router=self.node.router)}"
                                     for line in OTHERS))
        time.sleep(0.5)  # to see that nothing happens
        told = self.lab.speaker.told_by(self.lab.routers[self.node.place], self.node)
        expect(told == {f"{network.VIPS[0]}/32": (METRIC, "65079:79")}, f"the router heard {told}")
        batch(self.node.namespace, *(f"route del {line.format(router=self.node.router)}"
                                     for line in OTHERS))

    def withdrawn(self):
        for vip in network.VIPS:
            self.heard(f"a route goes: {vip}", vip, leave(self.node, vip))

    def moved(self):
        """The old path is withdrawn, then the new announced."""
        for vip in network.VIPS:
            self.heard("again", vip, take(self.node, vip), self.node)
            leave(self.node, vip)
            self.heard(f"a route moves: {vip}", vip, take(self.other, vip), self.other)
            wait_for(lambda vip=vip: self.lab.is_reached(vip), 2, f"{vip} answers the client")
            self.heard("and goes", vip, leave(self.other, vip))

    def judged(self):
        """Two nodes in two zones have an address at once: the judge says so, and so do the answers
        that the probers of both zones get. Of what moves in good order nobody says anything."""
        for is_double in (False, True):
            watch = ZoneWatch(self.lab, self.lab.directory / f"judged-{is_double}", [])
            try:
                watch.start()
                for node in (self.node, self.other):
                    take(node, network.VIPS[0])
                    time.sleep(0.3)  # some answers
                    if not is_double:
                        leave(node, network.VIPS[0])
                watch.stop()
            finally:
                watch.abandon()
                leave(self.node, network.VIPS[0])
                leave(self.other, network.VIPS[0])
            said = {key for line in watch.doubles() for key in ("double", "crossing")
                    if key in line}
            expect(len(watch.answered()[network.VIPS[0]]) > 1, "nobody answered")
            expect(said == ({"double", "crossing"} if is_double else set()),
                   f"{'two' if is_double else 'one'} had it, and said was: {watch.doubles()}")

    def run_out(self):
        """An agent that is dead renews nothing: the kernel takes the address, and the route."""
        vip = network.VIPS[0]
        taken_us = take(self.node, vip, lifetime_s=1)
        self.heard("a route comes", vip, taken_us, self.node)
        # the kernel rounds lifetimes up to whole seconds, and looks when it likes
        self.heard("a lifetime of 1 s runs out", vip, taken_us, bound_us=3_000_000)
        leave(self.node, vip)

    def node_gone(self):
        """Its cable is pulled at the switch: BFD."""
        vip = network.VIPS[0]
        self.heard("a route comes", vip, take(self.node, vip), self.node)
        gone_us = set_link(self.node.switch, self.node.port, False)
        self.heard("a node is gone, noticed by BFD", vip, gone_us, bound_us=DETECTED_US)
        set_link(self.node.switch, self.node.port, True)
        back_us = now_us()
        self.heard("the node is back", vip, back_us, self.node, bound_us=BACK_S * 1_000_000)

    def daemon_again(self):
        """The node's routing ends and starts: the route is withdrawn, and comes again."""
        vip = network.VIPS[0]
        ended_us = now_us()
        self.lab.end_daemons(self.node)
        self.heard("routing ends on the node", vip, ended_us, bound_us=DETECTED_US)
        started_us = now_us()
        self.lab.start_routing(self.node)
        self.heard("routing starts on the node", vip, started_us, self.node,
                   bound_us=BACK_S * 1_000_000)
        leave(self.node, vip)
