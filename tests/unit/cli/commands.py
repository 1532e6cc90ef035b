#!/usr/bin/python3
"""What ooha's commands show of an agent's answers, and what they say when there is none.

usage: commands.py OOHA [TEST...]
"""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
import unicodedata
import unittest

sys.dont_write_bytecode = True

from fake_api import PATIENCE_S, Agent, Program, environment  # noqa: E402

OOHA = Program(sys.argv[1])
# A process of its own, as it is its terminal's session that is looked at.
ON_TERMINAL = """
import json, os, pty, signal, sys, termios, time
changes, act, *words = sys.argv[1:]
master, slave = pty.openpty()
termios.tcsetwinsize(slave, (24, 80))
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.close(master)
    os.login_tty(slave)
    os.execve(words[0], words, {**os.environ, **json.loads(changes)})
shown, acted = b"", 0
os.set_blocking(master, False)
ended, stopped = 0, None
while not ended:
    ended, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
    if ended and os.WIFSTOPPED(status):
        stopped = (termios.tcgetattr(slave) == before, shown.count(b"q quit"))
        ended = 0
        os.kill(pid, signal.SIGCONT)
    try:
        while more := os.read(master, 65536):
            shown += more
    except OSError:
        time.sleep(0.01)
    if act == "resize" and not acted and b"q quit" in shown:
        acted = 1
        termios.tcsetwinsize(master, (6, 80))
    elif act == "\\x1a" and not acted and b"q quit" in shown:
        acted = 1
        os.write(master, act.encode())
    elif acted == 1 and act == "\\x1a" and not (stopped and shown.count(b"q quit") > stopped[1]):
        pass
    elif acted < 2 and (b"q quit" in shown if act != "resize" else b"there is more" in shown):
        acted = 2
        if act.isupper():
            os.kill(pid, getattr(signal, "SIG" + act))
        else:
            os.write(master, b"q" if act in ("resize", "\\x1a") else act.encode())
print(json.dumps({"shown": shown.decode(), "code": os.waitstatus_to_exitcode(status),
                  "same": termios.tcgetattr(slave) == before,
                  "stopped": stopped and stopped[0]}))
"""
LONG = "document-server-17.fra1.internal.example.company.com"
HOSTILE = "a\x1b[31mb\x9b2Jc\x07"
SENTENCE = ("check proxy down: timeout: no first byte within 4000 ms, and before that connection "
            "refused, as the sentences of agents tend to be when they say what broke and where")


def check(**changes):
    return {"name": "proxy", "type": "http", "state": "up", "reason": "ok", "seen": "200",
            "streak": 12, "age_ms": 700, "took_ms": 3, "required": True, "shared": False, "rise": 2,
            "fall": 3, "interval_ms": 2000, "timeout_ms": 4000,
            "phases_us": {"name": 0, "connect": 120, "tls": 0, "first_byte": 2100, "total": 2300},
            **changes}


def move(**changes):
    return {"version": 1, "at": "2026-01-31T12:00:00.123Z", "group": "office", "epoch": 7,
            "from": "node-b", "to": "node-a", "cause": "holder_silent",
            "reason": "node-b silent for 3030 ms", "gap_ms": 3042,
            "timeline": {"detected_ms": 0, "down_ms": 0, "claimed_ms": 3, "added_ms": 8,
                         "announced_ms": 12}, **changes}


def event(seq, **changes):
    return {"seq": seq, "at": f"2026-01-31T12:00:{seq % 60:02d}.123Z", "level": "notice",
            "kind": "check", "group": None, "text": f"check proxy up: ok (200), {seq} in a row",
            **changes}


def events(*list_, started_at="2026-01-31T11:00:00.000Z"):
    return {"started_at": started_at, "first": 1, "last": list_[-1]["seq"] if list_ else 0,
            "events": list(list_)}


def member(node, **changes):
    return {"node": node, "zone": "az-1", "priority": 100, "eligible": True, "reason": None,
            "self": False, "holds": [], "seen_ms": 400, "agent_version": "0.1.0",
            "groups": {"office": {"eligible": True, "reason": None, "ailing": 0}}, **changes}


