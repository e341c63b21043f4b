"""The ground floor: OCI distribution. It knows names, digests and bytes; never people. See docs/architecture.md."""
