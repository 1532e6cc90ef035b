"""What breaks below all of it: disks, name service, memory."""

from case import case
from healers import docservice_with, frozen, named
from netns import fill_disk


@case("the disk of the logs is full", "disk full")
def log_disk_full(stage):
    path = stage.directory / "log/filler"
    fill_disk(path)
    try:
        yield
    finally:
        path.unlink()


@case("no name server answers", "name service down")
def no_name_server(stage):
    with named(stage, db_office_test="127.0.0.1"), \
            docservice_with(stage, database={"dbHost": "db.office.test"}):
        stage.see(80, "200 true")
        with frozen(stage, [stage.processes["names"].pid]):
            yield
