"""A service item (政务服务事项) with its elements, as it is imported, shown, filed under and kept by version.

The elements are those of an implementation list (实施清单): basics, channels, steps, materials, fees, results, legal
basis, windows. Limits are of the item's kind of day; lengths are characters; texts are simplified Chinese unless
the name says otherwise. Values only: nothing here looks anything up.
"""

import marshmallow as ma
from marshmallow import fields, validate

from kernel.contracts.values import CODE_LENGTH, FILE_NAME, file_name, many, named, text, texts, url

AUDIENCES = ["individual", "enterprise"]
UNITS = ["working_days", "natural_days"]
FIELD_TYPES = ["text", "date", "integer", "boolean"]
KINDS = ["immediate", "promised"]  # 即办件, 承诺件
DEPTHS = ["Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ"]  # 网办深度
# 事项类型, by the second pair of digits of the basic code (基本编码)
TYPES = {
    "01": "行政许可",
    "05": "行政给付",
    "07": "行政确认",
    "08": "行政奖励",
    "09": "行政裁决",
    "10": "其他行政权力",
    "20": "公共服务",
}
STEPS = ["收件", "受理", "审查", "决定", "制证", "送达"]


class Department(ma.Schema):
    """An organ. `code` is its unified social credit code (GB 32100-2015), the name it has on every exchange."""

    code = fields.String(required=True, validate=CODE_LENGTH)
    name = named()
    name_en = text(200)


class Limit(ma.Schema):
    """A time limit. Counting starts the day after (民法典 201); working days are those of 行政许可法 82."""

    amount = fields.Integer(required=True, strict=True, validate=validate.Range(0, 3660))
    unit = fields.String(required=True, validate=validate.OneOf(UNITS))


class FormField(ma.Schema):
    """One question of the form. `max_length` counts characters and holds for texts.

    `page`: the page of the form it stands on, from 1. `example`: what the sample form has there.
    """

    name = fields.String(required=True, validate=validate.Regexp(r"[a-z][a-z0-9_]{0,63}\Z"))
    label = named()
    type = fields.String(required=True, validate=validate.OneOf(FIELD_TYPES))
    required = fields.Boolean(required=True)
    max_length = fields.Integer(required=True, strict=True, validate=validate.Range(1, 10_000))
    page = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, 20))
    example = text(500)
    hint = text(500)


class MaterialAsked(ma.Schema):
    """A paper to hand in. `waivable` (容缺): the case may be filed without it, and it is handed in later.

    `exempt` (免提交): the hall has it already. `certificate`: the electronic certificate (电子证照) that stands for it.
    `blank_form` (空表) and `sample_form` (样本): names of the item's files.
    """

    code = fields.String(required=True, validate=validate.Regexp(r"[a-z0-9][a-z0-9-]{0,63}\Z"))
    name = named()
    required = fields.Boolean(required=True)
    waivable = fields.Boolean(required=True)
    originals = fields.Integer(load_default=1, strict=True, validate=validate.Range(0, 20))
    copies = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 20))
    form = fields.String(load_default="either", validate=validate.OneOf(["paper", "electronic", "either"]))
    source = text(200)  # who issues it
    exempt = fields.Boolean(load_default=False)
    certificate = text(100, None, allow_none=True)
    blank_form = file_name()
    sample_form = file_name()
    basis = text(500)
    note = text(1000)


class Window(ma.Schema):
    """Where a person can go. `sample` marks a place that stands in for a real one.

    `phone` is null where none is known; hours that stand in for real ones end in （样例）. `hall` and `unit` name the
    hall and the unit in it, where the catalogue has them.
    """

    name = named()
    address = named(300)
    hours = named(300)
    phone = fields.String(required=True, allow_none=True, validate=validate.Length(1, 50))
    sample = fields.Boolean(required=True)
    hall = fields.String(load_default=None, allow_none=True, validate=CODE_LENGTH)
    unit = text(100)
    floor = text(50)
    map_url = url()


