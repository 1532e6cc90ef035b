#!/usr/bin/python3
"""Proves scripts/providers/nsupdate against a real BIND (77: there is none)."""

import json
import shutil
import sys
import unittest

sys.dont_write_bytecode = True

from bind import ZONE, Bind  # noqa: E402
from programs import Run, call, order  # noqa: E402
from relay import Relay  # noqa: E402

OWN = {"node-a": "10.1.0.11", "node-b": "10.2.0.11"}


class Nsupdate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bind = Bind()
        cls.n = 0

    @classmethod
    def tearDownClass(cls):
        cls.bind.stop()

    def setUp(self):
        type(self).n += 1
        self.name = f"office{self.n}"

    def told(self, node, epoch, port=None, **settings):
        return order(node, epoch, {
            "server": "127.0.0.1", "port": port or self.bind.port, "zone": ZONE, "name": self.name,
            "key_file": self.bind.key_file, "ttl": "2s",
            "nodes": {name: {"publish": address} for name, address in OWN.items()}, **settings})

    def ok(self, verb, told):
        code, output, error = call("nsupdate", verb, told)
        self.assertEqual((code, error), (0, ""))
        return output

    def refused(self, verb, told, code, part):
        got, output, error = call("nsupdate", verb, told)
        self.assertEqual((got, output), (code, ""))
        self.assertIn(part, error)
        self.assertEqual(error.count("\n"), 1)

    def status(self, node, epoch):
        return json.loads(self.ok("status", self.told(node, epoch)))

    def test_name_follows_the_holder(self):
        self.assertEqual(self.status("node-a", 1), {"holder": "nobody", "epoch": 0})
        for node, epoch in (("node-a", 1), ("node-b", 2), ("node-a", 3)):
            self.ok("up", self.told(node, epoch))
            self.assertEqual(self.bind.ask(self.name), [OWN[node]])
            self.assertEqual(self.status(node, epoch), {"holder": "here", "epoch": epoch})
        self.assertEqual(self.status("node-b", 2), {"holder": "elsewhere", "epoch": 3})

    def test_up_twice_changes_nothing_more(self):
        self.ok("up", self.told("node-a", 4))
        serial = self.bind.dig("+short", "+answer", ZONE, "SOA")
        self.ok("up", self.told("node-a", 4))
        self.assertEqual(self.bind.dig("+short", "+answer", ZONE, "SOA"), serial)

    def test_past_holder_is_fenced(self):
        self.ok("up", self.told("node-b", 6))
        self.refused("up", self.told("node-a", 5), 2, f"fenced: {self.name}.{ZONE} is node-b's, epoch 6; ours is 5")
        self.refused("up", self.told("node-a", 6), 2, "fenced: ")
        self.assertEqual(self.bind.ask(self.name), [OWN["node-b"]])

    def late(self, before):
        """node-a's update, epoch 5, arrives after node-b's, epoch 6."""
        if before:
            self.ok("up", self.told("node-b", before))
        relay = Relay(("127.0.0.1", self.bind.port), holds=lambda number: number == 3)
        try:
            past = Run("nsupdate", "up", self.told("node-a", 5, port=relay.port))
            self.assertTrue(relay.held.wait(10))
            self.ok("up", self.told("node-b", 6))
            relay.release()
            self.assertEqual(past.wait(), 2, past.error)
            self.assertIn("fenced: ", past.error)
        finally:
            relay.close()
        self.assertEqual(self.bind.ask(self.name), [OWN["node-b"]])
        self.assertEqual(self.status("node-b", 6), {"holder": "here", "epoch": 6})

    def test_late_update_of_a_past_holder_loses(self):
        self.late(before=4)

    def test_late_update_loses_where_nothing_was_before(self):
        self.late(before=0)

    def test_down_keeps_the_name_unless_told_to_release(self):
        self.ok("up", self.told("node-a", 7))
        self.ok("down", self.told("node-a", 7))
        self.assertEqual(self.bind.ask(self.name), [OWN["node-a"]])
        self.ok("down", self.told("node-a", 7, on_down="release"))
        self.assertEqual(self.bind.ask(self.name), [])
        self.assertEqual(self.status("node-a", 7), {"holder": "nobody", "epoch": 7})
        self.ok("down", self.told("node-a", 7, on_down="release"))
        self.refused("up", self.told("node-b", 6), 2, "fenced")

    def test_late_down_of_a_past_holder_removes_nothing(self):
        self.ok("up", self.told("node-a", 8, publish="10.9.9.9", nodes={}))
        relay = Relay(("127.0.0.1", self.bind.port), holds=lambda number: number == 3)
        try:
            past = Run("nsupdate", "down", self.told("node-a", 8, port=relay.port, publish="10.9.9.9", nodes={},
                                                     on_down="release"))
            self.assertTrue(relay.held.wait(10))
            self.ok("up", self.told("node-b", 9, publish="10.9.9.9", nodes={}))
            relay.release()
            self.assertEqual(past.wait(), 0, past.error)
        finally:
            relay.close()
        self.assertEqual(self.bind.ask(self.name), ["10.9.9.9"])

    def test_both_families_share_a_name(self):
        six = dict(address="2001:db8::7", family="ipv6", prefix=128)
        self.ok("up", self.told("node-a", 3))
        self.ok("up", {**self.told("node-a", 3, nodes={}), **six})
        self.assertEqual(self.bind.ask(self.name), [OWN["node-a"]])
        self.assertEqual(self.bind.ask(self.name, "AAAA"), ["2001:db8::7"])

    def test_name_of_others_is_left_alone(self):
        self.bind.update(f'update add _ooha.{self.name}.{ZONE} 60 TXT "v=spf1 -all"')
        self.refused("up", self.told("node-a", 1), 1, "not written by ooha: v=spf1 -all")
        self.name = "another"
        self.ok("up", self.told("node-a", 1))
        self.refused("up", {**self.told("node-a", 9), "group": "mail"}, 1,
                     "belongs to group main of cluster office")

    def test_stray_addresses_are_replaced(self):
        self.ok("up", self.told("node-a", 2))
        self.bind.update(f"update add {self.name}.{ZONE} 60 A 192.0.2.66")
        self.assertEqual(self.status("node-a", 2), {"holder": "elsewhere", "epoch": 2})
        self.ok("up", self.told("node-a", 2))
        self.assertEqual(self.bind.ask(self.name), [OWN["node-a"]])

    def test_what_is_wrong_is_said(self):
        told = self.told("node-a", 1)
        for settings, code, part in (
                ({"server": "127.0.0.1;send"}, 64, "settings.server is 127.0.0.1;send"),
                ({"name": "x y"}, 64, "settings.name is x y, which is no domain name"),
                ({"name": "a.elsewhere.org."}, 64, "not in the zone example.test"),
                ({"ttl": "soon"}, 64, "settings.ttl is soon, and is to be a time such as 5s or 1m"),
                ({"nodes": {}, "publish": "here"}, 64, "settings.publish is here, which is no address"),
                ({"on_down": "drop"}, 64, "one of keep, release"),
                ({"serve": "x"}, 64, "settings.serve is not known"),
                ({"nodes": ["node-a"]}, 64, "settings.nodes is to be a mapping"),
                ({"zone": "other.test", "name": "x"}, 1, "x.other.test: REFUSED"),
                ({"port": 1}, 1, "127.0.0.1: asked for"),
                ({"key_file": None}, 1, "update of wrong"),
                ({"key_file": "/nowhere"}, 1, "127.0.0.1: ")):
            settings = {**told["settings"], "name": "wrong", **settings}
            self.refused("up", {**told, "settings": settings}, code, part)

    def test_silent_server_is_given_up_in_time(self):
        relay = Relay(("127.0.0.1", self.bind.port), holds=lambda number: True)
        try:
            told = {**self.told("node-a", 1, port=relay.port), "deadline_ms": 700}
            self.refused("status", told, 1, "127.0.0.1 does not answer in time")
        finally:
            relay.close()

    def test_what_is_no_order_is_refused(self):
        for text, part in (("", "standard input is no JSON"), ("[]", "not JSON of version 1"),
                           ('{"version": 2}', "not JSON of version 1"),
                           ({**self.told("node-a", 1), "epoch": True}, "epoch is missing or no int"),
                           ({**self.told("node-a", 1), "node": None}, "node is missing or no str")):
            self.refused("up", text, 64, part)
        self.refused("fly", self.told("node-a", 1), 64, "to be called as: up, down or status")


if __name__ == "__main__":
    if shutil.which("named") is None or shutil.which("nsupdate") is None:
        print("no bind9, or no bind9-dnsutils: skipped")
        sys.exit(77)
    unittest.main()
