"""What a target offers to checks; a check names what it needs."""

from enum import StrEnum


class Capability(StrEnum):
    """One thing that can be done with a target; a check whose needs are not met is inconclusive."""

    HTTP = "http"
    """Requests can be sent to an API instance."""
    TENANTS = "tenants"
    """Tokens of more than one organisation can be had."""
    ORGANISATIONS = "organisations"
    """New organisations, with a user in each role, can be made: nobody else touches them."""
    DATABASE = "database"
    """The database can be read."""
    SPAWN = "spawn"
    """More instances, and whole systems of a drill's own, can be started."""
    KILL = "kill"
    """Instances can be killed without a warning."""
    PAUSE = "pause"
    """Instances can be frozen and thawed."""
    RESTART = "restart"
    """Instances can be stopped with grace and started again."""
    NETWORK = "network"
    """Instances can be cut off from each other and from the database."""
    DATABASE_CONTROL = "database-control"
    """The database can be changed by the harness: clones, dropped functions, kills."""
    FAILPOINTS = "failpoints"
    """A worker can be made to sleep, raise or exit at each edge of a job's life."""
    LOAD = "load"
    """It may be given more to do than a careful user would: crowds, stalls, the largest files."""
    FAULTS = "faults"
    """Instances that run elsewhere may be harmed by the command lines of the target file."""
