"""pytest plugin of polykeras: options and fixtures for the test kits."""
