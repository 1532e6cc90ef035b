"""Runs cases of one agent, each in a place of its own, several at a time."""

import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import sys
import tempfile

from lab import Options
from netns import name_of, told
from place import Place
from process import end_as_interrupted

WORKERS = 8


class Cases:
    """The cases of one program."""

    def __init__(self, name):
        self.name, self.functions = name, []
        self.places = []

    def case(self, function):
        """A function of a Place; its docstring says what it proves."""
        self.functions.append(function)
        return function

    def run_one(self, function, number, build, root):
        """Runs one case in a place of its own; returns what went wrong, or None."""
        place = None
        try:
            place = Place(f"{self.name}{os.getpid()}-{number}", build, root / function.__name__)
            self.places.append(place)
            function(place)
        except Exception as error:
            return told(error)
        finally:
            if place is not None:
                place.leave()
        return None

    def run_all(self, chosen, build, root):
        """All at once, as far as there are workers; what fails in that crowd once more, alone.
        Returns how many failed."""
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool, self.cut_short(pool):
            results = [pool.submit(self.run_one, function, number, build, root / "together")
                       for number, function in enumerate(chosen)]
            again = []
            for function, result in zip(chosen, results):
                problem = result.result()
                if problem is not None:
                    again.append(function)
                print(f"{'ok   ' if problem is None else 'again'} {name_of(function)}"
                      + (f": {problem}" if problem else ""), flush=True)
        failed = 0
        for number, function in enumerate(again):
            problem = self.run_one(function, number, build, root / "alone")
            failed += problem is not None
            print(f"{'ok   ' if problem is None else 'FAIL '} {name_of(function)}, alone"
                  + (f": {problem}" if problem else ""), flush=True)
        return failed

    @contextlib.contextmanager
    def cut_short(self, pool):
        """Lets an interrupt end all cases soon, and not after they are through."""
        try:
            yield
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for place in list(self.places):
                place.leave()  # what fails then leaves once more
            raise

    def read_arguments(self, about):
        parser = argparse.ArgumentParser(description=about)
        parser.add_argument("--build", default=Options.build, metavar="DIR",
                            help="default: %(default)s")
        parser.add_argument("--only", action="append", metavar="NAME",
                            help="only this case; may be given more than once")
        parser.add_argument("--list", action="store_true", help="list the cases and leave")
        arguments = parser.parse_args()
        known = [name_of(function) for function in self.functions]
        for name in arguments.only or []:
            if name not in known:
                parser.error(f"no case {name}; there are: {', '.join(known)}")
        return arguments

    def main(self, about):
        """Runs what the command line says; returns the exit status."""
        arguments = self.read_arguments(about)
        chosen = [function for function in self.functions
                  if not arguments.only or name_of(function) in arguments.only]
        if arguments.list:
            for function in chosen:
                print(f"{name_of(function):38} {' '.join(function.__doc__.split())}")
            return 0
        if os.geteuid() != 0:
            print(f"{self.name}: network namespaces need root", file=sys.stderr)
            return 77
        os.umask(0o022)
        end_as_interrupted()
        build = pathlib.Path(arguments.build).resolve()
        with tempfile.TemporaryDirectory(prefix=f"{self.name}-", dir="/dev/shm") as root:
            failed = self.run_all(chosen, build, pathlib.Path(root))
        print(f"{len(chosen) - failed} passed, {failed} failed")
        return 1 if failed else 0
