"""Pages for people: sign-in, the layout, and the areas that stand on them (decision 45)."""
