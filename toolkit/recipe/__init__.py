"""TOML to Recipe to a frozen, hashed Plan."""
