"""Hall visits: schedules, slots, bookings and their limits. No service serves them yet: that comes with check-in."""
