"""One instance of a backend: how it is started, asked, controlled and ended."""
