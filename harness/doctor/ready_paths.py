"""Where backends usually say that they are ready, for one that has no `ready_path` yet."""

USUAL = (
    *("/readyz", "/ready", "/health/ready", "/api/ready", "/health", "/healthz", "/api/health"),
    *("/status", "/livez", "/live", "/up", "/ping", "/"),
)
