#!/usr/bin/python3
"""Stop and restart, told apart: the holder runs under a real systemd, and a client asks the VIP
every 2 ms (root, systemd-container)."""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import sys
import time
import unittest

sys.dont_write_bytecode = True

from container import DATA, DOCSERVICE, SOURCE, UNIT, Container  # noqa: E402 (finds the lab's modules)
from booted import CRASHED_US, NOTHING_US, PLANNED_US, RESTARTED_US, Booted  # noqa: E402
from config import write  # noqa: E402
from lab import Lab, Options  # noqa: E402
from netns import now_us, wait_for  # noqa: E402
from proofs import run_proofs  # noqa: E402

BUILD = Options.build
PAUSE_US = 950_000    # between two starts that fail
CRASHES = 3
HOOK_S = 2
FOLLOWER = """\
[Unit]
PartOf={target}
[Service]
ExecStart=sleep infinity
[Install]
WantedBy={target}
"""
PRESENCE_S = 5        # the lease of a member key: ttl and 2 s
# of a service, a file and processes that are not the agent's
LOOKS = """\
  - {{name: unit, type: unit, unit: dbus.service, required: no}}
  - {{name: process, type: process, process: systemd-journal, required: no}}
  - {{name: exec, type: exec, command: [/usr/bin/systemctl, is-active, dbus], required: no}}
  - {{name: program, type: exec, command: [/usr/bin/python3, -c, "{program}"], required: no}}
  - {{name: file, type: file, path: /etc/passwd, contains: root, required: no}}
  - {{name: disk, type: disk, path: /, free: 1KiB, free_inodes: 1, required: no}}
  - {{name: link, type: link, interface: eth0, required: no}}
  - {{name: neighbour, type: gateway, address: {neighbour}, interface: eth0, required: no}}
  - {{name: port, type: tcp, address: 127.0.0.1:8000, required: no}}
"""
# what the programs of providers and hooks need
PROGRAM = ("import json, socket, ssl, subprocess, urllib.request; ssl.create_default_context(); "
           "subprocess.run(['/usr/bin/nsupdate', '-V'], check=True)")


