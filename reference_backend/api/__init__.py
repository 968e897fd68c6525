"""The HTTP side of the reference backend: an aiohttp application over database and storage."""
