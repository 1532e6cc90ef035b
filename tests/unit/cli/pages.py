#!/usr/bin/python3
"""The man pages, held against the program: each command, option and key is there, and nothing else.

usage: pages.py OOHA OOHA-AGENT CONFIG_KEYS PAGES [TEST...]
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

from fake_api import Program, environment  # noqa: E402

OOHA, AGENT, KEYS = map(Program, sys.argv[1:4])
PAGES = pathlib.Path(sys.argv[4])
ENTRY = re.compile(r"^\.It Ic (\S+)\n\.Em (.+) \.$", re.MULTILINE)

# One check of each type, as little as it takes.
LEAST = """\
cluster: office
etcd: {endpoints: ["http://10.0.1.11:2379"]}
node: {name: node-a}
groups:
  - name: g
    vips:
      - {address: 10.0.0.100/24, interface: eth0}
      - {address: 10.0.0.101, mode: route}
      - {address: 10.0.0.102, mode: provider, provider: {run: /x}}
repair: {documentserver: ds.service}
checks:
  - {name: http, type: http, url: "http://127.0.0.1/"}
  - {name: tcp, type: tcp, address: "127.0.0.1:80"}
  - {name: tls, type: tcp, address: "127.0.0.1:80", tls: {}}
  - {name: exec, type: exec, command: [/bin/true]}
  - {name: file, type: file, path: /x}
  - {name: disk, type: disk, path: /}
  - {name: process, type: process, process: x}
  - {name: unit, type: unit, unit: x.service}
  - {name: container, type: container, container: x}
  - {name: link, type: link, interface: eth0}
  - {name: gateway, type: gateway, address: 10.0.0.1, interface: eth0}
  - {name: amqp, type: amqp, queue: q}
  - {name: postgres, type: postgres, database: x}
"""
# Defaults that are worked out: the page says how, the program what came of it.
WORKED_OUT = {"node.name", "lease.renew", "lease.margin", "groups[].checks", "checks[].timeout",
              "repair.container_socket"}


def page(name):
    return (PAGES / name).read_text()


def plain(text):
    """mdoc without its markup."""
    return text.replace("\\e", "\\").replace("\\-", "-").replace("\\&", "")


def read_keys():
    """(type, path) -> kind, range, whether it is required; of the tables that the file is read by."""
    rows = [line.split("\t") for line in KEYS.run().stdout.splitlines()]
    keys = {(row[0], row[1]): (row[2], row[3], row[4] == "required") for row in rows}
    keys["", "checks[].type"] = ("special", "", True)  # what says so is made when a check is read
    return keys


def read_entries():
    """The same key -> the parts of the page's line about it. Limits that types share: type "http"."""
    entries = {}
    for section in page("ooha.yaml.5").split("\n.Ss ")[1:]:
        title = section.partition("\n")[0]
        of = re.fullmatch(r"Checks of type (\w+)", title)
        shared = title == "TLS and limits of checks"
        for path, line in ENTRY.findall(section):
            key = ("http" if shared else of[1] if of else "", path)
            if key in entries:
                raise AssertionError(f"{key} is there twice")
            entries[key] = plain(line).split("; ")
    return entries


def is_shared(key):
    """tls and timeouts are described once."""
    return key[0] not in ("", "http") and key[1].startswith(("checks[].tls.", "checks[].timeouts."))


def find_default(config, key):
    """What the program makes of a key that is not given; None: nothing."""
    of, path = key
    value = config
    if of:
        name = "tls" if ".tls." in path else of
        value = {"checks[]": next(one for one in config["checks"] if one["name"] == name)}
        path = "checks[]" + path.removeprefix("checks[]")
    parts = re.findall(r"[^.]+", path)
    for part, after in zip(parts, [*parts[1:], None]):
        if part in value:
            value = value[part]
        elif part.endswith("[]") and part[:-2] in value:
            items = value[part[:-2]]
            value = next((item for item in items if after in item), items[0])
        else:
            return None
    return value


