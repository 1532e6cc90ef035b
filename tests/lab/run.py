#!/usr/bin/python3
"""Runs the lab's scenarios: breaks one thing at a time and measures what a client sees."""

import argparse
import multiprocessing
import os
import pathlib
import sys
import time

sys.dont_write_bytecode = True

import balancers  # noqa: E402, F401 (its scenarios)
import commands  # noqa: E402, F401 (its scenarios)
import days  # noqa: E402, F401 (its scenarios)
import failbacks  # noqa: E402, F401 (its scenarios)
import followers  # noqa: E402, F401 (its scenarios)
import hands  # noqa: E402, F401 (its scenarios)
import monitored  # noqa: E402, F401 (its scenarios)
import operators  # noqa: E402, F401 (its scenarios)
import reloads  # noqa: E402, F401 (its scenarios)
import repairs  # noqa: E402, F401 (its scenarios)
import rivals  # noqa: E402, F401 (its scenarios)
import shared  # noqa: E402, F401 (its scenarios)
import silence  # noqa: E402, F401 (its scenarios)
import verdicts  # noqa: E402, F401 (its scenarios)
import waits  # noqa: E402, F401 (its scenarios)
import ways  # noqa: E402, F401 (its scenarios)
from lab import MANY, Lab, Options  # noqa: E402
from netns import LabError, in_ms, name_of, told  # noqa: E402
from process import end_as_interrupted, uninterrupted  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402
from story import Story  # noqa: E402

LOG_LINES = 25


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=Options.build, metavar="DIR",
                        help="default: %(default)s")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help="only this scenario; may be given more than once")
    parser.add_argument("--repeat", type=int, default=1, metavar="N",
                        help="run all of it N times")
    parser.add_argument("--jobs", type=int, default=1, metavar="N",
                        help="on N labs beside each other, each with the next that is left")
    parser.add_argument("--list", action="store_true", help="list the scenarios and leave")
    parser.add_argument("--ttl-ms", type=int, default=Options.ttl_ms, metavar="MS",
                        help="default: %(default)s")
    parser.add_argument("--name", default=f"oohat{os.getpid()}",
                        help="the lab's name; default: one of its own")
    arguments = parser.parse_args()
    known = [name_of(function) for function in SCENARIOS]
    for name in arguments.only or []:
        if name not in known:
            parser.error(f"no scenario {name}; there are: {', '.join(known)}")
    return arguments


def tell(story, function, ttl_ms):
    """One scenario from a healthy lab; what is wrong, of whatever kind, becomes a problem of the
    story: those after it are to be told, too."""
    try:
        story.lab.use_ttl(function.ttl_ms or ttl_ms)
        story.use_ttl(story.lab.options.ttl_ms)
        story.faults.heal_all()
        function(story)
        if story.watch is not None:
            story.settle()
    except Exception as error:
        story.problem(told(error))
    try:
        story.end()
    except Exception as error:
        story.problem(told(error))


def run_one(lab, function, directory, ttl_ms):
    """Runs one scenario; returns its story. However that ends, no watcher is left."""
    story = Story(lab, directory)
    try:
        tell(story, function, ttl_ms)
    finally:
        if story.watch is not None:
            story.watch.abandon()
    return story


class Queue:
    """Scenarios for several processes: each takes the next that nobody has taken, and what one
    tells stays in one piece."""

    def __init__(self, functions, ttl_ms):
        self.functions = functions
        self.ttl_ms = ttl_ms
        self.taken = multiprocessing.Value("i", 0)
        self.telling = multiprocessing.Lock()

    def __iter__(self):
        while True:
            with self.taken:
                number = self.taken.value
                self.taken.value += 1
            if number >= len(self.functions):
                return
            yield number, self.functions[number]


def print_row(name, story, verdict):
    print(f"{name:29} {story.moved:8} {in_ms(story.gaps_us.get('echo')):>8} "
          f"{in_ms(story.gaps_us.get('http')):>8} {in_ms(story.bound_us):>8}  {verdict}",
          flush=True)


def print_failure(lab, story):
    for problem in story.problems:
        print(f"    {problem}")
    if story.watch is not None and story.watch.judge is not None:
        print("    time line, from the first fault:")
        try:
            for line in story.watch.timeline(story.first_us or story.served_us or 0):
                print(f"    {line}")
        except Exception as error:
            print(f"    {told(error)}")
    for node in lab.nodes:
        process = lab.processes.get((node.name, "agent"))
        print(f"    agent of {node.name}:")
        for line in process.tail(LOG_LINES) if process else []:
            print(f"        {line}")
    sys.stdout.flush()


def passes(lab, function, directory, queue, again=True):
    """Runs one scenario and prints its row.

    Bounds of real time are kept by the agents and by the machine that all of the lab shares. A
    scenario that fails is told in full and run once more; two holders are never put down to the
    machine.
    """
    story = run_one(lab, function, directory, queue.ttl_ms)
    again = again and bool(story.problems) and story.is_safe()
    with queue.telling:
        print_row(name_of(function), story,
                  "again" if again else "FAIL" if story.problems else "ok")
        if story.problems:
            print_failure(lab, story)
    if again:
        directory = directory.with_name(directory.name + "-again")
        return passes(lab, function, directory, queue, again=False)
    return not story.problems


def work(queue, options):
    """Runs on one lab what is left in the queue; returns how many passed and failed."""
    lab = Lab(options)
    passed = []
    try:
        lab.up()
        for number, function in queue:
            directory = pathlib.Path(lab.directory) / "stories" / f"{number}-{function.__name__}"
            passed.append(passes(lab, function, directory, queue))
    finally:
        with uninterrupted():
            lab.down()
    return passed.count(True), passed.count(False)


def run_all(queue, options):
    """On as many labs at once as there are options; returns how many passed and failed."""
    if len(options) == 1:
        return work(queue, options[0])
    counts = multiprocessing.SimpleQueue()
    workers = [multiprocessing.Process(target=lambda one: counts.put(work(queue, one)), args=[one])
               for one in options]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode != 0 for worker in workers):
        raise LabError("a lab did not come to its end")
    return tuple(map(sum, zip(*(counts.get() for _ in workers))))


def main():
    arguments = read_arguments()
    if arguments.list:
        for function in SCENARIOS:
            print(f"{name_of(function):29} {' '.join(function.__doc__.split())}")
        return 0
    end_as_interrupted()
    functions = [function for function in SCENARIOS
                 if not arguments.only or name_of(function) in arguments.only]
    queue = Queue(functions * arguments.repeat, arguments.ttl_ms)
    options = [Options(name=f"{arguments.name}{'bcdefgh'[i - 1] if i else ''}",
                       build=os.path.abspath(arguments.build), ttl_ms=arguments.ttl_ms, vips=MANY)
               for i in range(arguments.jobs)]
    started = time.monotonic()
    print(f"{'scenario':29} {'moved':8} {'echo ms':>8} {'http ms':>8} {'bound':>8}")
    n_passed, n_failed = run_all(queue, options)
    print(f"in {time.monotonic() - started:.0f} s, ttl {arguments.ttl_ms} ms")
    print(f"{n_passed} passed, {n_failed} failed")
    return 1 if n_failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"run.py: {error}")
