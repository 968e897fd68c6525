"""What an answer must be like: rules for every answer, for successes, refusals and scenarios."""
