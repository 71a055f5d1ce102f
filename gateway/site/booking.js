// Booking a visit without an account, and seeing what one has booked: the halls that handle an item, their free times,
// a code by SMS, the booking. What somebody types, and the token, are kept nowhere but in this page.

import {ask, el, facts, language, line, link, named, section, send, sentence, show, status, t} from "./kit.js";

const DAYS = 3; // of a hall that are shown at once
const me = {token: null, mobile: null};
const sent = {body: null, key: null};

// --- what every step is made of

function input(name, attributes) {
  return [el("label", {for: name}, t(name)), el("input", {id: name, name, required: "", ...attributes})];
}

function button(word, act) {
  const made = el("button", {type: "button"}, t(word));
  made.addEventListener("click", () => act(made));
  return made;
}

function form(fields, word, act) {
  const made = el("form", {class: "card fields"}, fields, el("button", {type: "submit"}, t(word)));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(made, () => act(Object.fromEntries(new FormData(made))));
  });
  return made;
}

// Nothing can be pressed twice meanwhile. A refusal is said where the person is, at the field that it is about.
async function attempt(place, act) {
  const buttons = place.querySelectorAll("button");
  for (const each of buttons) each.disabled = true;
  for (const each of place.querySelectorAll("[role=alert], [aria-invalid]")) {
    if (each.role === "alert") each.remove();
    else each.removeAttribute("aria-invalid");
  }
  try {
    await act();
  } catch (error) {
    refused(place, error);
  } finally {
    for (const each of buttons) each.disabled = false;
  }
}

function refused(place, error) {
  place.prepend(el("p", {class: "notice", role: "alert"}, sentence(error)));
  const field = error.problem && error.problem.errors && error.problem.errors[0].field.split(".").pop();
  const about = field && place.querySelector(`[name="${CSS.escape(field)}"]`);
  if (about) about.setAttribute("aria-invalid", "true");
  (about || place.firstChild).scrollIntoView({block: "center"});
  if (about) about.focus();
}

// What comes next stands where the last step stood, and is where the keyboard goes on.
function step(place, ...nodes) {
  place.replaceChildren(...nodes.flat().filter(Boolean));
  const first = place.querySelector("input, h2");
  if (first) first.focus();
}

function when(instant, parts) {
  return new Intl.DateTimeFormat(language, {timeZone: "Asia/Shanghai", ...parts}).format(new Date(instant));
}

function dayText(date) {
  return when(date + "T00:00:00+08:00", {month: "long", day: "numeric", weekday: "short"});
}

function clock(instant) {
  return when(instant, {hour: "2-digit", minute: "2-digit", hourCycle: "h23"});
}

// --- free times

export async function booking(code) {
  const [item, halls] = await Promise.all([ask("/items/" + encodeURIComponent(code)), ask("/halls", {item: code})]);
  const guide = el("p", {}, link("/guide/" + encodeURIComponent(code), t("to_guide")));
  const place = el("div", {});
  const open = item.bookable ? await Promise.all(halls.items.map((hall) => withDays(hall, code))) : [];
  status.textContent = "";
  show(t("book"), el("h1", {}, `${t("book")} · ${named(item)}`), guide,
    item.sample && el("p", {class: "notice"}, t("is_sample")), place);
  times(place, code, open);
}

// A hall that the catalogue has just been given may not take bookings yet: it has no times.
async function withDays(hall, item) {
  try {
    const found = await ask("/halls/" + encodeURIComponent(hall.id) + "/slots", {item});
    return {hall, days: found.groups.flatMap((group) => group.days)};
  } catch (error) {
    if (!error.problem) throw error;
    return {hall, days: []};
  }
}

function times(place, item, open) {
  const take = (hall) => (date, time) => chosen(place, {hall, item, date, time}, () => times(place, item, open));
  place.replaceChildren(el("p", {}, t(open.length > 0 ? "choose_time" : "not_by_booking")),
    ...open.map(({hall, days}) => section(named(hall),
      line(hall.address, hall.phone),
      days.length === 0 && el("p", {}, t("no_times")),
      days.slice(0, DAYS).flatMap((day) => timesOf(day, take(hall))),
      days.length > DAYS && el("details", {}, el("summary", {}, t("more_days")),
        days.slice(DAYS).flatMap((day) => timesOf(day, take(hall)))))));
}

