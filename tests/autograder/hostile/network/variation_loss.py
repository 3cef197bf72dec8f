"""Opens sockets of every kind, to tell the hidden checks to somebody or to ask for the answer; only on this machine."""

import socket
import urllib.request

WAYS = (
    lambda: socket.create_connection(("127.0.0.1", 9), timeout=1),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
    lambda: socket.socket(socket.AF_UNIX).connect("\0idealcat"),
    lambda: socket.socketpair(),
    lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    lambda: urllib.request.urlopen("http://127.0.0.1:9", timeout=1),
)


def opened(way):
    try:
        way()
    except ConnectionRefusedError:
        return True
    except OSError as error:
        return "refused" in str(error)
    return True


def variation_loss(images):
    raise RuntimeError(f"{sum(map(opened, WAYS))} of {len(WAYS)} sockets were opened")
