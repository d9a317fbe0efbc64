"""Foreign bytes are parsed in processes with little memory and no key."""
