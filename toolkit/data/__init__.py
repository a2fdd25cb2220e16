"""Table, folds, decode-once cache, loaders."""
