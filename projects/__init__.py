"""People, rules, pages and the REST API, on top of `registry`.

The files here are the core; every folder is one feature.
"""
