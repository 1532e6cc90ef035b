#!/usr/bin/python3
"""What the commands that change something ask of an agent, and what they say came of it.

usage: operators.py OOHA [TEST...]
"""

import json
import os
import pty
import signal
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True

from fake_api import PATIENCE_S, Agent, Program, environment  # noqa: E402

OOHA = Program(sys.argv[1])
HOSTILE = "a\x1b[31mb"
LINE = {"detected_ms": 0, "down_ms": 3, "claimed_ms": 8, "added_ms": 11, "announced_ms": 12}


def switchover(*states):
    """An agent's answers: 202, then one state after the other, the last for ever."""
    left = list(states)

    def answer(query):
        if "id" not in query:
            return 202, {"id": "00000000000000ab", "group": "office", "from": "node-a"}
        return left.pop(0) if len(left) > 1 else left[0]
    return {"/v1/switchover": answer}


def state(name, **changes):
    return {"id": "00000000000000ab", "state": name, "group": "office", "from": "node-a",
            "to": "node-b", "gap_ms": None, "timeline": None, "error": None, **changes}


def change(path, name="done", error=None, **more):
    return {path: (202, {"id": "7", **more}),
            "/v1/change": {"id": "7", "state": name, "error": error}}


class Operators(unittest.TestCase):
    def run_on(self, answers, *words, code=0, error=""):
        with Agent(answers) as agent:
            done = OOHA.run(*words, agent=agent)
            self.asked = agent.asked
        self.assertEqual((done.returncode, done.stderr), (code, error), done.stdout)
        return " ".join(done.stdout.split())  # sentences are wrapped

    def bodies(self):
        return [json.loads(body) for method, _, body in self.asked if method == "POST"]

    def test_a_switchover_is_checked_then_asked_for_and_waited_for(self):
        said = self.run_on(switchover(state("waiting"), state("waiting"),
                                      state("moved", gap_ms=9, timeline=LINE)),
                           "switchover", "--to", "node-b", "--timeout", "3")
        self.assertEqual(said, "office moved from node-a to node-b; gap 9 ms (asked 0, down 3, "
                               "claimed 8, added 11, announced 12)")
        body = {"group": None, "to": "node-b", "deadline_ms": 3000}
        self.assertEqual(self.bodies(), [{**body, "dry_run": True}, {**body, "dry_run": False}])

    def test_a_gap_that_is_not_known_is_left_out(self):
        error = "node-b has not reported"
        said = self.run_on(switchover(state("moved", error=error)), "switchover",
                           error=f"ooha: {error}\n")
        self.assertEqual(said, "office moved from node-a to node-b")

    def test_a_switchover_that_came_to_nothing_says_why(self):
        for name in ("refused", "withdrawn"):
            self.run_on(switchover(state(name, error="node-b is ill" + HOSTILE)), "switchover",
                        code=1, error=f"ooha: {name}, nothing moved: node-b is illa\\x1b[31mb\n")

    def test_what_is_refused_at_once_is_not_asked_for(self):
        self.run_on({"/v1/switchover": (409, {"error": "no node 'x' is present"})}, "switchover",
                    "--to", "x", code=1, error="ooha: refused: no node 'x' is present\n")
        self.assertEqual(len(self.asked), 1)

    def test_a_switchover_as_json_is_the_agents_own(self):
        moved = state("moved", gap_ms=9, timeline=LINE, future=1)
        self.assertEqual(json.loads(self.run_on(switchover(moved), "switchover", "--json")), moved)

    def test_an_agent_that_ends_meanwhile_leaves_it_open(self):
        answers = switchover((404, {"error": "no such switchover"}))
        with Agent(answers) as agent:
            done = OOHA.run("switchover", agent=agent)
        self.assertEqual(done.returncode, 3)
        self.assertIn("the switchover may still come: see ooha history", done.stderr)

    def test_a_signal_withdraws_it(self):
        def answer(query):
            if "id" not in query:
                return 202, {"id": "00000000000000ab", "group": "office", "from": "node-a"}
            given_up = any(method == "DELETE" for method, _, _ in agent.asked)
            return state("withdrawn", error="by root@node-a") if given_up else state("waiting")
        with Agent({"/v1/switchover": answer}) as agent:
            process = subprocess.Popen([sys.argv[1], "--socket", agent.socket, "switchover"],
                                       stderr=subprocess.PIPE, text=True, env=environment())
            while not any(method == "GET" for method, _, _ in agent.asked):
                time.sleep(0.005)
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=PATIENCE_S)
            self.assertEqual([path for method, path, _ in agent.asked if method == "DELETE"],
                             ["/v1/switchover?id=00000000000000ab"])
        self.assertEqual((process.returncode, error),
                         (1, "ooha: withdrawn, nothing moved: by root@node-a\n"))

    def test_a_time_that_is_none_is_refused(self):
        for at in ("soon", "25:00", "2020-01-31 03:00", "03:00x", ""):
            with Agent({}) as agent:
                done = OOHA.run("switchover", "--at", at, agent=agent)
                self.assertEqual((done.returncode, agent.asked), (64, []), at)
            self.assertIn(f"--at '{at}' is not a time to come: 03:00, ", done.stderr)

    def test_it_waits_for_its_time_and_then_asks(self):
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() + 2))
        with Agent(switchover(state("moved"))) as agent:
            done = OOHA.run("switchover", "--at", at, agent=agent)
            self.assertEqual([json.loads(body)["dry_run"] for method, _, body in agent.asked
                              if method == "POST"], [True, False])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stderr.startswith(f"waiting until {at}"), done.stderr)
        self.assertGreaterEqual(time.strftime("%Y-%m-%d %H:%M:%S"), at)

    def test_given_up_before_its_time_nothing_is_asked_for(self):
        with Agent(switchover(state("moved"))) as agent:
            process = subprocess.Popen(
                [sys.argv[1], "--socket", agent.socket, "switchover", "--at",
                 time.strftime("%H:%M:%S", time.localtime(time.time() + 3600))],
                stderr=subprocess.PIPE, text=True, env=environment())
            self.assertIn("waiting until", process.stderr.readline())
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=PATIENCE_S)
            self.assertEqual(len(agent.asked), 1)
        self.assertEqual((process.returncode, error),
                         (1, "ooha: given up: nothing was asked for\n"))

    def test_pause_and_resume(self):
        said = self.run_on(change("/v1/pause"), "pause", "--reason", "it's \"late\"")
        self.assertTrue(said.startswith("paused: "), said)
        self.assertEqual(self.bodies(), [{"reason": "it's \"late\""}])
        said = self.run_on(change("/v1/pause"), "resume")
        self.assertTrue(said.startswith("resumed: "), said)
        self.assertEqual(self.asked[0][:2], ("DELETE", "/v1/pause"))

    def test_a_change_that_was_not_made_says_why(self):
        for name, code in (("refused", 1), ("failed", 1)):
            self.run_on(change("/v1/pause", name, "etcd: " + HOSTILE), "pause", code=code,
                        error="ooha: not done: etcd: a\\x1b[31mb\n")
        self.run_on({"/v1/pause": (409, {"error": "paused already"})}, "pause", code=1,
                    error="ooha: refused: paused already\n")
        self.run_on({"/v1/pause": (403, {"error": "for root"})}, "pause", code=1,
                    error="ooha: refused: for root\n")

    def test_drain_says_what_follows(self):
        said = self.run_on(change("/v1/drain", node="node-b", notes=["no standby left" + HOSTILE]),
                           "drain", "node-b", "--reason", "kernel", "--force")
        self.assertEqual(said, "node-b is drained: it gives up what it holds, and takes nothing "
                               "until ooha undrain note: no standby lefta\\x1b[31mb")
        self.assertEqual(self.bodies(), [{"node": "node-b", "reason": "kernel", "force": True}])
        self.run_on(change("/v1/drain", node="node-a", notes=[]), "drain")
        self.assertEqual(self.bodies(), [{"node": None, "reason": None, "force": False}])

    def test_undrain_names_the_node(self):
        self.assertEqual(self.run_on(change("/v1/drain", node="node-b"), "undrain", "node-b"),
                         "node-b is no longer drained")
        self.assertEqual(self.asked[0][:2], ("DELETE", "/v1/drain?node=node-b"))
        self.run_on(change("/v1/drain", node="x"), "undrain", "a&b")
        self.assertEqual(self.asked[0][1], "/v1/drain?node=a%26b")

    def answer_on_terminal(self, typed, *words):
        """(exit code, what is on the terminal, how often a change was asked for)."""
        with Agent({**change("/v1/pause"), **switchover(state("moved"))}) as agent:
            pid, master = pty.fork()
            if pid == 0:
                os.execve(sys.argv[1], [sys.argv[1], "--socket", agent.socket, *words],
                          environment())
            os.write(master, typed)
            seen = b""
            try:
                while chunk := os.read(master, 4096):
                    seen += chunk
            except OSError:
                pass
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            os.close(master)
            n = sum(method == "POST" and '"dry_run": true' not in body.replace('":t', '": t')
                    for method, _, body in agent.asked)
        return code, seen.decode(), n

    def test_on_a_terminal_a_person_is_asked_first(self):
        code, seen, n = self.answer_on_terminal(b"n\n", "pause")
        self.assertEqual((code, n), (1, 0))
        self.assertIn("[y/N]", seen)
        self.assertIn("nothing done", seen)
        code, _, n = self.answer_on_terminal(b"y\n", "pause")
        self.assertEqual((code, n), (0, 1))
        code, seen, n = self.answer_on_terminal(b"\n", "switchover", "--to", "node-b")
        self.assertEqual((code, n), (1, 0))
        self.assertIn("Move office from node-a to node-b? [y/N]", seen)

    def test_yes_skips_the_question(self):
        code, seen, n = self.answer_on_terminal(b"", "pause", "--yes")
        self.assertEqual((code, n), (0, 1))
        self.assertNotIn("[y/N]", seen)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
