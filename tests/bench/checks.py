#!/usr/bin/python3
"""Measures what many checks cost: one agent with and one without them, CPU and its renewals.

Alone in a network namespace with an etcd and an nginx of its own. Root only.
"""

import argparse
import base64
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

RENEW_MS = 500
CPU_MOST = 2.0  # per cent of a core, at 200 checks a second
LATER_MOST_MS = 20.0  # how much later both the median and the latest beat may be with checks
BEAT = "/ooha/bench/groups/g/beat"

NGINX = """\
worker_processes 1; daemon off; pid {0}/nginx.pid; error_log {0}/nginx.log;
events {{ worker_connections 4096; }}
http {{ access_log off; client_body_temp_path {0}/b; proxy_temp_path {0}/p;
  fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u; scgi_temp_path {0}/s;
  server {{ listen 127.0.0.1:8000 backlog=4096; location / {{ return 200 true; }} }} }}
"""
AGENT = """\
cluster: bench
node: {{name: node-a}}
etcd: {{endpoints: ["http://127.0.0.1:2379"]}}
groups: [{{name: g, vips: [{{address: 10.99.0.100/24, interface: bench0}}]}}]
checks: {checks}
api: {{socket: {directory}/ooha.sock}}
runtime_directory: {directory}
"""


def checks(n):
    """Every second one of http and of tcp, each second."""
    rows = []
    for i in range(n):
        what = ("type: http, url: 'http://127.0.0.1:8000/', expect: {body: 'true'}" if i % 2 == 0
                else "type: tcp, address: '127.0.0.1:8000'")
        rows.append(f"\n  - {{name: c{i}, {what}, interval: 1s}}")
    return "".join(rows) or "[]"


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def await_answer(port, deadline_s=10):
    end = time.monotonic() + deadline_s
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/health")
            connection.getresponse()
            return
        except OSError:
            if time.monotonic() > end:
                sys.exit(f"nobody answers at port {port}")
            time.sleep(0.05)


def beats(seconds):
    """When each beat was seen, s, as etcd's watch tells: from the first on for as long."""
    connection = http.client.HTTPConnection("127.0.0.1", 2379, timeout=30)
    key = base64.b64encode(BEAT.encode()).decode()
    connection.request("POST", "/v3/watch", json.dumps({"create_request": {"key": key}}))
    answer, seen = connection.getresponse(), []
    while not seen or seen[-1] - seen[0] < seconds:
        if b'"events"' in answer.readline():
            seen.append(time.monotonic())
    connection.close()
    return seen


def measure(build, directory, n, seconds):
    """(per cent of a core, ms by which each beat came later than the interval)"""
    path = os.path.join(directory, "ooha.yaml")
    pathlib.Path(path).write_text(AGENT.format(checks=checks(n), directory=directory),
                                  encoding="utf-8")
    with open(os.path.join(directory, f"agent-{n}.log"), "w", encoding="utf-8") as log:
        agent = subprocess.Popen([f"{build}/agent/ooha-agent", "--config", path], stderr=log)
    try:
        beats(8)  # it holds, and all checks are up
        before, began = cpu_s(agent.pid), time.monotonic()
        seen = beats(seconds)
        cpu = 100 * (cpu_s(agent.pid) - before) / (time.monotonic() - began)
        if agent.poll() is not None:
            sys.exit(f"the agent ended: {directory}/agent-{n}.log")
    finally:
        agent.terminate()
        agent.wait()
    return cpu, [(b - a) * 1000 - RENEW_MS for a, b in zip(seen, seen[1:])]


def run(arguments, directory):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "link", "add", "bench0", "type", "veth", "peer", "bench1"], check=True)
    subprocess.run(["ip", "link", "set", "bench1", "up"], check=True)
    subprocess.run(["ip", "link", "set", "bench0", "up"], check=True)
    subprocess.run(["ip", "addr", "add", "10.99.0.1/24", "dev", "bench0"], check=True)
    config = os.path.join(directory, "nginx.conf")
    pathlib.Path(config).write_text(NGINX.format(directory), encoding="utf-8")
    servers = [
        subprocess.Popen(["etcd", "--data-dir", f"{directory}/etcd", "--log-level", "error",
                          "--unsafe-no-fsync"], stderr=subprocess.DEVNULL),
        subprocess.Popen(["nginx", "-c", config, "-p", directory], stderr=subprocess.DEVNULL)]
    try:
        await_answer(2379)
        await_answer(8000)
        return {n: measure(arguments.build, directory, n, arguments.seconds)
                for n in (0, arguments.checks)}
    finally:
        for server in servers:
            server.terminate()
            server.wait()


def say(what, good, bound):
    print(f"{'good' if good else 'BAD'}: {what}, to be {bound}")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build-bench", help="a release build; %(default)s")
    parser.add_argument("--checks", type=int, default=200, help="%(default)s")
    parser.add_argument("--seconds", type=int, default=60, help="of each; %(default)s")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside:
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv, "--inside"])
    with tempfile.TemporaryDirectory() as directory:
        found = run(arguments, directory)
    print("checks   CPU, % of a core   beats   late by, ms: median    99 %     most")
    for n, (cpu, late) in found.items():
        print(f"{n:6}   {cpu:15.2f}   {len(late):5}   {statistics.median(late):19.2f}"
              f"  {sorted(late)[int(len(late) * 0.99)]:6.1f}   {max(late):6.1f}")
    (_, without), (cpu, late) = found.values()
    later = max(statistics.median(late) - statistics.median(without), max(late) - max(without))
    good = [say(f"{arguments.checks} checks cost {cpu:.2f} % of a core", cpu < CPU_MOST,
                f"less than {CPU_MOST} %"),
            say(f"renewals come {later:.1f} ms later than without", later <= LATER_MOST_MS,
                f"at most {LATER_MOST_MS:.0f} ms")]
    print("load " + " ".join(f"{value:.2f}" for value in os.getloadavg()))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
