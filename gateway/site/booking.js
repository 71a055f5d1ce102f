// Booking a visit without an account: the halls that handle an item, their free times, a code by SMS, the booking; or,
// where no time suits, a place on the waiting list.

import {button, dayText, daysOf, form, input, keyOf, me, prove, spanText, step, timeButton, timesOf} from "./forms.js";
import {ask, el, line, link, named, section, send, show, status, t} from "./kit.js";
import {done, waits} from "./visits.js";

const DAYS = 3; // of a hall that are shown at once

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
    return {hall, days: daysOf(found.groups), window: found.groups.length > 0 && [found.first_day, found.last_day]};
  } catch (error) {
    if (!error.problem) throw error;
    return {hall, days: [], window: null};
  }
}

function times(place, item, open) {
  const back = () => times(place, item, open);
  const take = (hall) => (date, time) => chosen(place, {hall, item, date, time}, back);
  place.replaceChildren(el("p", {}, t(open.length > 0 ? "choose_time" : "not_by_booking")),
    ...open.map(({hall, days, window}) => section(named(hall),
      line(hall.address, hall.phone),
      days.length === 0 && el("p", {}, t("no_times")),
      days.slice(0, DAYS).flatMap((day) => timesOf(day, take(hall))),
      days.length > DAYS && el("details", {}, el("summary", {}, t("more_days")),
        days.slice(DAYS).flatMap((day) => timesOf(day, take(hall)))),
      window && button("wait", () => waiting(place, {hall, item}, window, back)))));
}

// Any time on some days would do: whatever is freed then is held for the first who waits.
function waiting(place, wish, [min, max], back) {
  const day = {type: "date", min, max};
  const made = form([...input("first_day", {...day, value: min}), ...input("last_day", {...day, value: max}),
    ...input("since", {type: "time", value: "09:00"}), ...input("until", {type: "time", value: "17:00"}),
    el("p", {class: "meta"}, t("wait_hint"))], "go_on", async (said) => chosen(place, {...wish, ...said}, back));
  step(place, el("h2", {tabindex: "-1"}, `${t("wait")} · ${named(wish.hall)}`), button("other_time", back), made);
}

// --- who comes

// What is wanted: a `date` and a `time`, or to wait from `first_day` to `last_day`, each day from `since` to `until`.
function chosen(place, wish, back) {
  const said = [el("h2", {tabindex: "-1"}, `${named(wish.hall)} · ${wish.date ? `${dayText(wish.date)} ${wish.time}` : spanText(wish)}`),
    button("other_time", back)];
  const below = el("div", {});
  place.replaceChildren(...said, below);
  prove(below, () => step(below, visitor(place, wish, back)));
}

function visitor(place, wish, back) {
  const made = form([...input("name", {autocomplete: "name", maxlength: 50}),
    ...input("identity_number", {autocomplete: "off", maxlength: 18}), el("p", {class: "meta"}, t("checked_at_door"))],
  wish.date ? "book_now" : "wait_now", async ({name, identity_number}) => {
    const {hall, ...asked} = wish;
    const body = {...asked, hall: hall.id, visitor: {name, identity_number, mobile: me.mobile}};
    const how = {token: me.token, key: keyOf(body), body};
    try {
      if (wish.date) done(place, await (await send("/appointments", how)).json());
      else waits(place, await (await send("/waiting-list", how)).json());
    } catch (error) {
      if (error.problem && error.problem.next) made.after(...instead(place, wish, error.problem.next, back));
      throw error;
    }
  });
  return made;
}

// Full meanwhile, or no need to wait: the next free times, to go on with at once.
function instead(place, {hall, item}, next, back) {
  return next.map(({date, time}) => timeButton(`${dayText(date)} ${time}`, () => chosen(place, {hall, item, date, time}, back)));
}
