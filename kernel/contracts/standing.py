"""What services tell of themselves in `status`, for whoever watches: relays, timers, providers, room on the disk.

Names that figures are known by stand here, so that one that is missing can be told to be missing.
"""

import marshmallow as ma
from marshmallow import fields

# Whose logs are published by a relay.
RELAYS = ("filing", "appointment", "catalog")

# What happens by itself, by the service that sees to it.
TIMERS = {
    "deadlines": "filing",  # cases whose day has passed
    "waiting_events": "filing",  # department events that have waited for long enough
    "holds": "appointment",  # times that were held and are free again
    "places": "appointment",  # places that come back
    "reminders": "appointment",
    "replanned": "appointment",  # groups that were planned anew, whose bookings may have lost their times
    "closed_visits": "appointment",  # that the hall could not keep, and that are over
    "missed_visits": "appointment",
    "parked_tickets": "appointment",  # tickets that wait again
    "tickets_left": "appointment",  # tickets of days that are over
    "personal_data": "appointment",  # what is needed no more, and is to be forgotten
    "messages": "notify",  # SMS and e-mails that are to be sent
}

PROVIDERS = ("sms", "sms-fallback", "smtp", "outbox")

OWNERS = ("accounts", "appointment", "catalog", "filing", "notify", "progress")  # of a database each


class Timer(ma.Schema):
    """What is due and has not been done."""

    due = fields.Integer(required=True)
    oldest_due_seconds = fields.Float(required=True)  # 0: nothing is


class Relayed(ma.Schema):
    """How far a log is published."""

    position = fields.Integer(required=True)  # the last event that the broker confirmed
    head = fields.Integer(required=True)
    oldest_unpublished_seconds = fields.Float(required=True)  # 0: all is published
    led = fields.Boolean(required=True)  # whether a relay holds the lease


class Provider(ma.Schema):
    """How a provider of SMS or e-mail has answered."""

    provider = fields.String(required=True)
    failures_running = fields.Integer(required=True)  # since it last answered as it should; 0: it is well
    accepted = fields.Integer(required=True)  # messages, ever
    failed = fields.Integer(required=True)  # times that it did not answer as it should, ever
    answered_seconds = fields.Float(required=True, allow_none=True)  # since it was last asked; None: never
    accepted_seconds = fields.Float(required=True, allow_none=True)  # since it last took a message
    reason = fields.String(required=True, allow_none=True)  # of its last failure


class Sized(ma.Schema):
    """Every service that keeps something tells how much."""

    database_bytes = fields.Integer(required=True)
