"""How do I ask over HTTP?

`app` puts it together: `security` stands before everything, `capsules` and `health` are
the resources, `problems` says what went wrong (RFC 9457), `description` is the OpenAPI
document. Nothing here is imported unless a server is asked for: FastAPI is an extra.
"""
