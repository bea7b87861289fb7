// The handler's chat: messages, their buttons, replies, files, contact cards.

import { BASE, ROLES, clock, day, el, peopleOptions, post, toast } from "./kit.js";

export class Chat {
  constructor(place, choose) {
    this.place = place;
    this.choose = choose;
    this.answering = null;
    this.shown = "";
    this.talk = el("div", { class: "talk" });
    this.head = el("div", { class: "top" });
    this.extras = el("div");
    this.quote = el("div", { class: "answering", hidden: true });
    this.input = el("input", { type: "text", placeholder: "写一条消息…", "aria-label": "消息", autocomplete: "off" });
    this.files = el("input", { type: "file", accept: "image/jpeg,image/png,application/pdf", hidden: true, multiple: true,
      onchange: () => this.attach() });
    const composer = el("form", { class: "composer", onsubmit: (event) => { event.preventDefault(); this.send(this.input.value); } },
      el("button", { type: "button", class: "round", title: "发送照片或 PDF", onclick: () => this.files.click() }, "＋"),
      this.files, this.input, el("button", { class: "round go", title: "发送", "aria-label": "发送" }, "➤"));
    place.append(this.head, this.talk, this.extras, this.quote, composer);
  }

  show(people, phone, view) {
    const print = JSON.stringify([people, phone, view]);
    if (print === this.shown) return;
    const moved = this.phone !== phone;
    this.shown = print;
    this.phone = phone;
    this.view = view;
    if (moved) this.answer(null);
    const person = people.find((one) => one.phone === phone);
    this.head.replaceChildren(
      el("h2", {}, "经办人 · 聊天", el("span", {}, view?.blocked ? "已拉黑机器人" : "")),
      el("select", { "aria-label": "谁的聊天", onchange: (event) => this.choose(event.target.value) }, peopleOptions(people, phone)),
      el("div", { class: "who" }, phone ?? "", person?.note ? el("span", { class: "note" }, person.note) : null,
        view?.started ? el("button", { class: "tools", style: undefined, onclick: () => this.block(!view.blocked) }, view.blocked ? "取消拉黑" : "拉黑机器人") : null));
    this.draw(person, moved);
  }

  draw(person, moved) {
    const near = moved || this.talk.scrollHeight - this.talk.scrollTop - this.talk.clientHeight < 80;
    const rows = [];
    let last = "";
    for (const message of this.view?.messages ?? []) {
      if (day(message.at) !== last) rows.push(el("div", { class: "day" }, last = day(message.at)));
      rows.push(this.row(message));
    }
    if (!this.view?.started) rows.push(this.welcome(person));
    this.talk.replaceChildren(...rows);
    if (near) this.talk.scrollTop = this.talk.scrollHeight;
    const deck = (this.view?.keyboard ?? []).map((row) => el("div", {}, row.map((key) => el("button",
      { onclick: () => key.contact ? this.act("contact", {}) : this.send(key.text) }, (key.contact ? "☎ " : "") + key.text))));
    const commands = this.view?.started ? this.view.commands.map((one) => el("button",
      { title: "/" + one.command, onclick: () => this.send("/" + one.command) }, one.description)) : [];
    this.extras.replaceChildren(...[commands.length ? el("div", { class: "commands" }, commands) : null, deck.length ? el("div", { class: "deck" }, deck) : null].filter(Boolean));
  }

  welcome(person) {
    const open = person?.code
      ? el("button", { class: "primary", onclick: () => this.bind() }, "打开绑定链接")
      : el("button", { class: "primary", onclick: () => this.send("/start") }, "打开机器人");
    return el("div", { class: "welcome" }, el("h3", {}, person?.name ?? ""),
      el("p", {}, person?.code ? "第一步：打开绑定链接。第二步：点“发送本人手机号”。之后工单会推送到这里。" : `${ROLES[person?.role] ?? "此人"}还没有打开机器人。`), open);
  }

  row(message) {
    const file = message.file && this.attachment(message);
    const card = message.contact && el("span", { class: "attachment" }, el("span", { class: "paper" }, "名片"),
      el("span", {}, message.contact.first_name, el("small", {}, message.contact.phone_number)));
    const place = message.location && `位置 ${message.location.latitude}, ${message.location.longitude}`;
    const keys = message.rows.length && el("div", { class: "keys" }, message.rows.map((row, y) => el("div", {},
      row.map((key, x) => el("button", { onclick: (event) => this.press(event.target, message.id, y, x, key) }, key.text + (key.url ? " ↗" : ""))))));
    return el("div", { class: message.mine ? "row mine" : "row" },
      el("div", { class: "bubble" }, message.quote && el("span", { class: "quote" }, message.quote.text), file, card, place,
        ...styled(message.text, message.entities), el("span", { class: "stamp" }, (message.edited ? "已编辑 " : "") + clock(message.at))),
      keys || null, message.mine ? null : el("button", { class: "tools", onclick: () => this.answer(message) }, "↩ 回复"));
  }

  attachment(message) {
    const address = `${BASE}/api/file/${message.file.id}`;
    if (message.kind === "photo") {
      return el("a", { class: "attachment", href: address, target: "_blank" }, el("img", { src: address, alt: "照片", loading: "lazy" }));
    }
    return el("a", { class: "attachment", href: address, target: "_blank" }, el("span", { class: "paper" }, (message.file.name.split(".").pop() || "文件").slice(0, 4).toUpperCase()),
      el("span", {}, message.file.name, el("small", {}, `${Math.max(1, Math.round(message.file.size / 1024))} KB`)));
  }

  answer(message) {
    this.answering = message?.id ?? null;
    this.quote.hidden = !message;
    this.quote.replaceChildren(...(message ? [el("span", {}, "回复：" + (message.text || "附件").split("\n")[0]),
      el("button", { title: "不回复了", onclick: () => this.answer(null) }, "✕")] : []));
    if (message) this.input.focus();
  }

  act(what, body) { return post(`/api/chat/${encodeURIComponent(this.phone)}/${what}`, body); }

  async send(text) {
    if (!text.trim()) return;
    await this.act("say", { text, reply_to: this.answering });
    this.input.value = "";
    this.answer(null);
  }

  async attach() {
    for (const file of this.files.files) {
      const form = new FormData();
      form.append("file", file);
      if (this.answering) form.append("reply_to", this.answering);
      await this.act("file", form);
    }
    this.files.value = "";
    this.answer(null);
  }

  async press(button, message, row, column, key) {
    if (key.url) { window.open(key.url, "_blank", "noopener"); return; }
    button.disabled = true;
    try {
      const answer = await this.act("press", { message, row, column });
      if (answer.toast) toast(answer.toast, answer.alert);
    } finally { button.disabled = false; }
  }

  bind() { return post(`/api/people/${encodeURIComponent(this.phone)}/bind`); }
  block(blocked) { return this.act("block", { blocked }); }
}

function styled(text, entities) {
  const cuts = [...new Set([0, text.length, ...entities.flatMap((one) => [one.offset, one.offset + one.length])])].sort((a, b) => a - b);
  return cuts.slice(0, -1).map((from, place) => {
    const piece = text.slice(from, cuts[place + 1]);
    const over = entities.filter((one) => one.offset <= from && one.offset + one.length > from);
    if (!over.length) return piece;
    const link = over.find((one) => one.type === "text_link" && /^https?:/.test(one.url));
    const names = over.map((one) => "e-" + one.type).join(" ");
    return link ? el("a", { href: link.url, target: "_blank", rel: "noopener", class: names }, piece) : el("span", { class: names }, piece);
  });
}
