#!/usr/bin/python3
"""The pause before a restart: what ooha.service runs when the agent has ended."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

UNIT = pathlib.Path(sys.argv.pop(1))
SHORT_S = 0.9  # a pause is 1 s


class Restart(unittest.TestCase):

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        text = UNIT.read_text(encoding="utf-8")
        script = re.search(r"^ExecStopPost=\+/bin/sh -c '(.*?)'$", text, re.S | re.M).group(1)
        # as systemd reads it
        script = script.replace("\\\n", " ").replace("$$", "$")
        self.script = script.replace("/run/ooha.", f"{directory.name}/")

    def pauses(self, code, status):
        """Whether it does after an end of that kind."""
        began = time.monotonic()
        done = subprocess.run(["/bin/sh", "-c", self.script], check=True, capture_output=True,
                              env=os.environ | {"EXIT_CODE": code, "EXIT_STATUS": status})
        self.assertEqual(done.stderr, b"")
        return time.monotonic() - began > SHORT_S

    def test_first_crash_is_over_at_once_and_one_right_after_the_start_is_not(self):
        self.assertFalse(self.pauses("killed", "SEGV"))
        self.assertTrue(self.pauses("dumped", "ABRT"))
        self.assertTrue(self.pauses("killed", "SEGV"))
        time.sleep(0.6)  # what ran for longer than 0.5 s is no loop
        self.assertFalse(self.pauses("killed", "KILL"))

    def test_what_is_missing_is_waited_for_and_an_ordinary_end_is_not(self):
        for status in ("69", "70", "73"):
            self.assertTrue(self.pauses("exited", status))
        self.assertFalse(self.pauses("exited", "0"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
