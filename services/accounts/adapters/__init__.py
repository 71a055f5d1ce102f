"""The tables of accounts and the hashing of passwords."""
