"""Speed of harborweb beside other registries on the same machine: `python -m bench --help`, docs/performance.md."""
