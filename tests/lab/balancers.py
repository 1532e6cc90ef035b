"""Load balancers in front of the nodes: what they are told, and a real HAProxy that goes by it."""

import http.client
import json
import socket

import config
from netns import inside, now_us, run, wait_for
from process import Process
from scenarios import check_bound, scenario

API_PORT = 8009
FRONT_PORT = 8080
FOLLOWED_US = 500_000  # two checks of 100 ms that say no, one of 200 ms that says yes, and some

HAPROXY = """\
global
    maxconn 100
defaults
    mode http
    timeout connect 500ms
    timeout client 2s
    timeout server 2s
    timeout check 500ms
    retries 0
frontend office
    bind 127.0.0.1:{port}
    default_backend holder
backend holder
    option httpchk GET /leader?group=office
    http-check expect status 200
    default-server inter 100ms downinter 200ms rise 1 fall 2
{servers}
"""


def ask(namespace, host, port, path, method="GET"):
    """One request from within a namespace: (status, headers, body); None if none came."""
    connection = http.client.HTTPConnection(host, port, timeout=1)
    try:
        connection.sock = inside(
            namespace, lambda: socket.create_connection((host, port), timeout=1))
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class Balancer:
    """HAProxy on the client's host, until the block ends."""

    def __init__(self, story):
        self.namespace = story.lab.client
        path = story.directory / "haproxy.cfg"
        servers = [f"    server {node.name} {node.address}:80 check port {API_PORT}"
                   for node in story.lab.nodes]
        config.write(path, HAPROXY.format(port=FRONT_PORT, servers="\n".join(servers)))
        self.process = Process.start("haproxy", self.namespace, ["haproxy", "-db", "-f", path],
                                     story.directory / "haproxy.log")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.end()

    def served_by(self):
        """The node that answers a user of it, or the status."""
        answer = ask(self.namespace, "127.0.0.1", FRONT_PORT, "/healthcheck")
        return answer and (answer[1]["X-Node"] or answer[0])


def verdicts(story, path, method="GET"):
    """What each node says from outside: {name: status}, and their bodies."""
    answers = {node.name: ask(story.lab.client, node.address, API_PORT, path, method)
               for node in story.lab.nodes}
    return ({name: answer and answer[0] for name, answer in answers.items()},
            {name: answer and answer[2] for name, answer in answers.items()})


def expect_verdicts(story, path, yes):
    """200 on the nodes of yes and 503 on the others, by each method; the body says the same."""
    wanted = {node.name: 200 if node in yes else 503 for node in story.lab.nodes}
    for method in ("GET", "HEAD", "OPTIONS"):
        got, bodies = verdicts(story, path, method)
        story.check(got == wanted, f"{method} {path}: {got}, not {wanted}")
        for name, body in bodies.items():
            if method == "GET":
                said = json.loads(body or "{}")
                story.check(said.get("node") == name and
                            (said.get("reason") is None) == (wanted[name] == 200),
                            f"GET {path}: {name} says {said}")
            else:
                story.check(body == b"", f"{method} {path}: {name} sends {body}")


def expect_followed(story, balancer, node, since_us):
    """HAProxy's users are served by the node, soon."""
    wait_for(lambda: balancer.served_by() == node.name, 5, balancer.served_by)
    late_us = now_us() - since_us
    story.check(late_us < FOLLOWED_US, f"HAProxy took {late_us / 1000:.0f} ms to follow")


@scenario
def haproxy_follows_holder(story):
    """Load balancers are told who holds, who could and who is fit, also while one node is not; a
    real HAProxy sends its users to the holder, and to the next one."""
    story.begin()
    nodes, old = story.lab.nodes, story.standbys()[0]
    with Balancer(story) as balancer:
        wait_for(lambda: balancer.served_by() == story.holder.name, 5, balancer.served_by)
        run(story.lab.tool("cli/ooha"), "--socket", story.holder.socket, "switchover", "--to",
            old.name, "--yes")
        expect_followed(story, balancer, old, now_us())
        story.holder = old
        for path, yes in (("/leader", [old]), ("/standby", story.standbys()), ("/health", nodes),
                          ("/ready", nodes), ("/leader?group=office", [old])):
            expect_verdicts(story, path, yes)
        for path, status in (("/live", 200), ("/leader?group=none", 404),
                             ("/leader?grp=office", 400), ("/v1/status", 404)):
            got, _ = verdicts(story, path)
            story.check(set(got.values()) == {status}, f"GET {path}: {got}, not {status}")
        target = story.expect_move(story.faults.standin(old, "refuse"), check_bound("docservice"))
        expect_followed(story, balancer, target, now_us())
        well = [node for node in nodes if node is not old]
        for path, yes in (("/leader", [target]), ("/health", well), ("/ready", nodes),
                          ("/standby", [node for node in well if node is not target])):
            expect_verdicts(story, path, yes)
