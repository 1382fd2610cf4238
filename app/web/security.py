"""What a page may do in a browser: its own scripts and styles, this service, nothing else."""

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "connect-src": "'self'",
    # The map library starts its workers from a blob of its own script.
    "worker-src": "blob:",
    "frame-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
}


def headers(*, framed: bool = False) -> dict[str, str]:
    """The headers of a page; only one that is meant to be `framed` may be shown in a frame."""
    policy = _POLICY | {"frame-ancestors": "*" if framed else "'self'"}
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Content-Type-Options": "nosniff",
        "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
    }
