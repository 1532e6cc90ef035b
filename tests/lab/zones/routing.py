"""BIRD and FRR in namespaces; on the nodes with what is shipped (docs/routing)."""

import pathlib
import re
import shutil

from netns import LabError, run, wait_for

import network

SHIPPED = pathlib.Path(__file__).resolve().parents[3] / "docs/routing"
FRR = pathlib.Path("/usr/lib/frr")
FRR_DAEMONS = ("zebra", "bfdd", "bgpd")  # as they depend on each other
AS_ROUTERS, AS_NODES = 65000, 65079

ROUTER = """\
log "{directory}/bird.log" all;
router id 10.80.0.{id};
protocol device {{ scan time 10; }}
protocol direct {{ ipv4; ipv6; interface "zone"; }}
protocol kernel {{ ipv4 {{ import none; export where source = RTS_BGP; }}; }}
protocol kernel {{ ipv6 {{ import none; export where source = RTS_BGP; }}; }}
protocol bfd {{ interface "*" {{ interval 100 ms; multiplier 3; }}; }}
template bgp any {{
	direct;
	bfd on;
	hold time 9;
	keepalive time 3;
	connect delay time 1;
	connect retry time 2;
	error wait time 1, 4;
}}
# all learn everything from the one who has it: no path leads through a third
template bgp line from any {{
	ipv4 {{ import all; export where source ~ [RTS_DEVICE, RTS_BGP]; next hop self; }};
}}
template bgp line6 from any {{
	ipv6 {{ import all; export where source ~ [RTS_DEVICE, RTS_BGP]; next hop self; }};
}}
# all that a node says, unlike a real one: nothing here is to hide what nodes announce
template bgp node from any {{
	ipv4 {{ import all; export none; }};
}}
template bgp node6 from any {{
	ipv6 {{ import all; export none; }};
}}
"""
SESSION = """\
protocol bgp {name} from {template} {{
	local {local} as {local_as};
	neighbor {neighbor} as {neighbor_as};
}}
"""
VTYSH = "service integrated-vtysh-config\nhostname {name}\n"


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


def router_config(lab, router):
    """Of a router: its network, its nodes, and the lines to all other routers."""
    text = ROUTER.format(directory=router.directory, id=router.number or 4)
    sessions = []
    for other in lab.routers.values():
        if other is not router:
            low, high = sorted((router.number, other.number))
            here, there = network.ends(low, high)
            if router.number == high:
                here, there = there, here
            sessions.append((other.name, "line", here, there, AS_ROUTERS))
    for node in lab.nodes_of(router.number):
        sessions.append((node.name, "node", (router.address, router.address6),
                         (node.address, node.address6), AS_NODES))
    for name, template, here, there, neighbor_as in sessions:
        for local, neighbor, suffix in zip(here, there, ("", "6")):
            text += SESSION.format(name=name.replace("-", "_") + suffix, template=template + suffix,
                                   local=local, local_as=AS_ROUTERS, neighbor=neighbor,
                                   neighbor_as=neighbor_as)
    return text


def bird(where, text):
    path = where.directory / "bird.conf"
    path.write_text(text, encoding="utf-8")
    return [("bird", ["bird", "-f", "-c", path, "-s", where.directory / "bird.ctl",
                      "-P", where.directory / "bird.pid"])]


def frr_options(where):
    home = where.directory / "frr"
    return ["-u", "frr", "-g", "frr", "-f", "/dev/null", "-z", home / "zserv.api",
            "--vty_socket", home]


def frr(where, text):
    home = where.directory / "frr"
    home.mkdir(exist_ok=True)
    (home / "frr.conf").write_text(text, encoding="utf-8")
    (home / "vtysh.conf").write_text(VTYSH.format(name=where.name), encoding="utf-8")
    for path in (home, *home.iterdir()):
        shutil.chown(path, "frr", "frr")
    own = {"bfdd": ["--bfdctl", home / "bfdd.sock"], "bgpd": ["-p", "179"]}
    return [(name, [FRR / name, *frr_options(where), "-i", home / f"{name}.pid", "-P", "0",
                    *own.get(name, [])]) for name in FRR_DAEMONS]


def node_daemons(lab, node):
    if lab.kind == "frr":
        return frr(node, shipped("frr.conf", node))
    return bird(node, shipped("bird.conf", node))


def router_daemons(lab, router):
    return bird(router, router_config(lab, router))


def vtysh(where, *words):
    home = where.directory / "frr"
    return run("ip", "netns", "exec", where.namespace, "vtysh", "--vty_socket", home,
               "--config_dir", home, *words)


def forget(where, name):
    """Removes what says that a daemon of FRR listens, which it leaves behind."""
    (where.directory / "frr" / f"{name}.vty").unlink(missing_ok=True)


def await_start(where, name):
    """FRR's daemons need each other from the beginning."""
    if name in FRR_DAEMONS:
        wait_for((where.directory / "frr" / f"{name}.vty").exists, 10,
                 f"{name} of {where.name} listens")


def configure(where, daemons):
    """FRR's daemons are told by vtysh, as its start script does."""
    if daemons[0][0] in FRR_DAEMONS:
        vtysh(where, "-b")


def birdc(where, *words, check=True):
    return run("birdc", "-s", where.directory / "bird.ctl", *words, check=check).stdout


def session_command(lab, node):
    """What a check asks, as docs/routing.md has it."""
    if lab.kind == "frr":
        home = node.directory / "frr"
        return (f"vtysh --vty_socket {home} --config_dir {home} -c 'show bgp neighbors "
                f"{node.router}' | grep -q 'BGP state = Established'")
    return f"birdc -s {node.directory}/bird.ctl show protocols router4 | grep -q Established"


def sessions_down(router):
    """Its BGP and BFD sessions that are not up. FRR asks for BFD seconds after BGP is up."""
    try:
        bgp = birdc(router, "show", "protocols").splitlines()
        bfd = birdc(router, "show", "bfd", "sessions").splitlines()
    except LabError as error:
        return [str(error)]
    down = [line.split()[0] for line in bgp
            if " BGP " in line and not line.rstrip().endswith("Established")]
    return down + [line.split()[0] for line in bfd
                   if re.match(r"[0-9a-f]+[.:]\S", line) and line.split()[2] != "Up"]
