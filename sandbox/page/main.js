// The page: which handsets are shown, the movable clock, and the event stream that announces changes.

import { Chat } from "./chat.js";
import { BASE, clock, day, el, get, isCaller, post, remember, remembered, toast } from "./kit.js";
import { Phone } from "./phone.js";

const at = (id) => document.getElementById(id);
const held = { chat: remembered("chat"), handler: remembered("handler"), caller: remembered("caller") };
let sound = false;
let drift = null;

function speak(text, language) {
  if (!sound || !("speechSynthesis" in window)) return;
  const words = new SpeechSynthesisUtterance(text);
  words.lang = language || "zh-CN";
  speechSynthesis.speak(words);
}

function hold(which, phone) {
  held[which] = phone;
  if (which === "chat") held.handler = phone;
  for (const [name, value] of Object.entries(held)) if (value) remember(name, value);
  refresh();
}

const chat = new Chat(at("chat"), (phone) => hold("chat", phone));
const handler = new Phone(at("handler"), "经办人 · 电话", (phone) => hold("handler", phone), speak);
const caller = new Phone(at("caller"), "诉求人 · 电话", (phone) => hold("caller", phone), speak);

let running = false;
let again = false;
async function refresh() {
  if (running) { again = true; return; }
  running = true;
  try {
    const people = await get("/people.json");
    const staff = people.filter((one) => !isCaller(one));
    const callers = people.filter(isCaller);
    const knows = (phone) => people.some((one) => one.phone === phone);
    if (!knows(held.chat)) held.chat = (staff.find((one) => one.role === "handler") ?? staff[0] ?? people[0])?.phone;
    if (!knows(held.handler)) held.handler = held.chat;
    held.caller ??= (callers[0] ?? people[0])?.phone;
    const query = new URLSearchParams();
    if (held.chat) query.append("chat", held.chat);
    for (const phone of [held.handler, held.caller]) if (phone) query.append("phone", phone);
    const view = await get(`/api/view?${query}`);
    const phones = Object.fromEntries(view.phones.map((one) => [one.phone, one]));
    chat.show(staff.length ? staff : people, held.chat, view.chat);
    handler.show(staff.length ? staff : people, held.handler, phones[held.handler], false);
    caller.show(people, held.caller, phones[held.caller], true);
    showRinging(view.ringing, staff);
  } catch (trouble) {
    console.warn(trouble);
  } finally {
    running = false;
    if (again) { again = false; refresh(); }
  }
}

function showRinging(ringing, staff) {
  const shown = [held.handler, held.caller];
  const elsewhere = ringing.filter((one) => !shown.includes(one.phone));
  at("ringing").hidden = !elsewhere.length;
  at("ringing").replaceChildren(...elsewhere.flatMap((one) => [el("span", {}, `☎ ${one.name || one.phone} 的电话在响`),
    el("button", { onclick: () => { const which = staff.some((person) => person.phone === one.phone) ? "handler" : "caller"; tab(which); hold(which, one.phone); } }, "拿起这部电话")]));
  for (const button of at("tabs").children) button.classList.toggle("rings", ringing.some((one) => one.phone === held[button.dataset.tab] && button.dataset.tab !== "chat"));
}

function tab(name) {
  at("stage").dataset.tab = name;
  for (const button of at("tabs").children) button.classList.toggle("on", button.dataset.tab === name);
}

async function readClock() {
  try { drift = Date.parse((await get("/clock")).now) - Date.now(); } catch { drift = null; }
  showClock();
}

function showClock() {
  const now = drift === null ? null : Date.now() + drift;
  at("clock-time").textContent = now === null ? "--:--" : clock(now);
  at("clock-date").textContent = now === null ? "时钟不可用" : day(now);
}

async function advance(by, ring = false) {
  at("clock").classList.add("moving");
  const watching = setInterval(readClock, 1000);  // it stops at every instant at which something is due
  try {
    await post("/clock", { advance: by, until_ring: ring });
    toast(ring ? "已拨到下次来电；没有来电的，已拨快 7 天" : `时钟已拨快 ${by}`);
  } catch { /* post() has shown the reason */ } finally {
    clearInterval(watching);
    at("clock").classList.remove("moving");
    await readClock();
    refresh();
  }
}

at("clock").addEventListener("click", (event) => { if (event.target.dataset.advance) advance(event.target.dataset.advance, Boolean(event.target.dataset.ring)); });
at("clock-form").addEventListener("submit", (event) => { event.preventDefault(); if (at("clock-input").value.trim()) advance(at("clock-input").value.trim()); });
at("tabs").addEventListener("click", (event) => { if (event.target.dataset.tab) tab(event.target.dataset.tab); });
at("sound").addEventListener("click", () => {
  sound = !sound;
  at("sound").setAttribute("aria-pressed", String(sound));
  at("sound").textContent = sound ? "朗读：开" : "朗读：关";
  if (!sound && "speechSynthesis" in window) speechSynthesis.cancel();
});

tab("chat");
readClock();
setInterval(showClock, 1000);
setInterval(readClock, 15000);
refresh();
const bell = new EventSource(`${BASE}/api/events`);
bell.onmessage = refresh;
bell.onopen = refresh;
