"""Personal data as they may be shown back: enough to recognise one's own, too little for anybody else.

Pure.
"""


def mask_mobile(mobile: str) -> str:
    """138****5678"""
    return mobile[:3] + "****" + mobile[-4:]


def mask_identity_number(number: str) -> str:
    """4401**********1234"""
    return number[:4] + "*" * 10 + number[-4:]


def mask_name(name: str) -> str:
    """李*明, 李*; a name of one character shows nothing."""
    if len(name) < 3:
        return name[: len(name) - 1] + "*"
    return name[0] + "*" * (len(name) - 2) + name[-1]


def mask_email(address: str) -> str:
    """l***@example.cn"""
    return address[0] + "***@" + address.rpartition("@")[2]
