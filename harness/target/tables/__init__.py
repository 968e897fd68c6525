"""The tables of a target file; `[contract]` and `[tokens]` have packages of their own."""
