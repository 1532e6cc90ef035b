#!/usr/bin/python3
"""Proves the lab's own tools, without agents: addresses are moved by hand (root; 77: skipped)."""

import os
import shutil
import signal
import socket
import sys
import time
import unittest

sys.dont_write_bytecode = True

from faults import Faults, ask_standin  # noqa: E402
from lab import MANY, Lab, Options  # noqa: E402
from netns import LabError, exists, http_request, inside, now_us, run, wait_for  # noqa: E402
from process import Process, uninterrupted  # noqa: E402
from proofs import Proof, run_proofs  # noqa: E402
from watch import Watch  # noqa: E402

VIP, VIP2, VIP6 = "10.77.0.100", "10.77.0.101", "fd77::100"
ASKED = [(VIP, "arp"), (VIP, "icmp"), (VIP, "tcp"), (VIP6, "nd"), (VIP6, "icmp6")]
BUILD = Options.build
SLACK_US = 50_000  # for this program and those that it starts, on a busy machine


def add(node, vip=VIP):
    bits, flags = (128, ["nodad"]) if ":" in vip else (32, [])
    run("ip", "-n", node.namespace, "addr", "add", f"{vip}/{bits}", "dev", "eth0", *flags)
    return now_us()


def delete(node, vip=VIP):
    before_us = now_us()
    bits = 128 if ":" in vip else 32
    run("ip", "-n", node.namespace, "addr", "del", f"{vip}/{bits}", "dev", "eth0")
    return before_us


def announce(node, vip=VIP):
    """One gratuitous ARP request."""
    mac, address = bytes.fromhex(node.mac.replace(":", "")), socket.inet_aton(vip)
    frame = (b"\xff" * 6 + mac + b"\x08\x06" + b"\x00\x01\x08\x00\x06\x04\x00\x01"
             + mac + address + b"\x00" * 6 + address)

    def send():
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as packet:
            packet.bind(("eth0", 0))
            packet.send(frame)
    inside(node.namespace, send)


