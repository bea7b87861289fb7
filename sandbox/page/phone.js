// One telephone: ringing, talking, keypad, speech, history.

import { clock, el, isCaller, peopleOptions, post } from "./kit.js";

const STATUS = {
  queued: "准备中", ringing: "振铃", "in-progress": "通话中", completed: "已通话", busy: "占线或拒接", "no-answer": "未接听", failed: "未接通", canceled: "已取消",
};
const WAYS = { manual: "手动接听", no_answer: "无人接听", busy: "占线", failed: "关机", reject: "拒接", machine: "语音信箱" };

export class Phone {
  constructor(place, title, choose, speak) {
    Object.assign(this, { place, title, choose, speak, shown: "", spoken: new Map(), confidence: 90 });
    this.head = el("div", { class: "top" });
    this.screen = el("div", { class: "screen" });
    place.append(this.head, this.screen);
    setInterval(() => this.tick(), 1000);
  }

  show(people, phone, view, free) {
    const print = JSON.stringify([people.map((one) => [one.name, one.phone]), phone, view]);
    if (print === this.shown) return;
    this.shown = print;
    this.phone = phone;
    this.people = people;
    this.heading(people, phone, view, free);
    if (!view) { this.screen.replaceChildren(el("div", { class: "rest" }, "请选择一部电话")); return; }
    const call = [...view.calls].reverse().find((one) => !one.ended);
    this.listen(view.calls);
    if (!call || call.sid !== this.live) { this.live = call?.sid; this.since = null; this.form = null; }
    if (!call) this.screen.replaceChildren(this.idle(view));
    else if (call.status === "ringing" && call.direction !== "inbound") this.screen.replaceChildren(this.ringing(call));
    else this.talking(call);
  }

  heading(people, phone, view, free) {
    const person = people.find((one) => one.phone === phone);
    const options = free ? [el("optgroup", { label: "诉求人" }, peopleOptions(people.filter(isCaller), phone)),
      el("optgroup", { label: "工作人员" }, peopleOptions(people.filter((one) => !isCaller(one)), phone))] : peopleOptions(people, phone);
    if (phone && !person) options.unshift(el("option", { value: phone, selected: true }, phone));
    if (free) options.push(el("option", { value: "?" }, "其他号码…"));
    const ways = view && el("select", { class: "behave", "aria-label": "来电时", onchange: (event) => this.behave(event.target.value) },
      Object.entries(WAYS).map(([name, words]) => el("option", { value: name, selected: name === view.behaviour }, words)));
    this.head.replaceChildren(el("h2", {}, this.title, ways),
      el("select", { "aria-label": "谁的电话", onchange: (event) => this.pick(event.target.value) }, options),
      el("div", { class: "who" }, phone ?? "", person?.note ? el("span", { class: "note" }, person.note) : null));
  }

  pick(value) {
    if (value !== "?") { this.choose(value); return; }
    const input = el("input", { placeholder: "手机号，如 13800001234", inputmode: "tel", "aria-label": "其他号码" });
    this.head.append(el("form", { class: "other", onsubmit: (event) => {
      event.preventDefault();
      const digits = input.value.replace(/[^\d+]/g, "");
      if (digits) this.choose(digits.startsWith("+") ? digits : "+86" + digits.replace(/^0/, ""));
    } }, input, el("button", {}, "使用")));
    input.focus();
  }

  idle(view) {
    const past = [...view.calls].reverse().map((call, place) => el("details", { class: "past", open: place === 0 },
      el("summary", {}, el("span", {}, call.direction === "inbound" ? "↗ 拨打热线" : "↙ " + call.from, " · ", STATUS[call.status] ?? call.status),
        el("small", {}, clock(call.at) + (call.seconds ? ` · ${call.seconds} 秒` : ""))), this.lines(call)));
    return el("div", { class: "idle" },
      el("div", { class: "rest" }, el("div", { class: "big" }, "☎"), "待机",
        el("div", {}, el("button", { onclick: () => post(`/api/phone/${encodeURIComponent(this.phone)}/dial`) }, "拨打热线"))),
      view.sms.length ? el("h3", {}, "短信") : null,
      [...view.sms].reverse().map((one) => el("div", { class: "sms" }, one.text, el("small", {}, `${one.from} · ${clock(one.at)}`))),
      past.length ? el("h3", {}, "最近通话") : null, past);
  }

  lines(call) {
    return el("div", { class: "lines" }, call.lines.map((line) => el("div",
      { class: `line ${line.who}${line.who === "person" && /^[\d*#]+$/.test(line.text) ? " keyed" : ""}` },
      line.text === "☎" ? "双方已接通" : line.text)));
  }

  ringing(call) {
    return el("div", { class: "ring" }, el("div", { class: "face" }, "☎"), el("div", { class: "number" }, call.from),
      el("small", {}, "热线来电"), el("div", { class: "choice" },
        el("button", { class: "call-key drop", onclick: () => this.act("reject") }, "拒接"),
        el("button", { class: "call-key take", onclick: () => this.act("answer") }, "接听")));
  }

  talking(call) {
    if (!this.form) this.build(call);
    const fresh = this.lines(call);
    this.transcript.replaceWith(fresh);
    this.transcript = fresh;
    fresh.scrollTop = fresh.scrollHeight;
  }

  build(call) {
    this.since = Date.now();
    this.timer = el("span", { class: "timer" }, "00:00");
    this.transcript = el("div", { class: "lines" });
    const words = el("input", { placeholder: "说点什么，如：满意", "aria-label": "说的话", autocomplete: "off" });
    const shown = el("span", {}, `${this.confidence}%`);
    const slider = el("input", { type: "range", min: "0", max: "100", value: String(this.confidence), "aria-label": "识别置信度",
      oninput: () => { this.confidence = Number(slider.value); shown.textContent = `${slider.value}%`; } });
    this.form = el("form", { class: "speak", onsubmit: (event) => {
      event.preventDefault();
      if (words.value.trim()) this.act("speech", { text: words.value, confidence: this.confidence / 100 });
      words.value = "";
    } }, words, el("button", {}, "说"), el("label", {}, "识别置信度", slider, shown));
    this.screen.replaceChildren(el("div", { class: "oncall" },
      el("div", { class: "with" }, el("span", {}, call.direction === "inbound" ? call.to : call.from), this.timer), this.transcript,
      el("div", { class: "pad" }, [..."123456789*0#"].map((key) => el("button", { type: "button", onclick: () => this.act("key", { key }) }, key))),
      this.form, el("div", { class: "end" },
        el("button", { title: "不说话，直到对方不再等", onclick: () => this.act("silence") }, "不出声"),
        el("button", { class: "drop", onclick: () => this.act("hangup") }, "挂断"))));
  }

  listen(calls) {
    for (const call of calls) {
      const heard = call.lines.filter((line) => line.who === "line");
      if (this.spoken.has(call.sid)) for (const line of heard.slice(this.spoken.get(call.sid))) this.speak(line.text, line.language);
      else if (!call.ended) for (const line of heard) this.speak(line.text, line.language);
      this.spoken.set(call.sid, heard.length);
    }
  }

  tick() {
    if (!this.since || !this.timer) return;
    const seconds = Math.floor((Date.now() - this.since) / 1000);
    this.timer.textContent = `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
  }

  act(what, body) { return post(`/api/call/${this.live}/${what}`, body).catch(() => {}); }
  behave(behaviour) { return post(`/api/phone/${encodeURIComponent(this.phone)}/behave`, { behaviour }); }
}
