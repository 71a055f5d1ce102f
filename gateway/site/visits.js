// What a mobile has booked and what it waits for: to look at, to move, to confirm and to give up.

import {attempt, button, clock, DAY, dayText, daysOf, form, input, keyOf, me, prove, spanText, step, timeButton, timesOf, when} from "./forms.js";
import {ask, el, facts, section, send, show, status, t} from "./kit.js";

const OPEN = ["waiting", "offered"]; // entries that something can still come of

// --- what is booked

export function done(place, visit) {
  const heading = el("h2", {tabindex: "-1"}, t("booked"));
  place.replaceChildren(heading, card(visit), el("p", {}, t("keep_number")));
  heading.focus();
}

function card(visit) {
  const place = el("div", {class: "card"});
  draw(place, visit);
  return place;
}

function draw(place, visit) {
  const coming = visit.state === "booked";
  const held = visit.state === "held";
  place.replaceChildren(...[
    facts([
      [t("number"), visit.number],
      [t("time"), timeOf(visit)],
      [t("place"), `${visit.hall_name} · ${visit.group_name}`],
      [t("state"), t("state_" + visit.state)],
      [t("cancel_before"), coming && !visit.closed && moment(visit.cancel_before)],
    ].filter(([, value]) => value)),
    visit.closed && coming && el("p", {class: "notice"}, t("hall_closed"),
      visit.offered.length > 0 && " " + t("kept_for_you", {t: moment(visit.offered_until)})),
    coming && el("div", {class: "chips"}, visit.offered.map(({date, time}) =>
      timeButton(`${dayText(date)} ${time}`, () => move(place, visit, date, time)))),
    held && button("book_now", () => attempt(place, () => confirm(place, visit.number))),
    (coming || visit.state === "checked_in") && isToday(visit.starts_at) && !visit.closed
      && button(coming ? "check_in" : "ticket", () => attempt(place, () => arrive(place, visit))),
    coming && button("move", () => attempt(place, () => others(place, visit))),
    (coming || held) && button("cancel", () => confirmed(place, visit)),
    visit.state === "no_show" && button("appeal", () => appeal(place, visit)),
  ].filter(Boolean));
  if (coming && !visit.closed) attempt(place, () => files(place, visit));
}

// What is held is booked.
async function confirm(place, number) {
  const path = `${number}/confirmation`;
  draw(place, await (await send("/appointments/" + path, {token: me.token, body: {}})).json());
}

function timeOf(visit) {
  return `${dayText(visit.starts_at.slice(0, 10))} ${clock(visit.starts_at)}–${clock(visit.ends_at)}`;
}

function moment(instant) {
  return when(instant, {dateStyle: "medium", timeStyle: "short"});
}

function isToday(instant) {
  return dayText(instant.slice(0, 10)) === when(Date.now(), DAY);
}

// At the hall. Asked again, it is the same ticket, and how it stands now.
async function arrive(place, visit) {
  const path = `${visit.number}/check-in`;
  const taken = await (await send("/appointments/" + path, {token: me.token, body: {}})).json();
  const ticket = await ask("/tickets/" + encodeURIComponent(taken.id));
  const [low, high] = ticket.low === null ? [] : [ticket.low, ticket.high];
  step(place, el("h2", {tabindex: "-1"}, t("ticket")),
    facts([
      [t("ticket_number"), ticket.number],
      [t("place"), `${ticket.hall_name} · ${ticket.group_name}`],
      [t("state"), t("ticket_" + ticket.state)],
      [t("window"), ticket.window],
      [t("ahead"), ticket.ahead === null ? null : String(ticket.ahead)],
      [t("expected"), low === undefined ? null : t("minutes", {a: low, b: high})],
    ]),
    el("p", {class: "meta"}, t("bring_card")),
    button("refresh", () => attempt(place, () => arrive(place, visit))));
}

// Against a missed visit that counts: written to the hall's staff, who decide.
function appeal(place, visit) {
  const made = form([...input("name", {autocomplete: "name", maxlength: 50}),
    ...input("identity_number", {autocomplete: "off", maxlength: 18}), ...input("reason", {maxlength: 1000})],
  "appeal", async ({name, identity_number, reason}) => {
    const body = {reason, visitor: {name, identity_number, mobile: me.mobile}};
    const path = "/halls/" + encodeURIComponent(visit.hall) + "/appeals";
    await send(path, {token: me.token, key: keyOf(body), body});
    step(place, el("h2", {tabindex: "-1"}, t("appeal")), el("p", {role: "status"}, t("appeal_filed")));
  });
  step(place, el("h2", {tabindex: "-1"}, `${t("appeal")} · ${visit.hall_name}`), button("keep", () => draw(place, visit)), made);
}

