"""The kit that pages and API are made of: tables, paginator, error mapping, template tags."""