def columns(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


class Commands(unittest.TestCase):
    def show(self, answers, *words, code=0, error=""):
        with Agent(answers) as agent:
            done = OOHA.run(*words, agent=agent)
            self.asked = agent.asked
        self.assertEqual((done.stderr, done.returncode), (error, code), done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        for line in done.stdout.splitlines():
            if "--json" not in words:
                self.assertLessEqual(columns(line), 80, line)
            self.assertFalse(re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", line), repr(line))
        return done.stdout

    # -- members

    def test_members_with_versions_and_why_not(self):
        shown = self.show({"/v1/members": {"members": [
            member("node-a", self=True, holds=["office"]),
            member("node-b", eligible=False, reason="check proxy down: refused")]}}, "members")
        self.assertEqual(shown, """\
  MEMBER  ZONE  PRIORITY  HOLDS    SEEN  AGENT  STATE
> node-a  az-1       100  office  0.4 s  0.1.0  eligible
  node-b  az-1       100          0.4 s  0.1.0  not eligible
          check proxy down: refused
""")

    def test_members_with_long_names_fit(self):
        self.show({"/v1/members": {"members": [
            member(LONG, zone=LONG, holds=[LONG, LONG], agent_version=LONG, eligible=False,
                   reason=SENTENCE), member(HOSTILE)]}}, "members")

    # -- history

    def test_history_says_who_why_and_what_the_gap_was(self):
        shown = self.show({"/v1/history": {"history": [
            move(**{"from": None}, gap_ms=None, timeline={"claimed_ms": 3, "added_ms": 7},
                 cause="absent", reason="no holder known to etcd"), move()]}}, "history", "-n", "2")
        self.assertEqual(self.asked, [("GET", "/v1/history?n=2", "")])
        self.assertEqual(shown, """\
  WHEN (UTC)           GROUP   FROM    TO        GAP  CAUSE
  2026-01-31 12:00:00  office  nobody  node-a         absent
    no holder known to etcd
    claimed 3 ms, added 7 ms
  2026-01-31 12:00:00  office  node-b  node-a  3.0 s  holder_silent
    node-b silent for 3030 ms
    detected 0 ms, down 0 ms, claimed 3 ms, added 8 ms, announced 12 ms
""")

    def test_a_repair_is_no_move(self):
        shown = self.show({"/v1/history": {"history": [
            {"version": 1, "at": "2026-01-31T12:00:00.123Z", "group": None, "from": None,
             "to": None, "node": "node-a", "cause": "repair_failed", "reason": "docservice hung",
             "commands": "systemctl restart ds-docservice.service", "error": "timed out",
             "took_ms": 90000, "attempt": 1}]}}, "history")
        self.assertEqual(shown, """\
  WHEN (UTC)           GROUP  FROM    CAUSE
  2026-01-31 12:00:00  -      node-a  repair_failed
    docservice hung
    systemctl restart ds-docservice.service, took 1m 30s, failed: timed out
""")

    def test_history_that_is_not_there_says_why(self):
        self.assertEqual(self.show({"/v1/history": {"history": [], "error": None}}, "history"),
                         "no move is known yet\n")
        self.assertEqual(self.show({"/v1/history": {
            "history": [], "error": "the history has not been read from etcd yet"}}, "history"),
                         "the history has not been read from etcd yet\n")

    def test_history_of_strangers_is_harmless(self):
        self.show({"/v1/history": {"history": [
            {}, {"to": 7, "timeline": []}, [], None, "text", move(to=HOSTILE, reason=HOSTILE),
            move(to=LONG, **{"from": LONG}, group=LONG, cause=LONG, reason=SENTENCE)]}}, "history")

    # -- events

    def test_events_with_their_day_and_wrapped(self):
        shown = self.show({"/v1/events": events(
            event(1, kind="role", group="office", text="active -> releasing: " + SENTENCE),
            event(2), event(3, at="2026-02-01T00:00:00.001Z"))}, "events")
        self.assertEqual(self.asked, [("GET", "/v1/events?after=0&n=20", "")])
        self.assertEqual(shown, """\
2026-01-31, times are UTC
12:00:01.123  role       office: active -> releasing: check proxy down: timeout:
                           no first byte within 4000 ms, and before that
                           connection refused, as the sentences of agents tend
                           to be when they say what broke and where
12:00:02.123  check      check proxy up: ok (200), 2 in a row
2026-02-01, times are UTC
00:00:00.001  check      check proxy up: ok (200), 3 in a row
""")

    def test_events_of_strangers_are_harmless(self):
        self.show({"/v1/events": events(
            event(1, kind=LONG, group=LONG, text=LONG * 4), event(2, kind=HOSTILE, text=HOSTILE),
            event(3, at="now", kind=None, text=None), event(4, at=HOSTILE))}, "events")

    def test_events_as_json_are_one_a_line(self):
        shown = self.show({"/v1/events": events(event(1), event(2, text=HOSTILE))}, "events",
                          "--json")
        self.assertEqual(len(shown.splitlines()), 2)

    def follow(self, answer, enough):
        """Runs events --follow until enough(output) and Ctrl-C. Returns its output and errors."""
        with Agent({"/v1/events": answer}) as agent:
            process = subprocess.Popen(
                [OOHA.path, "--socket", agent.socket, "events", "-f", "-n", "2"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment())
            os.set_blocking(process.stdout.fileno(), False)
            output, until = b"", time.monotonic() + PATIENCE_S
            while not enough(output.decode()) and time.monotonic() < until:
                output += process.stdout.read() or b""
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(PATIENCE_S), 0, output)
            process.stdout.close()
        self.assertTrue(enough(output.decode()), output)
        return output.decode()

    def test_following_shows_each_event_once(self):
        known = [event(seq) for seq in range(1, 6)]

        def answer(query):
            if query["after"] != "0" and len(known) < 8:
                known.append(event(len(known) + 1))
            new = [one for one in known if one["seq"] > int(query["after"])]
            return events(*new[-int(query["n"]):]) if new else {**events(), "last": len(known)}

        shown = self.follow(answer, lambda text: "8 in a row" in text)
        self.assertEqual(re.findall(r"(\d) in a row", shown), ["4", "5", "6", "7", "8"])

    def test_following_goes_on_with_the_next_agent(self):
        lives = iter(range(1000))

        def answer(query):
            if next(lives) == 0:
                return events(event(50))
            if int(query["after"]) > 1:
                return {**events(started_at="later"), "last": 1}
            return (events(event(1, text="started again"), started_at="later")
                    if query["after"] == "0" else {**events(started_at="later"), "last": 1})

        shown = self.follow(answer, lambda text: "started again" in text)
        self.assertEqual(shown.count("started again"), 1)

    def test_following_outlives_an_agent_that_is_away(self):
        times = iter(range(1000))

        def answer(query):
            turn = next(times)
            if 1 <= turn <= 2:
                return 500, {"error": "out of memory"}
            return events(event(1)) if turn == 0 else (
                events(event(2)) if query["after"] == "1" else {**events(), "last": 2})

        shown = self.follow(answer, lambda text: "2 in a row" in text)
        self.assertEqual(shown.count("waiting for it"), 1, shown)

    # -- checks

    def test_all_checks_and_their_exit_code(self):
        shown = self.show({"/v1/checks": {"checks": [check()]}}, "checks")
        self.assertEqual(shown, """\
  CHECK  TYPE  STATE    AGE  TOOK  RESULT
  proxy  http  up     0.7 s  3 ms  200
""")
        self.show({"/v1/checks": {"checks": [check(), check(state="down")]}}, "checks", code=1)
        self.assertEqual(self.show({"/v1/checks": {"checks": []}}, "checks"),
                         "no checks are configured\n")

    def test_one_check_in_full(self):
        shown = self.show({
            "/v1/checks": {"checks": [check(state="down", reason="silent", shared=True,
                                            seen="connected, no answer")]},
            "/v1/events": events(event(1), event(2, text="check proxy2 down: ok, 1 in a row"),
                                 event(3, text="check proxy down: silent (no answer), 3 in a row"))
        }, "checks", "proxy", code=1)
        self.assertEqual(shown, """\
proxy: down, silent: connected, no answer

  kind     http, required, of something that all nodes use
  asked    each 2.0 s, for at most 4.0 s
  counts   up after 2 good results in a row, down after 3 bad ones
  last     0.7 s ago, took 3 ms, 12 alike in a row
  reached  connect 0.12 ms, first byte 2.10 ms, total 2.30 ms

  TURNED (UTC)         TO    AS IT SAW
  2026-01-31 12:00:01  up    ok (200), 1 in a row
  2026-01-31 12:00:03  down  silent (no answer), 3 in a row
""")

    def test_a_check_without_a_result_or_events(self):
        shown = self.show({"/v1/checks": {"checks": [
            check(state="unknown", reason="not asked yet", seen="", age_ms=None)]}},
                          "checks", "proxy", code=1)
        self.assertTrue(shown.startswith("proxy: unknown, not asked yet\n"), shown)
        self.assertIn("  last    no result yet\n", shown)

    def test_an_unknown_check_names_those_there_are(self):
        self.show({"/v1/checks": {"checks": [check(), check(name=HOSTILE)]}}, "checks", "prxy",
                  code=64, error="ooha checks: no check 'prxy' on this node; there are: proxy "
                                 "a\\x1b[31mb\\xc2\\x9b2Jc\\x07\n")

    def test_a_check_of_strangers_is_harmless(self):
        self.show({"/v1/checks": {"checks": [check(name=LONG, seen=SENTENCE, type=HOSTILE,
                                                   reason=LONG, state=LONG)]},
                   "/v1/events": events(event(1, text=f"check {LONG} down: {SENTENCE}"))},
                  "checks", LONG, code=1)

    # -- status

    def test_of_many_that_are_well_the_status_shows_some(self):
        checks = [check(name=f"check-{i:03}") for i in range(200)]
        checks[150]["state"] = "down"
        vips = [{"address": f"10.0.{i // 250}.{i % 250}/32", "interface": "eth0", "up": True,
                 "announced_ms": 900, "repairs": 0, "error": None} for i in range(4000)]
        vips[3000]["repairs"] = 2
        status = {"state": "fine", "checks": checks, "groups": [
            {"name": "office", "holder": "node-a", "role": "active", "vips": vips}]}
        shown = self.show({"/v1/status": status}, "status")
        self.assertLess(len(shown.splitlines()), 50)
        self.assertIn("check-150  http  down", shown)
        self.assertIn("\n  and 187 more that are up: ooha checks\n", shown)
        self.assertRegex(shown, r"10\.0\.12\.0/32 .* put back 2 times")
        self.assertIn("\n  and 3987 more that are as they should be: ooha status --json\n", shown)
        self.assertEqual(len(self.show({"/v1/checks": status}, "checks", code=1).splitlines()), 202)

    # -- vip announce

    def test_announcing_says_what_was_announced(self):
        answers = {"/v1/announce": {"announced": [{"group": "office", "vips": 1},
                                                  {"group": HOSTILE, "vips": 3}]}}
        self.assertEqual(self.show(answers, "vip", "announce"), """\
office: announced 1 address again
a\\x1b[31mb\\xc2\\x9b2Jc\\x07: announced 3 addresses again
""")
        self.assertEqual(self.asked, [("POST", "/v1/announce", '{"group":null}')])
        self.show(answers, "vip", "announce", 'of"fice')
        self.assertEqual(self.asked, [("POST", "/v1/announce", '{"group":"of\\"fice"}')])

    def test_a_refusal_says_why(self):
        for status in (400, 403, 409):
            self.show({"/v1/announce": (status, {"error": "office is not up on \x1bnode-b"})},
                      "vip", "announce", "office", code=1,
                      error="ooha: refused: office is not up on \\x1bnode-b\n")
        self.show({"/v1/announce": (500, {"error": "out of memory"})}, "vip", "announce", code=3,
                  error="ooha: not done: out of memory\n")
        self.show({"/v1/announce": (200, [])}, "vip", "announce", code=3,
                  error="ooha: not done: ooha-agent gave no reason\n")

    def test_help_of_a_first_word_lists_the_second_ones(self):
        for word in ("--help", "-h"):
            shown = OOHA.run("config", word)
            self.assertEqual((shown.returncode, shown.stderr), (0, ""))
            self.assertRegex(shown.stdout, "^commands:\n  config show .*\n  config check .*\n"
                                           "  config diff .*\n\nooha config COMMAND --help ")
            self.assertNotIn("vip", shown.stdout)

    def test_the_second_word_is_asked_for(self):
        for words, said in ((["vip"], "ooha vip: its second word is missing; there are: announce\n"),
                            (["vip", "anounce"],
                             "ooha vip: no command 'anounce'; did you mean 'announce'? there are: announce\n"),
                            (["vip", "announce", "a", "b"],
                             "ooha vip announce: unexpected argument 'b'\n"
                             "usage: ooha vip announce [--json] [--socket PATH] [GROUP]\n")):
            done = OOHA.run(*words)
            self.assertEqual((done.returncode, done.stderr), (64, said))

    # -- config

    CONFIG = {"cluster": "office", "lease": {"ttl": "3s"}, "groups": [
        {"name": "office", "vips": [{"address": "10.0.0.100/24", "interface": "eth0"}],
         "checks": ["proxy"]}],
              "checks": [{"name": "proxy", "type": "http", "interval": "2s", "required": True,
                          "headers": ["X-Token: ***"], "expect": {"body": "true", "status": "200"}}],
              "hooks": {"promoted": [], "demoted": ["/etc/" + "x" * 80, "a b", "- c", HOSTILE]}}

    def test_a_configuration_is_shown_as_yaml(self):
        shown = self.show({"/v1/config": {"file": "/etc/x", "config": {
            **self.CONFIG, "hooks": {"promoted": [], "demoted": ["/etc/a", "a b", "no", "", "1"]}}}},
                          "config", "show")
        self.assertEqual(shown, """\
cluster: office
lease:
  ttl: 3s
groups:
  - name: office
    vips:
      - address: 10.0.0.100/24
        interface: eth0
    checks: [proxy]
checks:
  - name: proxy
    type: http
    interval: 2s
    required: yes
    headers: ["X-Token: ***"]
    expect:
      body: "true"
      status: 200
hooks:
  promoted: []
  demoted: [/etc/a, "a b", "no", "", 1]
""")

    def test_a_configuration_of_strangers_is_harmless(self):
        self.show({"/v1/config": {"config": {"hooks": {"demoted": ["x y" * 20, HOSTILE]}}}},
                  "config", "show")
        self.show({"/v1/config": {"config": [], "file": 7}}, "config", "show", code=3,
                  error="ooha config: the agent's answer has no configuration in it\n")

    def write(self, text):
        file = tempfile.NamedTemporaryFile("w", suffix=".yaml")
        self.addCleanup(file.close)
        file.write(text)
        file.flush()
        return file.name

    LEAST = """\
cluster: office
node: {name: node-a}
etcd: {endpoints: ["http://10.0.1.11:2379"]}
groups: [{name: g, vips: [{address: 10.0.0.100/24, interface: eth0}]}]
checks:
  - {name: a, type: tcp, address: "127.0.0.1:80"}
  - {name: b, type: http, url: "http://127.0.0.1/", headers: ["A: b"]}
"""

    def test_what_is_shown_reads_as_the_same(self):
        once = OOHA.run("config", "show", self.write(self.LEAST))
        again = OOHA.run("config", "show", self.write(once.stdout))
        self.assertEqual((once.stderr, again.stderr, again.stdout), ("", "", once.stdout))
        self.assertIn("headers: [\"A: ***\"]\n", once.stdout)

    def diff(self, change, code, name=None):
        running = json.loads(OOHA.run("config", "show", "--json", self.write(self.LEAST)).stdout)
        file = name or self.write(change(self.LEAST))
        return self.show({"/v1/config": {"file": file, "config": running}}, "config", "diff",
                         *([file] if name is None else []), code=code)

    def test_no_difference(self):
        self.assertEqual(self.diff(lambda text: text, 0), "no difference\n")
        same = self.write(self.LEAST)  # the agent's own
        self.assertEqual(self.diff(None, 0, name=same), "no difference\n")

    def test_what_a_reload_changes(self):
        self.assertEqual(self.diff(lambda text: text.replace("name: a,", "name: a, rise: 3,"), 1), """\
  KEY             RUNS  FILE  TAKES
  checks[a].rise  2     3     a reload

a reload is enough: systemctl reload ooha
""")

    def test_what_takes_a_restart(self):
        self.assertEqual(self.diff(lambda text: text.replace("name: b", "name: c")
                                   .replace("name: node-a", "name: node-b"), 1), """\
  KEY               RUNS     FILE     TAKES
  node.name         node-a   node-b   a restart
  groups[g].checks  ["a","b"]  ["a","c"]  a reload
- checks[b]                           a reload
+ checks[c]                           a reload

needs a restart: systemctl restart ooha
""".replace("RUNS     FILE     TAKES", "RUNS       FILE       TAKES")
                         .replace("node-a   node-b   a", "node-a     node-b     a")
                         .replace("                           a reload",
                                  "                               a reload"))

    def test_groups_that_come_and_go_take_a_reload(self):
        more = self.LEAST.replace("groups: [", "groups: [{name: h, vips: [{address: 10.0.0.101/24, "
                                  "interface: eth0}]}, ")
        running = json.loads(OOHA.run("config", "show", "--json", self.write(more)).stdout)
        shown = self.show({"/v1/config": {"config": running}}, "config", "diff",
                          self.write(self.LEAST), code=1)
        self.assertRegex(shown, r"- groups\[h\] +a reload\n")
        running = json.loads(OOHA.run("config", "show", "--json", self.write(self.LEAST)).stdout)
        shown = self.show({"/v1/config": {"config": running}}, "config", "diff", self.write(more),
                          code=1)
        self.assertRegex(shown, r"\+ groups\[h\] +a reload\n")

    def test_long_differences_fit(self):
        self.diff(lambda text: text.replace("127.0.0.1:80", f"{LONG}:80")
                  .replace('http://127.0.0.1/', f"http://{LONG}/{LONG}"), 1)

    def test_a_wrong_file_is_told_as_the_agent_does(self):
        file = self.write("clustre: x\n")
        for words in (["config", "check", file], ["config", "show", file]):
            done = OOHA.run(*words)
            self.assertEqual((done.returncode, done.stdout), (78, ""))
            self.assertIn(f"{file}:1: clustre: unknown key; did you mean 'cluster'?\n", done.stderr)
        right = self.write(self.LEAST)
        done = OOHA.run("config", "check", right)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, f"{right}: nothing wrong\n", ""))

    # -- top

    TOP = {"/v1/status": {"state": "fine", "now": "2026-01-31T12:00:00Z",
                          "agent": {"cluster": "office", "node": "node-a", "version": "0.1.0"},
                          "groups": [{"name": "office", "holder": "node-a"}]},
           "/v1/events": events(*[event(seq) for seq in range(1, 40)])}

    def ended(self, act, **changes):
        """What top shows on a terminal of 24 lines until it is ended by act, and how it ends."""
        with Agent(self.TOP) as agent:
            shown = subprocess.run(
                [sys.executable, "-c", ON_TERMINAL, json.dumps(changes), act, OOHA.path,
                 "--socket", agent.socket, "top"], capture_output=True, text=True,
                timeout=PATIENCE_S, check=True, env=environment()).stdout
        return json.loads(shown)

    def test_top_leaves_the_terminal_as_it_was_however_it_ends(self):
        for act in ("q", "\x03", "TERM", "HUP", "INT"):
            done = self.ended(act)
            self.assertTrue(done["shown"].startswith("\x1b[?1049h\x1b[?25l"), done)
            self.assertTrue(done["shown"].endswith("\x1b[?25h\x1b[?1049l"), (act, done))
            self.assertEqual((done["code"], done["same"]), (0, True), (act, done))

    def test_top_shows_the_last_events_and_fits(self):
        done = self.ended("q", NO_COLOR="1")
        picture = done["shown"].split("\x1b[H")[1].split("\x1b[J")[0]
        lines = [line.removesuffix("\x1b[K") for line in picture.split("\r\n")]
        self.assertEqual(len(lines), 24, lines)
        self.assertNotIn("\x1b", "".join(lines))
        self.assertIn("office  node-a", re.sub(" +", "  ", lines[4]))
        self.assertEqual(lines[0][:13], " ooha  office")
        self.assertEqual(lines[0].rstrip()[-31:], "node-a  2026-01-31 12:00:00 UTC")
        self.assertEqual(lines[22], "  12:00:39.123  check      check proxy up: ok (200), 39 in a row")
        self.assertEqual(lines[23].strip(), "q quit")
        self.assertLessEqual(max(map(columns, lines)), 80)

    def test_top_follows_the_size_of_the_terminal(self):
        done = self.ended("resize")
        self.assertIn("there is more: make the window higher", done["shown"])
        self.assertEqual(done["same"], True)

    def test_top_lets_itself_be_stopped_and_comes_back(self):
        done = self.ended("\x1a")
        self.assertEqual((done["code"], done["stopped"], done["same"]), (0, True, True), done)
        self.assertEqual(done["shown"].count("\x1b[?1049h"), 2)
        self.assertEqual(done["shown"].count("\x1b[?1049l"), 2)

    def test_top_needs_a_terminal(self):
        done = OOHA.run("top")
        self.assertEqual((done.returncode, done.stdout), (64, ""))
        self.assertEqual(done.stderr, "ooha top: needs a terminal; for a file or a pipe: ooha status "
                                      "--watch\n")

    # -- all of them

    def test_json_is_the_agents_own(self):
        for path, words in (("/v1/members", ["members"]), ("/v1/history", ["history"]),
                            ("/v1/checks", ["checks"])):
            shown = self.show({path: {"new": [HOSTILE, 1.5, None]}}, *words, "--json")
            self.assertIn('"new": [', shown)

    def test_no_agent_says_what_to_look_at(self):
        for words in (["members"], ["history"], ["events"], ["checks"], ["checks", "proxy"],
                      ["config", "show"], ["config", "diff"], ["vip", "announce"]):
            done = OOHA.run("--socket", "/nowhere/ooha.sock", *words)
            self.assertEqual((done.returncode, done.stdout), (3, ""))
            self.assertEqual(done.stderr, "ooha: no socket at /nowhere/ooha.sock: is ooha-agent "
                                          "running? see: systemctl status ooha\n")

    def on_terminal(self, agent, *words, **changes):
        """What is shown on a terminal of 80 columns."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(OOHA.path, [OOHA.path, "--socket", agent.socket, *words],
                      environment(**changes))
        output = b""
        try:
            while more := os.read(fd, 65536):
                output += more
        except OSError:  # its end
            pass
        os.close(fd)
        os.waitpid(pid, 0)
        return output.decode()

    def test_colour_is_for_terminals_that_want_it(self):
        with Agent({"/v1/checks": {"checks": [check(state="down")]}}) as agent:
            self.assertIn("\x1b[31mdown\x1b[0m", self.on_terminal(agent, "checks"))
            self.assertNotIn("\x1b", self.on_terminal(agent, "checks", NO_COLOR="1"))
            self.assertNotIn("\x1b", self.on_terminal(agent, "checks", TERM="dumb"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[2:]])