class Fee(ma.Schema):
    """One charge. `amount` in yuan, as a decimal text (“20.00”), null where it depends on something said in `note`."""

    name = named()
    amount = fields.String(load_default=None, allow_none=True, validate=validate.Regexp(r"\d{1,9}(\.\d{1,2})?\Z"))
    unit = text(50)
    basis = text(500)
    note = text(500)


class Step(ma.Schema):
    """One step (环节): who does what, and how long it may take."""

    name = named(50)
    role = text(100)
    what = text(1000)
    limit = fields.Nested(Limit, load_default=None, allow_none=True)


class SpecialProcedure(ma.Schema):
    """Time that does not count (行政许可法 45): hearing, inspection, testing, expert review, …"""

    name = named(100)
    limit = fields.Nested(Limit, load_default=None, allow_none=True)
    note = text(1000)


class Result(ma.Schema):
    """What the applicant gets. `sample_form`: name of one of the item's files."""

    name = named()
    kind = text(50)  # 证照, 批文, 其他
    sample_form = file_name()


class LegalBasis(ma.Schema):
    """法律依据."""

    title = named(300)
    article = text(200)
    text = text(5000)


class Question(ma.Schema):
    """问答."""

    question = named(500)
    answer = named(3000)


class Channels(ma.Schema):
    """办理形式. `visits`: how often one has to come (到场次数); `depth`: 网办深度; `cross_region`: 跨域通办."""

    visits = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(0, 20))
    visits_reason = text(500)
    depth = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(DEPTHS))
    courier = fields.Boolean(load_default=False)
    cross_region = text(200)


class Remedies(ma.Schema):
    """Where a refusal can be challenged: 复议机关, 诉讼机关."""

    reconsideration = text(300)
    litigation = text(300)


