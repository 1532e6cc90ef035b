#!/usr/bin/python3
"""An agent under valgrind through all that can happen to it: nothing leaks, nothing is misused.

Two nodes (root): node-a's agent runs under valgrind, with a ttl that its slowness does not reach.
Hooks are not run there, as valgrind 3.19 has no pidfd_open(2); the unit tests have AddressSanitizer.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import sys
import time

sys.dont_write_bytecode = True

from faults import Faults  # noqa: E402
from lab import Lab, Options  # noqa: E402
from netns import LabError, http_request, name_of, run, wait_for  # noqa: E402
from process import end_as_interrupted  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
TTL_S = 5
PATIENCE_S = 3 * TTL_S
ERRORS = 99  # valgrind's exit status when it found something
LEADER = "/ooha/office/groups/office/leader"
MEMBER = "/ooha/office/members/node-x"

STEPS = []


def step(function):
    """A function of a Watched; its docstring says what happens to the agent."""
    STEPS.append(function)
    return function


class WatchedLab(Lab):
    """A lab whose first agent runs under valgrind."""

    def command(self, node, service):
        command = super().command(node, service)
        if service != "agent" or node is not self.nodes[0]:
            return command
        kinds = "definite,indirect,possible"
        return ["valgrind", "--leak-check=full", f"--show-leak-kinds={kinds}",
                f"--errors-for-leak-kinds={kinds}", f"--error-exitcode={ERRORS}",
                "--track-fds=yes", "--num-callers=30", "--child-silent-after-fork=yes",
                f"--suppressions={HERE / 'leaks.supp'}", f"--log-file={self.report}", *command]

    @property
    def report(self):
        return self.directory / "valgrind.log"


class Watched:
    """The agent of node-a, and what is done around it."""

    def __init__(self, lab):
        self.lab, self.faults = lab, Faults(lab)
        self.node, self.other = lab.nodes

    @property
    def process(self):
        return self.lab.process(self.node, "agent")

    def await_holder(self, node):
        wait_for(lambda: self.lab.holders() == [node] or not self.process.is_alive(), PATIENCE_S,
                 lambda: f"{node.name} holds: {[n.name for n in self.lab.holders()]}")
        self.require()

    def await_line(self, text, n=1):
        wait_for(lambda: sum(text in line for line in self.process.tail(10000)) >= n, PATIENCE_S,
                 f"{text!r} in the agent's log, {n} times")

    def count(self, text):
        return sum(text in line for line in self.process.tail(10000))

    def require(self):
        if not self.process.is_alive():
            raise LabError("the agent has ended: " + "; ".join(self.process.tail(3)))

    def etcdctl(self, *words):
        return run("ip", "netns", "exec", self.node.namespace, "etcdctl", *words)

    def reload(self, text, old="", new=""):
        """Changes the configuration, sends SIGHUP and waits for text in the log."""
        path = self.node.directory / f"{self.node.name}.yaml"
        before, n = path.read_text(), self.count(text)
        path.write_text(before.replace(old, new, 1))
        self.process.signal(signal.SIGHUP)
        self.await_line(text, n + 1)
        path.write_text(before)


@step
def leads(watched):
    """It starts alone, and leads."""
    watched.lab.start(watched.node, "agent")
    watched.await_holder(watched.node)
    watched.await_line("check proxy up")


@step
def is_asked(watched):
    """It answers its socket and its port, to good and to bad questions."""
    if watched.lab.status(watched.node)[1] is None:
        raise LabError("no status")
    for path in ("/leader", "/health", "/metrics", "/v1/status", "/nonsense", "/" + "x" * 9000):
        http_request(watched.node.namespace, "127.0.0.1", 8009, path)
    http_request(watched.node.namespace, "127.0.0.1", 8009, "/leader", body="x" * 100000)


@step
def loses_the_lease_in_a_freeze(watched):
    """It is stopped for longer than the ttl, and finds that another node leads."""
    watched.lab.start(watched.other, "agent")
    wait_for(lambda: not watched.lab.ineligible(), PATIENCE_S, "both nodes are eligible")
    watched.faults.freeze(watched.node, "agent")
    wait_for(lambda: watched.other in watched.lab.holders(), PATIENCE_S, "the other node takes over")
    watched.faults.thaw(watched.node, "agent")
    watched.await_holder(watched.other)
    watched.await_line("the claim is node-b's now")


@step
def is_handed_the_lease(watched):
    """The other agent stops, and hands over."""
    wait_for(lambda: not watched.lab.ineligible(), PATIENCE_S, "both nodes are eligible")
    watched.faults.terminate(watched.other, "agent")
    watched.await_holder(watched.node)
    watched.await_line("handed over by node-b")


@step
def loses_its_key(watched):
    """Somebody deletes the leader key: it gives the address up, and leads again."""
    n = watched.count("address down")
    watched.etcdctl("del", LEADER)
    watched.await_line("address down", n + 1)
    watched.await_holder(watched.node)


@step
def reads_garbage(watched):
    """Somebody writes nonsense under our keys."""
    watched.etcdctl("put", MEMBER, "{\"node\":")
    watched.await_line(f"{MEMBER}: not a JSON object")
    watched.etcdctl("put", MEMBER, "{\"node\":\"node-x\",\"groups\":[]}")
    watched.etcdctl("del", MEMBER)
    n = watched.count("address down")
    watched.etcdctl("put", LEADER, "[" * 3000)
    watched.await_line("address down", n + 1)
    watched.await_holder(watched.node)


@step
def loses_etcd(watched):
    """etcd dies and comes back."""
    watched.faults.kill(watched.node, "etcd")
    watched.await_line("etcd: ")
    watched.faults.start(watched.node, "etcd")
    watched.await_line("etcd answers again")
    watched.await_holder(watched.node)


@step
def reloads(watched):
    """SIGHUP with other checks, times, VIPs, etcd, listeners; with a bad file, and what it cannot take."""
    watched.reload("reloaded /", "interval: 2s", "interval: 1s")
    watched.reload("reloaded /", "  - name: docservice", "  - name: other")
    watched.reload("reloaded /")
    watched.reload("not reloaded: ", "interval: 2s", "interval: two")
    watched.reload("not reloaded: ", "cluster: office", "clustre: office")
    watched.reload("not reloaded: ", "cluster: office", "cluster: home")
    watched.reload("not reloaded: ", "endpoints: [", "endpoints: [http://127.0.0.1:9] # [")
    watched.reload("not reloaded: ", "interface: eth0", "interface: eth7")
    watched.reload("reloaded /", "ttl: ", "renew: 100ms\n  ttl: ")
    watched.reload("reloaded /", "endpoints: [", "endpoints: [http://127.0.0.1:2379] # [")
    watched.reload("reloaded /", "    vips:\n",
                   "    vips:\n      - {address: 10.77.0.150/24, interface: eth0}\n")
    watched.reload("reloaded /", "listen: 127.0.0.1:8009", "listen: 127.0.0.1:8010")
    watched.reload("reloaded /", "\nchecks:\n", "\n  - name: second\n    vips:\n"
                   "      - {address: 10.77.0.151/24, interface: eth0}\nchecks:\n")
    watched.reload("reloaded /")  # without it again: the agent starts anew
    watched.await_holder(watched.node)
    watched.require()


@step
def hands_over_and_stops(watched):
    """It is told to stop, hands over, and ends; valgrind found nothing."""
    watched.faults.start(watched.other, "agent")
    wait_for(lambda: not watched.lab.ineligible(), PATIENCE_S, "both nodes are eligible")
    watched.process.signal(signal.SIGTERM)
    status = watched.process.wait_exit(PATIENCE_S)
    wait_for(lambda: watched.lab.holders() == [watched.other], PATIENCE_S, "the other node holds")
    if status != 0:
        raise LabError(f"exit status {status}" + (
            ": valgrind found errors or leaks" if status == ERRORS else ""))


@step
def left_nothing_open(watched):
    """At the end it had closed every descriptor that it opened."""
    text = watched.lab.report.read_text(errors="replace")
    if "FILE DESCRIPTORS: " not in text:
        raise LabError("valgrind does not say which descriptors were open")
    left = re.findall(r"Open (.*)\n(?!.*<inherited from parent>)", text)
    left = [line for line in left if "valgrind.log" not in line]
    if left:
        raise LabError("; ".join(left))


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=Options.build, metavar="DIR",
                        help="without sanitizers; default: %(default)s")
    parser.add_argument("--name", default=f"leaks{os.getpid()}", help="the lab's name")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    if os.geteuid() != 0 or shutil.which("valgrind") is None:
        print("leaks: takes root and valgrind", file=sys.stderr)
        return 77
    lab = WatchedLab(Options(name=arguments.name, nodes=2, build=os.path.abspath(arguments.build),
                             ttl_ms=TTL_S * 1000, agent=False))
    if lab.is_sanitized():
        print(f"leaks: {arguments.build} is built with a sanitizer, which valgrind cannot run",
              file=sys.stderr)
        return 1
    passed = 0
    problem = None
    end_as_interrupted()
    try:
        lab.up()
        watched = Watched(lab)
        for function in STEPS:
            began = time.monotonic()
            function(watched)
            passed += 1
            print(f"ok    {name_of(function):30} "
                  f"{time.monotonic() - began:4.1f} s", flush=True)
    except LabError as error:
        problem = error
        print(f"FAIL  {name_of(STEPS[passed])}: {problem}", flush=True)
        for path, n in ((lab.nodes[0].directory / "agent.log", 30), (lab.report, 200)):
            if path.exists():
                lines = [line for line in path.read_text(errors="replace").splitlines()
                         if not line.startswith("--")]  # syscalls that valgrind does not know
                print("\n".join(lines[-n:]))
    finally:
        lab.down()
    print(f"{passed} passed, {0 if problem is None else len(STEPS) - passed} failed")
    return 0 if problem is None else 1


if __name__ == "__main__":
    sys.exit(main())
