#!/usr/bin/python3
"""Proves scripts/providers/aws against a recorded fake of Amazon EC2."""

import json
import os
import sys
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

sys.dont_write_bytecode = True

from fake_aws import ID, REGION, SECRET, TOKEN, Ec2, refusal  # noqa: E402
from programs import PROVIDERS, Run, call, order  # noqa: E402

ENVIRONMENT = {"AWS_ACCESS_KEY_ID": ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION}
OWN = {"node-a": "eni-a", "node-b": "eni-b"}
PLACES = {"eip": {"kind": "eip", "allocation_id": "eipalloc-1"},
          "route": {"kind": "route", "route_table_ids": ["rtb-1", "rtb-2"]},
          "secondary": {"kind": "secondary"}}
VIP = "203.0.113.7"


class Aws(unittest.TestCase):
    def setUp(self):
        self.ec2 = Ec2()
        self.addCleanup(self.ec2.close)

    def told(self, kind, node, epoch, **settings):
        return order(node, epoch, {
            **PLACES[kind], "endpoint": self.ec2.url + "/", "metadata": self.ec2.url,
            "nodes": {name: {"interface_id": own} for name, own in OWN.items()}, **settings})

    def ok(self, verb, told, environment=None):
        code, output, error = call("aws", verb, told, ENVIRONMENT if environment is None else environment)
        self.assertEqual((code, error), (0, ""))
        return output

    def refused(self, verb, told, code, part, environment=None):
        got, output, error = call("aws", verb, told, ENVIRONMENT if environment is None else environment)
        self.assertEqual((got, output), (code, ""), error)
        self.assertIn(part, error)
        self.assertEqual(error.count("\n"), 1)

    def status(self, kind, node, epoch, **settings):
        return json.loads(self.ok("status", self.told(kind, node, epoch, **settings)))

    def where(self, kind):
        """The interfaces that have it, as EC2 has it."""
        if kind == "eip":
            association = self.ec2.address["eipalloc-1"]
            return [association[1]] if association else []
        if kind == "route":
            return [table[f"{VIP}/32"] for table in self.ec2.routes.values() if f"{VIP}/32" in table]
        return [name for name, (_, addresses) in self.ec2.interfaces.items() if VIP in addresses]

    def follow(self, kind, tagged, n):
        self.assertEqual(self.status(kind, "node-a", 1), {"holder": "nobody", "epoch": 0})
        for node, epoch in (("node-a", 1), ("node-b", 2)):
            self.ok("up", self.told(kind, node, epoch))
            self.assertEqual(self.where(kind), [OWN[node]] * n)
            self.assertEqual(self.status(kind, node, epoch), {"holder": "here", "epoch": epoch if tagged else 0})
        self.assertEqual(self.status(kind, "node-a", 1)["holder"], "elsewhere")
        before = list(self.ec2.calls)
        self.ok("up", self.told(kind, "node-b", 2))
        self.assertFalse([name for name in self.ec2.calls[len(before):] if not name.startswith("Describe")])
        self.ok("down", self.told(kind, "node-b", 2))
        self.assertEqual(self.where(kind), ["eni-b"] * n)
        self.ok("down", self.told(kind, "node-a", 1, on_down="release"))
        self.assertEqual(self.where(kind), ["eni-b"] * n)
        self.ok("down", self.told(kind, "node-b", 2, on_down="release"))
        self.assertEqual(self.where(kind), [])

    def test_elastic_ip_follows_the_holder(self):
        self.follow("eip", True, 1)

    def test_routes_follow_the_holder(self):
        self.follow("route", True, 2)

    def test_secondary_address_follows_the_holder(self):
        self.follow("secondary", False, 1)

    def test_route_of_ipv6(self):
        told = {**self.told("route", "node-a", 1), "address": "2001:db8::7", "family": "ipv6", "prefix": 128}
        self.ok("up", told)
        self.assertEqual(self.ec2.routes["rtb-2"]["2001:db8::7/128"], "eni-a")

    def test_route_in_some_tables_only_is_not_here(self):
        self.ok("up", self.told("route", "node-a", 1))
        del self.ec2.routes["rtb-2"][f"{VIP}/32"]
        self.assertEqual(self.status("route", "node-a", 1)["holder"], "elsewhere")
        self.ok("up", self.told("route", "node-a", 1))
        self.assertEqual(self.status("route", "node-a", 1)["holder"], "here")

    def test_past_holder_is_fenced_by_the_tag(self):
        for kind, what in (("eip", "eipalloc-1"), ("route", "rtb-1")):
            self.ok("up", self.told(kind, "node-b", 6))
            self.refused("up", self.told(kind, "node-a", 5), 2, f"fenced: {what} is node-b's, epoch 6; ours is 5")
            self.assertEqual(set(self.where(kind)), {"eni-b"})

    def test_late_association_gets_through_and_is_repaired(self):
        """EC2 cannot compare: what the past holder's request has moved, the holder's next `up` brings back."""
        self.ec2.hold("AssociateAddress")
        past = Run("aws", "up", self.told("eip", "node-a", 5), ENVIRONMENT)
        self.assertTrue(self.ec2.held.wait(10))
        self.ok("up", self.told("eip", "node-b", 6))
        self.assertEqual(self.where("eip"), ["eni-b"])
        self.ec2.release()
        self.assertEqual(past.wait(), 0)
        self.assertEqual(self.where("eip"), ["eni-a"])
        self.assertEqual(self.status("eip", "node-b", 6), {"holder": "elsewhere", "epoch": 6})
        self.ok("up", self.told("eip", "node-b", 6))
        self.assertEqual(self.where("eip"), ["eni-b"])
        self.refused("up", self.told("eip", "node-a", 5), 2, "fenced")

    def test_late_release_takes_nothing_from_the_next_holder(self):
        self.ok("up", self.told("eip", "node-a", 5))
        self.ec2.hold("DisassociateAddress")
        past = Run("aws", "down", self.told("eip", "node-a", 5, on_down="release"), ENVIRONMENT)
        self.assertTrue(self.ec2.held.wait(10))
        self.ok("up", self.told("eip", "node-b", 6))
        self.ec2.release()
        self.assertEqual(past.wait(), 0, past.error if past.process.returncode else "")
        self.assertEqual(self.where("eip"), ["eni-b"])

    def test_late_down_takes_nothing_from_a_later_tenure_of_its_own_node(self):
        for kind in ("eip", "route"):
            self.ok("up", self.told(kind, "node-a", 7))
            self.ok("down", self.told(kind, "node-a", 5, on_down="release"))
            self.assertEqual(set(self.where(kind)), {"eni-a"})

    def test_what_may_pass_is_tried_again(self):
        self.ec2.failures = [("AssociateAddress", refusal("RequestLimitExceeded", "Request limit exceeded.", 503)),
                             ("DescribeAddresses", refusal("InternalError", "An internal error", 500))]
        self.ok("up", self.told("eip", "node-a", 1))
        self.assertEqual(self.ec2.calls.count("AssociateAddress"), 2)

    def test_what_will_not_pass_is_said_in_time(self):
        self.ec2.failures = [("DescribeAddresses", refusal("RequestLimitExceeded", "Slow down.", 503))] * 50
        told = {**self.told("eip", "node-a", 1), "deadline_ms": 1500}
        self.refused("up", told, 1, "DescribeAddresses: RequestLimitExceeded: Slow down.")

    def test_errors_of_ec2_are_said(self):
        self.refused("up", self.told("eip", "node-a", 1, allocation_id="eipalloc-9"), 1,
                     "DescribeAddresses: InvalidAllocationID.NotFound: The allocation ID 'eipalloc-9' does not exist")
        self.refused("up", self.told("eip", "node-a", 1, nodes={}, interface_id="eni-9"), 1,
                     "AssociateAddress: InvalidNetworkInterfaceID.NotFound")
        self.refused("up", self.told("route", "node-a", 1, route_table_ids="rtb-9"), 1, "InvalidRouteTableID.NotFound")
        self.ec2.failures = [("DescribeAddresses", (200, {}, b"<html>"))]
        self.refused("up", self.told("eip", "node-a", 1), 1, "DescribeAddresses: the answer is no XML: <html>")

    def test_wrong_secret_is_refused_by_the_signature(self):
        self.refused("status", self.told("eip", "node-a", 1), 1, "DescribeAddresses: AuthFailure",
                     {**ENVIRONMENT, "AWS_SECRET_ACCESS_KEY": "wrong"})

    def test_wrong_settings_are_said(self):
        for place, settings, part in (
                ("eip", {"kind": "dns"}, "settings.kind is dns, and is to be one of eip, route, secondary"),
                ("eip", {"allocation_id": None}, "settings.allocation_id is missing"),
                ("route", {"route_table_ids": []}, "settings.route_table_ids is to be a list of route tables"),
                ("route", {"route_table_ids": [1]}, "settings.route_table_ids is to be a list of route tables"),
                ("eip", {"subnet": "x"}, "settings.subnet is not known")):
            told = self.told(place, "node-a", 1)
            self.refused("up", {**told, "settings": {**told["settings"], **settings}}, 64, part)
        self.refused("down", self.told("eip", "node-a", 1, on_down="x"), 64, "one of keep, release")
        told = {**self.told("secondary", "node-a", 1), "family": "ipv6"}
        self.refused("up", told, 64, "kind secondary is for IPv4")

    def test_machine_tells_region_interface_and_credentials(self):
        told = self.told("eip", "node-a", 1, nodes={})
        self.ok("up", told, {})
        self.assertEqual((self.where("eip"), self.ec2.tokens_asked), (["eni-a"], 1))

    def test_credentials_of_a_file(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "credentials")
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"[ooha]\naws_access_key_id = {ID}\naws_secret_access_key = {SECRET}\n"
                           f"aws_session_token = {TOKEN}\n")
            told = self.told("eip", "node-a", 1, credentials_file=path, profile="ooha", region=REGION)
            os.chmod(path, 0o644)
            self.refused("up", told, 1, f"{path}: others may read or change it: chmod 0600, or 0640", {})
            os.chmod(path, 0o600)
            self.ok("up", told, {})
            told["settings"]["profile"] = "other"
            self.refused("up", told, 1, f"{path}: profile other has no aws_access_key_id", {})


class Signature(unittest.TestCase):
    """The vectors of "Signature Version 4 test suite": what Amazon says is right."""

    @classmethod
    def setUpClass(cls):
        loader = SourceFileLoader("aws", os.path.join(PROVIDERS, "aws"))
        cls.aws = module_from_spec(spec_from_loader("aws", loader))
        loader.exec_module(cls.aws)
        cls.headers = {"Host": "example.amazonaws.com", "X-Amz-Date": "20150830T123600Z"}
        cls.credentials = {"id": ID, "secret": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}

    def sign(self, *request):
        return self.aws.sign(request, self.credentials, "us-east-1", "service").rpartition("=")[2]

    def test_get_vanilla(self):
        self.assertEqual(self.sign("GET", "/", "", self.headers, b""),
                         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")

    def test_post_x_www_form_urlencoded(self):
        headers = {**self.headers, "Content-Type": "application/x-www-form-urlencoded"}
        self.assertEqual(self.sign("POST", "/", "", headers, b"Param1=value1"),
                         "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a")


if __name__ == "__main__":
    unittest.main()
