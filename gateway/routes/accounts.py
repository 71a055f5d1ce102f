"""Routes of accounts: registering, logging in and out."""

from gateway.route import Route
from gateway.routes.common import API, PUBLIC, SIGNED_IN
from kernel.contracts import accounts

ROUTES = [
    Route(
        name="register",
        method="POST",
        path=f"{API}/accounts",
        summary="Register an individual. 实名注册",
        access=PUBLIC,
        tag="accounts",
        service="accounts",
        rpc="register",
        request=accounts.Register,
        body=accounts.Registration,
        answer=accounts.Account(),
        status=201,
        others={409: "The identity number or the mobile is registered."},
    ),
    Route(
        name="sign_in",
        method="POST",
        path=f"{API}/sessions",
        summary="Log in. 登录",
        access=PUBLIC,
        tag="accounts",
        service="accounts",
        rpc="open_session",
        request=accounts.Credentials,
        body=accounts.Credentials,
        answer=accounts.Session(),
        status=201,
        others={401: "Unknown login, or wrong password.", 429: "Too many failed attempts for this login."},
    ),
    Route(
        name="sign_out",
        method="DELETE",
        path=f"{API}/sessions/current",
        summary="Log out. 退出登录",
        access=SIGNED_IN,
        tag="accounts",
        service="accounts",
        rpc="close_session",
        request=accounts.Token,
        status=204,
    ),
    Route(
        name="profile",
        method="GET",
        path=f"{API}/accounts/me",
        summary="One's own account, masked. 我的账户",
        access=SIGNED_IN,
        tag="accounts",
        service="accounts",
        rpc="profile",
        request=accounts.Profile,
        answer=accounts.Account(),
    ),
]
