"""Hall visits: the place of the booking service, which is not built yet; nothing imports this package."""
