"""Faults of zones, routers and lines. As in the lab's faults.py: each returns the time just before
it acted, and healing is by level."""

import signal
import time

from faults import CUT, Faults
from netns import LabError, nft, now_us, run, set_link, wait_for

import network

FLAP_S = 1
FORWARDED, ALL = ("forward",), ("input", "forward", "output")


def table(name, hooks, rules):
    chains = "\n".join(f"chain {hook} {{ type filter hook {hook} priority -300; policy accept;\n"
                       f"{rules}\n}}" for hook in hooks)
    return f"table inet {name} {{\n{chains}\n}}\n"


class ZoneFaults(Faults):
    """The faults of a lab of zones."""

    # -- a node, as far as it is different here

    def link_down(self, node):
        return set_link(node.switch, node.port, False)

    def link_up(self, node):
        return set_link(node.switch, node.port, True)

    def heal_cuts(self, node):
        return nft(node.namespace, f"add table inet {CUT}\ndelete table inet {CUT}\n")

    def delete_vip(self, node):
        """What a machine without power has not: addresses, and the routes to them."""
        before_us = now_us()
        for interface in ("lo", "eth0"):
            for vip in (*network.VIPS, network.INSIDE):
                prefix = f"{vip}/{128 if ':' in vip else 24 if vip == network.INSIDE else 32}"
                run("ip", "-n", node.namespace, "addr", "del", prefix, "dev", interface,
                    check=False)
        for family in ("-4", "-6"):
            run("ip", "-n", node.namespace, family, "route", "flush", "proto", "79", check=False)
        return before_us

    def heal(self, node):
        self.heal_cuts(node)
        self.link_up(node)
        self.interface_up(node)
        self.lab.start_routing(node)
        super().heal(node)

    def heal_all(self):
        for router in self.lab.routers.values():
            self.heal_router(router)
        super().heal_all()

    # -- lines between zones

    def others(self, zone):
        return ", ".join(f'"{network.line_name(number)}"' for number in network.ZONES
                         if number != zone)

    def cut_zone(self, zone):
        """The zone and the others do not hear each other; the clients hear all."""
        names = self.others(zone)
        return nft(self.lab.routers[zone].namespace, table(CUT, ALL, (
            f"iifname {{ {names} }} drop\noifname {{ {names} }} drop")))

    def cut_zone_one_way(self, zone):
        """The others do not hear the zone any more; it hears them."""
        return nft(self.lab.routers[zone].namespace,
                   table(CUT, ("forward", "output"), f"oifname {{ {self.others(zone)} }} drop"))

    def filter_zone_one_way(self, zone):
        """As before, but somebody's filter: what the routers say to each other gets through, so
        that no way goes."""
        return nft(self.lab.routers[zone].namespace,
                   table(CUT, FORWARDED, f"oifname {{ {self.others(zone)} }} drop"))

    # -- routers

    def router_restart(self, router):
        """Its routing ends, withdraws all, and is started again."""
        before_us = now_us()
        self.lab.end_daemons(router)
        self.lab.start_router(router)
        return before_us

    def end_session(self, node):
        """The sessions of a node with its router."""
        before_us = now_us()
        self.lab.speaker.switch(self.lab.routers[node.place], node, False)
        return before_us

    def flap(self, node):
        """They end, and may come back after a second."""
        before_us = self.end_session(node)
        time.sleep(FLAP_S)
        self.lab.speaker.switch(self.lab.routers[node.place], node, True)
        return before_us

    def heal_router(self, router):
        nft(router.namespace, f"add table inet {CUT}\ndelete table inet {CUT}\n")
        self.lab.start_router(router)
        for node in self.lab.nodes_of(router.number):
            wait_for(lambda node=node: self.has_session(router, node), 5,
                     f"{router.name} can be told")

    def has_session(self, router, node):
        try:
            self.lab.speaker.switch(router, node, True)
        except LabError:
            return False  # it has just been started
        return True

    # -- a whole zone

    def zone_power_off(self, zone):
        """Nodes, etcd member and router at once. Who hears them does so no more from one instant
        on; that their processes end takes some ms, and reaches nobody."""
        router, nodes = self.lab.routers[zone], self.lab.nodes_of(zone)
        names = {router.name, *(node.name for node in nodes)}
        processes = [process for (name, _), process in self.lab.processes.items() if name in names]
        before_us = nft(router.namespace, table(CUT, ALL, "drop"))
        for node in nodes:
            self.link_down(node)
        for process in processes:
            process.signal(signal.SIGKILL, whole_group=True)
        for node in nodes:
            self.delete_vip(node)
        for process in processes:
            process.wait_dead(5)
        for family in ("-4", "-6"):
            run("ip", "-n", router.namespace, family, "route", "flush", "proto",
                {"bird": "bird", "frr": "bgp"}[self.lab.kind], check=False)
        return before_us
