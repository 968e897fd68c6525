"""Requests generated from the document by schemathesis, sent by our client, checked by our rules.

`generate` (a process of its own, the only one that loads schemathesis) writes cases, `sending`
sends them concurrently to all API instances, `rules` checks the answers.
"""
