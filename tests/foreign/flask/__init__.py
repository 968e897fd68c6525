"""A small backend that is nothing like the reference one: Flask, SQLite, words of its own.

It obeys the meaning of the contract over HTTP and shares no line with what judges it. Its words are
in DIALECT.md, the bugs that can be switched on in `defects/`.
"""