class Boot(Booted):
    """One lab for all: node-a is booted and holds when a test begins, node-b stands by."""

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(Options(name=f"ooharb{os.getpid()}", nodes=2, build=BUILD, agent=False))
        unittest.addModuleCleanup(cls.lab.down)
        cls.lab.up()
        cls.a, cls.b = cls.lab.nodes
        cls.vip = cls.lab.vips[0]
        cls.box = Container(cls.lab, cls.a)
        unittest.addModuleCleanup(cls.box.destroy)
        cls.box.boot()
        cls.start_a()
        wait_for(lambda: cls.lab.holders() == [cls.a], 10,
                 lambda: f"node-a holds: {cls.box.journal()}")
        cls.lab.start(cls.b, "agent")

    @classmethod
    def reboot(cls):
        """Its memory, and so its runtime directory, is as empty as after any boot."""
        cls.box.boot()
        cls.start_a()

    @classmethod
    def start_a(cls):
        cls.lab.note_agent_start(cls.a)
        cls.box.systemctl("start", "ooha")

    def setUp(self):
        self.make_a_hold()
        super().setUp()

    def begin(self):
        holder = self.lab.holders()[0]
        promoted = {"EVENT": "promoted", "EPOCH": str(self.lab.claim()["epoch"])}.items()
        wait_for(lambda: any(promoted <= line.items() for line in self.lab.hooks(holder)), 10,
                 "the hook of the promotion has run")
        self.n_hooks = {node: len(self.lab.hooks(node)) for node in self.lab.nodes}
        return super().begin()

    def make_a_hold(self):
        if self.lab.holders() == [self.a]:
            return
        if self.box.systemctl("is-active", "ooha", check=False) != "active":
            self.start_a()
        wait_for(lambda: self.a not in self.lab.ineligible(), 10, "node-a is eligible")
        self.lab.process(self.b, "agent").end(10)
        wait_for(lambda: self.lab.holders() == [self.a], 10, "node-a holds")
        self.lab.start(self.b, "agent")

    # -- what is so

    def hooks(self, node):
        return [line["EVENT"] for line in self.lab.hooks(node)[self.n_hooks[node]:]]

    def check_kept(self, since_us, lasts_us):
        super().check_kept(since_us, lasts_us)
        self.assertEqual((self.hooks(self.a), self.hooks(self.b)), ([], []))

    def check_handed_over(self, since_us):
        line = self.wait_moved(since_us)
        self.assertLess(line["t_us"] - since_us, PLANNED_US, self.said())
        wait_for(lambda: (self.hooks(self.a), self.hooks(self.b)) == (["demoted"], ["promoted"]), 5,
                 lambda: f"the hooks ran: {self.hooks(self.a)}, {self.hooks(self.b)}")
        self.check_watch()
        self.assertLess(self.outage_us(line["t_us"]), PLANNED_US, "it is away again")

    # -- what keeps

    def test_members_of_the_group_reach_the_socket(self):
        done = self.box.run("stat", "-c", "%a %U:%G", "/run/ooha", "/run/ooha/ooha.sock")
        self.assertEqual(done.stdout.split("\n")[:2], ["750 ooha:ooha", "660 ooha:ooha"])
        self.box.run("getent", "group", "ooha-admin")

    def announce_as(self, *groups):
        """Asks for a change as a user without a name, in those groups; the answer's status."""
        done = self.box.run(
            "setpriv", "--reuid=54321", "--regid=54321", f"--groups={','.join(groups)}",
            "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket",
            "/run/ooha/ooha.sock", "-X", "POST", "http://ooha/v1/announce", check=False)
        return done.stdout

    def test_only_members_of_the_other_group_may_change_something(self):
        gids = {name: self.box.run("getent", "group", name).stdout.split(":")[2]
                for name in ("ooha", "ooha-admin")}
        n_lines = len(self.box.journal())
        self.assertEqual(self.announce_as("54321"), "000")  # not even reached
        self.assertEqual(self.announce_as(gids["ooha"]), "403")
        self.assertEqual(self.announce_as(*gids.values()), "200")
        said = [line for _, line in self.box.journal()[n_lines:] if " asked POST " in line]
        self.assertEqual([line.rpartition(": ")[2] for line in said], ["403", "200"])
        self.assertTrue(all(line.startswith("54321 (uid 54321, pid ") for line in said), said)

    def test_each_kind_of_check_can_look_out_of_the_sandbox(self):
        """At what belongs to root, or to nobody."""
        self.box.systemctl("stop", "ooha")
        self.addCleanup(self.mend)
        self.box.write_config(lambda text: text.replace(
            "hooks:",
            LOOKS.format(neighbour=self.b.address, program=PROGRAM) + "hooks:"))
        self.start_a()

        def reasons():
            done = self.box.run("curl", "-s", "--unix-socket", "/run/ooha/ooha.sock",
                                "http://ooha/v1/checks", check=False)
            return {check["name"]: (check["reason"], check["seen"])
                    for check in json.loads(done.stdout or '{"checks": []}')["checks"]}
        wait_for(lambda: reasons() and {reason for reason, _ in reasons().values()} == {"ok"}, 10,
                 lambda: f"each check is fine: {reasons()}")
        self.assertGreater(len(reasons()), 8)

    def test_agent_is_a_user_of_its_own_with_two_capabilities(self):
        status = pathlib.Path(f"/proc/{self.box.host_pid('ooha-agent')}/status").read_text("ascii")
        fields = dict(re.findall(r"^(\w+):\t(.*)$", status, re.M))
        uid = self.box.run("id", "-u", "ooha").stdout.strip()
        self.assertEqual(set(fields["Uid"].split()), {uid})
        for kind in ("Prm", "Eff", "Bnd", "Amb"):
            self.assertEqual(int(fields[f"Cap{kind}"], 16), 1 << 12 | 1 << 13, kind)
        self.assertEqual((fields["NoNewPrivs"], fields["Seccomp"]), ("1", "2"))
        said = self.box.run("setpriv", "--reuid=ooha", "--regid=ooha", "--init-groups",
                            "journalctl", "_PID=1", "-q", "-n", "1")
        self.assertNotEqual(said.stdout, "", "the diagnosis cannot read the journal")

    def test_restart_costs_a_client_nothing(self):
        for word in ("restart", "try-restart"):
            since_us = self.begin()
            self.box.systemctl(word, "ooha")
            self.check_kept(since_us, RESTARTED_US)
            self.assertIn("restarting: the next agent goes on", self.said())
            self.check_ended_well()

    def test_killed_agent_is_back_before_anybody_notices(self):
        for _ in range(CRASHES):  # at whatever moment between two renewals it is
            since_us = self.begin()
            os.kill(self.box.host_pid("ooha-agent"), signal.SIGKILL)
            self.check_kept(since_us, CRASHED_US)

    def test_nothing_that_was_kept_runs_out_behind_a_restart(self):
        key = f"/ooha/office/members/{self.a.name}"
        since_us = self.begin()
        self.box.systemctl("restart", "ooha")
        while now_us() < since_us + (PRESENCE_S + 1) * 1_000_000:
            self.assertIn(key, self.lab.keys("/ooha/office/members/"))
            time.sleep(0.1)
        self.assertEqual(self.lab.ineligible(), [])
        self.check_kept(since_us, RESTARTED_US)

    def test_restart_lets_a_running_hook_end(self):
        hook = self.a.directory / "hooks/promoted.d/20-slow"
        ended = self.a.directory / "open/slow_has_ended"
        write(hook, f"#!/bin/sh\nsleep {HOOK_S}\ntouch {ended}\n", 0o755)
        self.addCleanup(hook.unlink)
        self.box.systemctl("stop", "ooha")
        self.make_a_hold()
        since_us = self.begin()
        self.assertFalse(ended.exists(), "the hook is through already: nothing to prove")
        self.box.systemctl("restart", "ooha")
        self.assertTrue(ended.exists(), f"the hook was cut off: {self.said()}")
        self.check_kept(since_us, RESTARTED_US)

    # -- what hands over

    def test_stop_hands_over(self):
        since_us = self.begin()
        self.box.systemctl("stop", "ooha")
        self.check_handed_over(since_us)
        self.assertIn("stopping: Terminated, systemd's stop job", self.said())
        self.check_ended_well()
        last = self.box.records("--identifier=ooha-agent", "OOHA_MESSAGE=role")[-1]
        fields = ("MESSAGE", "PRIORITY", "OOHA_GROUP", "OOHA_CAUSE", "OOHA_PEER", "OOHA_EPOCH")
        self.assertEqual(tuple(last[field] for field in fields), (
            "office: handing_over -> standby: given to node-b", "5", "office", "yielded", "node-b",
            str(self.epoch + 1)))
        self.assertEqual(len(last["MESSAGE_ID"]), 32)

    def test_signal_without_a_job_hands_over(self):
        since_us = self.begin()
        os.kill(self.box.host_pid("ooha-agent"), signal.SIGTERM)
        self.check_handed_over(since_us)
        self.assertIn("stopping: Terminated, no job of systemd's", self.said())

    def test_restart_hands_over_if_nobody_answers_what_for(self):
        bus = self.box.host_pid("dbus-daemon")
        since_us = self.begin()
        os.kill(bus, signal.SIGSTOP)
        self.addCleanup(os.kill, bus, signal.SIGCONT)
        self.box.systemctl("restart", "ooha")
        self.check_handed_over(since_us)
        self.assertIn("stopping: Terminated, systemd does not say what for: Connection timed out",
                      self.said())

    def test_second_signal_hands_over_at_once(self):
        bus, agent = self.box.host_pid("dbus-daemon"), self.box.host_pid("ooha-agent")
        since_us = self.begin()
        os.kill(bus, signal.SIGSTOP)
        self.addCleanup(os.kill, bus, signal.SIGCONT)
        os.kill(agent, signal.SIGTERM)
        status = pathlib.Path(f"/proc/{agent}/status")
        wait_for(lambda: re.search(r"ShdPnd:\s*0*\n", status.read_text(encoding="ascii")), 5,
                 "the agent has read the signal")
        os.kill(agent, signal.SIGTERM)
        self.check_handed_over(since_us)
        self.assertIn("stopping: Terminated", self.said())

    def test_restart_hands_over_if_the_next_agent_could_not_start(self):
        self.addCleanup(self.box.write_config)
        self.box.write_config(lambda text: text.replace("renew:", "") + "nonsense: true\n")
        since_us = self.begin()
        self.box.systemctl("restart", "ooha", check=False)
        self.check_handed_over(since_us)
        self.wait_said("the next agent could not adopt: /etc/ooha/ooha.yaml:")

    def test_shutdown_hands_over(self):
        self.addCleanup(self.reboot)
        since_us = self.begin()
        self.box.halt()
        self.check_handed_over(since_us)

    # -- what has nothing to keep

    def test_what_is_missing_is_not_looked_for_all_the_time(self):
        self.box.systemctl("stop", "ooha")
        self.addCleanup(self.mend)
        self.box.write_config(lambda text: text.replace("interface: eth0", "interface: eth9"))
        n_told = len(self.box.told())
        self.box.systemctl("start", "ooha", check=False)

        def pauses():
            steps = [(at_us, text.split()[0]) for at_us, text in self.box.told()[n_told:]
                     if text.startswith(("Starting", f"{UNIT}: Main process exited"))]
            return [start_us - end_us for (end_us, _), (start_us, word) in zip(steps, steps[1:])
                    if word == "Starting"]
        wait_for(lambda: len(pauses()) >= 2, 20, lambda: f"it is tried again: {self.box.told()}")
        self.assertGreater(min(pauses()), PAUSE_US)

    def mend(self):
        self.box.write_config()
        self.box.systemctl("stop", "ooha")

    def test_restart_of_a_standby_changes_nothing(self):
        self.box.systemctl("stop", "ooha")
        self.start_a()
        self.lab.await_settled()
        since_us = self.begin()
        self.box.systemctl("restart", "ooha")
        wait_for(lambda: not self.lab.ineligible(), 10, "node-a is eligible")
        self.assertIn("stopping: Terminated, a restart with nothing to keep", self.said())
        self.check_watch()
        self.assertLess(self.outage_us(since_us), NOTHING_US)
        self.assertEqual((self.hooks(self.a), self.hooks(self.b)), ([], []))

    # -- hooks that need systemd

    def install_hook(self, name, *events):
        for event in events:
            target = self.a.directory / f"hooks/{event}.d/30-{name}"
            shutil.copy(SOURCE / "scripts/hooks" / name, target)
            self.addCleanup(target.unlink)

    def test_units_and_mail_follow_the_holder_out_of_the_sandbox(self):
        self.box.systemctl("stop", "ooha")
        self.install_hook("leader-target", "promoted", "demoted")
        self.install_hook("mail", "promoted")
        target, follower = "ooha-leader@office.target", "follower.service"
        self.box.write(f"etc/systemd/system/{follower}", FOLLOWER.format(target=target))
        mailed, sendmail = self.a.directory / "open/mailed", self.a.directory / "sendmail"
        write(sendmail, f"#!/bin/sh\n(grep NoNewPrivs /proc/self/status; cat) >{mailed}.part\n"
              f"mv {mailed}.part {mailed}\n", 0o755)
        self.box.write("etc/ooha/hooks/mail.conf", f"[mail]\nto = duty\nsendmail = {sendmail}\n")
        self.box.write(f"{DATA}/ooha/hooks/mail",
                       (SOURCE / "scripts/hooks/mail").read_text(encoding="utf-8"))
        (self.box.root / f"{DATA}/ooha/hooks/mail".lstrip("/")).chmod(0o755)
        self.box.systemctl("daemon-reload")
        self.box.systemctl("start", "ooha-mail.socket")
        self.box.systemctl("enable", follower)
        self.addCleanup(self.box.systemctl, "disable", follower)
        self.make_a_hold()
        wait_for(lambda: self.box.property("ActiveState", follower) == "active", 10,
                 lambda: f"{follower} runs: {self.box.journal()}")
        wait_for(mailed.exists, 10, lambda: f"mail was sent: {self.box.journal()}")
        self.assertTrue(mailed.read_text(encoding="utf-8").startswith("NoNewPrivs:\t0\n"))
        since = self.box.property("ActiveEnterTimestampMonotonic", target)
        self.box.systemctl("restart", "ooha")
        self.lab.await_settled()
        self.assertEqual(self.box.property("ActiveEnterTimestampMonotonic", target), since)
        self.box.systemctl("stop", "ooha")
        self.assertEqual((self.box.property("ActiveState", target),
                          self.box.property("ActiveState", follower)), ("inactive", "inactive"))

    # -- local repair

    def use_booted_documentserver(self):
        """The stand-in of node-a as a unit of its systemd instead of the lab's process."""
        program = self.a.directory / "documentserver"
        shutil.copy(self.lab.tool("tests/lab/standin"), program)
        self.box.write(f"etc/systemd/system/{DOCSERVICE}",
                       f"[Service]\nExecStart={program} 8000 {self.a.directory}/ds.sock\n")
        self.box.systemctl("daemon-reload")
        self.lab.process(self.a, "standin").end(5)
        self.addCleanup(self.lab.start, self.a, "standin")
        self.addCleanup(self.box.systemctl, "stop", DOCSERVICE)
        self.box.systemctl("start", DOCSERVICE)

    def test_hung_unit_of_a_standby_is_restarted(self):
        self.box.systemctl("stop", "ooha")
        self.addCleanup(self.mend)
        self.use_booted_documentserver()
        self.box.write_config(
            lambda text: f"{text}repair: {{documentserver: {DOCSERVICE}}}\n")
        self.start_a()
        self.lab.await_settled()
        since_us = self.begin()
        hung = self.box.property("MainPID", DOCSERVICE)
        os.kill(self.box.host_pid("documentserver"), signal.SIGSTOP)
        self.wait_said(f"systemctl restart {DOCSERVICE}: done")
        self.assertNotEqual(self.box.property("MainPID", DOCSERVICE), hung)
        wait_for(lambda: not self.lab.ineligible(), 10, "node-a is eligible")
        said = [line for line in self.said() if line.startswith("repair: ")]
        self.assertEqual(len(said), 1, said)
        self.check_watch()
        self.assertLess(self.outage_us(since_us), NOTHING_US)
        self.assertEqual((self.hooks(self.a), self.hooks(self.b)), ([], []))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=BUILD, metavar="DIR", help="default: %(default)s")
    parser.add_argument("names", nargs="*", metavar="TEST", help="only these, as Boot.test_...")
    arguments = parser.parse_args()
    BUILD = os.path.abspath(arguments.build)
    if os.geteuid() != 0 or not shutil.which("systemd-nspawn"):
        print("skipped: needs root and systemd-container")
        sys.exit(77)
    result = run_proofs([sys.argv[0], *arguments.names])
    n_failed = len(result.failures) + len(result.errors)
    print(f"{max(0, result.testsRun - n_failed)} passed, {n_failed} failed")
    sys.exit(0 if result.wasSuccessful() else 1)
