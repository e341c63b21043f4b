"""The kit of /api/v2.0: Harbor's conventions, so that a view holds only what is its own.

errors.py: everything that goes wrong, in Harbor's envelope.  authentication.py: who calls.  views.py: may they, denied
unless the view says otherwise.  filters.py: q= and sort=.  paging.py: page, page_size, X-Total-Count, Link.
"""