class Pages(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.keys = read_keys()
        cls.entries = read_entries()

    def test_each_key_is_on_the_page_and_no_other(self):
        self.assertGreater(len(self.keys), 100)
        wanted = {key for key in self.keys if not is_shared(key)}
        self.assertEqual(sorted(self.entries), sorted(wanted))

    def test_shared_limits_are_the_same_for_all(self):
        for key in filter(is_shared, self.keys):
            self.assertEqual(self.keys[key], self.keys[("http", key[1])], key)

    def test_kinds_and_ranges_are_the_programs(self):
        for key, parts in self.entries.items():
            kind, allowed, required = self.keys[key]
            if "special" not in kind:  # else words say what it is
                self.assertEqual(parts[0], kind, key)
            self.assertEqual(allowed, parts[2] if len(parts) == 4 else "", key)
            # what is required in a section that may be missing has no default either
            self.assertTrue(parts[1].startswith("default ") or required, key)
            if parts[1] == "required":
                self.assertTrue(required, key)

    def test_each_key_has_an_example(self):
        for key, parts in self.entries.items():
            self.assertTrue(parts[-1].startswith("as in ") or parts[-1] == "see EXAMPLES", key)

    def test_defaults_are_the_programs(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(LEAST)
            file.flush()
            done = OOHA.run("config", "show", "--json", file.name)
        self.assertEqual(done.stderr, "")
        config = json.loads(done.stdout)
        given = {"cluster", "repair.documentserver", "checks", "groups[].vips[].interface",
                 "groups[].vips[].provider.settings", "process.process", "amqp.queue"}
        for key, parts in self.entries.items():
            if parts[1] == "required" or key[1] in WORKED_OUT or key[1] in given:
                continue
            if key[1] in ("checks[].process", "checks[].queue"):
                continue  # given above
            default = find_default(config, key)
            said = parts[1].removeprefix("default ")
            if default is None:  # worked out when it runs, or nothing: in words
                self.assertNotRegex(said, r"^(yes|no|\d+(ms|s|m|h)?)$", key)
                continue
            shown = {True: "yes", False: "no", "": "empty"}.get(default, str(default)) \
                if not isinstance(default, (list, int)) or isinstance(default, bool) else str(default)
            self.assertEqual(said, "none" if default == [] else shown, key)

    def test_the_examples_are_configurations(self):
        blocks = re.findall(r"\.Bd -literal -offset indent\n(.*?)\.Ed", page("ooha.yaml.5"), re.S)
        self.assertEqual(len(blocks), 2)
        for block in blocks:
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(plain(block).replace("  - preset: documentserver\n", ""))
                file.flush()
                done = OOHA.run("config", "check", file.name)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def commands(self):
        text = OOHA.run("--help").stdout.split("commands:\n")[1].split("\n\n")[0]
        return [re.match(r"  (\S+(?: \S+)?)  ", line)[1] for line in text.splitlines()]

    def test_each_command_and_option_is_on_the_page(self):
        body = page("ooha.1").split(".Sh COMMANDS\n")[1].split("\n.Sh ")[0]
        parts = re.split(r"^\.It Ic ((?:[a-z]+ ?)+?)(?: (?=O)| (?=Ar)|\n)", body, flags=re.MULTILINE)
        entries = dict(zip(parts[1::2], parts[2::2]))
        self.assertEqual(list(entries), self.commands())
        for name, entry in entries.items():
            shown = OOHA.run(*name.split(), "--help").stdout
            options = set(re.findall(r"^ .{5}--([a-z-]+)", shown, re.MULTILINE))
            self.assertEqual(set(re.findall(r"^\.It (?:Fl \w , )?Fl -([a-z-]+)", entry, re.MULTILINE)),
                             options - {"help", "socket"}, name)

    def test_each_option_of_the_agent_is_on_its_page(self):
        options = set(re.findall(r"--([a-z-]+)", AGENT.run("--help").stdout.split("\n\n", 1)[1]))
        self.assertGreater(len(options), 4)
        shown = re.findall(r"^\.It (?:Fl \w , )?Fl -([a-z-]+)", page("ooha-agent.8"), re.MULTILINE)
        self.assertEqual(set(shown), options)

    def test_each_commands_help_fits_a_terminal_and_has_an_example(self):
        for name in [*self.commands(), None]:
            shown = OOHA.run(*(name.split() if name else []), "--help").stdout
            for line in shown.splitlines():
                self.assertLessEqual(len(line), 80, line)
            if name not in (None, "help", "version"):
                self.assertIn(f"\nexamples:\n  ooha {name}", shown.replace("  . <(", "  "), name)

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_mandoc_has_no_objection(self):
        for file in sorted(PAGES.glob("*.[1578]")):
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", file], text=True,
                                  capture_output=True, check=False)
            self.assertEqual((done.stdout, done.returncode), ("", 0))

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_groff_has_no_objection(self):
        for file in sorted(PAGES.glob("*.[1578]")):
            done = subprocess.run(["groff", "-man" "doc", "-ww", "-K", "utf8", "-T", "utf8", "-z", file],
                                  text=True, capture_output=True, check=False, env=environment())
            self.assertEqual((done.stderr, done.returncode), ("", 0), file)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[5:]])
