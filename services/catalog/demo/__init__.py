"""The demo catalogue, as JSON files in the form of an import; read together they are one catalogue.

Items, limits and materials are those of real items; organ codes are samples: they pass the check of GB 32100-2015 but
belong to nobody. Addresses and phones are real unless the place is marked as sample; a phone that nobody published is
null; hours, floors and windows are samples, and say so.
"""
