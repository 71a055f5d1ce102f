"""Every route of the hall: who may use it, what it takes, who answers it and with what.

These tables serve and document; nothing is reachable that does not stand here.
"""

from gateway.route import Route
from gateway.routes import accounts, appointments, cases, catalogue, hall, hall_day, hall_staff
from gateway.routes.common import API as API

ROUTES: tuple[Route, ...] = (
    *catalogue.ROUTES,
    *accounts.ROUTES,
    *cases.ROUTES,
    *appointments.ROUTES,
    *hall_staff.ROUTES,
    *hall_day.ROUTES,
    *hall.ROUTES,
)
BY_NAME = {route.name: route for route in ROUTES}
