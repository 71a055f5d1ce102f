"""The peer: a service and an HTTP gateway as nameko's documentation writes them, with nothing tuned.

`python -m benchmarks.stock service|gateway <amqp uri> <port>` runs one of them until it is ended.
"""

import sys

from kernel import green


def main(role: str, uri: str, port: str) -> None:
    """Run the service or the gateway."""
    green.patch()
    from nameko.cli.run import run

    config = {"AMQP_URI": uri, "WEB_SERVER_ADDRESS": f"127.0.0.1:{port}", "max_workers": 64}
    run([_service() if role == "service" else _gateway()], config)


def _service() -> type:
    from nameko.rpc import rpc

    class Service:
        name = "stock_trivial"

        @rpc
        def answer(self, serial: str) -> dict[str, str]:
            return {"serial": serial, "state": "accepted"}

    return Service


def _gateway() -> type:
    import json

    from nameko.rpc import RpcProxy
    from nameko.web.handlers import http

    class Gateway:
        name = "stock_gateway"
        service = RpcProxy("stock_trivial")

        @http("GET", "/progress/<serial>")
        def progress(self, _request: object, serial: str) -> tuple[int, dict[str, str], str]:
            return 200, {"Content-Type": "application/json"}, json.dumps(self.service.answer(serial))

    return Gateway


if __name__ == "__main__":
    main(*sys.argv[1:])
