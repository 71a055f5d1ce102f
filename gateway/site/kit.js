// What the pages for people are built with: words, elements, and the public API. Whatever the API says is set as text,
// never as markup.

const API = "/api/v1";
const LANGUAGES = ["zh-Hans", "zh-Hant", "en"];
const content = document.getElementById("content");
export const status = document.getElementById("status");
export const language = chosenLanguage();
let words = {};

function chosenLanguage() {
  const kept = localStorage.getItem("language");
  if (LANGUAGES.includes(kept)) return kept;
  const own = navigator.language.toLowerCase();
  if (own.startsWith("en")) return "en";
  return /^zh-(hant|tw|hk|mo)/.test(own) ? "zh-Hant" : "zh-Hans";
}

export function t(key, values = {}) {
  return words[key][language].replace(/{(\w)}/g, (_, name) => values[name]);
}

// el("p", {class: "meta"}, "text", node): strings become text; null, false and "" are left out.
export function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== false && child !== ""));
  return made;
}

export async function ask(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== "");
  const query = given.length ? "?" + new URLSearchParams(given) : "";
  return (await answered(await fetch(API + path + query, {headers: {"Accept-Language": language}}))).json();
}

// `how`: method, token, key (Idempotency-Key) and body, which is sent as JSON.
export async function send(path, how) {
  const headers = {"Accept-Language": language};
  if (how.token) headers.Authorization = "Bearer " + how.token;
  if (how.key) headers["Idempotency-Key"] = how.key;
  if (how.body) headers["Content-Type"] = "application/json";
  const body = how.body && JSON.stringify(how.body);
  return answered(await fetch(API + path, {method: how.method || "POST", headers, body}));
}

// A refusal is thrown: its sentence, and with `problem` all that the API says of it.
async function answered(answer) {
  if (answer.ok) return answer;
  const problem = await answer.json();
  const said = problem.errors ? problem.errors[0].message : problem.detail;
  throw Object.assign(new Error(said), {problem});
}

// What to tell somebody of an error.
export function sentence(error) {
  return error instanceof TypeError || !error.message ? (words.away ? t("away") : "…") : error.message;
}

export function named(thing) {
  return language === "en" && thing.name_en ? thing.name_en : thing.name;
}

export function link(href, ...children) {
  return el("a", {href}, ...children);
}

export function section(title, ...children) {
  return el("section", {}, el("h2", {}, title), ...children);
}

export function show(title, ...nodes) {
  document.title = title + " · " + t("brand");
  content.replaceChildren(...nodes.filter(Boolean));
}

export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return known.length > 0 && el("dl", {class: "card"}, known.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

export function many(title, values, draw) {
  return values.length > 0 && section(title, draw(values));
}

export function listed(values, draw) {
  return el("ul", {class: "plain cards"}, values.map((value) => el("li", {}, draw(value))));
}

export function line(...parts) {
  const text = parts.filter(Boolean).join(" · ");
  return text && el("p", {class: "meta"}, text);
}

// The words, and what every page has: its language, and the buttons that change it.
export async function chrome() {
  words = await (await fetch("/assets/words.json")).json();
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const button of document.querySelectorAll("#languages button")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
    button.addEventListener("click", () => {
      localStorage.setItem("language", button.dataset.language);
      location.reload();
    });
  }
}
