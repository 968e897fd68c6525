"""Commands that hand on what follows `--`: `run` to pytest, `up` to the command that it starts."""

import click


class TakesRest(click.Command):
    """Separates what follows `--`; the command gets it by `click.pass_obj`, as a tuple."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what follows the first `--`, and parse what stands before it."""
        ours, rest = args, []
        if "--" in args:
            cut = args.index("--")
            ours, rest = args[:cut], args[cut + 1 :]
        ctx.obj = tuple(rest)
        return super().parse_args(ctx, ours)
