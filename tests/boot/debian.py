#!/usr/bin/python3
"""A node that is a Debian of its own: its root is made by mmdebstrap once, and each node of a lab has
a layer over it. etcd, nginx, the stand-in and the echo are its units; ooha is not on it yet.

    tests/boot/debian.py DIR [PACKAGE]    makes the root, and has it know what PACKAGE depends on"""

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys

from container import DOCSERVICE, Container  # finds the lab's modules
import config
from lab import ECHO_PORT
from netns import LabError, run
from process import end_as_interrupted

# what an ordinary system has, a node of the cluster besides, and nftables, which shows what is left
PACKAGES = ("systemd", "systemd-sysv", "dbus", "apt", "iproute2", "ca-certificates", "python3", "polkitd",
            "nginx-light", "etcd-server", "etcd-client", "nftables")
SUITE = "bookworm"
MAKE_S = 900  # for all of it, on a machine that does other things
TOOLS = "/opt/lab"
UNIT = """\
[Unit]
After=network.target
[Service]
ExecStart={command}
Restart=on-failure
[Install]
WantedBy=multi-user.target
"""
# as the Document Server's package installs it
SITE = """\
map $http_upgrade $proxy_connection {{ default upgrade; "" close; }}
upstream docservice {{ server 127.0.0.1:8000 max_fails=0 fail_timeout=0s; }}
server {{
    listen 0.0.0.0:80;
    listen [::]:80 default_server;
    access_log off;
    add_header X-Node {node} always;
    location / {{
        proxy_pass http://docservice;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $proxy_connection;
    }}
}}
"""


def read(path):
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def make(directory):
    """The root below directory, made unless it is there."""
    root, made = directory / "debian", directory / "debian.packages"
    wanted = " ".join((SUITE, *PACKAGES))
    if read(made) == wanted:
        return root
    if not shutil.which("mmdebstrap"):
        raise LabError("mmdebstrap is not installed: scripts/deps")
    made.unlink(missing_ok=True)
    fresh = directory / "debian.new"
    for left in (root, fresh):
        shutil.rmtree(left, ignore_errors=True)
    # what it mounts below the root, and what it has started, is gone with it, however it ends
    run("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "mmdebstrap",
        "--quiet", "--variant=minbase", "--skip=cleanup/apt/lists",
        f"--include={','.join(PACKAGES)}", SUITE, fresh, timeout=MAKE_S)
    fresh.rename(root)
    made.write_text(wanted, encoding="utf-8")
    return root


def fields(package):
    return run("dpkg-deb", "--field", package, "Pre-Depends", "Depends", "Recommends").stdout


def stock(root, package):
    """Downloads what the package depends on, where apt finds it without a network."""
    stocked = root.with_name("debian.stocked")
    wanted = f"{root.stat().st_ctime_ns} {fields(package)}"
    if read(stocked) == wanted:
        return
    copy = root / "root" / package.name
    shutil.copy(package, copy)
    try:
        run("chroot", root, "apt-get", "update", "--quiet", timeout=MAKE_S)
        run("chroot", root, "apt-get", "install", "--yes", "--download-only",
            f"/root/{package.name}", timeout=MAKE_S)
    finally:
        copy.unlink()
    stocked.write_text(wanted, encoding="utf-8")


def prepare(directory, package=None):
    """The root, stocked for the package; one at a time."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "debian.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        root = make(directory)
        if package:
            stock(root, package)
    return root


class Debian(Container):
    """One of them, of a lab whose nodes are booted. base: what prepare() returned."""

    def __init__(self, lab, node, base):
        super().__init__(lab, node)
        self.base = base
        self.layer = lab.etcd_data / node.name  # in memory, as what it has of etcd

    def make_root(self):
        for name in ("upper", "work"):
            (self.layer / name).mkdir(parents=True)
        self.root.mkdir(parents=True)
        run("mount", "-t", "overlay", "ooha-lab", self.root, "-o",
            f"lowerdir={self.base},upperdir={self.layer}/upper,workdir={self.layer}/work")
        self.write("etc/machine-id", os.urandom(16).hex() + "\n")  # else it is a first boot
        self.write("etc/hostname", self.node.name + "\n")
        self.write("etc/hosts", f"127.0.0.1 localhost\n{self.node.address} {self.node.name}\n")
        (self.root / "etc/resolv.conf").unlink(missing_ok=True)  # there is no name server
        self.write("etc/default/etcd", self.etcd_environment())
        (self.root / "etc/nginx/sites-enabled/default").unlink()
        self.write("etc/nginx/conf.d/ds.conf", SITE.format(node=self.node.name))
        tools = {DOCSERVICE: ("standin", "8000 /run/standin.sock"),
                 "lab-echo.service": ("echo", f"{ECHO_PORT} {self.node.name}")}
        wanted = self.root / "etc/systemd/system/multi-user.target.wants"
        for unit, (tool, arguments) in tools.items():
            (self.root / TOOLS.lstrip("/")).mkdir(exist_ok=True)
            shutil.copy(self.lab.tool(f"tests/lab/{tool}"), self.root / TOOLS.lstrip("/"))
            self.write(f"etc/systemd/system/{unit}",
                       UNIT.format(command=f"{TOOLS}/{tool} {arguments}"))
            (wanted / unit).symlink_to(f"/etc/systemd/system/{unit}")

    def etcd_environment(self):
        words = config.etcd_command(self.node, self.lab.members, pathlib.Path("/var/lib/etcd"))
        at = words.index("--listen-client-urls")  # the name and the directory are the unit's own
        return f"DAEMON_ARGS={' '.join(words[at:])}\n"

    def binds(self):
        return ["--resolv-conf=off", "--timezone=off"]

    def shell(self, line, stdin=None, timeout=60):
        """As root would type it, in root's directory; what it printed."""
        try:
            done = subprocess.run(
                ["nsenter", "--target", str(self.leader), "--mount", "--uts", "--ipc", "--net",
                 "--pid", "/usr/bin/env", "-i", "HOME=/root", "TERM=dumb", "DEBIAN_FRONTEND=noninteractive",
                 "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                 "/bin/sh", "-c", f"cd && {line}"], input=stdin, text=True, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=timeout, check=False)
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{line}: not through in {timeout:g} s: {error.output}") from None
        if done.returncode != 0:
            raise LabError(f"{self.node.name}: {line}: exit {done.returncode}: {done.stdout}")
        return done.stdout


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        sys.exit(64)
    end_as_interrupted()
    try:
        prepare(*[pathlib.Path(word).absolute() for word in sys.argv[1:]])
    except LabError as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
