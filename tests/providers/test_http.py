#!/usr/bin/python3
"""Proves scripts/providers/http against a fake API, with entity tags and without."""

import hashlib
import json
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

from fake import Fake  # noqa: E402
from programs import Run, call, order  # noqa: E402

TOKEN = "s3cret"


class Store(Fake):
    """One JSON document at /vip; entity tags and If-Match as RFC 9110 has them, unless tagged is false."""

    def __init__(self, tagged=True):
        super().__init__()
        self.document, self.tagged = None, tagged
        self.seen = []

    def tag(self):
        return '"' + hashlib.sha256(json.dumps(self.document).encode()).hexdigest()[:12] + '"'

    def serve(self, method, path, headers, body):
        if path == "/token":
            good = headers.get("Metadata-Flavor") == "Google"
            return (200, {}, json.dumps({"access_token": TOKEN}).encode()) if good else (403, {}, b"")
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {}, b'{"error": "unauthorized"}'
        failure = self.pass_by(method)
        if failure:
            return failure
        with self.lock:
            self.seen.append((method, path, body.decode()))
            return self.carry_out(method, headers, body)

    def carry_out(self, method, headers, body):
        if method == "GET" and self.document is None:
            return 404, {}, b"{}"
        if method != "GET":
            wanted = headers.get("If-Match")
            if self.tagged and ((wanted and (self.document is None or wanted != self.tag()))
                                or (headers.get("If-None-Match") == "*" and self.document is not None)):
                return 412, {}, b"{}"
            self.document = json.loads(body) if method != "DELETE" else None
        tag = {"ETag": self.tag()} if self.tagged and self.document is not None else {}
        return 200, {"Content-Type": "application/json", **tag}, json.dumps(self.document).encode()


