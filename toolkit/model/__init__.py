"""The model of a plan: built, proved, on its device, its weights in and out."""
