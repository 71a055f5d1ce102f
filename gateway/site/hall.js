// The hall's pages for people: searching, browsing, a guide, a hall. Everything comes from the public API; whatever it
// says is set as text, never as markup. What marks a match is taken over letter by letter, too.

import {booking} from "./booking.js";
import {ask, chrome, el, facts, line, link, listed, many, named, section, sentence, show, status, t} from "./kit.js";
import {visits} from "./visits.js";

const FILTERS = ["audience", "online", "bookable", "theme", "life_event", "group", "activity", "department"];

// The name with what matched in <em>. A template runs and loads nothing; only its text is used.
function marked(item) {
  if (!item.highlight) return [named(item)];
  const box = document.createElement("template");
  box.innerHTML = item.highlight;
  return [...box.content.childNodes].map((node) =>
    node.nodeName === "EM" ? el("em", {}, node.textContent) : node.textContent);
}

function fee(item) {
  return item.charged === false ? t("free") : item.fee;
}

function limit(item) {
  const known = item.promised_limit || item.statutory_limit;
  if (item.kind === "immediate" && !(known && known.amount)) return t("immediate");
  return known ? span(known) : "";
}

function span(known) {
  return t(known.unit, {n: known.amount});
}

function toGuide(item) {
  return "/guide/" + encodeURIComponent(item.code);
}

function card(item) {
  const about = [named(item.department), limit(item), fee(item), item.filed && t("filed", {n: item.filed})];
  return el("li", {},
    el("h3", {}, link(toGuide(item), ...marked(item))),
    el("p", {class: "meta"}, about.filter(Boolean).join(" · ")),
    el("p", {class: "meta"},
      item.online && el("span", {class: "tag"}, t("can_online")),
      item.bookable && el("span", {class: "tag"}, t("can_book")),
      item.sample && el("span", {class: "tag sample"}, t("sample"))));
}

function cards(items) {
  return el("ul", {class: "plain cards"}, items.map(card));
}

// --- searching and browsing

function here(parameters, changes) {
  const next = new URLSearchParams(parameters);
  next.delete("page");
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) next.delete(name);
    else next.set(name, value);
  }
  return "/?" + next;
}

function facet(parameters, name, values) {
  const chosen = parameters.get(name);
  const chips = values.slice(0, 30).map((value) => el("a", {
    href: here(parameters, {[name]: value.value === chosen ? null : value.value}),
    "aria-current": value.value === chosen && "true",
  }, `${named(value)} ${value.count}`));
  return chips.length && el("details", {open: (Boolean(chosen) || values.length < 8) && ""},
    el("summary", {}, t(name)), el("div", {class: "chips"}, chips));
}

function pager(parameters, found) {
  const last = Math.max(1, Math.ceil(found.total / found.page_size));
  if (last === 1) return null;
  return el("nav", {class: "pages", "aria-label": t("pages")},
    found.page > 1 && link(here(parameters, {page: found.page - 1}), t("previous")),
    el("span", {}, `${t("page", {n: found.page})} / ${last}`),
    found.page < last && link(here(parameters, {page: found.page + 1}), t("next")));
}

async function results(parameters) {
  const chosen = Object.fromEntries(FILTERS.map((name) => [name, parameters.get(name)]));
  const narrowed = FILTERS.some((name) => parameters.has(name));
  const asked = {q: parameters.get("q") || "", page: parameters.get("page")};
  const found = await (narrowed ? ask("/items", {...asked, ...chosen}) : ask("/search", asked));
  status.textContent = found.total ? t("found", {n: found.total}) : t("nothing");
  const facets = FILTERS.map((name) => facet(parameters, name, found.facets[name] || [])).filter(Boolean);
  show(asked.q || t("browse"),
    found.did_you_mean && el("p", {}, t("meant"), link("/?" + new URLSearchParams({q: found.did_you_mean}), found.did_you_mean)),
    (found.halls || []).length > 0 && section(t("halls"), hallList(found.halls)),
    (found.departments || []).length > 0 && section(t("departments"), departmentChips(found.departments)),
    el("div", {class: "two"},
      el("aside", {"aria-label": t("narrow")}, facets),
      el("div", {}, cards(found.items), pager(parameters, found))));
}

