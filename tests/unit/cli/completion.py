#!/usr/bin/python3
"""What real shells make of Tab: bash by its own completion, zsh by typing at it.

usage: completion.py OOHA [TEST...]
"""

import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True

from fake_api import PATIENCE_S, Agent, Program, environment  # noqa: E402

OOHA = Program(os.path.abspath(sys.argv[1]))
STATUS = {"groups": [{"name": "office"}, {"name": "mail"}],
          "members": [{"node": "node-a"}, {"node": "node-b"}, {"node": "$(touch evil)"}],
          "checks": [{"name": "proxy"}, {"name": "docservice"}, {"name": "a b"}]}

# Fills in what bash does before it calls a completion function.
ASK_BASH = """
. <("$1" completion bash)
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_ooha
((${#COMPREPLY[@]} == 0)) || printf '%s\\n' "${COMPREPLY[@]}"
"""


class Completion(unittest.TestCase):
    def setUp(self):
        self.agent = Agent({"/v1/status": STATUS})
        self.agent.__enter__()
        self.addCleanup(self.agent.__exit__)
        self.place = tempfile.TemporaryDirectory(prefix="ooha-completion-")
        self.addCleanup(self.place.cleanup)
        (pathlib.Path(self.place.name) / "ooha.yaml").touch()
        (pathlib.Path(self.place.name) / "a b.yaml").touch()

    def bash(self, *words):
        done = subprocess.run(["bash", "--norc", "-c", ASK_BASH, "bash", OOHA.path, OOHA.path,
                               *words], capture_output=True, text=True, timeout=PATIENCE_S,
                              check=False, cwd=self.place.name, env=environment())
        self.assertEqual((done.stderr, done.returncode), ("", 0))
        return done.stdout.splitlines()

    def commands(self):
        """As help lists them."""
        text = OOHA.run("--help").stdout.split("commands:\n")[1].split("\n\n")[0]
        return [re.match(r"  (\S+(?: \S+)?)  ", line)[1] for line in text.splitlines()]

    def test_bash_knows_each_command(self):
        firsts = list(dict.fromkeys(name.split()[0] for name in self.commands()))
        self.assertGreater(len(firsts), 8)
        self.assertEqual(self.bash(""), firsts)
        self.assertEqual(self.bash("hist"), ["history"])
        self.assertEqual(self.bash("--socket", "/x", "hist"), ["history"])

    def test_bash_knows_each_second_word(self):
        for first in {name.split()[0] for name in self.commands() if " " in name}:
            seconds = [name.split()[1] for name in self.commands() if name.startswith(first + " ")]
            self.assertEqual(self.bash(first, ""), seconds)

    def test_bash_knows_each_option_of_each_command(self):
        for name in self.commands():
            shown = OOHA.run(*name.split(), "--help").stdout
            options = re.findall(r"^ .{5}(--[a-z-]+)", shown, re.MULTILINE)
            self.assertIn("--help", options, shown)
            self.assertEqual(sorted(set(self.bash(*name.split(), "--")) - {"--version"}),
                             sorted(options), name)

    def test_bash_asks_the_agent_for_names(self):
        here = ["--socket", self.agent.socket]
        self.assertEqual(self.bash(*here, "checks", ""), ["proxy", "docservice"])
        self.assertEqual(self.bash(*here, "checks", "pr"), ["proxy"])
        self.assertEqual(self.bash("vip", "announce", *here, ""), ["office", "mail"])
        self.assertEqual(self.bash(*here, "checks", "proxy", ""), [])
        self.assertEqual(self.bash("--socket", "/nowhere", "checks", ""), [])

    def test_bash_knows_where_files_go(self):
        self.assertEqual(sorted(self.bash("config", "check", "")), ["a b.yaml", "ooha.yaml"])
        self.assertEqual(self.bash("checks", "--config", "oo"), ["ooha.yaml"])
        self.assertEqual(self.bash("status", ""), [])
        self.assertEqual(self.bash("completion", ""), ["bash", "zsh"])

    def type(self, shell, setup, line, enough):
        """Types line and a Tab at an interactive shell; what its screen shows then."""
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(self.place.name)
            os.execvpe(shell[0], shell, environment(
                PATH=os.path.dirname(OOHA.path) + ":" + os.environ["PATH"], PS1="ready> ",
                HOME=self.place.name, TERM="dumb"))
        output, until = "", time.monotonic() + PATIENCE_S
        typed = False
        os.set_blocking(fd, False)
        os.write(fd, (setup + "; echo set''up\n").encode())
        while time.monotonic() < until and not enough(output.split("setup\r\n")[-1] if typed else ""):
            try:
                output += os.read(fd, 65536).decode(errors="replace").replace("\a", "")
            except BlockingIOError:
                time.sleep(0.02)
            except OSError:
                break
            if not typed and "\nsetup" in output:
                os.write(fd, line.encode())
                typed = True
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(fd)
        shown = output.split("setup\r\n")[-1]
        self.assertTrue(enough(shown), output)

    def test_typing_at_bash(self):
        self.type(["bash", "--norc", "-i"], ". <(ooha completion bash)", "ooha hist\t",
                  lambda text: "ooha history " in text)

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_typing_at_zsh(self):
        setup = "autoload -U compinit; compinit -u -D; . <(ooha completion zsh)"
        zsh = ["zsh", "-f", "-i"]
        self.type(zsh, setup, "ooha hist\t", lambda text: "ooha history " in text)
        self.type(zsh, setup, f"ooha --socket {self.agent.socket} checks doc\t",
                  lambda text: "checks docservice" in text)
        self.type(zsh, setup, "ooha config \t\t", lambda text: all(
            word in text for word in ("show", "check", "diff", "what a file would change")))
        self.type(zsh, setup, "ooha config check oo\t", lambda text: "ooha.yaml" in text)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[2:]])