function timesOf(day, take) {
  return [el("h3", {}, dayText(day.date)), el("div", {class: "chips"}, day.times.map((one) => {
    const made = el("button", {type: "button"}, `${one.time} · ${t("left", {n: one.free})}`);
    made.addEventListener("click", () => take(day.date, one.time));
    return made;
  }))];
}

// --- who comes

function chosen(place, wish, back) {
  const said = [el("h2", {tabindex: "-1"}, `${named(wish.hall)} · ${dayText(wish.date)} ${wish.time}`),
    button("other_time", back)];
  const below = el("div", {});
  place.replaceChildren(...said, below);
  prove(below, () => step(below, visitor(place, wish, back)));
}

// A mobile is proven once, by the code that is sent to it.
function prove(place, then) {
  if (me.token) return then();
  step(place, form(input("mobile", {inputmode: "numeric", autocomplete: "tel-national", maxlength: 11}), "send_code",
    async ({mobile}) => {
      const {verification} = await (await send("/verifications", {body: {mobile}})).json();
      step(place, enterCode(mobile, verification, then), button("other_mobile", () => prove(place, then)));
    }));
}

function enterCode(mobile, verification, then) {
  return form([el("p", {}, t("code_sent", {m: mobile})),
    ...input("code", {inputmode: "numeric", autocomplete: "one-time-code", maxlength: 6})], "go_on", async ({code}) => {
    const {token} = await (await send("/sessions/guest", {body: {verification, code}})).json();
    Object.assign(me, {token, mobile});
    await then();
  });
}

function visitor(place, wish, back) {
  const made = form([...input("name", {autocomplete: "name", maxlength: 50}),
    ...input("identity_number", {autocomplete: "off", maxlength: 18}), el("p", {class: "meta"}, t("checked_at_door"))],
  "book_now", async ({name, identity_number}) => {
    const {hall, ...asked} = wish;
    const body = {...asked, hall: hall.id, visitor: {name, identity_number, mobile: me.mobile}};
    try {
      done(place, await (await send("/appointments", {token: me.token, key: keyOf(body), body})).json());
    } catch (error) {
      if (error.problem && error.problem.next) made.after(...instead(place, wish, error.problem.next, back));
      throw error;
    }
  });
  return made;
}

// One key for one wish, however often it is sent: a second press, or one after a lost answer, books nothing more.
function keyOf(body) {
  const text = JSON.stringify(body);
  if (sent.body !== text) {
    sent.body = text;
    sent.key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  return sent.key;
}

// Full meanwhile: the next free times, to go on with at once.
function instead(place, wish, next, back) {
  return next.map(({date, time}) => {
    const made = el("button", {type: "button"}, `${dayText(date)} ${time}`);
    made.addEventListener("click", () => chosen(place, {...wish, date, time}, back));
    return made;
  });
}

// --- what is booked

function done(place, visit) {
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
  place.replaceChildren(...[
    facts([
      [t("number"), visit.number],
      [t("time"), `${dayText(visit.starts_at.slice(0, 10))} ${clock(visit.starts_at)}–${clock(visit.ends_at)}`],
      [t("place"), `${visit.hall_name} · ${visit.group_name}`],
      [t("state"), t("state_" + visit.state)],
      [t("cancel_before"), coming && when(visit.cancel_before, {dateStyle: "medium", timeStyle: "short"})],
    ].filter(([, value]) => value)),
    visit.closed && coming && el("p", {class: "notice"}, t("hall_closed")),
    coming && button("cancel", () => confirmed(place, visit)),
  ].filter(Boolean));
  if (coming) attempt(place, () => files(place, visit));
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

export function visits() {
  const place = el("div", {});
  status.textContent = "";
  show(t("my_visits"), el("h1", {}, t("my_visits")), el("p", {}, t("visits_hint")), place);
  prove(place, async () => {
    const found = await (await send("/appointments", {method: "GET", token: me.token})).json();
    step(place, found.items.length > 0 ? found.items.map(card) : el("p", {}, t("no_visits")));
  });
}