class Http(unittest.TestCase):
    def setUp(self):
        self.use(Store())
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.token_file = os.path.join(directory.name, "token")
        with open(self.token_file, "w", encoding="utf-8") as file:
            file.write(TOKEN + "\n")
        os.chmod(self.token_file, 0o600)

    def use(self, store):
        self.store = store
        self.addCleanup(store.close)

    def told(self, node, epoch, **settings):
        url = f"{self.store.url}/vip"
        return order(node, epoch, {
            "token": {"file": self.token_file}, "headers": {"Authorization": "Bearer {token}"},
            "get": {"url": url, "holder": "/data/server", "epoch": "/data/epoch"}, "here": "{server}",
            "up": {"url": url, "body": {"data": {"server": "{server}", "epoch": "{epoch}", "by": "ooha on {node}"}}},
            "down": {"method": "DELETE", "url": url},
            "nodes": {"node-a": {"server": 4711}, "node-b": {"server": 4712}}, **settings})

    def ok(self, verb, told):
        code, output, error = call("http", verb, told)
        self.assertEqual((code, error), (0, ""))
        return output

    def refused(self, verb, told, code, part):
        got, output, error = call("http", verb, told)
        self.assertEqual((got, output), (code, ""), error)
        self.assertIn(part, error)
        self.assertNotIn(TOKEN, error)
        self.assertEqual(error.count("\n"), 1)

    def status(self, node, epoch):
        return json.loads(self.ok("status", self.told(node, epoch)))

    def test_address_follows_the_holder(self):
        self.assertEqual(self.status("node-a", 1), {"holder": "nobody", "epoch": 0})
        for node, epoch, server in (("node-a", 1, 4711), ("node-b", 2, 4712)):
            self.ok("up", self.told(node, epoch))
            self.assertEqual(self.store.document,
                             {"data": {"server": server, "epoch": epoch, "by": f"ooha on {node}"}})
            self.assertEqual(self.status(node, epoch), {"holder": "here", "epoch": epoch})
        self.assertEqual(self.status("node-a", 1), {"holder": "elsewhere", "epoch": 2})
        self.refused("up", self.told("node-a", 1), 2, "fenced: held by 4712, epoch 2; ours is 1")
        count = len(self.store.seen)
        self.ok("up", self.told("node-b", 2))
        self.assertEqual(len(self.store.seen), count + 1)

    def late(self, code):
        self.store.hold("PUT")
        past = Run("http", "up", self.told("node-a", 5))
        self.assertTrue(self.store.held.wait(10))
        self.ok("up", self.told("node-b", 6))
        self.store.release()
        self.assertEqual(past.wait(), code, past.error)

    def test_late_request_of_a_past_holder_loses(self):
        self.ok("up", self.told("node-b", 4))
        self.late(2)
        self.assertEqual(self.status("node-b", 6), {"holder": "here", "epoch": 6})

    def test_late_request_loses_where_nothing_was_before(self):
        self.late(2)
        self.assertEqual(self.status("node-b", 6), {"holder": "here", "epoch": 6})

    def test_without_entity_tags_a_late_request_is_repaired(self):
        self.use(Store(tagged=False))
        self.late(0)
        self.assertEqual(self.status("node-b", 6), {"holder": "elsewhere", "epoch": 5})
        self.ok("up", self.told("node-b", 6))
        self.assertEqual(self.status("node-b", 6), {"holder": "here", "epoch": 6})
        self.refused("up", self.told("node-a", 5), 2, "fenced")

    def test_late_down_takes_nothing_from_the_next_holder(self):
        self.ok("up", self.told("node-a", 5))
        self.store.hold("DELETE")
        past = Run("http", "down", self.told("node-a", 5, on_down="release"))
        self.assertTrue(self.store.held.wait(10))
        self.ok("up", self.told("node-b", 6))
        self.store.release()
        self.assertEqual(past.wait(), 0, past.error)
        self.assertEqual(self.status("node-b", 6), {"holder": "here", "epoch": 6})

    def test_down_keeps_unless_told_to_release(self):
        self.ok("up", self.told("node-a", 5))
        self.ok("down", self.told("node-a", 5))
        self.assertEqual(self.status("node-a", 5)["holder"], "here")
        self.ok("down", self.told("node-a", 5, on_down="release"))
        self.assertEqual(self.status("node-a", 5)["holder"], "nobody")

    def test_entity_tag_of_the_document(self):
        """As OpenStack's If-Match: revision_number=N, with the revision in the document."""
        self.store.document = {"data": {"server": 1, "epoch": 1}, "revision": 7}
        told = self.told("node-a", 2, if_match="revision_number={etag}")
        told["settings"]["get"]["etag"] = "/revision"
        self.refused("up", {**told, "deadline_ms": 900}, 1, "out of time")
        self.store.tag = lambda: "revision_number=7"
        self.ok("up", told)

    def test_token_of_the_machine(self):
        token = {"url": f"{self.store.url}/token", "headers": {"Metadata-Flavor": "Google"}}
        self.ok("up", self.told("node-a", 1, token=token))
        self.refused("up", self.told("node-a", 1, token={**token, "headers": {}}), 1, "token: ")

    def test_values_cannot_leave_their_place(self):
        told = self.told("node-a", 1, nodes={}, server='x", "epoch": 99, "z": "/../&?')
        told["settings"]["get"]["url"] += "?of={server}"
        self.ok("up", told)
        self.assertEqual(self.store.document["data"]["epoch"], 1)
        self.assertEqual(self.store.seen[0][1].count("&"), 0)

    def test_what_is_wrong_is_said(self):
        self.ok("up", self.told("node-b", 1))
        told = self.told("node-a", 2)
        url = told["settings"]["up"]["url"]
        for settings, code, part in (
                ({"up": {"url": url, "body": "{sever}"}}, 64, "{sever} is not known; known are address"),
                ({"up": {"body": "x"}}, 64, "settings.url is missing"),
                ({"up": {"url": "ftp://x"}}, 64, "no URL: ftp://x"),
                ({"up": {"url": url, "bdy": ""}}, 64, "settings.up.bdy is not known; known are body"),
                ({"up": [1]}, 64, "settings.up is to be a mapping"),
                ({"sever": {}}, 64, "settings.sever is to be a text or a number"),
                ({"get": {"url": url, "holder": "data"}}, 64, "is to be a JSON pointer such as /data/node"),
                ({"token": {"file": "/nowhere"}}, 1, "/nowhere: No such file or directory"),
                ({"headers": {}}, 1, 'get: status 401: {"error": "unauthorized"}'),
                ({"get": {"url": "http://127.0.0.1:1/x", "holder": "/a"}}, 1, "GET http://127.0.0.1:1/x: ")):
            self.refused("up", {**told, "settings": {**told["settings"], **settings}}, code, part)

    def test_refusal_of_the_api_is_said(self):
        self.store.failures = [("PUT", (422, {}, b'{"error": {"code": "locked"}}'))]
        self.refused("up", self.told("node-a", 2), 1, 'up: status 422: {"error": {"code": "locked"}}')

    def test_redirect_is_not_followed(self):
        self.store.failures = [("GET", (302, {"Location": self.store.url + "/vip"}, b""))]
        self.refused("status", self.told("node-a", 2), 1, "get: status 302")


if __name__ == "__main__":
    unittest.main()
