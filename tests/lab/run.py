#!/usr/bin/python3
"""Runs the lab's scenarios: breaks one thing at a time and measures what a client sees."""

import argparse
import os
import pathlib
import sys
import time

sys.dont_write_bytecode = True

import balancers  # noqa: E402, F401 (its scenarios)
import commands  # noqa: E402, F401 (its scenarios)
import days  # noqa: E402, F401 (its scenarios)
import failbacks  # noqa: E402, F401 (its scenarios)
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
from lab import MANY, Lab, Options  # noqa: E402
from netns import LabError, in_ms, name_of, told  # noqa: E402
from process import end_as_interrupted  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402
from story import Story  # noqa: E402

LOG_LINES = 25


def share(text):
    """(I, N) of "I/N"."""
    index, count = (int(word) for word in text.split("/"))
    if not 1 <= index <= count:
        raise argparse.ArgumentTypeError(f"{text}: there is no such share; for example 1/2")
    return index, count


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=Options.build, metavar="DIR",
                        help="default: %(default)s")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help="only this scenario; may be given more than once")
    parser.add_argument("--repeat", type=int, default=1, metavar="N",
                        help="run all of it N times")
    parser.add_argument("--share", type=share, default=(1, 1), metavar="I/N",
                        help="of N equal shares the I-th, so that N runs beside each other do all")
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


def passes(lab, function, directory, ttl_ms, again=True):
    """Runs one scenario and prints its row.

    Bounds of real time are kept by the agents and by the machine that all of the lab shares. A
    scenario that fails is told in full and run once more; two holders are never put down to the
    machine.
    """
    story = run_one(lab, function, directory, ttl_ms)
    again = again and bool(story.problems) and story.is_safe()
    print_row(name_of(function), story,
              "again" if again else "FAIL" if story.problems else "ok")
    if story.problems:
        print_failure(lab, story)
    if again:
        directory = directory.with_name(directory.name + "-again")
        return passes(lab, function, directory, ttl_ms, again=False)
    return not story.problems


def run_all(lab, functions, repeat):
    """Returns how many passed and failed."""
    n_passed = n_failed = 0
    ttl_ms = lab.options.ttl_ms
    print(f"{'scenario':29} {'moved':8} {'echo ms':>8} {'http ms':>8} {'bound':>8}")
    for turn in range(repeat):
        for function in functions:
            directory = pathlib.Path(lab.directory) / "stories" / f"{turn}-{function.__name__}"
            if passes(lab, function, directory, ttl_ms):
                n_passed += 1
            else:
                n_failed += 1
    return n_passed, n_failed


def main():
    arguments = read_arguments()
    if arguments.list:
        for function in SCENARIOS:
            print(f"{name_of(function):29} {' '.join(function.__doc__.split())}")
        return 0
    end_as_interrupted()
    functions = [function for function in SCENARIOS
                 if not arguments.only or name_of(function) in arguments.only]
    index, count = arguments.share
    functions = functions[index - 1::count]
    lab = Lab(Options(name=arguments.name, build=os.path.abspath(arguments.build),
                      ttl_ms=arguments.ttl_ms, vips=MANY))
    started = time.monotonic()
    try:
        lab.up()
        n_passed, n_failed = run_all(lab, functions, arguments.repeat)
    finally:
        lab.down()
    print(f"in {time.monotonic() - started:.0f} s, ttl {arguments.ttl_ms} ms")
    print(f"{n_passed} passed, {n_failed} failed")
    return 1 if n_failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"run.py: {error}")
