"""`toolkit tune`: searches a recipe's values, economically and without losing a trial."""
