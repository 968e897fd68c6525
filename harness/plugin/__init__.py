"""The pytest plugin that makes checks of functions: `-p harness.plugin`.

`shakedown run` (harness.plugin.session.run) starts pytest with it; with xdist every worker process
loads it by this name. What only the main process does is in harness.plugin.session.controller.
"""

pytest_plugins = (
    "harness.plugin.session.worker",
    "harness.plugin.collecting.collection",
    "harness.plugin.checking.execution",
    "harness.plugin.fixtures",
)