function departmentChips(departments) {
  return el("div", {class: "chips"}, departments.map((department) =>
    link("/?" + new URLSearchParams({department: department.code}), `${named(department)} ${department.items}`)));
}

function hallList(halls) {
  return el("ul", {class: "plain cards"}, halls.map((hall) => el("li", {},
    el("h3", {}, link("/hall/" + encodeURIComponent(hall.id), named(hall))),
    el("p", {class: "meta"}, [t(hall.level), hall.area_name, hall.address].join(" · ")),
    el("p", {class: "meta"}, [hall.hours, hall.phone].filter(Boolean).join(" · "),
      hall.sample && el("span", {class: "tag sample"}, t("sample"))))));
}

function categoryChips(categories, audience, kind) {
  const wanted = categories.filter((one) => one.audience === audience && one.kind === kind && one.items > 0);
  return wanted.length > 0 && el("details", {open: ""}, el("summary", {}, `${t(audience)} · ${t(kind)}`),
    el("div", {class: "chips"}, wanted.map((one) =>
      link("/?" + new URLSearchParams({audience, [kind]: one.code}), `${named(one)} ${one.items}`))));
}

function browsing(categories) {
  return ["individual", "enterprise"].flatMap((audience) =>
    ["life_event", "theme", "group", "activity"].map((kind) => categoryChips(categories, audience, kind))).filter(Boolean);
}

async function front() {
  const [hot, categories, departments, halls] = await Promise.all(
    [ask("/items/hot"), ask("/categories"), ask("/departments"), ask("/halls")]);
  status.textContent = "";
  show(t("home"), el("div", {class: "front"},
    hot.items.length > 0 && el("div", {class: "wide"}, section(t("hot"), cards(hot.items))),
    section(t("browse"), ...browsing(categories.items)),
    el("div", {}, section(t("departments"), departmentChips(departments.items)), section(t("halls"), hallList(halls.items)))));
}

async function sitemap() {
  const [categories, departments, halls] = await Promise.all([ask("/categories"), ask("/departments"), ask("/halls")]);
  status.textContent = "";
  show(t("sitemap"), el("h1", {}, t("sitemap")),
    el("p", {}, link("/", t("home"))),
    section(t("browse"), ...browsing(categories.items)),
    section(t("departments"), departmentChips(departments.items)),
    section(t("halls"), hallList(halls.items)),
    section(t("api"), el("p", {}, link("/docs", t("api")), " · ", link("/openapi.json", "OpenAPI"))));
}

// --- a guide

function numbered(values) {
  return el("ol", {class: "card"}, values.map((value) => el("li", {}, value)));
}

function folded(pairs) {
  return el("div", {}, pairs.map(([head, body]) => el("details", {}, el("summary", {}, head), el("p", {}, body))));
}

function material(item) {
  return (one) => {
    const file = (name) => item.files.find((each) => each.name === name);
    const forms = [[one.blank_form, "blank"], [one.sample_form, "filled"]].filter(([name]) => name && file(name));
    const needed = one.exempt ? t("exempt") : t(one.required ? "required" : "optional");
    return [el("h3", {}, one.name),
      line(needed, one.waivable && t("waivable"), !one.exempt && t("copies", {o: one.originals, c: one.copies}),
        one.source && t("source", {s: one.source})),
      line(one.note),
      forms.length > 0 && el("p", {class: "meta"}, forms.flatMap(([name, word]) => [link(file(name).href, t(word)), " "]))];
  };
}

function fileLine(file) {
  return link(file.href, `${file.title} (${Math.max(1, Math.round(file.size / 1024))} KB)`);
}

function place(one) {
  return [el("h3", {}, one.hall ? link("/hall/" + encodeURIComponent(one.hall), one.name) : one.name),
    line(one.address, one.unit, one.floor), line(one.hours, one.phone),
    one.map_url && el("p", {class: "meta"}, link(one.map_url, t("map")))];
}

async function guide(code) {
  const version = new URLSearchParams(location.search).get("version");
  const item = await ask("/items/" + encodeURIComponent(code), {version});
  status.textContent = "";
  show(named(item), ...guideHead(item), ...guideBody(item));
}

