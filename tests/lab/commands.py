"""ooha's commands, each as an operator types it: what it shows, what it changes, what it refuses."""

import json
import os
import pty
import re
import time

from netns import now_us, run, wait_for
from scenarios import scenario
from story import PLANNED_US

# Each command, and what types it; another command needs another row.
COVERED = {
    "status": "commands_show", "top": "commands_show", "members": "commands_show",
    "checks": "commands_show", "history": "commands_show", "events": "commands_show",
    "config show": "commands_show", "config check": "commands_show",
    "config diff": "commands_show", "completion": "commands_show",
    "version": "commands_show", "help": "commands_show",
    "switchover": "commands_change", "pause": "commands_change", "resume": "commands_change",
    "drain": "commands_change", "undrain": "commands_change", "vip announce": "commands_change",
    "diagnose": "faults/run", "doctor": "doctor.py",
}
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
WIDTH = 80


class Operator:
    """Types commands on nodes, and remembers which."""

    def __init__(self, story):
        self.story, self.typed = story, set()
        self.ooha = str(story.lab.tool("cli/ooha"))
        self.names = self.commands()

    def commands(self):
        text = run(self.ooha, "--help").stdout.split("commands:\n")[1].split("\n\n")[0]
        return [re.match(r"  (\S+(?: \S+)?)  ", line)[1] for line in text.splitlines()]

    def type(self, node, words, code=0, said="", wrap=(), error=False):
        """Types words (a text) at a node; said must be in what is printed. Returns it."""
        words = words if isinstance(words, list) else words.split()
        for name in self.names:
            if words[:len(name.split())] == name.split():
                self.typed.add(name)
        done = run(*wrap, self.ooha, "--socket", node.socket, *words, check=False)
        shown = done.stderr if code and error else done.stdout
        where = f"{node.name}: ooha {' '.join(words)}"
        problem = self.story.check
        problem(done.returncode == code,
                f"{where}: exit code {done.returncode}, not {code}: {done.stdout}{done.stderr}")
        problem(re.search(said, shown) is not None, f"{where}: {said!r} is not in {shown!r}")
        problem("\x1b" not in done.stdout + done.stderr, f"{where}: colours a pipe")
        if "--json" not in words and words[0] not in ("completion", "config"):
            wide = [line for line in done.stdout.splitlines() if len(line) > WIDTH]
            problem(not wide, f"{where}: wider than {WIDTH}: {wide}")
        return done.stdout

    def refused(self, node, words, said, code=1, **more):
        self.type(node, words, code=code, said=said, error=True, **more)

    def json(self, node, words):
        return json.loads(self.type(node, words + " --json"))

    def expect_all_typed(self, by):
        """All commands are covered, and those of this scenario were typed."""
        wanted = {name for name, scenario_of in COVERED.items() if scenario_of == by}
        self.story.check(set(self.names) == set(COVERED), f"not those covered: {self.names}")
        self.story.check(wanted <= self.typed, f"nobody typed {sorted(wanted - self.typed)}")


