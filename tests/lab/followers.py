"""Who follows a holder, by its zone."""

from failbacks import fall_ill
from netns import wait_for
from reloads import change, changed
from scenarios import check_bound, scenario

GROUP = "  - name: office\n"


def await_zones(story, zones):
    """Each node knows where the others are by now."""
    def known():
        return all({member["node"]: member["zone"] for member in story.lab.status(node)[1][
            "members"]} == {other.name: zone for other, zone in zones.items()} for node in zones)
    wait_for(known, 5, f"all know that {[(n.name, zone) for n, zone in zones.items()]}")


@scenario
def zones(story):
    """`spread`: a holder dies, and one of another zone follows, though one beside it ranks better.
    `stay`: that one falls ill, and one of its zone follows."""
    story.begin()
    first = story.holder
    beside, away = sorted(story.standbys(), key=lambda node: node.name)
    with changed(story, *story.lab.nodes):
        for node in story.lab.nodes:
            change(story, node, (GROUP, GROUP + "    zones: spread\n"),
                   ("priority: 100", f"priority: {200 if node is beside else 100}"),
                   (f"zone: {node.zone}", f"zone: {(first if node is beside else node).zone}"))
        await_zones(story, {first: first.zone, beside: first.zone, away: away.zone})
        target = story.expect_move(story.faults.kill(first, "agent"), story.death_us)
        story.check(target is away, f"it went to {target.name}, not to {away.name}")
        _, status = story.lab.status(away)
        shown = [(group["holder_zone"], group["zones"]) for group in status["groups"]]
        story.check(shown == [(away.zone, "spread")], f"the status shows {shown}")

        story.holder = target
        story.faults.start(first, "agent")  # with the configuration of before
        wait_for(lambda: not story.lab.ineligible(), check_bound("docservice") / 1e6 + 5,
                 f"{first.name} is eligible")
        for node in (beside, away):
            change(story, node, ("zones: spread", "zones: stay"))
        change(story, first, (GROUP, GROUP + "    zones: stay\n"),
               (f"zone: {first.zone}", f"zone: {away.zone}"))
        await_zones(story, {first: away.zone, beside: first.zone, away: away.zone})
        ill = fall_ill(story)
        story.check(story.holder is first, f"it went to {story.holder.name}, not to {first.name}")
        story.faults.standin(ill, "true")
        wait_for(lambda: not story.lab.ineligible(), check_bound("docservice") / 1e6 + 5,
                 f"{ill.name} is eligible")
