#!/usr/bin/python3
"""The examples of docs/providers: each is a configuration that ooha takes; those for the program http move what
fakes have that answer as the pages' references say. Usage: test_pages.py OOHA [TEST...]"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

from fake import Fake  # noqa: E402
from programs import PROVIDERS, Run, call, order  # noqa: E402

OOHA = sys.argv.pop(1)
PAGES = pathlib.Path(PROVIDERS).parents[1] / "docs/providers"
AROUND = """\
cluster: office
etcd: {endpoints: ["http://10.0.1.11:2379"]}
node: {name: node-a}
groups:
  - name: main
    vips:
"""


def settings_of(page):
    """The settings of a page's example, as ooha reads them."""
    text = re.search(r"```yaml\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL)[1]
    if text.startswith("        provider:"):
        text = "      - address: 203.0.113.8\n        mode: provider\n" + text
    hidden = text.replace("oken", "0ken")  # what is called a token is not shown
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(AROUND + hidden)
        file.flush()
        done = subprocess.run([OOHA, "config", "show", "--json", file.name], capture_output=True, text=True,
                              check=False)
    assert done.returncode == 0, f"{page}: {done.stderr}"
    vip = json.loads(done.stdout.replace("0ken", "oken"))["groups"][0]["vips"][0]
    return vip["provider"]["settings"]


class Api(Fake):
    """Of one thing, which is moved by a request to a path."""

    def __init__(self, document):
        super().__init__()
        self.document = document

    def serve(self, method, path, headers, body):
        failure = self.pass_by(method)
        if failure:
            return failure
        with self.lock:
            status, answer = self.answer(method, path, headers, json.loads(body) if body else None)
        return status, {"Content-Type": "application/json"}, json.dumps(answer).encode()


class Hetzner(Api):
    def answer(self, method, path, headers, body):
        if headers["Authorization"] != "Bearer s3cret":
            return 401, {"error": {"code": "unauthorized"}}
        if (method, path) == ("GET", "/v1/floating_ips/4711"):
            return 200, {"floating_ip": self.document}
        if (method, path) == ("POST", "/v1/floating_ips/4711/actions/assign") and isinstance(body["server"], int):
            self.document["server"] = body["server"]
            return 201, {"action": {"id": 13, "command": "assign_floating_ip", "status": "running"}}
        return 404, {"error": {"code": "not_found"}}


class Neutron(Api):
    def answer(self, method, path, headers, body):
        if headers["X-Auth-Token"] != "s3cret":
            return 401, {"error": {"code": 401}}
        if path != "/v2.0/floatingips/2f245a7b-796b-4f26-9cf9-9e82d248fda7":
            return 404, {"NeutronError": {"type": "FloatingIPNotFound"}}
        if method == "PUT":
            if headers["If-Match"] != f"revision_number={self.document['revision_number']}":
                return 412, {"NeutronError": {"type": "RevisionNumberConstraintFailed"}}
            assert isinstance(body["floatingip"]["description"], str)
            self.document.update(body["floatingip"], revision_number=self.document["revision_number"] + 1)
        return 200, {"floatingip": self.document}


class Azure(Api):
    def answer(self, method, path, headers, body):
        if path.startswith("/metadata/identity/oauth2/token?") and headers["Metadata"] == "true":
            return 200, {"access_token": "s3cret", "token_type": "Bearer"}
        if headers["Authorization"] != "Bearer s3cret":
            return 401, {"error": {"code": "InvalidAuthenticationToken"}}
        if not re.fullmatch(r"/subscriptions/[0-9-]+/resourceGroups/office/providers/Microsoft\.Network/routeTables/"
                            r"nodes/routes/ooha\?api-version=2023-09-01", path):
            return 404, {"error": {"code": "NotFound"}}
        if method == "PUT":
            self.document = {"name": "ooha", "etag": 'W/"0000"', "properties": {
                **body["properties"], "provisioningState": "Succeeded"}}
            return 200, self.document
        return (404, {"error": {"code": "NotFound"}}) if self.document is None else (200, self.document)


class Pages(unittest.TestCase):
    def use(self, page, api, host):
        """The page's settings, for the fake in place of host."""
        self.addCleanup(api.close)
        settings = json.loads(json.dumps(settings_of(page)).replace(host, api.url))
        if "file" in settings["token"]:
            directory = tempfile.TemporaryDirectory()
            self.addCleanup(directory.cleanup)
            settings["token"]["file"] = os.path.join(directory.name, "token")
            with open(settings["token"]["file"], "w", encoding="utf-8",
                      opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write("s3cret\n")
        self.settings = settings

    def told(self, node, epoch):
        return order(node, epoch, self.settings)

    def status(self, node, epoch):
        code, output, error = call("http", "status", self.told(node, epoch))
        self.assertEqual((code, error), (0, ""))
        return json.loads(output)["holder"]

    def follow(self):
        self.assertEqual(self.status("node-a", 1), "nobody")
        for node, other, epoch in (("node-a", "node-b", 1), ("node-b", "node-a", 2)):
            code, _, error = call("http", "up", self.told(node, epoch))
            self.assertEqual((code, error), (0, ""))
            self.assertEqual((self.status(node, epoch), self.status(other, epoch)), ("here", "elsewhere"))

    def test_each_example_is_taken(self):
        pages = sorted(page.name for page in PAGES.glob("*.md"))
        self.assertEqual(len(pages), 7)
        for page in pages:
            if page != "gcp.md":
                self.assertTrue(settings_of(page), page)

    def test_program_of_the_page_on_gcp_is_shell(self):
        script = re.search(r"```sh\n(.*?)```", (PAGES / "gcp.md").read_text(encoding="utf-8"), re.DOTALL)[1]
        self.assertEqual(subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode, 0)

    def test_hetzner(self):
        self.use("hetzner.md", Hetzner({"id": 4711, "server": None}), "https://api.hetzner.cloud")
        self.follow()

    def test_azure(self):
        api = Azure(None)
        self.use("azure.md", api, "https://management.azure.com")
        self.settings["token"]["url"] = self.settings["token"]["url"].replace("http://169.254.169.254", api.url)
        self.follow()

    def test_openstack(self):
        api = Neutron({"port_id": None, "description": "", "revision_number": 7})
        self.use("openstack.md", api, "https://neutron.example.org:9696")
        self.follow()
        api.hold("PUT")
        past = Run("http", "up", self.told("node-a", 3))
        self.assertTrue(api.held.wait(10))
        self.settings["nodes"]["node-b"]["port"] = "another"
        self.assertEqual(call("http", "up", self.told("node-b", 4))[0], 0)
        api.release()
        self.assertEqual(past.wait(), 2, past.error)
        self.assertEqual(self.status("node-b", 4), "here")


if __name__ == "__main__":
    unittest.main()
