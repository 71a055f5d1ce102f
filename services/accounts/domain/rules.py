"""Who may register and log in, and how that is refused. Pure.

An unknown login and a wrong password are refused in the same words.
"""

import re
from datetime import date
from typing import Any

from kernel.contracts import accounts as contract
from kernel.errors import InvalidInput, Refusal
from kernel.identity_numbers import is_identity_number, normalise

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


class WrongCode(Refusal):
    """The code is not the one that was sent, its time is over, or it was guessed at too often; nobody is told which."""

    code = "wrong_code"
    status = 401
    zh = "验证码不正确或已失效，请重新获取。"
    en = "The code is not right, or is no longer valid; please ask for a new one."


class TooManyCodes(Refusal):
    """Codes were sent to this mobile too often of late; `retry_after` in seconds."""

    code = "too_many_codes"
    status = 429
    zh = "验证码发送过于频繁，请在 {retry_after} 秒后再试。"
    en = "Codes were asked for too often; please try again in {retry_after} seconds."


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
    number = normalise(request["identity_number"])
    wrong: dict[str, list[str]] = {}
    if not is_identity_number(number, today):
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
        return "identity_number", normalise(typed)
    return "staff", typed.lower()


def check_staff(name: str, role: str, organ: str | None, hall: str | None, password: str) -> None:
    """Raises InvalidInput. An officer belongs to an organ, who works at a window or manages a hall to that hall."""
    wrong: dict[str, list[str]] = {}
    if not re.match(contract.STAFF_NAME, name):
        wrong["name"] = ["Three to 32 small letters, digits, dots, hyphens or underscores, a letter first."]
    if role not in contract.ROLES:
        wrong["role"] = [f"Must be one of: {', '.join(contract.ROLES)}."]
    if not 8 <= len(password) <= 128:
        wrong["password"] = ["Length must be between 8 and 128."]
    wrong |= _wrong_place("organ", organ, contract.ORGAN, "Not an organ code.", role == "officer")
    wrong |= _wrong_place("hall", hall, contract.HALL, "Not a valid code.", role in contract.HALL_ROLES)
    if wrong:
        raise InvalidInput.from_messages(wrong)


def _wrong_place(name: str, code: str | None, form: str, not_one: str, needed: bool) -> dict[str, list[str]]:
    """What is wrong with where a member of staff belongs."""
    if code is None:
        return {name: ["Missing data for required field."]} if needed else {}
    return {} if re.match(form, code) else {name: [not_one]}


def check_organ(organ: str) -> None:
    """Raises InvalidInput."""
    if not re.match(contract.ORGAN, organ):
        raise InvalidInput.from_messages({"organ": ["Not an organ code."]})
