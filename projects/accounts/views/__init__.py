"""Pages and HTTP calls of logging in and of one's own account."""
