SELECT id, state, attempt FROM recover_stuck_exports(make_interval(secs => %(stuck_timeout_s)s))
