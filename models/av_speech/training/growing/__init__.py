"""A profile that grows from clean stretches of use, with its user's consent."""
