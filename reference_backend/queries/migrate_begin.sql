-- One migration of this database at a time; released at the end of the transaction.
SELECT set_config('lock_timeout', %(lock_timeout)s, true), set_config('statement_timeout', '0', true),
       pg_advisory_xact_lock(hashtextextended('migrate', 0))
