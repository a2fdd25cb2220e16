"""The pipeline `document17`: seventeen kinds of what happens to pages, for offline copies."""
