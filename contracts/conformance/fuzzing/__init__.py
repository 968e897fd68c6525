"""Requests made up from the document by schemathesis, sent by our client, judged by our rules.

`generate` (a process of its own: the only one that loads schemathesis) writes cases, `sending`
sends them side by side to all API instances, `rules` judges answers by document and contract.
"""