class Tools(Proof):
    """One lab for all; each test leaves it without virtual addresses."""

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(Options(name=f"oohas{os.getpid()}", build=BUILD, vips=MANY, agent=False))
        unittest.addModuleCleanup(cls.lab.down)
        cls.lab.up()
        cls.faults = Faults(cls.lab)
        cls.a, cls.b, cls.c = cls.lab.nodes

    def setUp(self):
        # who had the address in another test is forgotten
        run("ip", "-n", self.lab.client, "neigh", "flush", "all")
        self.watch = Watch(self.lab, self.lab.directory / self.id(), [])

    def tearDown(self):
        for process in [self.watch.judge, *self.watch.clients.values()]:
            if process is not None and process.is_alive():
                process.end()
        for node in self.lab.nodes:
            self.faults.delete_vip(node)
        self.faults.heal_all()

    def judged(self, key):
        return [line for line in self.watch.judge_lines() if key in line]

    # -- judge

    def test_judge_knows_what_was_there_when_it_started(self):
        add(self.a)
        self.watch.start()
        self.watch.stop()
        events = [(line["node"], line["vip"], line["event"]) for line in self.judged("vip")]
        self.assertEqual(events, [("node-a", VIP, "up")])
        self.assertEqual(self.watch.verdict, 0)

    def test_judge_is_silent_on_moves_that_follow_each_other_at_once(self):
        self.watch.start()
        for vip in (VIP, VIP6):
            add(self.a, vip)
            for old, new in [(self.a, self.b), (self.b, self.a)] * 20:
                delete(old, vip)
                add(new, vip)
        # told to end it does not read what it had not come to yet
        wait_for(lambda: len(self.judged("vip")) == 2 * (1 + 2 * 40), 5,
                 lambda: f"all moves are told: {len(self.judged('vip'))} lines")
        self.watch.stop()
        self.assertEqual(self.watch.doubles(), [])
        self.assertEqual(self.watch.verdict, 0)

    def test_judge_reports_each_moment_with_two_holders_and_its_length(self):
        self.watch.start()
        for vip in (VIP2, VIP6):
            add(self.a, vip)
            before_us = now_us()
            added_us = add(self.b, vip)
            deleting_us = delete(self.a, vip)
            after_us = now_us()
            wait_for(lambda vip=vip: [line for line in self.judged("double_over")
                                      if line["double_over"] == vip], 2, "the double is over")
            line = self.judged("double_over")[-1]
            self.assertGreater(line["lasted_us"], deleting_us - added_us - SLACK_US, line)
            self.assertLess(line["lasted_us"], after_us - before_us + SLACK_US, line)
            self.assertEqual(self.judged("double")[-1]["nodes"], "node-a node-b")
        self.watch.stop()
        self.assertEqual(self.watch.verdict, 1)

    def test_judge_takes_a_renewed_lifetime_for_nothing_and_an_expiry_for_an_end(self):
        self.watch.start()
        for lifetime in (9, 9, 1):
            run("ip", "-n", self.a.namespace, "addr", "replace", f"{VIP}/32", "dev", "eth0",
                "valid_lft", lifetime, "preferred_lft", lifetime)
        wait_for(lambda: len(self.judged("vip")) == 2, 4, "the address expires")
        self.watch.stop()
        self.assertEqual([line["event"] for line in self.judged("vip")], ["up", "down"])

    def answerers(self):
        """Who answers now: {(address, kind): MAC or None}."""
        return {(line["answers"], line["kind"]): line["mac"] for line in self.judged("answers")}

    def test_judge_sees_two_macs_answer_one_request_in_every_way_of_asking(self):
        self.watch.start()
        for vip in (VIP, VIP6):
            add(self.a, vip)
        wait_for(lambda: self.answerers() == dict.fromkeys(ASKED, self.a.mac), 2, self.answerers)
        for vip in (VIP, VIP6):
            add(self.b, vip)

        def doubles():
            return {(line["double_answer"], line["kind"]): set(line["macs"])
                    for line in self.judged("double_answer")}
        wait_for(lambda: doubles() == dict.fromkeys(ASKED, {self.a.mac, self.b.mac}), 2, doubles)
        self.watch.stop()
        self.assertEqual(self.watch.verdict, 1)

    def test_judge_sees_who_answers_change_and_fall_silent(self):
        for vip in (VIP, VIP6):
            add(self.a, vip)
        self.watch.start()
        wait_for(lambda: self.answerers() == dict.fromkeys(ASKED, self.a.mac), 2, self.answerers)
        left_us = {vip: delete(self.a, vip) for vip in (VIP, VIP6)}
        wait_for(lambda: self.answerers() == dict.fromkeys(ASKED), 2, self.answerers)
        for line in self.judged("answers")[len(ASKED):]:
            self.assertEqual(line["last"], self.a.mac)
            # between two questions, and not after the act, which takes a moment
            self.assertGreater(line["last_us"], left_us[line["answers"]] - SLACK_US, line)
            self.assertLess(line["last_us"], line["t_us"], line)
        for vip in (VIP, VIP6):
            add(self.b, vip)
        wait_for(lambda: self.answerers() == dict.fromkeys(ASKED, self.b.mac), 2, self.answerers)
        self.watch.stop()
        self.assertEqual(self.watch.verdict, 0)

    def test_judge_takes_a_refused_connection_for_an_answer(self):
        add(self.a)
        self.faults.terminate(self.a, "nginx")
        self.lab.process(self.a, "nginx").wait_dead(5)
        self.watch.start()
        wait_for(lambda: self.answerers().get((VIP, "tcp")) == self.a.mac, 2, self.answerers)
        self.watch.stop()

    def test_judge_cannot_vouch_once_events_were_lost(self):
        self.watch.start()
        self.watch.judge.signal(signal.SIGSTOP)
        lines = ("addr add 10.99.0.1/32 dev eth0\naddr del 10.99.0.1/32 dev eth0\n") * 40000
        run("ip", "-n", self.a.namespace, "-batch", "-", stdin=lines, timeout=60)
        self.watch.judge.signal(signal.SIGCONT)
        self.assertEqual(self.watch.judge.wait_exit(20), 2)
        self.assertEqual(self.judged("failure")[0]["failure"], "address events were lost")

    # -- client

    def test_client_measures_the_gap_of_a_move_over_echo_and_http(self):
        add(self.a)
        self.watch.vips = [VIP]
        self.watch.start()
        self.watch.wait_served()
        gone_us = delete(self.a)
        time.sleep(0.2)
        add(self.b)
        announce(self.b)
        back_us = now_us()
        for kind in ("echo", "http"):
            line = wait_for(lambda kind=kind: self.watch.switch_after(VIP, kind, gone_us, "node-a"),
                            3, f"{kind} from node-b")
            self.assertEqual((line["from"], line["to"]), ("node-a", "node-b"))
            self.assertLess(abs(line["t_us"] - back_us), SLACK_US, line)
            self.assertGreater(line["gap_us"], 200_000, line)
        self.watch.stop()

    def test_client_sees_a_move_while_requests_to_the_old_holder_hang(self):
        add(self.a)
        self.watch.vips = [VIP]
        self.watch.start()
        self.watch.wait_served()
        hung_us = self.faults.standin(self.a, "hang")
        time.sleep(0.04)  # two requests hang now, and will for 260 ms more
        delete(self.a)
        add(self.b)
        announce(self.b)
        back_us = now_us()
        line = wait_for(lambda: self.watch.switch_after(VIP, "http", hung_us, "node-a"), 3,
                        "http from node-b")
        self.assertLess(line["t_us"] - back_us, SLACK_US, line)
        self.watch.stop()

    def test_client_sees_over_ipv6_that_a_server_hangs_and_comes_back(self):
        add(self.a, VIP6)
        self.watch.vips = [VIP6]
        self.watch.start()
        self.watch.wait_served()
        hung_us = self.faults.standin(self.a, "hang")
        time.sleep(1)  # longer than the client's own timeout
        well_us = self.faults.standin(self.a, "true")
        line = wait_for(lambda: self.watch.client_lines(VIP6, "http", "gap"), 3,
                        "a gap over http")[0]
        self.assertLess(abs(line["start_us"] - hung_us), SLACK_US, line)
        self.assertLess(abs(line["t_us"] - well_us), SLACK_US, line)
        self.assertEqual(self.watch.client_lines(VIP6, "http", "bad")[0]["what"], "timeout")
        self.watch.stop()
        self.assertLess(self.watch.outage_us(VIP6, "echo", hung_us), 100_000)

    # -- stand-in and faults

    def ask(self, port, path="/healthcheck", timeout=0.4):
        answer = http_request(self.a.namespace, "127.0.0.1", port, path, timeout=timeout)
        return answer and (answer[0], answer[2][:6].decode())

    def test_standin_goes_wrong_as_a_document_server_does(self):
        well = (200, "Server")
        for mode, proxied, direct, index in (
                ("true", (200, "true"), (200, "true"), well),
                ("false", (200, "false"), (200, "false"), well),
                ("hang", None, None, None),
                ("hang-healthcheck", None, None, well),
                ("refuse", (502, "<html>"), None, None),
                ("status 500", (500, "stand-"), (500, "stand-"), (500, "stand-")),
                ("slow 600", None, None, None),
                ("slow 100", (200, "true"), (200, "true"), well)):
            with self.subTest(mode=mode):
                ask_standin(self.a, mode)
                self.assertEqual(self.ask(80), proxied)
                self.assertEqual(self.ask(8000), direct)
                self.assertEqual(self.ask(8000, "/index.html"), index)
        ask_standin(self.a, "true")
        self.faults.freeze(self.a, "standin")
        self.assertIsNone(self.ask(8000))
        self.faults.thaw(self.a, "standin")
        self.assertEqual(self.ask(8000), (200, "true"))

    def test_standin_refuses_modes_it_does_not_know(self):
        for mode in ("", "maybe", "status", "status 42", "slow", "slow 0", "true 1", "hang 2 3"):
            with self.subTest(mode=mode), self.assertRaisesRegex(LabError, "no such mode"):
                ask_standin(self.a, mode)
        self.assertEqual(self.ask(8000), (200, "true"))

    def reaches(self, namespace, node, port=80, path="/healthcheck"):
        answer = http_request(namespace, node.address, port, path, timeout=0.3)
        return answer is not None and answer[0] == 200

    def test_faults_break_what_they_name_and_heal(self):
        def picture():
            return (self.reaches(self.lab.client, self.a), self.reaches(self.b.namespace, self.a),
                    self.reaches(self.a.namespace, self.a, 2379, "/version"))
        for fault, broken in ((self.faults.link_down, (False, False, True)),
                              (self.faults.cut_peers, (True, False, True)),
                              (self.faults.cut_etcd, (True, True, False)),
                              (self.faults.power_off, (False, False, False))):
            with self.subTest(fault=fault.__name__):
                self.assertEqual(picture(), (True, True, True))
                self.assertLess(abs(now_us() - fault(self.a)), 2_000_000)
                self.assertEqual(picture(), broken)
                self.faults.heal(self.a)
                wait_for(lambda: picture() == (True, True, True), 10, picture)

    def test_etcd_leader_is_found_and_another_one_after_its_death(self):
        leader = self.lab.etcd_leader()
        self.faults.kill(leader, "etcd")
        self.assertIsNot(wait_for(self.next_leader, 10, "another leader"), leader)

    def next_leader(self):
        try:
            return self.lab.etcd_leader()
        except LabError:
            return None