function guideHead(item) {
  return [el("h1", {}, named(item)),
    line(item.plain_name, item.code),
    !item.current && el("p", {class: "notice"}, t("earlier", {n: item.version})),
    item.sample && el("p", {class: "notice"}, t("is_sample")),
    section(t("basics"), facts([
      [t("department"), named(item.department)],
      [t("audience"), item.audience.map((one) => t(one)).join(" · ")],
      [t("promised"), item.promised_limit && span(item.promised_limit)],
      [t("statutory"), item.statutory_limit && span(item.statutory_limit)],
      [t("fee"), fee(item)],
      [t("type"), item.type_name],
      [t("online"), t(item.online ? "yes" : "no")],
      [t("bookable"), t(item.bookable ? "yes" : "no")],
      [t("visits"), item.channels.visits === null ? null : String(item.channels.visits)],
      [t("consultation"), item.consultation],
      [t("complaint"), item.complaint],
    ])),
    item.bookable && el("p", {}, link("/booking/" + encodeURIComponent(item.code), t("book"))),
    item.links.file_online && el("p", {}, link("/docs", t("file_online")))];
}

function guideBody(item) {
  return [
    many(t("conditions"), item.conditions, numbered),
    many(t("materials"), item.materials, (all) => listed(all, material(item))),
    many(t("files"), item.files, (all) => listed(all, fileLine)),
    many(t("online_flow"), item.online_flow, numbered),
    many(t("hall_flow"), item.hall_flow, numbered),
    many(t("steps"), item.steps, (all) => listed(all, (one) =>
      [el("h3", {}, one.name), line(one.role, one.limit && span(one.limit)), line(one.what)])),
    many(t("fees"), item.fees, (all) => listed(all, (one) =>
      [el("h3", {}, one.name), line([one.amount, one.unit].filter(Boolean).join(" "), one.note), line(one.basis)])),
    many(t("results"), item.results, (all) => listed(all, (one) => [el("h3", {}, one.name), line(one.kind)])),
    many(t("windows"), item.windows, (all) => listed(all, place)),
    many(t("questions"), item.questions, (all) => folded(all.map((one) => [one.question, one.answer]))),
    many(t("basis"), item.legal_basis, (all) =>
      folded(all.map((one) => [[one.title, one.article].filter(Boolean).join(" "), one.text]))),
    (item.remedies.reconsideration || item.remedies.litigation) && section(t("remedies"), facts([
      [t("reconsideration"), item.remedies.reconsideration], [t("litigation"), item.remedies.litigation]]))];
}

// --- a hall

async function hall(id) {
  const found = await ask("/halls/" + encodeURIComponent(id));
  status.textContent = "";
  show(named(found), el("h1", {}, named(found)), line(t(found.level), found.area_name),
    found.sample && el("p", {class: "notice"}, t("is_sample")),
    facts([
      [t("address"), found.address],
      [t("hours"), found.hours],
      [t("phone"), found.phone],
      [t("transit"), found.transit.join("；")],
      [t("driving"), found.driving.join("；")],
      [t("map"), found.map_url && link(found.map_url, t("map"))],
    ]),
    line(found.introduction),
    many(t("units"), found.units, (all) => listed(all, unit)));
}

function unit(one) {
  return [el("h3", {}, one.name),
    facts([[t("floor"), one.floor], [t("unit_windows"), one.windows], [t("hours"), one.hours], [t("phone"), one.phone]]),
    one.items.length > 0 && el("details", {}, el("summary", {}, t("unit_items", {n: one.items.length})),
      el("ul", {}, one.items.map((item) => el("li", {}, link(toGuide(item), named(item))))))];
}

// --- the page

function page() {
  const [, kind, name] = location.pathname.split("/");
  const parameters = new URLSearchParams(location.search);
  if (kind === "guide") return guide(decodeURIComponent(name));
  if (kind === "booking") return booking(decodeURIComponent(name));
  if (kind === "visits") return visits();
  if (kind === "hall") return hall(decodeURIComponent(name));
  if (kind === "sitemap") return sitemap();
  document.getElementById("q").value = parameters.get("q") || "";
  const asked = (parameters.get("q") || "").trim() || FILTERS.some((filter) => parameters.has(filter));
  return asked ? results(parameters) : front();
}

async function start() {
  try {
    await chrome();
    await page();
  } catch (error) {
    status.setAttribute("role", "alert");
    status.textContent = sentence(error);
  }
}

start();
