#!/usr/bin/python3
"""The ids of what the agent says: the program, its documentation and the catalog have the same."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE, PAGE, CATALOG = (pathlib.Path(path).read_text(encoding="utf-8") for path in sys.argv[1:4])
del sys.argv[1:]


class Ids(unittest.TestCase):

    def test_each_is_documented_under_its_word(self):
        said = {(name, id) for id, name in re.findall(r'= \{"([0-9a-f]{32})", "(\w+)"\}', SOURCE)}
        self.assertGreater(len(said), 20)
        self.assertEqual(set(re.findall(r"^\| `(\w+)` \| `([0-9a-f]{32})` \|", PAGE, re.M)), said)
        self.assertEqual(len({id for _, id in said}), len(said))

    def test_each_is_explained_in_a_catalog_that_systemd_takes(self):
        ids = set(re.findall(r'= \{"([0-9a-f]{32})"', SOURCE))
        self.assertEqual(set(re.findall(r"^-- ([0-9a-f]{32})$", CATALOG, re.M)), ids)
        with tempfile.TemporaryDirectory() as root:
            place = pathlib.Path(root, "usr/lib/systemd/catalog")
            place.mkdir(parents=True)
            pathlib.Path(root, "var/lib/systemd/catalog").mkdir(parents=True)
            place.joinpath("ooha.catalog").write_text(CATALOG, encoding="utf-8")
            done = subprocess.run(["journalctl", f"--root={root}", "--update-catalog"], check=False,
                                  capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            done = subprocess.run(["journalctl", f"--root={root}", "--list-catalog"], check=True,
                                  capture_output=True, text=True)
            self.assertEqual({line.split()[0] for line in done.stdout.splitlines()}, ids)


if __name__ == "__main__":
    unittest.main(verbosity=2)
