"""Domain values to what the API and the pages show. Pure."""
