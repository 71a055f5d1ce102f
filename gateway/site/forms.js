// What the steps of booking, and of what is booked, are made of: fields, buttons, refusals said where they matter, times
// to choose from, and the mobile that is proven. What somebody types, and the token, are kept nowhere but in this page.

import {el, language, send, sentence, t} from "./kit.js";

export const me = {token: null, mobile: null};
const sent = {body: null, key: null};

export function input(name, attributes) {
  return [el("label", {for: name}, t(name)), el("input", {id: name, name, required: "", ...attributes})];
}

export function button(word, act) {
  return timeButton(t(word), act);
}

export function form(fields, word, act) {
  const made = el("form", {class: "card fields"}, fields, el("button", {type: "submit"}, t(word)));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(made, () => act(Object.fromEntries(new FormData(made))));
  });
  return made;
}

// Nothing can be pressed twice meanwhile. A refusal is said where the person is, at the field that it is about.
export async function attempt(place, act) {
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
export function step(place, ...nodes) {
  place.replaceChildren(...nodes.flat().filter(Boolean));
  const first = place.querySelector("input, h2");
  if (first) first.focus();
}

export function when(instant, parts) {
  return new Intl.DateTimeFormat(language, {timeZone: "Asia/Shanghai", ...parts}).format(new Date(instant));
}

export const DAY = {month: "long", day: "numeric", weekday: "short"};

export function dayText(date) {
  return when(date + "T00:00:00+08:00", DAY);
}

// Some days, and some hours on each.
export function spanText({first_day, last_day, since, until}) {
  const days = first_day === last_day ? dayText(first_day) : `${dayText(first_day)} – ${dayText(last_day)}`;
  return `${days} ${since}–${until}`;
}

export function clock(instant) {
  return when(instant, {hour: "2-digit", minute: "2-digit", hourCycle: "h23"});
}

// The days on which some groups of a hall have time. What several have at the same hour is one time, with all its places.
export function daysOf(groups) {
  const days = {};
  for (const {date, times} of groups.flatMap((group) => group.days)) {
    const free = days[date] ??= {};
    for (const one of times) free[one.time] = (free[one.time] ?? 0) + one.free;
  }
  const ordered = (made) => Object.entries(made).sort(([one], [other]) => (one < other ? -1 : 1));
  return ordered(days).map(([date, free]) => ({date, times: ordered(free).map(([time, count]) => ({time, free: count}))}))
    .filter((day) => day.times.length > 0);
}

export function timesOf(day, take) {
  return [el("h3", {}, dayText(day.date)), el("div", {class: "chips"}, day.times.map((one) => {
    return timeButton(`${one.time} · ${t("left", {n: one.free})}`, () => take(day.date, one.time));
  }))];
}

export function timeButton(text, act) {
  const made = el("button", {type: "button"}, text);
  made.addEventListener("click", act);
  return made;
}

// A mobile is proven once, by the code that is sent to it.
export function prove(place, then) {
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

// One key for one wish, however often it is sent: a second press, or one after a lost answer, books nothing more.
export function keyOf(body) {
  const text = JSON.stringify(body);
  if (sent.body !== text) {
    sent.body = text;
    sent.key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  return sent.key;
}
