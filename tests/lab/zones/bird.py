"""BIRD 2: see routing.py."""

import re

from netns import LabError, run

import routing

DAEMONS = ("bird",)

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


def node_config(node):
    return routing.shipped("bird.conf", node)


def router_config(router, sessions):
    text = ROUTER.format(directory=router.directory, id=router.number or 4)
    for session in sessions:
        for local, neighbor, suffix in zip(session.local, session.neighbor, ("", "6")):
            text += SESSION.format(
                name=protocol(session.name) + suffix,
                template=("node" if session.is_node else "line") + suffix, local=local,
                local_as=routing.AS_ROUTERS, neighbor=neighbor, neighbor_as=session.neighbor_as)
    return text


def protocol(name):
    return name.replace("-", "_")


def daemons(where, text):
    path = where.directory / "bird.conf"
    path.write_text(text, encoding="utf-8")
    return [(DAEMONS[0], ["bird", "-f", "-c", path, "-s", where.directory / "bird.ctl",
                          "-P", where.directory / "bird.pid"])]


def before(where, name):
    pass


def after(where, name):
    pass


def configure(where):
    pass


def birdc(where, *words):
    return run("birdc", "-s", where.directory / "bird.ctl", *words, check=False).stdout


def sessions_down(router):
    bgp = birdc(router, "show", "protocols").splitlines()
    bfd = birdc(router, "show", "bfd", "sessions").splitlines()
    if not bgp or not bfd:
        return ["BIRD does not answer"]
    down = [line.split()[0] for line in bgp
            if " BGP " in line and not line.rstrip().endswith("Established")]
    return down + [line.split()[0] for line in bfd
                   if re.match(r"[0-9a-f]+[.:]\S", line) and line.split()[2] != "Up"]


def switch(router, node, is_on):
    for suffix in ("", "6"):
        said = birdc(router, "enable" if is_on else "disable", protocol(node.name) + suffix)
        if not re.search("abled", said):
            raise LabError(f"{router.name}: {said}")


def told_by(router, node):
    told, prefix = {}, None
    for line in birdc(router, "show", "route", "all", "protocol",
                      protocol(node.name)).splitlines():
        if line[:1].isdigit():
            prefix = line.split()[0]
            told[prefix] = [None, ""]
        elif "BGP.med:" in line:
            told[prefix][0] = int(line.split()[1])
        elif "BGP.community:" in line:
            told[prefix][1] = line.partition(":")[2].strip().strip("()").replace(",", ":")
    return {prefix: tuple(values) for prefix, values in told.items()}


def check(node):
    return f"birdc -s {node.directory}/bird.ctl show protocols router4 | grep -q Established"
