"""/api/v2.0 of the portal: system, projects, repositories, artifacts and the caller itself, in Harbor's shapes."""
