"""The categories under which people look for items: themes, life events, groups, activities.

One table of data, the same for every catalogue. Pure: nothing here asks a database.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Category:
    """One category. `audience`: individual or enterprise; `kind`: theme, life_event, group or activity."""

    code: str
    name: str
    name_en: str
    audience: str
    kind: str


# A line is: short code, Chinese name, English name. The code of a category is audience + “-” + short code.
_TABLE = {
    ("individual", "theme"): """
        childbirth-adoption|生育收养|Childbirth and adoption
        household-registration|户籍办理|Household registration
        ethnicity-religion|民族宗教|Ethnic groups and religion
        education-research|教育科研|Education and research
        military-service|入伍服役|Military service
        employment-startup|就业创业|Employment and start-ups
        establishment-change|设立变更|Establishment and changes
        operating-permit|准营准办|Permission to operate
        mortgage-pledge|抵押质押|Mortgage and pledge
        professional-qualification|职业资格|Professional qualifications
        administrative-fees|行政缴费|Administrative fees
        marriage-registration|婚姻登记|Marriage registration
        preferential-treatment|优待抚恤|Preferential treatment and pensions
        planning-construction|规划建设|Planning and construction
        housing-security|住房保障|Housing security
        social-security|社会保障|Social security
        certificates|证件办理|Certificates and documents
        transport|交通出行|Transport
        tourism|旅游观光|Tourism
        exit-entry|出境入境|Leaving and entering the country
        consumer-rights|消费维权|Consumer rights
        public-safety|公共安全|Public safety
        justice-notary|司法公证|Justice and notaries
        intellectual-property|知识产权|Intellectual property
        environment-greening|环保绿化|Environment and greening
        culture-sports|文化体育|Culture and sports
        utilities|公用事业|Public utilities
        health|医疗卫生|Health
        leaving-retirement|离职退休|Leaving work and retirement
        death-funeral|死亡殡葬|Death and funerals
        other|其他|Other""",
    ("individual", "life_event"): """
        event-childbirth|生育|Having a child
        event-employment|就业|Finding work
        event-marriage|婚姻|Marriage
        event-housing|住房|Housing
        event-vehicle|车辆|Vehicles
        event-retirement|退休|Retirement""",
    ("individual", "group"): """
        women|妇女|Women
        children|儿童|Children
        elderly|老人|The elderly
        disabled|残疾人|People with disabilities
        destitute|特困人员|People in extreme hardship
        entitled|优抚对象|People entitled to preferential treatment
        migrants|流动人口|Migrant population
        hong-kong-macao-taiwan|港澳台胞|Compatriots from Hong Kong, Macao and Taiwan
        overseas-chinese|侨胞|Overseas Chinese
        returned-students|留学归国|Returned students
        foreigners|外国人|Foreigners""",
    ("enterprise", "theme"): """
        establishment-change|设立变更|Establishment and changes
        operating-permit|准营准办|Permission to operate
        qualification|资质认证|Qualifications and certification
        annual-inspection|年审年检|Annual reviews and inspections
        finance-tax|财务税务|Finance and taxes
        human-resources|人力资源|Human resources
        social-security|社会保障|Social security
        investment-approval|投资审批|Investment approval
        financing-credit|融资信贷|Financing and credit
        commerce-trade|商务贸易|Commerce and trade
        tender-auction|招标拍卖|Tenders and auctions
        customs-port|海关口岸|Customs and ports
        foreign-affairs|涉外服务|Foreign-related services
        agriculture|农林牧渔|Agriculture, forestry, livestock and fishery
        land-planning-construction|国土和规划建设|Land, planning and construction
        transport|交通运输|Transport
        environment-greening|环保绿化|Environment and greening
        water-weather|水务气象|Water and meteorology
        health|医疗卫生|Health
        food-drugs|食品药品|Food and drugs
        science-innovation|科技创新|Science and innovation
        culture-sports-education|文体教育|Culture, sports and education
        intellectual-property|知识产权|Intellectual property
        quality-technology|质量技术|Quality and technical supervision
        inspection-quarantine|检验检疫|Inspection and quarantine
        work-safety|安全生产|Work safety
        police-fire|公安消防|Police and fire control
        justice-notary|司法公证|Justice and notaries
        utilities|公用事业|Public utilities
        legal-person-deregistration|法人注销|Deregistration of legal persons
        other|其他|Other""",
    ("enterprise", "activity"): """
        activity-opening|开办|Opening a business
        activity-operating|经营|Running a business
        activity-closing|注销|Closing a business""",
    ("enterprise", "group"): """
        small-micro|小微企业|Small and micro enterprises
        individual-business|个体工商户|Individual businesses
        private-non-enterprise|民办非企业|Private non-enterprise units
        foreign-invested|外资企业|Foreign-invested enterprises
        farmers-cooperative|农民合作社|Farmers' cooperatives""",
}


def _read() -> Iterator[Category]:
    for (audience, kind), lines in _TABLE.items():
        for line in lines.strip().splitlines():
            code, name, name_en = line.strip().split("|")
            yield Category(f"{audience}-{code}", name, name_en, audience, kind)


CATEGORIES: tuple[Category, ...] = tuple(_read())
BY_CODE: dict[str, Category] = {category.code: category for category in CATEGORIES}


def find(text: str, audience: str | None = None, kind: str | None = None) -> list[Category]:
    """The categories of this code or this (simplified) name, in the order of the table; none: an empty list.

    An item's categories may also be written “audience/name”.
    """
    named_audience, slash, name = text.partition("/")
    if slash:
        return [category for category in find(name, named_audience, kind) if audience in (None, category.audience)]
    return [
        category
        for category in CATEGORIES
        if text in (category.code, category.name)
        and audience in (None, category.audience)
        and kind in (None, category.kind)
    ]