class Category(ma.Schema):
    """One of the categories of domain.md. `kind`: theme, life_event, group, activity."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True)
    audience = fields.String(required=True, validate=validate.OneOf(AUDIENCES))
    kind = fields.String(required=True, validate=validate.OneOf(["theme", "life_event", "group", "activity"]))


class FileKept(ma.Schema):
    """A file to download: a blank form, a sample. `size` in bytes; `href` is where it is."""

    name = fields.String(required=True, validate=FILE_NAME)
    title = named()
    media_type = fields.String(required=True)
    size = fields.Integer(required=True)
    href = fields.String(required=True)


class ItemSummary(ma.Schema):
    """An item as it stands in a list: what people look for first.

    `online`: can be filed here. `bookable`: a visit can be booked. `fee`: null where it is not known whether it costs
    anything, else a sentence. `place`: its first window. `sample`: the item stands in for a real one. `highlight`: only
    of a search, the name as HTML with what matched in <em>.
    """

    code = fields.String(required=True, metadata={"description": "实施编码, usually 31 characters"})
    name = fields.String(required=True)
    name_en = fields.String(required=True)
    plain_name = fields.String(required=True, metadata={"description": "日常用语"})
    type = fields.String(required=True, allow_none=True, validate=validate.OneOf(list(TYPES)))
    type_name = fields.String(required=True, allow_none=True)
    kind = fields.String(required=True, allow_none=True, validate=validate.OneOf(KINDS))
    audience = fields.List(fields.String(validate=validate.OneOf(AUDIENCES)), required=True)
    department = fields.Nested(Department, required=True)
    statutory_limit = fields.Nested(Limit, required=True, allow_none=True)
    promised_limit = fields.Nested(Limit, required=True, allow_none=True)
    charged = fields.Boolean(required=True, allow_none=True)
    fee = fields.String(required=True, allow_none=True)
    online = fields.Boolean(required=True)
    bookable = fields.Boolean(required=True)
    place = fields.Nested(Window, required=True, allow_none=True)
    sample = fields.Boolean(required=True)
    highlight = fields.String()


class ItemForm(ma.Schema):
    """What filing keeps of an item: enough to fill in, check and decide a case by the version it was opened with.

    `deemed_acceptance`: silence after five working days counts as acceptance (行政许可法 32).
    `extension_working_days`: by how much the head of the organ may lengthen the limit, once (行政许可法 42).
    `window`: who takes the paper originals.
    """

    code = fields.String(required=True, validate=CODE_LENGTH)
    name = named(300)
    name_en = text(300)
    version = fields.Integer(required=True, strict=True, validate=validate.Range(1))
    department = fields.Nested(Department, required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    statutory_limit = fields.Nested(Limit, required=True, allow_none=True)
    promised_limit = fields.Nested(Limit, required=True, allow_none=True)
    deemed_acceptance = fields.Boolean(required=True)
    extension_working_days = fields.Integer(required=True, strict=True, validate=validate.Range(0, 366))
    fields_ = fields.List(fields.Nested(FormField), required=True, data_key="fields")
    materials = fields.List(fields.Nested(MaterialAsked), required=True)
    window = fields.Nested(Window, required=True)


class ItemElements(ma.Schema):
    """An item as it is imported (one object under `items`): everything but what catalog adds to it.

    Only code, name and department are needed; `department` is an organ code. An item that is `online` must be complete
    enough to file: kind, at least one window.
    """

    code = fields.String(
        required=True,
        validate=validate.Regexp(r"[0-9A-Za-z_\-.]{1,64}\Z", error="Not 1 to 64 letters, digits and _ - . of ASCII."),
    )
    name = named(300)
    name_en = text(300)
    plain_name = text(100)
    everyday_names = texts(50, 50)
    type = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(list(TYPES)))
    kind = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(KINDS))
    audience = fields.List(fields.String(validate=validate.OneOf(AUDIENCES)), load_default=list)
    categories = texts(50, 50)  # codes, or “audience/name”
    department = fields.String(required=True, validate=CODE_LENGTH)
    organ_code = text(64)  # as published, where it is not the department's
    area = text(12)
    level = text(50)  # 行使层级
    power_source = text(200)  # 权力来源
    delegated_by = text(200)  # 委托
    joint_departments = texts(200, 20)  # 联办
    conditions = texts(2000, 50)  # 受理条件
    statutory_limit = fields.Nested(Limit, load_default=None, allow_none=True)
    promised_limit = fields.Nested(Limit, load_default=None, allow_none=True)
    limit_note = text(1000)
    deemed_acceptance = fields.Boolean(load_default=False)
    extension_working_days = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 366))
    online = fields.Boolean(load_default=False)
    bookable = fields.Boolean(load_default=False)
    channels = fields.Nested(Channels, load_default=lambda: Channels().load({}))
    online_flow = texts(1000, 30)
    hall_flow = texts(1000, 30)
    steps = many(Step, 20)
    special_procedures = many(SpecialProcedure, 20)
    fields_ = fields.List(
        fields.Nested(FormField), load_default=list, data_key="fields", validate=validate.Length(0, 200)
    )
    materials = many(MaterialAsked, 100)
    charged = fields.Boolean(load_default=None, allow_none=True)
    fees = many(Fee, 50)
    results = many(Result, 20)
    legal_basis = many(LegalBasis, 50)
    questions = many(Question, 100)
    windows = many(Window, 100)
    consultation = text(300)
    complaint = text(300)
    remedies = fields.Nested(Remedies, load_default=lambda: Remedies().load({}))
    sample = fields.Boolean(load_default=False)


class Item(ItemElements):
    """The guide (办事指南): all elements, and what catalog knows beside them.

    `window`: the first of `windows`. `links`: where to go on from here, null where that is not possible.
    """

    version = fields.Integer(required=True, strict=True, validate=validate.Range(1))
    current = fields.Boolean(required=True)  # False: an earlier version
    updated_at = fields.String(required=True)
    type_name = fields.String(required=True, allow_none=True)
    department = fields.Nested(Department, required=True)  # type: ignore[assignment]
    categories = fields.List(fields.Nested(Category), required=True)
    window = fields.Nested(Window, required=True, allow_none=True)
    fee = fields.String(required=True, allow_none=True)
    files = fields.List(fields.Nested(FileKept), required=True)
    links = fields.Dict(keys=fields.String(), values=fields.String(allow_none=True), required=True)
