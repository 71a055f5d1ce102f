"""Who may register and log in, and how that is refused. Pure.

An unknown login and a wrong password are refused in the same words.
"""

import re
from datetime import date
from typing import Any

from kernel.contracts import accounts as contract
from kernel.errors import InvalidInput, Refusal
from services.accounts.domain import identity

_MOBILE = re.compile(r"1[3-9][0-9]{9}")


class AlreadyRegistered(Refusal):
    """The identity number or the mobile has an account."""

    code = "already_registered"
    status = 409
    zh = "该身份证号码或手机号已注册，请直接登录。"
    en = "This identity number or mobile is registered already; please sign in."


class WrongLogin(Refusal):
    """Unknown login, or wrong password: nobody is told which."""

    code = "wrong_login"
    status = 401
    zh = "账号或密码不正确。"
    en = "The login or the password is not right."


class TooManyAttempts(Refusal):
    """Too many failures for one login; `retry_after` in seconds."""

    code = "too_many_attempts"
    status = 429
    zh = "尝试次数过多，请在 {retry_after} 秒后再试。"
    en = "Too many failed attempts; please try again in {retry_after} seconds."


class UnknownAccount(Refusal):
    """No account of this id."""

    code = "unknown_account"
    status = 404
    zh = "账户不存在。"
    en = "There is no such account."


class NameTaken(Refusal):
    """A member of staff of this name exists."""

    code = "name_taken"
    status = 409
    zh = "工作人员账号 {name} 已存在。"
    en = "A member of staff named {name} exists already."


def check_registration(request: dict[str, Any], today: date) -> dict[str, Any]:
    """The request with its identity number normalised. Raises InvalidInput with every bad field."""
    number = identity.normalise(request["identity_number"])
    wrong: dict[str, list[str]] = {}
    if not identity.is_identity_number(number, today):
        wrong["identity_number"] = [contract.BAD_IDENTITY_NUMBER]
    if request["password"].upper() in (number, request["mobile"]):
        wrong["password"] = [contract.PASSWORD_IS_ANOTHER_FIELD]
    if wrong:
        raise InvalidInput.from_messages(wrong)
    return {**request, "identity_number": number, "name": request["name"].strip()}


def login_kind(login: str) -> tuple[str, str]:
    """What a person typed to log in: its kind (the label its digest is kept under) and its normal form."""
    typed = login.strip()
    if _MOBILE.fullmatch(typed):
        return "mobile", typed
    if len(typed) == 18 and typed[:17].isdigit():
        return "identity_number", identity.normalise(typed)
    return "staff", typed.lower()


def check_staff(name: str, role: str, organ: str | None, password: str) -> None:
    """Raises InvalidInput. An officer and a window belong to an organ; operators and supervisors need not."""
    wrong: dict[str, list[str]] = {}
    if not re.match(contract.STAFF_NAME, name):
        wrong["name"] = ["Three to 32 small letters, digits, dots, hyphens or underscores, a letter first."]
    if role not in contract.ROLES:
        wrong["role"] = [f"Must be one of: {', '.join(contract.ROLES)}."]
    if not 8 <= len(password) <= 128:
        wrong["password"] = ["Length must be between 8 and 128."]
    if organ is not None and not re.match(contract.ORGAN, organ):
        wrong["organ"] = ["Not an organ code."]
    if organ is None and role in ("officer", "window"):
        wrong["organ"] = ["Missing data for required field."]
    if wrong:
        raise InvalidInput.from_messages(wrong)


def check_organ(organ: str) -> None:
    """Raises InvalidInput."""
    if not re.match(contract.ORGAN, organ):
        raise InvalidInput.from_messages({"organ": ["Not an organ code."]})
