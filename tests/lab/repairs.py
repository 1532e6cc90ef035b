"""Local repair: the Document Server of a node hangs, and the agent has it restarted by the API of
Docker, in whose place a stand-in sits that restarts the lab's."""

import contextlib
import http.server
import os
import signal
import socketserver
import threading

from netns import now_us, wait_for
from scenarios import check_bound, scenario

REPAIR = """\
repair:
  documentserver: {{container: ds}}
  container_socket: {socket}
  backoff: 1s
"""
SHARED_US = 1_000_000  # a diagnosis takes the cores that the nodes of a lab have in common
REPAIRED_S = 30  # the check turns, the diagnosis takes up to 3 s, then the check turns back


class Docker(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """The API of a node whose only container is the Document Server."""
    daemon_threads = True

    def __init__(self, lab, node):
        self.lab, self.node, self.path = lab, node, node.directory / "docker.sock"
        self.path.unlink(missing_ok=True)
        self.asked = []  # (time, request line, who held the VIPs then)
        self.done = threading.Event()  # it has been restarted, which only the main thread can
        super().__init__(str(self.path), Request)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def restart(self):
        process = self.lab.process(self.node, "standin")
        process.signal(signal.SIGKILL)
        process.wait_dead(5)
        self.lab.start(self.node, "standin")
        self.done.set()

    def close(self):
        self.shutdown()
        self.server_close()
        self.path.unlink(missing_ok=True)


class Request(http.server.BaseHTTPRequestHandler):
    """Does what it is asked at once."""

    def address_string(self):
        return "agent"

    def log_message(self, *_):
        pass

    def do_GET(self):  # pylint: disable=invalid-name
        """The diagnosis may look the container up; it is told nothing."""
        self.answer(404)

    def do_POST(self):  # pylint: disable=invalid-name
        server = self.server
        server.asked.append((now_us(), self.requestline, server.lab.holders()))
        self.answer(204 if server.done.wait(REPAIRED_S) else 500)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()


@contextlib.contextmanager
def repairing(lab, node):
    """While it lasts the node's agent may have its Document Server restarted by the API."""
    docker = Docker(lab, node)
    path = node.directory / f"{node.name}.yaml"
    before = path.read_text(encoding="utf-8")

    def configure(text):
        fresh = path.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        os.rename(fresh, path)
        lab.process(node, "agent").signal(signal.SIGHUP)
    configure(before + REPAIR.format(socket=docker.path))
    try:
        yield docker
    finally:
        configure(before)
        docker.close()


def repairs_of(lab, node):
    """What the node's history has of repairs."""
    return [record for record in lab.keys("/ooha/office/history/").values()
            if '"repair' in record and f'"{node.name}"' in record]


def expect_repaired(story, node, docker):
    wait_for(lambda: docker.asked, REPAIRED_S, lambda: f"a restart: {story.ears.said(node)}")
    docker.restart()
    wait_for(lambda: node not in story.lab.ineligible(), REPAIRED_S,
             lambda: f"{node.name} is eligible again: {story.ears.said(node)}")
    story.check(len(docker.asked) == 1 and
                docker.asked[0][1] == "POST /v1.40/containers/ds/restart?t=30 HTTP/1.1",
                f"asked for was {docker.asked}")
    lines = story.ears.said(node, "repair: ")
    story.check(len(lines) == 1 and "docker restart ds: done" in lines[0],
                f"the agent says {lines}")
    wait_for(lambda: repairs_of(story.lab, node), 5, "the history has it")


@scenario
def repair_standby(story):
    """The Document Server of a standby hangs: its agent has it restarted, once, and nothing moves."""
    story.begin()
    node = story.standbys()[0]
    before = len(repairs_of(story.lab, node))
    with repairing(story.lab, node) as docker:
        fault_us = story.faults.freeze(node, "standin")
        expect_repaired(story, node, docker)
        story.expect_stay(fault_us, 1, SHARED_US)
    story.check(len(repairs_of(story.lab, node)) == before + 1, "the history has another")


@scenario
def repair_holder(story):
    """The holder's hangs: the VIPs move first, and only then is it restarted."""
    story.begin()
    node = story.holder
    with repairing(story.lab, node) as docker:
        target = story.expect_move(story.faults.freeze(node, "standin"),
                                   check_bound("docservice", hangs=True))
        expect_repaired(story, node, docker)
        story.check(docker.asked[0][2] == [target],
                    f"restarted while {docker.asked[0][2]} had the VIPs")
        story.expect_held_by(target)


@scenario
def repair_last_node(story):
    """The holder's hangs, and no other node is eligible: it is restarted under its VIPs."""
    story.begin()
    node = story.holder
    for standby in story.standbys():
        story.faults.standin(standby, "false")
    wait_for(lambda: len(story.lab.ineligible()) == len(story.standbys()), 15,
             "the standbys are not eligible")
    with repairing(story.lab, node) as docker:
        fault_us = story.faults.freeze(node, "standin")
        expect_repaired(story, node, docker)
        story.check(docker.asked[0][2] == [node], f"{docker.asked[0][2]} had the VIPs")
        story.expect_stay(fault_us, 1, bound_us=REPAIRED_S * 1_000_000)