class UpAndDown(Proof):
    def test_down_leaves_nothing_behind_even_of_a_half_made_lab(self):
        lab = Lab(Options(name=f"oohau{os.getpid()}", build=BUILD, agent=False))
        self.addCleanup(lab.down)
        lab.up()
        with self.assertRaisesRegex(LabError, "already up"):
            lab.up()
        run("ip", "netns", "del", lab.nodes[1].namespace)
        lab.processes["node-a", "nginx"].signal(signal.SIGKILL, whole_group=True)
        lab.processes["node-c", "etcd"].signal(signal.SIGSTOP)
        Lab.left(lab.options.name).down()
        self.assertEqual([name for name in lab.namespaces if exists(name)], [])
        alive = [key for key, process in lab.processes.items() if process.is_alive()]
        self.assertEqual(alive, [])
        self.assertFalse(lab.directory.exists() or lab.etcd_data.exists())

    def test_a_reused_pid_is_not_signalled(self):
        me = Process("me", os.getpid(), started=1, log="/dev/null")
        self.assertFalse(me.is_alive())
        me.end()  # would end the test

    def test_an_interrupt_waits_until_what_was_started_is_known(self):
        known = []
        with self.assertRaises(KeyboardInterrupt):
            with uninterrupted():
                signal.raise_signal(signal.SIGINT)
                known.append("started")
        self.assertEqual(known, ["started"])

    def test_an_abandoned_watch_leaves_no_process(self):
        lab = Lab(Options(name=f"oohaw{os.getpid()}", build=BUILD, agent=False))
        self.addCleanup(lab.down)
        lab.up()
        watch = Watch(lab, lab.directory / "watch", [VIP])
        watch.start()
        self.assertEqual([process.is_alive() for process in watch.started()], [True, True])
        watch.abandon()
        for process in watch.started():
            self.assertTrue(process.wait_dead(5), process.name)


if __name__ == "__main__":
    if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]):
        BUILD = os.path.abspath(sys.argv.pop(1))
    if os.geteuid() != 0 or not all(shutil.which(name) for name in ("ip", "nft", "nginx", "etcd")):
        print("skipped: needs root, iproute2, nftables, nginx and etcd")
        sys.exit(77)
    sys.exit(0 if run_proofs(sys.argv).wasSuccessful() else 1)
