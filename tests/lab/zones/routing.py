"""What speaks BGP and BFD in a namespace. bird.py and frr.py have the same functions, each for a
node or a router of the lab:

    node_config(node), router_config(router, sessions)   text
    DAEMONS                     names
    daemons(where, text)        [(name, command)], their files written
    before(where, name), after(where, name), configure(where)   around the start of each, and of all
    sessions_down(router)       names of BGP and BFD sessions that are not up
    switch(router, node, is_on) the sessions of a node
    told_by(router, node)       {prefix: (MED, communities)} that the node has announced, IPv4
    check(node)                 a shell command that says whether its IPv4 session is up
"""

import dataclasses
import pathlib
import re

from netns import LabError

import network

SHIPPED = pathlib.Path(__file__).resolve().parents[3] / "docs/routing"
AS_ROUTERS, AS_NODES = 65000, 65079


@dataclasses.dataclass
class Session:
    """Of a router, with another or with a node; addresses are (IPv4, IPv6)."""
    name: str
    is_node: bool
    local: tuple
    neighbor: tuple

    @property
    def neighbor_as(self):
        return AS_NODES if self.is_node else AS_ROUTERS


def sessions_of(lab, router):
    """With the nodes of its zone, and over the lines to all other routers."""
    sessions = []
    for other in lab.routers.values():
        if other is not router:
            low, high = sorted((router.number, other.number))
            here, there = network.ends(low, high)
            if router.number == high:
                here, there = there, here
            sessions.append(Session(other.name, False, here, there))
    for node in lab.nodes_of(router.number):
        sessions.append(Session(node.name, True, (router.address, router.address6),
                                (node.address, node.address6)))
    return sessions


def shipped(name, node):
    """A configuration as it is shipped, with the node's own addresses."""
    text = (SHIPPED / name).read_text(encoding="utf-8")
    for documented, own in (("192.0.2.11", node.address), ("2001:db8:2::11", node.address6),
                            ("192.0.2.1", node.router), ("2001:db8:2::1", node.router6)):
        changed = re.sub(rf"(?<![\w:.]){re.escape(documented)}(?![\w:.])", own, text)
        if changed == text:
            raise LabError(f"{name}: there is no {documented} to be changed")
        text = changed
    return text
