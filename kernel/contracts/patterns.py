"""What the texts of requests and facts may consist of, where several contracts say the same. Values only.

A pattern tells how a text looks, never whether there is what it names.
"""

from marshmallow import validate

# Names of things of ours: printable ASCII, so nothing else ever reaches a database as a key.
CODE = validate.Regexp(r"[\x21-\x7e]{1,64}\Z", error="Not a valid code.")
GROUP = validate.Regexp(r"[\x21-\x7e]{1,96}\Z", error="Not a valid code.")  # its hall's code, and more
KEY = validate.Regexp(r"[\x20-\x7e]{1,128}\Z", error="Not a valid key: 1 to 128 printable ASCII characters.")

MOBILE = validate.Regexp(r"1[3-9][0-9]{9}\Z", error="Not a valid mobile number.")
IDENTITY_NUMBER = validate.Regexp(r"[0-9]{17}[0-9Xx]\Z", error="Not a valid identity number.")
TIME = validate.Regexp(r"([01][0-9]|2[0-3]):[0-5][0-9]\Z", error="Not a valid time of day: HH:MM.")
END = validate.Regexp(r"(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)\Z", error="Not a valid time of day: HH:MM.")

# What people write. No control characters, those above ASCII (C1) included; in LINES a tab or a line feed may stand.
ONE_LINE = validate.Regexp(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z", error="Holds control characters.")
LINES = validate.Regexp(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*\Z", error="Holds control characters.")
NO_PATH = validate.Regexp(r"[^\x00-\x1f\x7f-\x9f/\\]+\Z", error="Holds control characters or slashes.")

# What facts, cases and catalogues hold: only the control characters of ASCII (C0) are barred. A NUL in a text would be
# on the log for good, and PostgreSQL keeps none in the tables of those who follow it. In LINES_WITHOUT_C0 a carriage
# return may stand, too.
ONE_LINE_WITHOUT_C0 = validate.Regexp(r"[^\x00-\x1f\x7f]*\Z", error="Holds control characters.")
LINES_WITHOUT_C0 = validate.Regexp(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*\Z", error="Holds control characters.")
