"""A case of the catalogue: a generator that breaks something, yields while it is broken, and mends
it. It yields the words that the operator would add to `ooha diagnose` (a URL), or nothing."""

import dataclasses
import typing

CASES = []


@dataclasses.dataclass
class Case:
    name: str  # what is broken, in the operator's words
    cause: str  # that has to be said first
    also: tuple  # names of causes that are the same thing here
    play: typing.Callable


def case(name, cause, *also):
    def register(play):
        CASES.append(Case(name, cause, also, play))
        return play
    return register
