"""keepalived and ucarp, set up as their own manuals have it."""

import time

import config
from lab import LETTERS
from netns import http_request
from process import Process
from sides import Side, children

# keepalived.conf(5): more than 20 addresses go into the excluded block, out of the advertisements
ADVERTISED_MOST = 20

KEEPALIVED = """\
global_defs {{
    router_id {node}
    script_user root
    enable_script_security{version}
}}
vrrp_script proxy {{
    script "{directory}/check-proxy"
    interval 2
    timeout 4
    rise 2
    fall 2
}}
vrrp_script docservice {{
    script "{directory}/check-docservice"
    interval 1
    timeout 1
    rise 2
    fall 2
}}
vrrp_instance office {{
    state BACKUP
    nopreempt
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int {advert_s}
    virtual_ipaddress {{
        {vips}
    }}{excluded}
    track_script {{
        proxy
        docservice
    }}
}}
"""

CHECKS = {
    "check-proxy": '#!/bin/sh\n[ "$(curl -s -f -m 4 http://127.0.0.1/healthcheck)" = true ]\n',
    "check-docservice": "#!/bin/sh\n"
                        "exec curl -s -f -m 1 -o /dev/null http://127.0.0.1:8000/index.html\n",
}


def write_checks(directory):
    for name, text in CHECKS.items():
        config.write(directory / name, text, 0o755)


def show_checks():
    return "".join(f"# {name}:\n" + "".join(f"#   {line}\n" for line in body.splitlines())
                   for name, body in CHECKS.items())


class Peer(Side):
    """A daemon that says in its log when it has become a backup."""
    backup = ""  # what it says then

    def write(self, node):
        """Its files; returns their directory."""
        raise NotImplementedError

    def command(self, node, directory):
        raise NotImplementedError

    def start(self, node):
        if self.lab.is_running(node, self.service):
            return
        directory = self.write(node)
        (directory / "log").unlink(missing_ok=True)
        self.faults.delete_vip(node)  # one that was killed has left it behind
        self.lab.processes[node.name, self.service] = Process.start(
            f"{node.name}/{self.service}", node.namespace, self.command(node, directory),
            directory / "log")
        self.lab.save()

    def is_settled(self):
        for node in self.lab.nodes:
            log = (node.directory / self.service / "log").read_text(errors="replace")
            if self.backup not in log or not self.lab.is_running(node, self.service):
                return False
            answer = http_request(node.namespace, "127.0.0.1", 80, "/healthcheck")
            if answer is None or answer[2] != b"true":
                return False
        return len(self.lab.holders()) == 1

    def await_settled(self):
        super().await_settled()
        time.sleep(1.5)  # an advertisement more, so that all have heard the master


class Keepalived(Peer):
    """keepalived as its manual has it: the first node's priority 50 more than the next one's,
    advert_int 1; nopreempt, as ooha by default does not fail back either."""
    name, service = "keepalived 1s", "keepalived"
    backup = "Entering BACKUP STATE"
    priorities = dict(zip(LETTERS, (150, 100, 50)))
    advert_s, version = "1", ""

    def write(self, node):
        directory = node.directory / "keepalived"
        write_checks(directory)
        lines = [f"{vip} dev eth0" for vip in self.lab.options.vips]
        indent = "\n        "
        rest = indent.join(lines[ADVERTISED_MOST:])
        config.write(directory / "keepalived.conf", KEEPALIVED.format(
            node=node.name, directory=directory, priority=self.priorities[node.letter],
            advert_s=self.advert_s, version=self.version,
            vips=indent.join(lines[:ADVERTISED_MOST]),
            excluded=f"\n    virtual_ipaddress_excluded {{{indent}{rest}\n    }}" if rest else ""))
        return directory

    def command(self, node, directory):
        return ["keepalived", "--vrrp", "--dont-fork", "--log-console", "--no-syslog",
                "-f", directory / "keepalived.conf", "-p", directory / "pid",
                "-r", directory / "vrrp.pid"]

    def pids(self, node):
        parent = self.lab.process(node, self.service).pid
        return [parent] + children(parent)[:1]  # the VRRP process; its children are scripts

    def show_config(self):
        directory = self.write(self.lab.nodes[0])
        text = (directory / "keepalived.conf").read_text(encoding="utf-8")
        others = ", ".join(str(self.priorities[node.letter]) for node in self.lab.nodes[1:])
        return f"{text}# the other nodes: priority {others}\n{show_checks()}"


class KeepalivedQuick(Keepalived):
    """The same with advertisements every 100 ms, for which its manual wants VRRP version 3."""
    name = "keepalived 100ms"
    advert_s, version = "0.1", "\n    vrrp_version 3"


class Ucarp(Peer):
    """ucarp as its manual and Debian's start it: advbase 1, --shutdown, scripts for ip(8)."""
    name = service = "ucarp"
    backup = "Switching to state: BACKUP"
    vips_most = 1
    cannot = {"service-failure": "it has no checks"}
    skews = dict(zip(LETTERS, (0, 50, 100)))

    def write(self, node):
        directory = node.directory / "ucarp"
        for name, verb in (("vip-up", "add"), ("vip-down", "del")):
            config.write(directory / name, f'#!/bin/sh\n/sbin/ip addr {verb} "$2"/24 dev "$1"\n',
                         0o755)
        return directory

    def command(self, node, directory):
        return ["ucarp", "--interface=eth0", f"--srcip={node.address}", "--vhid=51",
                "--pass=love", f"--addr={self.lab.vips[0]}", "--advbase=1",
                f"--advskew={self.skews[node.letter]}", "--shutdown",
                f"--upscript={directory}/vip-up", f"--downscript={directory}/vip-down"]

    def show_config(self):
        node = self.lab.nodes[0]
        directory = self.write(node)
        others = ", ".join(str(self.skews[node.letter]) for node in self.lab.nodes[1:])
        return (" ".join(self.command(node, directory)) +
                f"\n# the other nodes: --advskew {others}\n"
                f"# vip-up: {(directory / 'vip-up').read_text(encoding='utf-8').splitlines()[1]}\n")
