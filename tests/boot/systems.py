#!/usr/bin/python3
"""Three booted Debian systems with ooha from its package, configured as the README says; a client asks
the VIP every 2 ms (root, systemd-container, mmdebstrap)."""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import sys
import unittest

sys.dont_write_bytecode = True

from container import DOCSERVICE, SOURCE, UNIT  # noqa: E402 (finds the lab's modules)
from booted import CRASHED_US, NOTHING_US, PLANNED_US, RESTARTED_US, Booted  # noqa: E402
from debian import Debian, prepare  # noqa: E402
from faults import Faults  # noqa: E402
from lab import Lab, Options  # noqa: E402
from netns import LabError, http_request, run, wait_for  # noqa: E402
from proofs import run_proofs  # noqa: E402

BUILD, PACKAGE = Options.build, None
README = (SOURCE / "README.md").read_text(encoding="utf-8")
INSTALL = "apt install ./ooha_*.deb"
ENABLE = "systemctl enable --now ooha"
CONFIG = "/etc/ooha/ooha.yaml"
ETCD = "10.0.{}.11:2379"  # the README's members
DEATH_US = 3_500_000      # what the README promises of a holder that cannot take part
# two failed checks a second apart, each of which may take a second
DETECTED_US = 3_100_000
WATCHDOG_S = 10
AGAIN_S = 40              # from a boot to a node that is fit to hold
WARNING = 4               # of a line in the journal
LEFT = ("/proc", "/sys", "/dev", "/var/log/journal", "/run/log/journal", "/root")


def step(what):
    print(f"{what} ...", file=sys.stderr, flush=True)


def each(function, boxes):
    """Of all nodes at the same time; returns what it returned."""
    with concurrent.futures.ThreadPoolExecutor(len(boxes)) as pool:
        return list(pool.map(function, boxes))


def readme_config(lab, node):
    """The README's configuration, with what is this node's and this network's."""
    text = re.search(r"^## Configure$.*?^```yaml\n(.*?)^```$", README, re.S | re.M).group(1)
    own = {"name: node-a": f"name: {node.name}", "zone: az-1": f"zone: {node.zone}",
           "10.0.0.100/24": lab.options.vips[0]}
    own |= {ETCD.format(i + 1): f"{member.address}:2379" for i, member in enumerate(lab.members)}
    for theirs, ours in own.items():
        if text.count(theirs) != 1:
            raise LabError(f"the README's configuration has {theirs} {text.count(theirs)} times")
        text = text.replace(theirs, ours)
    return text


class Ooha(Debian):
    """A node on which ooha is, or will be."""

    def install(self, package=None):
        for path in (self.root / "root").glob("ooha_*.deb"):
            path.unlink()
        shutil.copy(package or PACKAGE, self.root / "root")
        return self.shell(INSTALL, stdin="y\n", timeout=120)

    def state(self):
        return [self.systemctl(word, "ooha", check=False) for word in ("is-active", "is-enabled")]

    def start_unconfigured(self):
        """What an administrator sees who is too quick."""
        self.systemctl("start", "ooha", check=False)
        said = self.run("journalctl", "--no-pager", "--unit=ooha", "--priority=err").stdout
        self.systemctl("reset-failed", "ooha")
        return said

    def enable(self):
        self.lab.note_agent_start(self.node)
        self.shell(ENABLE)

    def configure(self):
        self.write(CONFIG, readme_config(self.lab, self.node))
        self.shell("ooha-agent --check")
        self.enable()

    def status(self):
        return json.loads(self.run("ooha", "status", "--json", check=False).stdout)

    def ooha_files(self):
        """What has its name in its path, or is its user's."""
        skip = " -o ".join(f"-path {path}" for path in LEFT)
        owner = "-o -user ooha " if "ooha" in self.shell("cut -d: -f1 /etc/passwd").split() else ""
        found = self.shell(f"find / \\( {skip} \\) -prune -o \\( -name '*ooha*' {owner}\\) -print")
        return sorted(found.split())


