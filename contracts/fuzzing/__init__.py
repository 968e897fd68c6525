"""Requests that schemathesis makes up from the document, sent by our own client, judged by our own rules.

`generate` (a process of its own: it is the only one that loads schemathesis) writes cases, `sending`
sends them side by side to all API instances, `rules` judges answers by the document and the contract.
"""
