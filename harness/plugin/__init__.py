"""The pytest plugin that makes checks of functions: `-p harness.plugin`.

`shakedown run` (harness.plugin.run) starts pytest with it; with xdist every worker process loads
it by this name. What only the main process does is in harness.plugin.controller.
"""

pytest_plugins = (
    "harness.plugin.worker",
    "harness.plugin.collection",
    "harness.plugin.execution",
    "harness.plugin.fixtures",
)
