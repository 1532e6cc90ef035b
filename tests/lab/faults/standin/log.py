"""What the stand-ins of the Document Server's programs share: its log's form, its settings."""

import datetime
import json
import os
import sys


class Log:
    """Lines as log4js writes them, to standard output as the units have it."""

    def __init__(self, category):
        self.category = category

    def write(self, level, text):
        now = datetime.datetime.now().isoformat(timespec="milliseconds")
        try:
            sys.stdout.write(f"[{now}] [{level}] [localhost] [docId] [userId] {self.category} - "
                             f"{text}\n")
            sys.stdout.flush()
        except OSError:  # a full disk ends no service
            pass

    def warn(self, text):
        self.write("WARN", text)

    def error(self, text):
        self.write("ERROR", text)


def merge(under, over):
    """Objects go into each other, all else is replaced, as node-config has it."""
    if not isinstance(under, dict) or not isinstance(over, dict):
        return over
    return {key: merge(under.get(key), over[key]) if key in over else under[key]
            for key in {**under, **over}}


def read_settings(directory):
    settings = {}
    for name in ("default.json", "production-linux.json", "local.json"):
        path = os.path.join(directory, name)
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as handle:
            text = handle.read()
        try:
            settings = merge(settings, json.loads(text))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    return settings


def exit_broken(error):
    path, _, why = str(error).partition(": ")
    sys.stdout.write(f"/snapshot/server/node_modules/config/lib/config.js:183\n    throw new Error("
                     f"\n    ^\n\nError: Cannot parse config file: '{path}': SyntaxError: {why}\n"
                     "    at util.parseFile (/snapshot/server/node_modules/config/lib/config.js)\n")
    sys.exit(1)