class Systems(Booted):
    """Whoever holds when a test begins is its node-a."""

    @classmethod
    def setUpClass(cls):
        base = prepare(pathlib.Path(BUILD) / "boot", PACKAGE)
        cls.lab = Lab(Options(name=f"oohasys{os.getpid()}", build=BUILD, agent=False, booted=True))
        unittest.addModuleCleanup(cls.lab.down)
        cls.lab.up()
        cls.vip, cls.faults = cls.lab.vips[0], Faults(cls.lab)
        cls.boxes = {node: Ooha(cls.lab, node, base) for node in cls.lab.nodes}
        step("three systems boot")
        for box in cls.boxes.values():
            unittest.addModuleCleanup(box.destroy)
            box.begin_boot()
        for box in cls.boxes.values():
            box.await_booted()
        cls.lab.await_ready(30)
        box = cls.boxes[cls.lab.nodes[0]]
        cls.before = box.ooha_files()
        step(INSTALL)
        cls.installed = [(said, box.state()) for said, box in zip(
            each(Ooha.install, cls.boxes.values()), cls.boxes.values())]
        cls.refused = box.start_unconfigured()
        step(f"the README's configuration, {ENABLE}")
        each(Ooha.configure, cls.boxes.values())
        cls.lab.await_settled()

    def setUp(self):
        for node, box in self.boxes.items():
            if not box.process.is_alive():
                self.switch_on(node)
            elif box.systemctl("is-active", "ooha", check=False) != "active":
                box.enable()
        super().setUp()

    def begin(self):
        type(self).a = self.lab.holders()[0]
        type(self).box = self.boxes[self.a]
        return super().begin()

    # -- what is done to a node

    def cut_power(self, node):
        """Cable, processes and memory are gone at the same instant; what its disk has stays."""
        box = self.boxes[node]
        before_us = self.faults.link_down(node)
        box.destroy()
        self.forget_network(node)
        return before_us

    def forget_network(self, node):
        """What a machine that is off has not, and its namespace keeps."""
        self.faults.delete_vip(node)
        run("ip", "netns", "exec", node.namespace, "nft", "flush", "ruleset")

    def switch_on(self, node):
        self.lab.note_agent_start(node)
        self.faults.link_up(node)
        self.lab.introduce_eye()
        self.boxes[node].boot()

    def await_fit(self, node):
        wait_for(lambda: node not in self.lab.ineligible(), AGAIN_S,
                 lambda: f"{node.name} is eligible: {self.boxes[node].journal()[-5:]}")

    @staticmethod
    def unstick(pid):
        with contextlib.suppress(ProcessLookupError):  # it has been replaced, if all is well
            os.kill(pid, signal.SIGCONT)

    # -- what is so

    def check_moved(self, since_us, bound_us, seconds=10):
        """Another node serves, after a gap below the bound."""
        self.wait_moved(since_us, seconds)
        self.check_watch()
        self.assertLess(self.outage_us(since_us), bound_us, self.said())

    def lines(self, box, *matches):
        """What an agent has said since it is installed, as records."""
        return box.records("--identifier=ooha-agent", *matches)

    # -- the first hour

    def test_readme_is_enough_for_a_cluster_that_serves(self):
        answer = http_request(self.lab.client, self.vip, 80, "/healthcheck")
        self.assertEqual((answer[0], answer[2]), (200, b"true"))
        self.assertEqual(answer[1]["X-Node"], self.lab.holders()[0].name)
        for box in self.boxes.values():
            done = box.run("ooha", "status", check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            done = box.run("ooha", "doctor", check=False)
            self.assertNotIn("critical", done.stdout.lower())
            self.assertLess(done.returncode, 2, done.stdout + done.stderr)

    def test_installation_starts_nothing_and_complains_of_nothing(self):
        for said, state in self.installed:
            own = re.search(r"^Setting up ooha .*?(?=^(Setting up|Processing triggers))", said,
                            re.S | re.M).group()
            self.assertNotRegex(own, r"(?i)warning|error|failed|invalid|missing")
            self.assertEqual(state, ["inactive", "disabled"])

    def test_start_without_a_configuration_says_so_in_the_units_journal(self):
        self.assertIn(f"{CONFIG}:1: empty; give at least cluster, etcd.endpoints and one group",
                      self.refused)

    def test_journal_has_a_line_a_change_and_none_that_warns(self):
        for node, box in self.boxes.items():
            own = self.lines(box)
            own = own[[line.get("OOHA_MESSAGE") for line in own].index("started"):]
            self.assertEqual([line["MESSAGE"] for line in own if int(line["PRIORITY"]) <= WARNING],
                             [], node.name)
            self.assertEqual({line["_SYSTEMD_UNIT"] for line in own}, {UNIT})
        holder = self.boxes[self.lab.holders()[0]]
        line = self.lines(holder, "OOHA_MESSAGE=role")[-1]
        self.assertEqual((line["OOHA_GROUP"], line["OOHA_EPOCH"]),
                         ("office", str(self.lab.claim()["epoch"])))
        told = holder.run("journalctl", "--no-pager", "-x", "-t", "ooha-agent").stdout
        self.assertIn("Subject: ooha: the agent has started", told)

    # -- what keeps

    def test_restart_costs_a_client_nothing(self):
        since_us = self.begin()
        self.box.systemctl("restart", "ooha")
        self.check_kept(since_us, RESTARTED_US)
        self.check_ended_well()

    def test_killed_agent_is_back_before_anybody_notices(self):
        since_us = self.begin()
        os.kill(self.box.host_pid("ooha-agent"), signal.SIGKILL)
        self.check_kept(since_us, CRASHED_US)

    def test_upgrade_costs_a_client_nothing(self):
        newer = newer_package(self.lab.directory)
        since_us = self.begin()
        for box in self.boxes.values():
            agent = box.host_pid("ooha-agent")
            box.install(newer)
            self.assertNotEqual(box.host_pid("ooha-agent"), agent, box.node.name)
            exe = os.readlink(f"/proc/{box.host_pid('ooha-agent')}/exe")
            self.assertNotIn("deleted", exe, box.node.name)
        # what dpkg does before it restarts the agent takes longer than that, and costs nothing either
        stop_us = max(at_us for at_us, text in self.box.told() if text.startswith("Stopping"))
        self.check_kept(stop_us, RESTARTED_US)
        self.assertLess(self.outage_us(since_us), max(NOTHING_US, self.outage_us(stop_us) + 1))
        self.check_ended_well()
        self.assertEqual(self.box.shell("dpkg-query -W -f '${Version}' ooha"), version_of(newer))
        self.assertEqual(self.box.shell(f"cat {CONFIG}"), readme_config(self.lab, self.a))

    def test_reload_changes_what_it_is_to_and_moves_nothing(self):
        since_us = self.begin()
        self.addCleanup(self.box.systemctl, "reload", "ooha")
        self.addCleanup(self.box.write, CONFIG, readme_config(self.lab, self.a))
        self.box.write(CONFIG, readme_config(self.lab, self.a) + "lease: {ttl: 4s}\n")
        self.box.systemctl("reload", "ooha")
        self.wait_said("reloaded /etc/ooha/ooha.yaml")
        self.check_watch()
        self.assertEqual(self.box.property("MainPID"), self.pid)
        self.assertLess(self.outage_us(since_us), NOTHING_US)
        self.assertEqual(self.lab.holders(), [self.a])

    # -- what moves

    def test_service_that_fails_moves_the_address(self):
        since_us = self.begin()
        self.addCleanup(self.box.systemctl, "start", DOCSERVICE)
        self.box.systemctl("stop", DOCSERVICE)
        line = self.wait_moved(since_us)
        self.assertLess(line["t_us"] - since_us, DETECTED_US + PLANNED_US, self.said())
        self.check_watch()
        self.assertLess(self.outage_us(since_us), PLANNED_US)

    def test_stop_hands_over(self):
        since_us = self.begin()
        self.box.systemctl("stop", "ooha")
        self.check_moved(since_us, PLANNED_US)
        self.check_ended_well()

    def test_reboot_hands_over_and_the_node_comes_back(self):
        since_us = self.begin()
        holder, box = self.a, self.box
        began = box.boot_id()
        box.run("chmod", "0751", "/etc/ooha")  # a stricter one is its owner's affair
        box.systemctl("reboot")
        self.check_moved(since_us, PLANNED_US, seconds=20)
        wait_for(lambda: not box.process.is_alive(), 30, "it has shut down")
        self.switch_on(holder)
        self.assertNotEqual(box.boot_id(), began)
        self.await_fit(holder)
        self.assertEqual(box.run("stat", "-c", "%a", "/etc/ooha").stdout.strip(), "751")
        told = box.run("journalctl", "--no-pager", "-b", "-1", "-t", "ooha-agent").stdout
        self.assertIn("handing_over -> standby", told)

    def test_power_cut_costs_a_ttl_and_the_node_comes_back(self):
        since_us = self.begin()
        holder = self.a
        cut_us = self.cut_power(holder)
        self.check_moved(since_us, DEATH_US + (cut_us - since_us))
        self.switch_on(holder)
        self.await_fit(holder)

    def test_watchdog_replaces_a_stuck_agent(self):
        since_us = self.begin()
        holder, stuck = self.a, self.box.host_pid("ooha-agent")
        self.addCleanup(self.unstick, stuck)
        os.kill(stuck, signal.SIGSTOP)
        self.check_moved(since_us, DEATH_US)
        wait_for(lambda: self.box.property("MainPID") not in (self.pid, "0"), WATCHDOG_S + 10,
                 lambda: f"another agent runs: {self.told()}")
        self.assertTrue([text for text in self.told() if "Watchdog timeout" in text], self.told())
        self.await_fit(holder)

    # -- the last hour

    def test_removal_hands_over_and_purge_leaves_nothing(self):
        since_us = self.begin()
        holder, box = self.a, self.box
        self.addCleanup(self.put_back, box)
        box.shell("apt remove ooha", stdin="y\n")
        self.check_moved(since_us, PLANNED_US, seconds=20)
        self.assertEqual(box.shell(f"cat {CONFIG}"), readme_config(self.lab, holder))
        self.assertNotIn(f"/ooha/office/members/{holder.name}", self.lab.keys())
        box.shell("apt purge ooha", stdin="y\n")
        self.assertEqual(box.ooha_files(), self.before)
        self.assertEqual(box.shell("getent passwd ooha; getent group ooha ooha-admin; true"), "")
        self.assertEqual(box.shell("nft list ruleset"), "")
        self.assertNotIn("ooha", box.systemctl("list-units", "--all", "--no-legend"))

    def put_back(self, box):
        if box.run("which", "ooha-agent", check=False).returncode != 0:
            box.install()
            box.configure()


def version_of(package):
    return run("dpkg-deb", "--field", package, "Version").stdout.strip()


def newer_package(directory):
    """The same with a higher version, which is another file for dpkg and another program to run, and with
    other words where the configuration is that it begins with."""
    tree = directory / "newer"
    run("dpkg-deb", "--raw-extract", PACKAGE, tree)
    control = tree / "DEBIAN/control"
    text = control.read_text(encoding="utf-8")
    version = f"{version_of(PACKAGE)}+newer"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", text, flags=re.M),
                       encoding="utf-8")
    with open(tree / "usr/share/ooha/ooha.yaml", "a", encoding="utf-8") as template:
        template.write("# newer\n")
    newer = directory / f"ooha_{version}.deb"
    run("dpkg-deb", "--build", "--root-owner-group", "-Zgzip", tree, newer)
    shutil.rmtree(tree)
    return newer


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=BUILD, metavar="DIR", help="default: %(default)s")
    parser.add_argument("--package", required=True, metavar="FILE", help="what scripts/package made")
    parser.add_argument("names", nargs="*", metavar="TEST", help="only these, as Systems.test_...")
    arguments = parser.parse_args()
    BUILD, PACKAGE = os.path.abspath(arguments.build), pathlib.Path(arguments.package).absolute()
    missing = [name for name in ("systemd-nspawn", "mmdebstrap") if not shutil.which(name)]
    if os.geteuid() != 0 or missing:
        print("skipped: needs root, systemd-container and mmdebstrap")
        sys.exit(77)
    result = run_proofs([sys.argv[0], *arguments.names])
    n_failed = len(result.failures) + len(result.errors)
    print(f"{max(0, result.testsRun - n_failed)} passed, {n_failed} failed")
    sys.exit(0 if result.wasSuccessful() else 1)
