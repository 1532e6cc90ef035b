#!/usr/bin/python3
"""The packages know of everything that is installed, of nothing else, and of the same version."""

import json
import pathlib
import re
import subprocess
import sys
import unittest

MESON, BUILD, SOURCE = sys.argv[1].split(), sys.argv[2], pathlib.Path(sys.argv[3])
del sys.argv[1:]
# as an RPM system has them
MACROS = {"_prefix": "/usr", "_bindir": "/usr/bin", "_sbindir": "/usr/sbin",
          "_datadir": "/usr/share", "_mandir": "/usr/share/man", "_sysconfdir": "/etc",
          "_unitdir": "/usr/lib/systemd/system", "_sysusersdir": "/usr/lib/sysusers.d",
          "_tmpfilesdir": "/usr/lib/tmpfiles.d"}
# as meson names places; others are options of ours, which have RPM's places as defaults
PLACES = {"prefix": "/usr", "bindir": "/usr/bin", "sbindir": "/usr/sbin", "datadir": "/usr/share",
          "mandir": "/usr/share/man", "systemd_unit_dir": "/usr/lib/systemd/system",
          "sysusers_dir": "/usr/lib/sysusers.d", "tmpfiles_dir": "/usr/lib/tmpfiles.d",
          "polkit_rules_dir": "/usr/share/polkit-1/rules.d"}
OURS = {"/etc/ooha/ooha.yaml"}  # by the packages themselves: an install by hand keeps what is there


def introspect(*words):
    return json.loads(subprocess.run([*MESON, "introspect", BUILD, *words], check=True,
                                     capture_output=True).stdout)


def installed():
    plan = introspect("--install-plan")
    return {re.sub(r"\{(\w+)\}", lambda found: PLACES[found[1]], one["destination"])
            for kind in plan.values() for one in kind.values()}


class Spec(unittest.TestCase):

    def setUp(self):
        self.spec = (SOURCE / "packaging/ooha.spec").read_text(encoding="utf-8")

    def listed(self):
        files = self.spec.split("\n%files\n")[1].split("\n\n")[0]
        lines = [re.sub(r"^%config\(noreplace\) ", "", line) for line in files.splitlines()
                 if not line.startswith(("%dir ", "%doc "))]
        return [re.sub(r"%\{(\w+)\}", lambda found: MACROS[found[1]], line).removesuffix("*")
                for line in lines]

    def test_what_is_installed_is_listed_and_nothing_else(self):
        listed = self.listed()
        self.assertGreater(len(listed), 20)
        self.assertEqual(sorted(listed), sorted(installed() | OURS))

    def test_each_directory_of_ours_is_listed(self):
        ours = {str(parent) for path in self.listed() for parent in pathlib.Path(path).parents
                if "ooha" in parent.name}
        ours |= {str(pathlib.Path(path).parent) for path in self.listed()
                 if "/ooha/" in path}
        listed = {re.sub(r"%\{(\w+)\}", lambda found: MACROS[found[1]], line)
                  for line in re.findall(r"^%dir (.*)$", self.spec, re.M)}
        self.assertEqual(listed, ours)

    def test_version_is_the_projects(self):
        version = introspect("--projectinfo")["version"]
        self.assertIn(f"\nVersion:        {version}\n", self.spec)
        changes = (SOURCE / "debian/changelog").read_text(encoding="utf-8")
        self.assertTrue(changes.startswith(f"ooha ({version}) "), changes.splitlines()[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
