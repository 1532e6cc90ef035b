"""Test cases that leave nothing behind, however they end. unittest does without its cleanups where a
test is interrupted."""

import signal
import unittest

from process import end_as_interrupted


class Proof(unittest.TestCase):
    """A test case whose cleanups run after an interrupt, too."""

    def run(self, result=None):
        try:
            return super().run(result)
        except KeyboardInterrupt:
            self.doCleanups()
            raise


def run_proofs(arguments):
    """Runs the tests of the program, those named or all; returns the result. What is made once for
    all of them is to be registered by unittest.addModuleCleanup."""
    end_as_interrupted()
    try:
        return unittest.main(argv=arguments, verbosity=2, exit=False).result
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        unittest.case.doModuleCleanups()
