"""Runs the provider programs as the agent does."""

import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
PROVIDERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/providers")
sys.path.insert(0, PROVIDERS)
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def order(node, epoch, settings, **others):
    return {"version": 1, "cluster": "office", "group": "main", "node": node, "zone": "az-1",
            "address": "203.0.113.7", "prefix": 32, "family": "ipv4", "interface": "", "epoch": epoch,
            "deadline_ms": 8000, "settings": settings, **others}


class Run:
    """A program under way; wait() gives its exit code."""

    def __init__(self, program, verb, told, environment=None):
        self.process = subprocess.Popen(
            [os.path.join(PROVIDERS, program), verb], cwd="/", text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**ENVIRONMENT, **(environment or {})})
        self.process.stdin.write(told if isinstance(told, str) else json.dumps({**told, "verb": verb}))
        self.process.stdin.close()
        self.process.stdin = None

    def wait(self):
        self.output, self.error = self.process.communicate(timeout=20)
        return self.process.returncode


def call(program, verb, told, environment=None):
    """Exit code, standard output and error."""
    run = Run(program, verb, told, environment)
    code = run.wait()
    return code, run.output, run.error


def wait_for(what, seconds=10):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        value = what()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("not in time")