// Other times for the same visit, with the same unit of the hall.
async function others(place, visit) {
  const {items: [item], people} = visit;
  const found = await ask("/halls/" + encodeURIComponent(visit.hall) + "/slots", {item, people});
  const days = daysOf(found.groups.filter((one) => one.group === visit.group));
  const take = (date, time) => move(place, visit, date, time);
  step(place, el("h2", {tabindex: "-1"}, t("move")), button("keep", () => draw(place, visit)),
    days.length > 0 ? days.flatMap((day) => timesOf(day, take)) : el("p", {}, t("no_times")));
}

function move(place, visit, date, time) {
  return attempt(place, async () => {
    const path = `${visit.number}/move`;
    draw(place, await (await send("/appointments/" + path, {token: me.token, body: {date, time}})).json());
  });
}

// Asked once more, on the page: nobody gives a place up by a slip.
function confirmed(place, visit) {
  place.append(el("p", {role: "status"}, t("sure")), button("cancel_now", () => attempt(place, async () => {
    const path = `${visit.number}/cancellation`;
    draw(place, await (await send("/appointments/" + path, {token: me.token, body: {}})).json());
  })), button("keep", () => draw(place, visit)));
}

async function files(place, visit) {
  const file = async (name) => (await send("/appointments/" + `${visit.number}/${name}`, {method: "GET", token: me.token})).text();
  const [code, calendar] = await Promise.all([file("qr"), file("calendar")]);
  const href = URL.createObjectURL(new Blob([calendar], {type: "text/calendar"}));
  place.append(drawing(code, t("qr", {n: visit.number})),
    el("p", {}, el("a", {href, download: visit.number + ".ics"}, t("calendar"))));
}

// The code is drawn anew from its lines; nothing else of the file is taken over.
function drawing(text, label) {
  const from = new DOMParser().parseFromString(text, "image/svg+xml");
  const made = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) if (value) node.setAttribute(name, value);
    return node;
  };
  const size = from.documentElement.getAttribute("width");
  const svg = made("svg", {viewBox: `0 0 ${size} ${size}`, class: "qr", role: "img", "aria-label": label});
  for (const path of from.querySelectorAll("path")) {
    const kept = ["d", "transform", "stroke", "fill"].map((name) => [name, path.getAttribute(name)]);
    svg.append(made("path", Object.fromEntries(kept)));
  }
  return svg;
}

// --- what somebody waits for

export function waits(place, entry) {
  const heading = el("h2", {tabindex: "-1"}, t("on_list"));
  place.replaceChildren(heading, waitingCard(entry), el("p", {}, t("keep_waiting")));
  heading.focus();
}

function waitingCard(entry) {
  const place = el("div", {class: "card"});
  drawEntry(place, entry);
  return place;
}

function drawEntry(place, entry) {
  const offered = entry.state === "offered";
  place.replaceChildren(...[
    facts([
      [t("waits_for"), spanText(entry)],
      [t("place"), offered ? `${entry.hall_name} · ${entry.group_name}` : entry.hall_name],
      [t("state"), t("entry_" + entry.state)],
      [t("ahead"), entry.state === "waiting" && String(entry.ahead)],
      [t("time"), offered && timeOf(entry)],
      [t("confirm_before"), offered && moment(entry.held_until)],
    ].filter(([, value]) => value)),
    offered && button("book_now", () => attempt(place, () => confirm(place, entry.booking))),
    OPEN.includes(entry.state) && button("leave_list", () => attempt(place, async () => {
      const path = `${entry.number}/cancellation`;
      drawEntry(place, await (await send("/waiting-list/" + path, {token: me.token, body: {}})).json());
    })),
  ].filter(Boolean));
}

export function visits() {
  const place = el("div", {});
  status.textContent = "";
  show(t("my_visits"), el("h1", {}, t("my_visits")), el("p", {}, t("visits_hint")), place);
  prove(place, async () => {
    const own = async (path) => (await (await send(path, {method: "GET", token: me.token})).json()).items;
    const [booked, entries] = await Promise.all([own("/appointments"), own("/waiting-list")]);
    const open = entries.filter((entry) => OPEN.includes(entry.state));
    const rest = booked.filter((visit) => !open.some((entry) => entry.booking === visit.number));
    step(place, open.length > 0 && section(t("wait"), open.map(waitingCard)),
      rest.length > 0 ? section(t("my_visits"), rest.map(card)) : el("p", {}, t("no_visits")));
  });
}
