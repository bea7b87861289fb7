// Helpers: elements, requests to the simulator, toasts, local time.

export const BASE = document.documentElement.dataset.base;
const ZONE = "Asia/Shanghai";

export function el(tag, facts = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(facts)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((one) => one !== null && one !== undefined && one !== false));
  return made;
}

export async function get(path) {
  const answer = await fetch(BASE + path);
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

const WORDS = {
  not_answered: "机器人没有回应", no_such_button: "按钮已不在", no_such_message: "消息已不在", call_over: "通话已结束",
  no_binding: "此人没有可用的绑定链接", empty: "请先输入内容", no_file: "请选择文件",
};

export async function post(path, body) {
  const form = body instanceof FormData;
  const headers = form ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(BASE + path, { method: "POST", headers, body: form ? body : JSON.stringify(body ?? {}) });
  const facts = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    toast(WORDS[facts.error] ?? facts.error?.message ?? `没有成功（${answer.status}）`);
    throw new Error(`${path} ${answer.status}`);
  }
  return facts;
}

let fading;
export function toast(words, alerting = false) {
  const place = document.getElementById("toast");
  place.textContent = words;
  place.classList.toggle("alerting", alerting);
  place.hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => { place.hidden = true; }, alerting ? 6000 : 3200);
}

const format = (facts) => new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, ...facts });
const CLOCK = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = format({ month: "long", day: "numeric", weekday: "short" });
export const clock = (moment) => CLOCK.format(new Date(moment));
export const day = (moment) => DAY.format(new Date(moment));

export const ROLES = {
  handler: "经办人员", liaison: "联络员", leader: "分管领导", dispatcher: "派单员", reviewer: "审核员", revisit_agent: "回访员",
  supervisor: "督办员", score_clerk: "赋分员", admin: "管理员", auditor: "审计员", caller: "诉求人", requester: "诉求人", duty: "值班人员",
};
export const isCaller = (person) => ["caller", "requester"].includes(person.role);

export function peopleOptions(people, chosen) {
  return people.map((one) => el("option", { value: one.phone, selected: one.phone === chosen },
    `${one.name}（${ROLES[one.role] ?? one.role}${one.unit ? " · " + one.unit : ""}）`));
}

export function remember(name, value) {
  try { localStorage.setItem(`handsets.${name}`, value); } catch { /* private windows have no storage */ }
}
export function remembered(name) {
  try { return localStorage.getItem(`handsets.${name}`); } catch { return null; }
}
