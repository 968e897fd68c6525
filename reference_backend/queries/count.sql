SELECT add_to_counter(%(name)s, %(amount)s)