def look_on_terminal(operator, node):
    """`ooha top` on a terminal until it shows the holder; q ends it. Returns all that was shown."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(operator.ooha, [operator.ooha, "--socket", node.socket, "top"],
                  {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"})
    shown, until = b"", time.monotonic() + 20
    os.set_blocking(fd, False)
    asked = False
    while time.monotonic() < until:
        try:
            shown += os.read(fd, 65536)
        except BlockingIOError:
            time.sleep(0.02)
        except OSError:
            break
        if not asked and b"q quit" in shown:
            os.write(fd, b"q")
            asked = True
    operator.typed.add("top")
    status = os.waitpid(pid, 0)[1]
    os.close(fd)
    return shown.decode(errors="replace"), os.waitstatus_to_exitcode(status)


def look(operator, story, node):
    """What only shows, on one node."""
    holder, lab = story.holder, story.lab
    operator.type(node, "status", said=f"office: {holder.name} holds, fine")
    members = operator.json(node, "members")["members"]
    story.check({one["node"] for one in members} == {one.name for one in lab.nodes},
                f"members on {node.name}: {members}")
    operator.type(node, "members", said=rf"> {node.name} ")
    operator.type(node, "checks", said="proxy +http +up")
    operator.type(node, "checks proxy", said="proxy: up, 200\n")
    operator.refused(node, "checks prxy", "no check 'prxy' on this node; there are: proxy", code=64)
    operator.type(node, "events -n 100", said="started: ooha")
    moves = operator.json(node, "history")["history"]
    story.check(moves and moves[-1]["to"] == holder.name, f"history on {node.name}: {moves[-1:]}")
    operator.type(node, "history -n 1", said=rf"{holder.name} +\S+")
    running = operator.json(node, "config show")
    story.check(running["node"]["name"] == node.name, f"configuration of {node.name}: {running}")
    file = node.directory / f"{node.name}.yaml"
    operator.type(node, "config diff", said="^no difference\n")
    operator.type(node, ["config", "check", str(file)], said="nothing wrong")
    operator.refused(node, "config check /dev/null", "/dev/null", code=78)
    operator.type(node, "completion words -- checks pro", said="^proxy\t")
    shown, code = look_on_terminal(operator, node)
    story.check(code == 0 and f"{holder.name} holds" in shown and shown.endswith("\x1b[?1049l"),
                f"top on {node.name}: {code}, {shown[-400:]!r}")


@scenario
def commands_show(story):
    """Every command that only shows, on every node; and nothing of it disturbs the service."""
    story.begin()
    began_us = now_us()
    operator = Operator(story)
    for node in story.lab.nodes:
        look(operator, story, node)
        operator.refused(node, "members", "need to be root or in group ooha", code=3, wrap=NOBODY)
    for shell in ("bash", "zsh"):
        operator.type(story.holder, f"completion {shell}", said="completion words")
    operator.refused(story.holder, "completion fish", "which shell", code=64)
    operator.refused(story.holder, "stauts", "no command 'stauts'", code=64)
    operator.type(story.holder, "version", said="^ooha ")
    operator.type(story.holder, "help", said="commands:")
    operator.expect_all_typed("commands_show")
    story.expect_stay(began_us, 0.1)


@scenario
def commands_change(story):
    """Every command that changes something, and its refusals; each is told with who asked."""
    story.begin()
    operator, holder = Operator(story), story.holder
    standby, other = story.standbys()
    operator.type(holder, "vip announce", said=r"^office: announced \d address(es)? again\n")
    operator.refused(standby, "vip announce office", f"office is not up on {standby.name}: "
                                                     f"ask {holder.name}")
    operator.refused(standby, "vip announce mail", "no group 'mail'")
    wait_for(lambda: story.ears.said(holder, "/v1/announce"), 5, "the log has who announced")
    operator.refused(standby, "switchover --to node-z --yes", "node-z")
    operator.refused(standby, f"switchover --to {holder.name} --yes", holder.name)
    pause_and_resume(operator, story, standby)
    drain_and_undrain(operator, story, other, standby)
    moved_us = now_us()
    operator.type(standby, f"switchover --to {standby.name} --yes", said=standby.name)
    story.expect_move(moved_us, PLANNED_US + 1_000_000)  # the program's own start is in it
    operator.type(other, "history -n 1", said=f"{holder.name} +{standby.name}")
    operator.expect_all_typed("commands_change")


def pause_and_resume(operator, story, node):
    operator.type(node, ["pause", "--reason", "switch firmware", "--yes"])
    for one in story.lab.nodes:
        wait_for(lambda one=one: "switch firmware" in run(
            operator.ooha, "--socket", one.socket, "status", check=False).stdout, 5,
                 f"{one.name} shows the pause")
    operator.type(node, "resume")
    wait_for(lambda: story.lab.is_settled(), 10, "all is fine again")


def drain_and_undrain(operator, story, node, asked):
    operator.type(asked, ["drain", node.name, "--reason", "new kernel", "--yes"])
    wait_for(lambda: "new kernel" in run(operator.ooha, "--socket", asked.socket, "members",
                                         check=False).stdout, 5, f"{node.name} is drained")
    operator.refused(asked, f"switchover --to {node.name} --yes", node.name)
    operator.type(asked, ["undrain", node.name])
    wait_for(lambda: story.lab.is_settled(), 10, "all is fine again")
