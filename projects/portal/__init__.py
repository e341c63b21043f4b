"""The roof: pages and API that gather several features, and the wiring of registry.ports to them."""
