"""The words of an SMS with a one-time code. Pure."""

from kernel.contracts.notify import CODE_MINUTES
from services.notify.domain.words import Pair

PURPOSES: dict[str, Pair] = {"visit": ("预约办事", "to book a visit")}


def code_text(code: str, purpose: str, language: str) -> str:
    """The SMS, Chinese in simplified characters."""
    zh, en = PURPOSES[purpose]
    if language == "en":
        return f"[Yichuang] Your code {en} is {code}, valid for {CODE_MINUTES} minutes. Do not tell anybody."
    return f"【一窗】验证码 {code}，{CODE_MINUTES} 分钟内有效，用于{zh}。请勿告诉他人。"
