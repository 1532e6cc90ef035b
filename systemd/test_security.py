#!/usr/bin/python3
"""What the agent could do if somebody else spoke through it: little, by systemd's own reckoning."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

UNIT = pathlib.Path(sys.argv.pop(1)).read_text(encoding="utf-8").replace("@sbindir@", "/usr/sbin")
EXPOSURE_MOST = 19  # tenths: under 2.0
RIGHTS = {"CAP_NET_ADMIN", "CAP_NET_RAW"}


def exposure(unit):
    """In tenths."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, "ooha.service")
        path.write_text(unit, encoding="utf-8")
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", path],
                              check=False, capture_output=True, text=True)
    found = re.search(r"Overall exposure level for ooha.service: (\d+)\.(\d) ", done.stdout)
    if not found:
        raise AssertionError(done.stdout[-500:] + done.stderr)
    return int(found[1]) * 10 + int(found[2])


class Security(unittest.TestCase):

    def test_exposure_is_under_two(self):
        self.assertLessEqual(exposure(UNIT), EXPOSURE_MOST)

    def test_reckoning_sees_what_is_left_out(self):
        self.assertGreater(exposure(UNIT.replace("NoNewPrivileges=yes\n", "")
                                    .replace("User=ooha\n", "")), EXPOSURE_MOST)

    def test_it_has_a_user_of_its_own_and_two_capabilities(self):
        self.assertIn("\nUser=ooha\n", UNIT)
        for key in ("AmbientCapabilities", "CapabilityBoundingSet"):
            values = re.findall(rf"^{key}=(.*)$", UNIT, re.M)
            self.assertEqual([set(value.split()) for value in values], [RIGHTS])


if __name__ == "__main__":
    unittest.main(verbosity=2)
