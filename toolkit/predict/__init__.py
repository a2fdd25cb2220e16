"""Predictions: views, inference, files."""
