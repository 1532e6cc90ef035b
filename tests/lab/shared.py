"""What all nodes use and can be gone for all of them, or for one."""

import signal
import sys
from contextlib import contextmanager

from netns import nft, wait_for
from process import Process
from scenarios import scenario
from story import SLACK_CHECK_US

CLIENT, PORT = "10.77.0.200", 5432  # of the lab
INTERVAL_US = TIMEOUT_US = 500_000
NOTICE_US = 2 * (INTERVAL_US + TIMEOUT_US)  # docs/design.md section 3
CHECK = """\
  - name: database
    type: tcp
    address: {address}:{port}
    interval: 500ms
    timeout: 500ms
    shared: yes
hooks:
"""
CUT = """
table inet oohashared {{
    chain output {{
        type filter hook output priority 0;
        ip daddr {address} tcp dport {port} drop
    }}
}}
"""
SERVER = """\
import socket
server = socket.create_server(("", {port}), backlog=64)
while True:
    server.accept()[0].close()
"""


class Database:
    """Something that answers at the client's, which all nodes reach."""

    def __init__(self, story):
        self.story, self.process = story, None

    def start(self):
        self.process = Process.start("database", self.story.lab.client,
                                     [sys.executable, "-c", SERVER.format(port=PORT)],
                                     self.story.directory / "database.log")

    def end(self):
        """Returns when, as faults do."""
        return self.process.signal(signal.SIGKILL)


def reload_agents(story, text_of):
    for node in story.lab.nodes:
        path = node.directory / f"{node.name}.yaml"
        path.write_text(text_of(path.read_text(encoding="utf-8")), encoding="utf-8")
        story.lab.process(node, "agent").signal(signal.SIGHUP)


@contextmanager
def shared_database(story):
    """A database, a check of it on all nodes, and nothing of that left afterwards."""
    database = Database(story)
    check = CHECK.format(address=CLIENT, port=PORT)
    database.start()
    try:
        reload_agents(story, lambda text: text.replace("hooks:\n", check, 1))
        wait_for(lambda: all(knows_database(story, node) for node in story.lab.nodes), 10,
                 "all nodes see the database")
        story.lab.await_settled()
        yield database
    finally:
        for node in story.lab.nodes:
            nft(node.namespace, "table inet oohashared\ndelete table inet oohashared\n")
        reload_agents(story, lambda text: text.replace(check, "hooks:\n", 1))
        database.end()


def knows_database(story, node):
    _, status = story.lab.status(node)
    return any(check["name"] == "database" and check["state"] == "up"
               for check in (status or {"checks": []})["checks"])


def expect_said(story, times, text):
    said = story.ears.said(story.holder, text)
    story.check(len(said) == times, f"the holder says '{text}' {len(said)} times, not {times}")


@scenario
def shared_dependency(story):
    """What all use is gone: nobody moves, said once; gone for the holder alone: it moves."""
    story.begin()
    with shared_database(story) as database:
        fault_us = database.end()
        wait_for(lambda: len(story.lab.ineligible()) == len(story.lab.nodes), 10,
                 "nobody is eligible")
        story.expect_stay(fault_us, (2 * NOTICE_US + INTERVAL_US) / 1e6)
        expect_said(story, 1, "degraded: shared database")
        code, status = story.lab.status(story.holder)
        story.check(code == 1, f"`ooha status` exits {code}, not 1 (degraded)")
        story.check(status["groups"][0]["shared"] == "database", "the status does not name it")

        database.start()
        wait_for(lambda: not story.lab.ineligible(), 10, "all are eligible again")
        story.expect_stay(fault_us, NOTICE_US / 1e6)
        expect_said(story, 1, "degraded: shared database")
        expect_said(story, 1, "no longer degraded")

        cut = CUT.format(address=CLIENT, port=PORT)
        fault_us = nft(story.holder.namespace, cut)
        story.expect_move(fault_us, 2 * (INTERVAL_US + TIMEOUT_US) + NOTICE_US + SLACK_CHECK_US)
        expect_said(story, 1, "degraded: shared database")
