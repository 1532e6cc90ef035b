"""FRR: see routing.py."""

import json
import pathlib
import shutil

from netns import LabError, run, wait_for

import routing

PROGRAMS = pathlib.Path("/usr/lib/frr")
DAEMONS = ("zebra", "bfdd", "bgpd")  # as they depend on each other
OWN_OPTIONS = {"bgpd": ("-p", "179")}
VTYSH = "service integrated-vtysh-config\nhostname {name}\n"

ROUTER = """\
frr defaults datacenter
log file {directory}/frr.log
route-map own permit 10
 match interface zone
route-map nothing deny 10
! or the next hop is one of many link-local addresses
route-map global permit 10
 set ipv6 next-hop prefer-global
bfd
 profile lab
  detect-multiplier 3
  receive-interval 100
  transmit-interval 100
router bgp {own_as}
 bgp router-id 10.80.0.{id}
 no bgp default ipv4-unicast
"""
SESSION = """\
 neighbor {neighbor} remote-as {neighbor_as}
 neighbor {neighbor} bfd profile lab
 neighbor {neighbor} timers connect 2
"""


def node_config(node):
    return routing.shipped("frr.conf", node)


def router_config(router, sessions):
    """What nodes say is not filtered, as in bird.py."""
    text = ROUTER.format(directory=router.directory / "frr", id=router.number or 4,
                         own_as=routing.AS_ROUTERS)
    for session in sessions:
        for neighbor in session.neighbor:
            text += SESSION.format(neighbor=neighbor, neighbor_as=session.neighbor_as)
    for index, family in enumerate(("ipv4", "ipv6")):
        text += f" address-family {family} unicast\n  redistribute connected route-map own\n"
        for session in sessions:
            neighbor = session.neighbor[index]
            text += f"  neighbor {neighbor} activate\n  neighbor {neighbor} route-map global in\n"
            text += (f"  neighbor {neighbor} route-map nothing out\n" if session.is_node
                     else f"  neighbor {neighbor} next-hop-self\n")
        text += " exit-address-family\n"
    return text


def home(where):
    return where.directory / "frr"


def daemons(where, text):
    here = home(where)
    here.mkdir(exist_ok=True)
    (here / "frr.conf").write_text(text, encoding="utf-8")
    (here / "vtysh.conf").write_text(VTYSH.format(name=where.name), encoding="utf-8")
    for path in (here, *here.iterdir()):
        shutil.chown(path, "frr", "frr")
    common = ["-u", "frr", "-g", "frr", "-f", "/dev/null", "-z", here / "zserv.api",
              "--vty_socket", here, "-P", "0"]
    own = {**OWN_OPTIONS, "bfdd": ("--bfdctl", here / "bfdd.sock")}
    return [(name, [PROGRAMS / name, *common, "-i", here / f"{name}.pid", *own.get(name, ())])
            for name in DAEMONS]


def before(where, name):
    """Removes what says that it listens, which it leaves behind."""
    (home(where) / f"{name}.vty").unlink(missing_ok=True)


def after(where, name):
    """They need each other from the beginning."""
    wait_for((home(where) / f"{name}.vty").exists, 10, f"{name} of {where.name} listens")


def configure(where):
    """As FRR's start script does."""
    vtysh(where, "-b")


def vtysh(where, *words):
    return run("vtysh", "--vty_socket", home(where), "--config_dir", home(where), *words).stdout


def ask(where, command):
    return json.loads(vtysh(where, "-c", f"show {command} json") or "{}")


def sessions_down(router):
    try:
        bgp, bfd = ask(router, "bgp summary"), ask(router, "bfd peers")
    except (LabError, ValueError) as error:
        return [str(error)]
    peers = [(name, peer["state"] == "Established") for family in bgp.values()
             for name, peer in family.get("peers", {}).items()]
    peers += [(peer["peer"], peer["status"] == "up") for peer in bfd]
    return [name for name, is_up in peers if not is_up] or ([] if peers else ["no session yet"])


def switch(router, node, is_on):
    words = ["-c", "configure", "-c", f"router bgp {routing.AS_ROUTERS}"]
    for address in (node.address, node.address6):
        words += ["-c", f"{'no ' if is_on else ''}neighbor {address} shutdown"]
    vtysh(router, *words)


def told_by(router, node):
    routes = ask(router, f"bgp ipv4 unicast neighbors {node.address} routes")["routes"]
    told = {}
    for prefix in routes:
        paths = ask(router, f"bgp ipv4 unicast {prefix}")["paths"]
        told[prefix] = next((path.get("metric"), path.get("community", {}).get("string", ""))
                            for path in paths if path["peer"]["peerId"] == node.address)
    return told


def check(node):
    here = home(node)
    return (f"vtysh --vty_socket {here} --config_dir {here} -c 'show bgp neighbors {node.router}' "
            "| grep -q 'BGP state = Established'")
