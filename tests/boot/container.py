"""A node that is booted: a real systemd in systemd-nspawn, in the network namespace of a node of
the lab, on the host's /usr, with our unit installed."""

import json
import os
import pathlib
import re
import shutil
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

import config  # noqa: E402
from netns import LabError, run, wait_for  # noqa: E402
from process import Process, stat_fields, uninterrupted  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SBIN = "/opt/ooha/sbin"
DATA = "/opt/ooha/share"
UNIT = "ooha.service"
DOCSERVICE = "ds-docservice.service"
CAPABILITIES = "CAP_NET_ADMIN,CAP_NET_RAW"

# so that who starts is soon eligible
config.AGENT = config.AGENT.replace("interval: 2s", "interval: 250ms").replace(
    "interval: 1s", "interval: 250ms")

# the lab's hooks write beside their configuration, which the unit's sandbox keeps them from
DROP_IN = """\
[Service]
ReadWritePaths={directory}
"""


def is_first(pid):
    """Whether the process is number 1 of a process namespace of its own."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return False
    return re.search(r"^NSpid:\s.*\s1$", status, re.MULTILINE) is not None


class Container:
    """Of one node; may be booted again once it has halted."""

    def __init__(self, lab, node):
        self.lab, self.node = lab, node
        self.root = node.root
        self.process, self.noted = None, ()
        self.leader = None  # systemd, as the host numbers it

    # -- what is on its disk

    def write(self, path, text):
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def write_config(self, change=lambda text: text):
        """The lab's configuration of this node, with the unit's directories."""
        node = self.node
        self.lab.write_agent(node)
        text = (node.directory / f"{node.name}.yaml").read_text(encoding="utf-8")
        self.write("etc/ooha/ooha.yaml", change(text.replace(f"{node.directory}/run", "/run/ooha")))

    def make_root(self):
        for path in ("usr", "opt", "proc", "sys", "dev", "run", "tmp", "var/lib", "var/log",
                     "root"):
            (self.root / path).mkdir(parents=True)
        for path in ("bin", "sbin", "lib", "lib64"):
            (self.root / path).symlink_to(f"usr/{path}")
        self.write("etc/machine-id", os.urandom(16).hex() + "\n")  # else it is a first boot
        self.write("etc/hostname", self.node.name + "\n")
        for name in ("passwd", "group", "nsswitch.conf", "ld.so.cache", "os-release"):
            shutil.copy(f"/etc/{name}", self.root / "etc" / name)
        self.install("sysusers.d/ooha.conf", "ooha.sysusers")
        self.install("polkit-1/rules.d/50-ooha.rules", "ooha.rules")
        self.install("polkit-1/rules.d/50-ooha-repair.rules", "examples/50-ooha-repair.rules")
        for unit in (UNIT, "ooha-leader@.target", "ooha-mail.socket", "ooha-mail@.service"):
            self.install(f"systemd/system/{unit}", unit)
        self.write(f"etc/systemd/system/{UNIT}.d/lab.conf",
                   DROP_IN.format(directory=self.node.directory))
        self.write_config()
        # what the agent's user may write of the lab's
        (self.node.directory / "hooks.log").touch(0o666)
        (self.node.directory / "open").mkdir()
        for name in ("hooks.log", "open"):
            (self.node.directory / name).chmod(0o777)

    def install(self, path, name):
        """A file of systemd/, into /etc."""
        text = (SOURCE / "systemd" / name).read_text(encoding="utf-8")
        self.write(f"etc/{path}", text.replace("@sbindir@", SBIN).replace("@datadir@", DATA))

    # -- up and down

    def boot(self):
        """Returns when systemd is up."""
        self.begin_boot()
        self.await_booted()

    def begin_boot(self):
        if not self.root.exists():
            self.make_root()
        environment = {}
        command = ["systemd-nspawn", "--quiet", "--register=no", "--console=pipe", "--boot",
                   f"--directory={self.root}", f"--machine={self.node.namespace}",
                   f"--network-namespace-path=/run/netns/{self.node.namespace}",
                   f"--capability={CAPABILITIES}", "--kill-signal=SIGRTMIN+3", *self.binds()]
        if not os.path.isdir("/run/systemd/system"):
            command.append("--keep-unit")  # there is no systemd to make a scope
        if not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
            environment["SYSTEMD_NSPAWN_UNIFIED_HIERARCHY"] = "0"
        log = self.node.directory / "nspawn.log"
        with uninterrupted():
            self.process = Process.start("systemd-nspawn", None, command, log, environment)
            self.note(self.process)

    def await_booted(self):
        self.leader = int(wait_for(self.find_leader, 10, self.tell))
        self.note(Process("systemd", self.leader, stat_fields(self.leader)[1], self.process.log),
                  self.process)
        wait_for(self.is_booted, 40, lambda: f"systemd is up: {self.tell()}")

    def note(self, *processes):
        """So that `scripts/lab down` ends them if we cannot."""
        others = [other for other in self.lab.machines if other not in self.noted]
        self.lab.machines = others + list(processes)
        self.noted = processes
        self.lab.save()

    def binds(self):
        """What of the host is seen inside."""
        return ["--bind-ro=/usr", f"--bind={self.node.directory}",
                f"--bind-ro={self.lab.tool('agent/ooha-agent').parent}:{SBIN}"]

    def tell(self):
        return f"systemd-nspawn: {self.process.tail(5)}"

    def find_leader(self):
        """The process that is number 1 inside; nspawn's own children come and go before it."""
        if not self.process.is_alive():
            raise LabError(f"ended: {self.tell()}")
        pids = [self.process.pid]
        for pid in pids:
            try:
                if is_first(pid):
                    return pid
                pids += pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            except OSError:
                pass
        return None

    def is_booted(self):
        done = self.run("systemctl", "is-system-running", check=False)
        return done.stdout.strip() in ("running", "degraded")

    def halt(self):
        """Shuts it down in good order, as a reboot would; returns when it has."""
        self.process.signal(signal.SIGTERM)
        if not self.process.wait_dead(20):
            raise LabError("the container does not halt")

    def destroy(self):
        """Ends it at once. Its number 1 does not die with systemd-nspawn, but all inside with that."""
        if self.process is not None:
            leader = self.find_leader() if self.process.is_alive() else self.leader
            if leader is not None and is_first(leader):
                os.kill(int(leader), signal.SIGKILL)
            self.process.signal(signal.SIGKILL, whole_group=True)
            self.process.wait_dead(5)

    # -- inside

    def run(self, *command, check=True):
        return run("nsenter", "--target", self.leader, "--mount", "--uts", "--ipc", "--net",
                   "--pid", *command, check=check)

    def systemctl(self, *words, check=True):
        return self.run("systemctl", *words, check=check).stdout.strip()

    def property(self, name, unit=UNIT):
        return self.systemctl("show", "--value", "-p", name, unit)

    def boot_id(self):
        """Another after each boot: systemd-nspawn sees to that."""
        return self.run("cat", "/proc/sys/kernel/random/boot_id").stdout.strip()

    def host_pid(self, name):
        """The host's number of the only process of that name inside."""
        pids = [pid for pid in os.listdir("/proc") if pid.isdigit() and self.is_inside(pid, name)]
        if len(pids) != 1:
            raise LabError(f"{len(pids)} processes {name} run inside, not one")
        return int(pids[0])

    def is_inside(self, pid, name):
        try:
            if pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() != name:
                return False
            return (os.stat(f"/proc/{pid}/ns/pid").st_ino
                    == os.stat(f"/proc/{self.leader}/ns/pid").st_ino)
        except OSError:
            return False

    def entries(self, *matches):
        """[(when, what)] in the journal; CLOCK_BOOTTIME us, of a machine that did not sleep."""
        return [(int(line["__MONOTONIC_TIMESTAMP"]), line["MESSAGE"])
                for line in self.records(*matches)]

    def records(self, *matches):
        """The same with all fields."""
        done = self.run("journalctl", "--no-pager", "--output=json", *matches, check=False)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def journal(self):
        """What the agent has said."""
        return self.entries(f"_SYSTEMD_UNIT={UNIT}")

    def told(self):
        """What systemd has said of the unit."""
        return self.entries("_PID=1", f"UNIT={UNIT}")
