#!/usr/bin/python3
"""What the agent answers, what the rules and the dashboard ask for, and what docs/monitoring.md
tells are the same names, and each alert has its section there, and cases in rules_test.yml."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
NAME = r"\b(?:ooha|process)_[a-z_]*[a-z]\b"
SERIES = re.compile(r"_(?:bucket|sum|count)$")  # of a histogram or summary


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def answered():
    """The names that the agent's source writes."""
    sources = "".join(path.read_text(encoding="utf-8")
                      for path in (ROOT / "agent").glob("metrics*.c"))
    return set(re.findall(rf'"({NAME})"', sources))


def told():
    """The names in the first column of the table."""
    names = set()
    for line in read("docs/monitoring.md").splitlines():
        if line.startswith(("| `ooha_", "| `process_")):
            names |= set(re.findall(rf"`({NAME})", line.split("|")[1]))
            if line.startswith("| `process_...`"):
                names |= {f"process_{rest}" for rest in re.findall(r"`([a-z_]+)`", line)}
    return names


def asked(path):
    """The names that a file asks for; recorded ones begin with a level, and are our own."""
    text = re.sub(r"\b[a-z_]+:ooha_[a-z_]+:\w+", "", read(path))
    return {SERIES.sub("", name) for name in re.findall(NAME, text)}


def alerts():
    return re.findall(r"- alert: (\w+)", read("monitoring/rules.yml"))


class Told(unittest.TestCase):
    def test_the_page_has_each_metric_and_no_other(self):
        self.assertGreater(len(answered()), 30)
        self.assertEqual(told(), answered())

    def test_only_metrics_that_there_are_are_asked_for(self):
        for path in ("monitoring/rules.yml", "monitoring/rules_test.yml",
                     "monitoring/dashboard.json"):
            self.assertGreater(len(asked(path)), 10, path)
            self.assertEqual(asked(path) - answered(), set(), path)

    def test_recorded_series_that_are_asked_for_are_recorded(self):
        recorded = set(re.findall(r"- record: (\S+)", read("monitoring/rules.yml")))
        used = set()
        for path in ("monitoring/rules.yml", "monitoring/dashboard.json"):
            used |= set(re.findall(r"\b[a-z_]+:ooha_[a-z_]+:\w+", read(path)))
        self.assertEqual(used, recorded)

    def test_each_alert_has_its_section_and_leads_there(self):
        page = read("docs/monitoring.md")
        self.assertEqual(re.findall(r"^### (Ooha\w+)$", page, re.MULTILINE), alerts())
        urls = re.findall(r"runbook_url: (\S+)", read("monitoring/rules.yml"))
        self.assertEqual(urls, [f"docs/monitoring.md#{name.lower()}" for name in alerts()])

    def test_each_alert_is_seen_to_fire_and_not_to(self):
        cases = read("monitoring/rules_test.yml")
        for name in alerts():
            self.assertRegex(cases, rf"alertname: {name}\n +exp_alerts:")
            self.assertRegex(cases, rf"alertname: {name}}}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
