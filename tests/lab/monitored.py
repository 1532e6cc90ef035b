"""A real Prometheus that watches the nodes, with the project's rules and dashboard."""

import contextlib
import json
import os
import pathlib
import re
import signal
import urllib.parse

import config
from netns import http_request, run, wait_for
from process import Process
from scenarios import scenario
from story import PLANNED_US

MONITORING = pathlib.Path(__file__).resolve().parents[2] / "monitoring"
API_PORT = 8009
PROMETHEUS_PORT = 9090
TLS_PORT = 9443
SEEN_S = 15  # a few scrapes, the rules and a second scrape for a rate; mostly within 3 s

PROMETHEUS = """\
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: ooha
    static_configs:
      - targets: [{targets}]
"""

SITE = """\
  - name: site
    type: tcp
    address: 127.0.0.1:{port}
    tls: {{verify: no}}
    required: no
    interval: 1s
    timeout: 900ms
"""


class Prometheus:
    """Runs on the client's host until the block ends."""

    def __init__(self, story):
        self.namespace = story.lab.client
        self.directory = story.directory / "prometheus"
        targets = ", ".join(f"'{node.address}:{API_PORT}'" for node in story.lab.nodes)
        path = self.directory / "prometheus.yml"
        config.write(path, PROMETHEUS.format(rules=MONITORING / "rules.yml", targets=targets))
        self.process = Process.start(
            "prometheus", self.namespace,
            ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={self.directory}/data",
             f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}", "--log.level=warn"],
            story.directory / "prometheus.log")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.end(seconds=5)

    def ask(self, path, **query):
        """What the API answers as data; None: nothing, or that it is wrong."""
        if query:
            path += "?" + urllib.parse.urlencode(query)
        answer = http_request(self.namespace, "127.0.0.1", PROMETHEUS_PORT, path, timeout=3)
        document = json.loads(answer[2]) if answer is not None and answer[0] == 200 else {}
        return document.get("data")

    def query(self, expression):
        """[(labels, value)] as of now; None: the expression is wrong, or nobody answers."""
        data = self.ask("/api/v1/query", query=expression)
        return data and [(sample["metric"], float(sample["value"][1]))
                         for sample in data["result"]]

    def value(self, expression):
        """The only value; None if there are none or several."""
        found = self.query(expression) or []
        return found[0][1] if len(found) == 1 else None


def dashboard_expressions():
    """Every query of the dashboard, with its variables filled in as for "all"."""
    def walk(part):
        if isinstance(part, dict):
            if isinstance(part.get("expr"), str):
                yield part["expr"]
            part = list(part.values())
        for child in part if isinstance(part, list) else []:
            yield from walk(child)
    text = (MONITORING / "dashboard.json").read_text(encoding="utf-8")
    found = [re.sub(r"\$\w+", lambda name: "1m" if name[0] == "$__rate_interval" else ".+", query)
             for query in walk(json.loads(text))]
    assert found, "the dashboard has no query"
    return found


def without_data(prometheus, expressions):
    return [expression for expression in expressions if not prometheus.query(expression)]


def recorded(prometheus):
    """The names of the recording rules that Prometheus has loaded."""
    groups = prometheus.ask("/api/v1/rules", type="record")["groups"]
    names = [rule["name"] for group in groups for rule in group["rules"]]
    assert names, "no recording rules"
    return names


@contextlib.contextmanager
def shown_a_certificate(story, node):
    """While it lasts a check of the node's agent is shown a certificate that ends in 10 days."""
    directory = story.directory / "tls"
    directory.mkdir()
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "10",
        "-subj", "/CN=site", "-keyout", directory / "key", "-out", directory / "cert")
    server = Process.start(
        "s_server", node.namespace,
        ["openssl", "s_server", "-accept", TLS_PORT, "-key", directory / "key",
         "-cert", directory / "cert", "-www", "-quiet"], directory / "log")
    path = node.directory / f"{node.name}.yaml"
    before = path.read_text(encoding="utf-8")

    def configure(text):
        fresh = path.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        os.rename(fresh, path)
        story.lab.process(node, "agent").signal(signal.SIGHUP)
    configure(before.replace("\nhooks:\n", "\n" + SITE.format(port=TLS_PORT) + "hooks:\n"))
    try:
        yield
    finally:
        configure(before)
        server.end()


def expect_accepted(story):
    """promtool has nothing to say about what each agent answers, on the socket and over TCP."""
    for node in story.lab.nodes:
        answer = http_request(story.lab.client, node.address, API_PORT, "/metrics")
        kind = answer and answer[1]["Content-Type"]
        story.check(kind == "text/plain; version=0.0.4; charset=utf-8", f"{node.name}: {kind}")
        checked = run("curl", "-sS", "--unix-socket", node.socket, "http://localhost/metrics")
        for text in (answer[2].decode(), checked.stdout):
            path = story.directory / "metrics"
            path.write_text(text, encoding="utf-8")
            done = run("sh", "-c", f"promtool check metrics <{path}", check=False)
            story.check(done.returncode == 0 and not done.stderr,
                        f"{node.name}: promtool: {done.stderr}")


def expect_told(story, prometheus, target):
    """What Prometheus knows after one move is what was so."""
    group = 'cluster="office", group="office"'
    wanted = {
        "ooha_holder == 1": 1,
        f'ooha_role{{{group}, node="{target.name}", role="active"}}': 1,
        f"cluster_group:ooha_holders:count{{{group}}}": 1,
        f"cluster_group:ooha_moves:increase15m{{{group}}}": 1,
        f'increase(ooha_gap_seconds_count{{{group}, node="{target.name}"}}[1m]) > bool 0': 1,
        f"max(ooha_standbys_eligible{{{group}}})": len(story.lab.nodes) - 1,
        "sum(up)": len(story.lab.nodes),
        'ALERTS{alertname="OohaMoved", alertstate="firing", severity="P1"}': 1,
    }

    def wrong():
        found = {expression: prometheus.value(expression) for expression in wanted}
        return {expression: value for expression, value in found.items()
                if value != wanted[expression]}
    wait_for(lambda: not wrong(), SEEN_S, lambda: f"Prometheus says {wrong()}")
    days = prometheus.value("cluster_node_check:ooha_check_certificate_left_seconds:min") / 86400
    story.check(9 < days <= 10, f"the certificate ends in {days} days")


@scenario
def monitored(story):
    """promtool accepts what the agents answer; after a move a real Prometheus has data for each
    recording rule and each query of the dashboard, and tells of the move."""
    story.begin()
    node = story.holder
    expect_accepted(story)
    with Prometheus(story) as prometheus, shown_a_certificate(story, story.standbys()[0]):
        wait_for(lambda: prometheus.value("sum(changes(cluster_group:ooha_epoch:max[1m]) + 1)") == 1,
                 SEEN_S, "Prometheus has seen the epoch before the move")
        target = story.expect_move(story.faults.terminate(node, "agent"), PLANNED_US)
        story.faults.start_again(node, "agent")
        expressions = recorded(prometheus) + dashboard_expressions()
        wait_for(lambda: not without_data(prometheus, expressions), SEEN_S,
                 lambda: f"data for {without_data(prometheus, expressions)}")
        expect_told(story, prometheus, target)
    story.expect_held_by(target)
