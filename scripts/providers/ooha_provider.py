"""What the provider programs share: the contract of docs/providers.md, seen from the program's side."""

import json
import os
import re
import ssl
import stat
import sys
import time
import urllib.error
import urllib.request

DONE, FAILED, FENCED, USAGE = 0, 1, 2, 64
VERBS = ("up", "down", "status")
ANSWER_BYTES = 4 << 20
STARTED = time.monotonic()


class Problem(Exception):
    """Why it cannot be done, in one line and without any secret."""


class Fenced(Exception):
    """A newer epoch is there: who asks is a past holder."""


class Usage(Exception):
    """It was called in a way that the contract does not have, or its settings are wrong."""


class Order:
    """What the agent asks for: the verb, whom for, and the settings of this node."""

    def __init__(self, told):
        if not isinstance(told, dict) or told.get("version") != 1:
            raise Usage("standard input is not JSON of version 1")
        for name, kind in (("verb", str), ("cluster", str), ("group", str), ("node", str), ("zone", str),
                           ("address", str), ("prefix", int), ("family", str), ("interface", str),
                           ("epoch", int), ("deadline_ms", int)):
            value = told.get(name)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise Usage(f"standard input: {name} is missing or no {kind.__name__}")
            setattr(self, name, value)
        self.until = STARTED + self.deadline_ms / 1000
        self.settings = merged(told.get("settings"), self.node)

    def remaining(self):
        """Seconds that are left, with some to answer in."""
        return self.until - time.monotonic() - 0.05

    def left(self):
        """The same, if there are any."""
        left = self.remaining()
        if left <= 0:
            raise Problem("out of time")
        return left

    def pause(self, seconds):
        time.sleep(min(seconds, self.left()))

    def is_newer(self, epoch, node):
        """Whether what is there is another's that came after us: a tie is not ours."""
        return epoch > self.epoch or (epoch == self.epoch and node != self.node)


def merged(settings, node):
    """The settings with what `nodes: {NAME: {...}}` says of this node over them."""
    settings = {} if settings is None else settings
    if not isinstance(settings, dict):
        raise Usage("settings is no mapping")
    settings = dict(settings)
    nodes = settings.pop("nodes", None) or {}
    if not isinstance(nodes, dict) or not all(isinstance(own, dict) for own in nodes.values()):
        raise Usage("settings.nodes is to be a mapping of node names to mappings")
    settings.update(nodes.get(node, {}))
    return settings


def check_keys(settings, known, where="settings"):
    for key in settings:
        if key not in known:
            raise Usage(f"{where}.{key} is not known; known are {', '.join(sorted(known))}")


def text(settings, key, default=None, choices=None):
    value = settings.get(key, default)
    if value is None:
        raise Usage(f"settings.{key} is missing")
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise Usage(f"settings.{key} is to be a text")
    if choices and value not in choices:
        raise Usage(f"settings.{key} is {value}, and is to be one of {', '.join(choices)}")
    return str(value)


def seconds(settings, key, default):
    value = text(settings, key, default)
    found = re.fullmatch(r"(\d{1,6})(s|m|h)?", value)
    if not found:
        raise Usage(f"settings.{key} is {value}, and is to be a time such as 5s or 1m")
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600, None: 1}[found[2]]


def read_secret(path):
    """A file's text, which nobody else may read."""
    try:
        with open(path, encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
                raise Problem(f"{path}: others may read or change it: chmod 0600, or 0640")
            return file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"{path}: {getattr(error, 'strerror', None) or 'no text'}") from error


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """What was meant for one server, with its token, is not for another."""

    def redirect_request(self, *arguments):
        return None


def call(order, method, url, headers, body=None, ca_file=None, timeout=None):
    """One HTTP request; gives status, headers, body. Any status is an answer; none is a Problem."""
    if not re.match(r"https?://[^\s/]", url):
        raise Usage(f"no URL: {url}")
    handlers = [NoRedirects(), urllib.request.ProxyHandler()]
    where = url.split("?")[0]
    try:
        if url.startswith("https:"):
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_file)))
        request = urllib.request.Request(url, data=body, headers=headers, method=method)
        limit = order.left() if timeout is None else min(timeout, order.left())
        with urllib.request.build_opener(*handlers).open(request, timeout=limit) as answer:
            return answer.status, answer.headers, answer.read(ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read(ANSWER_BYTES)
    except urllib.error.URLError as error:
        raise Problem(f"{method} {where}: {error.reason}") from error
    except (OSError, ValueError) as error:
        raise Problem(f"{method} {where}: {error or type(error).__name__}") from error


def clip(data, length=200):
    """The beginning of an answer, for one line of the log."""
    shown = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    return " ".join(shown.split())[:length]


def answer_status(holder, epoch):
    assert holder in ("here", "elsewhere", "nobody")
    print(json.dumps({"holder": holder, "epoch": epoch}))
    return DONE


def main(up, down, status):
    """Does what was asked for; ends the process as the contract says."""
    verbs = dict(zip(VERBS, (up, down, status)))
    try:
        if len(sys.argv) != 2 or sys.argv[1] not in verbs:
            raise Usage("to be called as: up, down or status, with JSON on standard input")
        try:
            told = json.load(sys.stdin)
        except ValueError as error:
            raise Usage(f"standard input is no JSON: {error}") from error
        sys.exit(verbs[sys.argv[1]](Order(told)) or DONE)
    except Fenced as error:
        print(f"fenced: {error}", file=sys.stderr)
        sys.exit(FENCED)
    except Usage as error:
        print(error, file=sys.stderr)
        sys.exit(USAGE)
    except Problem as error:
        print(error, file=sys.stderr)
        sys.exit(FAILED)
