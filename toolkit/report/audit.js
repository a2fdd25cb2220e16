"use strict";
(() => {
  const items = [...document.querySelectorAll(".item")];
  const options = [...document.querySelectorAll("#found li")];
  const picker = document.getElementById("picker");
  const filter = document.getElementById("filter");
  const author = document.getElementById("author");
  const told = document.getElementById("told");
  const key = "toolkit-audit-" + document.body.dataset.key;

  // Decisions by ID: { to, how, date }. A Map, since an ID may be any text, "__proto__" too.
  let decisions = new Map();
  let history = []; // of [id, what was decided before, or null], the latest last
  let at = 0;
  let kept = true; // whether the browser keeps what is decided

  function load() {
    try {
      const saved = JSON.parse(localStorage.getItem(key) || "null");
      if (!saved) return;
      decisions = new Map(saved.decisions);
      history = saved.history;
      at = Math.min(Math.max(0, saved.at), items.length - 1);
      author.value = saved.author;
    } catch {
      kept = false;
    }
  }

  function save() {
    const state = { decisions: [...decisions], history, at, author: author.value };
    try {
      localStorage.setItem(key, JSON.stringify(state));
    } catch {
      kept = false;
    }
  }

  function draw() {
    items.forEach((item, number) => {
      const made = decisions.get(item.dataset.id);
      const changed = made !== undefined && made.to !== item.dataset.given;
      item.classList.toggle("here", number === at);
      item.dataset.state = made === undefined ? "" : changed ? "changed" : "fine";
      const words = made === undefined ? "" : changed ? "becomes " + made.to : "is fine";
      item.querySelector(".done").textContent = words;
    });
    const seen = items.filter((item) => item.dataset.state).length;
    const changed = items.filter((item) => item.dataset.state === "changed").length;
    const lost = kept ? "" : " This browser keeps nothing: export before you leave.";
    told.textContent = `${seen} of ${items.length} judged, ${changed} relabelled.${lost}`;
  }

  function go(to) {
    at = Math.min(Math.max(0, to), items.length - 1);
    save();
    draw();
    items[at].focus({ preventScroll: true });
    items[at].scrollIntoView({ block: "nearest" });
  }

  function today() {
    const now = new Date();
    const two = (number) => String(number).padStart(2, "0");
    return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  }

  function decide(to, how) {
    const id = items[at].dataset.id;
    history.push([id, decisions.get(id) || null]);
    decisions.set(id, { to, how, date: today() });
    go(at + 1);
  }

  function undo() {
    const last = history.pop();
    if (!last) return;
    const [id, before] = last;
    if (before) decisions.set(id, before);
    else decisions.delete(id);
    const number = items.findIndex((item) => item.dataset.id === id);
    go(number < 0 ? at : number);
  }

  function shown() {
    return options.filter((option) => !option.hidden);
  }

  function select(number) {
    const among = shown();
    options.forEach((option) => option.setAttribute("aria-selected", "false"));
    if (!among.length) return;
    const chosen = among[(number + among.length) % among.length];
    chosen.setAttribute("aria-selected", "true");
    chosen.scrollIntoView({ block: "nearest" });
  }

  function selected() {
    return shown().findIndex((option) => option.getAttribute("aria-selected") === "true");
  }

  function narrow() {
    const wanted = filter.value.trim().toLocaleLowerCase();
    options.forEach((option) => {
      option.hidden = !option.dataset.name.toLocaleLowerCase().includes(wanted);
    });
    select(0);
  }

  function pick() {
    filter.value = "";
    narrow();
    picker.showModal();
    filter.focus();
  }

  function take(option) {
    picker.close();
    const to = option.dataset.name;
    decide(to, to === items[at].dataset.given ? "fine" : "picked");
  }

  const acts = {
    accept: () => decide(items[at].dataset.suggested, "accepted, p=" + items[at].dataset.p),
    fine: () => decide(items[at].dataset.given, "fine"),
    pick,
  };

  function cell(text) {
    return /[",;\r\n]|^\s|\s$/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  }

  function patch() {
    const lines = [["id", "from", "to", "reason", "author", "date"]];
    for (const item of items) {
      const { id, given } = item.dataset;
      const made = decisions.get(id);
      if (made === undefined || made.to === given) continue;
      lines.push([id, given, made.to, "audit: " + made.how, author.value.trim(), made.date]);
    }
    return lines.map((line) => line.map(cell).join(",") + "\n").join("");
  }

  function write() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([patch()], { type: "text/csv" }));
    link.download = "labels.patch.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  const keys = {
    j: () => go(at + 1),
    ArrowDown: () => go(at + 1),
    ArrowRight: () => go(at + 1),
    k: () => go(at - 1),
    ArrowUp: () => go(at - 1),
    ArrowLeft: () => go(at - 1),
    a: acts.accept,
    Enter: acts.accept,
    c: pick,
    f: acts.fine,
    u: undo,
    e: write,
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || picker.open) return;
    const name = event.target.tagName;
    if (name === "INPUT") {
      if (event.key === "Enter" || event.key === "Escape") event.target.blur();
      return;
    }
    if (name === "BUTTON" && (event.key === "Enter" || event.key === " ")) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!Object.hasOwn(keys, event.key.length === 1 ? event.key.toLowerCase() : event.key)) return;
    event.preventDefault();
    act();
  });
  filter.addEventListener("input", narrow);
  filter.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") select(selected() + 1);
    else if (event.key === "ArrowUp") select(selected() - 1);
    else if (event.key === "Enter" && selected() >= 0) take(shown()[selected()]);
    else return;
    event.preventDefault();
  });
  options.forEach((option) => option.addEventListener("click", () => take(option)));
  items.forEach((item, number) => {
    item.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      at = number;
      if (button) acts[button.dataset.do]();
      else go(number);
    });
  });
  author.addEventListener("input", save);
  document.getElementById("undo").addEventListener("click", undo);
  document.getElementById("export").addEventListener("click", write);
  load();
  draw();
  if (items.length) go(at);
})();
