"""Systems: PostgreSQL, API instances and workers, brought up, controlled and torn down."""

from harness.instances.description import Instance, Role, SystemDescription
from harness.system.launch import launch, launch_sibling
from harness.system.system import System

__all__ = ["Instance", "Role", "System", "SystemDescription", "launch", "launch_sibling"]
