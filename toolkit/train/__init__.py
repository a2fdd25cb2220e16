"""One fold: the visible loop and what it is made of."""
