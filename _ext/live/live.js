// Makes the code cells of a page editable and runs them, in a Python that the reader's browser loads.
//
// book.js imports this when "Run this page live" is pressed, and not before. Python itself is in
// worker.js; what a cell shows comes from shell.py. A figure with controls stays as it is until the
// reader comes near it, then its cell runs and Python computes it.

const HERE = new URL(".", import.meta.url);

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const button = (text, onclick, properties = {}) => element("button", { type: "button", textContent: text, onclick, ...properties });

// ── Colours for Python, with the names that Pygments gives them ─────────────────────────────────

const escape = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
const WORDS = {
  k: "assert async await break class continue def del elif else except finally for global if lambda nonlocal pass raise return try while with yield",
  kn: "from import as",
  kc: "False None True",
  ow: "and in is not or",
  nb: "abs all any bool dict display enumerate float int isinstance len list map max min print range repr reversed round set sorted str sum tuple type zip",
};
const KIND = new Map(Object.entries(WORDS).flatMap(([kind, words]) => words.split(" ").map((word) => [word, kind])));
const TOKEN = /(#.*)|([rbfRBF]{0,2}(?:"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))|((?:\d[\d_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?j?)|([\p{L}_][\p{L}\p{N}_]*)|([-+*/%@=<>!&|^~:]+)/giu;

function highlight(source) {
  let html = "", at = 0, before = "";
  for (const match of source.matchAll(TOKEN)) {
    const [text, comment, string, number, word] = match;
    const kind = comment ? "c1" : string ? "s2" : number ? "mi" : !word ? "o" : { def: "nf", class: "nc" }[before] || KIND.get(word) || "n";
    html += `${escape(source.slice(at, match.index))}<span class="${kind}">${escape(text)}</span>`;
    at = match.index + text.length;
    before = text;
  }
  return html + escape(source.slice(at));
}

// ── An editor: a text field over the same text in colour ────────────────────────────────────────

/** Type into the field as the reader would, so that undo knows it. */
const type = (field, text) => document.execCommand("insertText", false, text) || field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");

/** Move the lines of the selection by one step, right or left. */
function shift(field, left) {
  const { value, selectionStart } = field;
  const from = value.lastIndexOf("\n", selectionStart - 1) + 1;
  const to = value[field.selectionEnd - 1] === "\n" ? field.selectionEnd - 1 : field.selectionEnd;
  const lines = value.slice(from, to);
  const moved = left ? lines.replace(/^ {1,4}/gm, "") : lines.replace(/^(?=.)/gm, "    ");
  if (moved === lines) return;
  field.setSelectionRange(from, to);
  type(field, moved);
  field.setSelectionRange(from, from + moved.length);
}

function editor(source, label, onKey) {
  const shown = element("pre", { ariaHidden: "true" }), // the field says the same
    field = element("textarea", { value: source, spellcheck: false, autocapitalize: "off", autocomplete: "off" });
  const draw = () => (shown.innerHTML = `${highlight(field.value)}\n`);
  let leaving = false; // Escape lets the next Tab leave the cell
  field.setAttribute("aria-label", label);
  field.setAttribute("aria-describedby", "live-keys");
  field.addEventListener("input", draw);
  field.addEventListener("keydown", (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === "Enter" && (event.shiftKey || !plain)) {
      event.preventDefault();
      onKey(event.shiftKey);
    } else if (event.key === "Enter") {
      const line = field.value.slice(0, field.selectionStart).split("\n").pop();
      event.preventDefault();
      type(field, `\n${line.match(/^ */)[0]}${/:\s*(#.*)?$/.test(line) ? "    " : ""}`);
    } else if (event.key === "Tab" && plain && !leaving && field.selectionStart < field.selectionEnd) {
      event.preventDefault();
      shift(field, event.shiftKey);
    } else if (event.key === "Tab" && plain && !event.shiftKey && !leaving) {
      event.preventDefault();
      type(field, "    ");
    }
    if (event.key !== "Shift") leaving = event.key === "Escape";
  });
  draw();
  return { field, root: element("div", { className: "live-editor" }, element("div", { className: "highlight" }, shown, field)) };
}

// ── What the reader has changed, kept in this browser ───────────────────────────────────────────

/** The changed cells, from the text of the book, which finds them where cells have moved, to the reader's. */
function changes(shelf) {
  try {
    return new Map(JSON.parse(localStorage.getItem(shelf)));
  } catch {
    return new Map(); // nothing is kept here, or not by us
  }
}

/** Keep a cell, or forget it where it is as in the book; false where the browser keeps nothing. */
function keep(shelf, original, source) {
  const all = changes(shelf); // read anew: the page may be open twice
  if (source === original) all.delete(original);
  else all.set(original, source);
  try {
    if (all.size) localStorage.setItem(shelf, JSON.stringify([...all]));
    else localStorage.removeItem(shelf);
    return true;
  } catch {
    return false;
  }
}

// ── Cells ───────────────────────────────────────────────────────────────────────────────────────

class Cell {
  constructor(root, number, source, page) {
    Object.assign(this, { root, number, page, original: source, ran: null });
    this.figure = root.querySelector("[data-explorable]");
    const input = root.querySelector(".cell_input");
    this.hidden = !input;
    this.output = root.querySelector(".cell_output");
    this.editor = editor(page.kept.get(source) ?? source, `Code of cell ${number + 1}`, (goOn) => page.runCell(this, goOn));
    this.editor.field.addEventListener("input", () => page.keep(this));
    this.state = element("span", { className: "live-state" });
    this.back = button("↺ As in the book", () => this.takeBack());
    const foot = element("div", { className: "live-foot" }, button(`▶ Run cell ${number + 1}`, () => page.runCell(this)), this.back);
    if (this.hidden) {
      const summary = element("summary", {}, "Code of this figure ", this.state);
      root.append(element("details", { className: "live-code" }, summary, this.editor.root, foot));
    } else {
      input.replaceChildren(this.editor.root);
      input.after(foot);
      foot.append(this.state);
    }
    root.classList.add("live-cell");
    this.offerBack();
  }

  /** Whether the reader has changed the code. */
  get changed() {
    return this.source !== this.original;
  }

  offerBack() {
    this.back.hidden = !this.changed;
  }

  takeBack() {
    this.editor.field.select();
    this.editor.field.focus();
    type(this.editor.field, this.original);
  }

  get source() {
    return this.editor.field.value;
  }

  /** Whether Python has not run the cell as it stands now. */
  get waits() {
    return this.ran !== this.source;
  }

  get imports() {
    return /^\s*(from|import) /.test(this.source);
  }

  say(state) {
    this.state.textContent = state;
  }

  begin() {
    this.running = this.source;
    this.fresh = true; // the first thing that it shows takes the place of what is there
    this.began = performance.now();
    this.say("running …");
    this.root.classList.add("live-running");
  }

  end(well) {
    this.root.classList.remove("live-running");
    if (well && this.fresh && !this.hidden && this.output) this.output.replaceChildren(); // it shows nothing any more
    for (const text of this.output?.querySelectorAll("pre") || []) if (text.scrollWidth > text.clientWidth) text.tabIndex = 0; // to scroll it by keyboard
    this.ran = well ? this.running : null;
    const seconds = ((performance.now() - this.began) / 1000).toFixed(1);
    this.say(!well ? "stopped by an error" : this.hidden ? "computed by Python" : `ran in ${seconds} s`);
  }

  /** Put something under the code. */
  show(node) {
    if (!this.output) this.root.querySelector(".live-foot").after((this.output = element("div", { className: "cell_output docutils container" })));
    if (this.fresh) this.output.replaceChildren();
    this.fresh = false;
    this.output.append(node);
  }

  print(text, kind) {
    const last = this.fresh ? null : this.output?.lastElementChild;
    if (last?.dataset.kind === kind) return last.querySelector("pre").append(text);
    const box = element("div", { className: `output ${kind}` }, element("div", { className: "highlight" }, element("pre", { textContent: text })));
    box.dataset.kind = kind;
    this.show(box);
  }
}

// ── Figures ─────────────────────────────────────────────────────────────────────────────────────

/** Where the reader had moved the controls of a figure, as values. */
function valuesIn(root, spec) {
  const found = {};
  for (const input of root?.querySelectorAll("[data-control]") || []) {
    const control = spec.controls.find((c) => c.name === input.dataset.control);
    if (!control) continue;
    const position = Number(input.type === "checkbox" ? input.checked : input.value);
    const value = input.type === "range" ? Number(input.dataset.value) : control.grid[position];
    if (value !== undefined) found[control.name] = value;
  }
  return found;
}

/** What explore.js asks of a widget's model. Of several moves in a row Python gets the last. */
class Model {
  constructor(state, ask) {
    Object.assign(this, { state, ask, listeners: {}, asked: false, again: false });
  }

  get(name) {
    return this.state[name];
  }

  set(name, value) {
    this.state[name] = value;
    for (const heard of this.listeners[`change:${name}`] || []) heard();
  }

  on(event, heard) {
    (this.listeners[event] ||= []).push(heard);
  }

  off(event, heard) {
    this.listeners[event] = (this.listeners[event] || []).filter((other) => other !== heard);
  }

  save_changes() {
    if (this.asked) this.again = true;
    else (this.asked = true), this.ask(this.state.values);
  }

  answered() {
    this.asked = false;
    if (this.again) (this.again = false), this.save_changes();
  }
}

// ── The page ────────────────────────────────────────────────────────────────────────────────────

const KEYS = "Shift + Enter runs a cell and goes on, Ctrl + Enter stays. Tab indents, Shift + Tab takes it back where lines are selected; Escape, then Tab, leaves a cell.";
const GONE = "What the cells had computed is gone; a cell that you run brings those above it along.";

class Page {
  constructor(bar, notebook) {
    const roots = [...document.querySelectorAll("div.cell")];
    this.notebook = notebook;
    this.code = notebook.cells.filter((cell) => cell.cell_type === "code" && !cell.metadata.tags?.includes("remove-cell")); // as for Colab
    if (roots.length !== this.code.length) throw new Error("this page and its notebook differ");
    Object.assign(this, { bar, queue: [], near: new Set(), models: new Map(), ready: false, current: null });
    this.status = bar.querySelector("[role=status]");
    this.progress = element("progress", { max: Number(bar.dataset.bytes) });
    this.progress.setAttribute("aria-label", "Loading Python");
    this.stopButton = button("■ Stop", () => this.stop(), { disabled: true });
    const tools = [button("▶▶ Run all", () => this.runAll()), this.stopButton, button("Restart", () => this.restart("Python starts anew.")), button("⤓ Download", () => this.download())];
    bar.querySelector("button").replaceWith(element("div", { className: "live-tools" }, ...tools));
    bar.append(this.progress);
    bar.after(element("p", { id: "live-keys", textContent: KEYS }));
    bar.classList.add("live-on");

    const shown = (root) => root.querySelector(".cell_input, [data-explorable]"); // questions and pictures stay as they are
    this.kept = changes(bar.dataset.shelf);
    this.cells = roots.map((root, i) => (shown(root) ? new Cell(root, i, [].concat(this.code[i].source).join(""), this) : null)).filter(Boolean);
    this.watch = new IntersectionObserver((entries) => this.come(entries), { rootMargin: "50% 0px" });
    addEventListener("hashchange", () => this.follow());
    addEventListener("beforeunload", (event) => {
      if (this.unkept) event.preventDefault(); // the browser asks whether to leave
    });
    const again = this.cells.filter((cell) => cell.changed).map((cell) => String(cell.number + 1));
    if (again.length) this.news = `Your changes are here again, in cell ${new Intl.ListFormat("en").format(again)}.`;
    this.start();
  }

  say(text) {
    this.status.textContent = text;
  }

  keep(cell) {
    this.unkept = !keep(this.bar.dataset.shelf, cell.original, cell.source) && this.cells.some((c) => c.changed);
    cell.offerBack();
  }

  /** Give the reader the notebook of the page, with the cells as they are now. */
  download() {
    for (const cell of this.cells) this.code[cell.number].source = cell.source;
    const file = new Blob([JSON.stringify(this.notebook, null, 1)], { type: "application/x-ipynb+json" });
    const link = element("a", { href: URL.createObjectURL(file), download: this.bar.dataset.notebook.split("/").pop() });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // some browsers still read it after the click
    this.say("The notebook with your changes is among your downloads.");
  }

  // Python, from its start to its end.

  start() {
    this.ready = false;
    this.arrived = 0;
    this.progress.hidden = false;
    this.worker = new Worker(new URL("worker.js", HERE));
    this.worker.onmessage = ({ data }) => this.hear(data);
    this.worker.onerror = (event) => this.fail(event.message || "it did not arrive");
    this.worker.postMessage({ do: "start", folder: new URL(this.bar.dataset.python, document.baseURI).href });
  }

  end() {
    this.worker?.terminate();
    this.worker = this.current = null;
    this.ready = false;
    this.queue = [];
    this.models.clear();
    this.watch.disconnect();
    this.near.clear();
    this.progress.hidden = true;
    this.stopButton.disabled = true;
    for (const cell of this.cells) {
      cell.ran = null;
      cell.root.classList.remove("live-running");
      cell.say("");
    }
  }

  fail(reason) {
    this.end();
    this.say(`Python could not be loaded: ${reason}. The page works as before. Look whether you are online, then press Restart.`);
  }

  restart(text) {
    this.end();
    this.start();
    this.say(`${text} ${GONE}`);
    this.news = GONE;
  }

  stop() {
    const { current } = this;
    this.restart("Stopped.");
    current?.say("stopped");
  }

  hear(message) {
    const { cell: number, figure, moved, answered } = message;
    const cell = this.cells.find((c) => c.number === number), model = this.models.get(moved || answered);
    if (message.arrived) this.load(message.arrived);
    else if (message.ready) this.begin();
    else if (message.broken) this.ready ? this.say(`Python failed: ${message.broken}. Press Restart.`) : this.fail(message.broken);
    else if ("ended" in message) this.ended(message.well);
    else if (answered) model?.answered();
    else if (moved) model?.set("scene", message.scene);
    else if (figure) this.mount(cell, message);
    else if (message.text) cell.print(message.text, "stream");
    else if (message.error) cell.print(message.error, "live-error");
    else if (message.html) cell.show(htmlOf(message.html));
    else if (message.image) cell.show(element("img", { src: message.image, alt: `Picture drawn by cell ${number + 1}`, className: "live-picture" }));
  }

  load(bytes) {
    this.arrived += bytes;
    this.progress.value = this.arrived;
    const share = Math.min(99, Math.round((100 * this.arrived) / this.progress.max));
    this.progress.textContent = `${share} %`;
    if (!this.ready && share % 10 === 0 && share !== this.share) this.say(`Loading Python: ${share} %`); // a screen reader need not hear more
    if (!this.ready && share === 99 && share !== this.share) this.say("Starting Python …");
    this.share = share;
  }

  begin() {
    this.ready = true;
    this.progress.hidden = true;
    this.say(`Python is ready. ${this.news || "Change a cell and run it; figures compute as you come to them."}`);
    for (const cell of this.cells) if (cell.figure) this.watch.observe(cell.root);
    this.next();
  }

  // What runs, and in which order.

  /** What has to run before a cell: for a figure of the page what is imported, for a cell all code above. */
  needs(cell) {
    return this.cells.filter((c) => c.number < cell.number && !c.hidden && c.waits && (!cell.hidden || c.imports));
  }

  runCell(cell, goOn) {
    this.add([...this.needs(cell), cell]);
    if (!goOn) return;
    const next = this.cells.find((c) => c.number > cell.number && !c.hidden);
    (next || cell).editor.field.focus();
  }

  runAll() {
    this.add(this.cells);
  }

  add(cells) {
    this.asked = true; // by the reader, who wants to hear of it
    for (const cell of cells) {
      if (this.queue.includes(cell)) continue;
      this.queue.push(cell);
      cell.say("waits");
    }
    if (!this.worker) this.start();
    this.next();
  }

  /** Figures that the reader comes near compute when nothing else is to be done. */
  come(entries) {
    for (const { target, isIntersecting } of entries) {
      const cell = this.cells.find((c) => c.root === target);
      if (isIntersecting && cell.waits) this.near.add(cell);
      else this.near.delete(cell);
    }
    this.next();
  }

  next() {
    if (!this.ready || this.current) return;
    if (!this.queue.length) {
      const [figure] = this.near;
      this.near.delete(figure);
      if (figure) this.queue.push(...this.needs(figure), figure);
    }
    const cell = (this.current = this.queue.shift() || null);
    this.stopButton.disabled = !cell;
    if (!cell) return;
    cell.begin();
    if (this.asked) this.say(`Running cell ${cell.number + 1} …`);
    this.worker.postMessage({ do: "run", cell: cell.number, source: cell.source });
  }

  ended(well) {
    const cell = this.current;
    this.current = null;
    cell.end(well);
    if (!well) {
      for (const other of this.queue) other.say("");
      this.queue = [];
      this.say(`Cell ${cell.number + 1} stopped with an error. What Python says stands under the cell.`);
    } else if (this.asked && !this.queue.length) this.say("Python is ready.");
    this.asked &&= this.queue.length > 0;
    this.next();
  }

  // Figures.

  async mount(cell, { figure: key, spec, values, scene }) {
    const old = cell.output?.querySelector("[data-explorable]"), kept = old?.dataset.explorable === spec.name ? valuesIn(old, spec) : {};
    const focused = old?.contains(document.activeElement) && document.activeElement.dataset.control;
    const model = new Model({ spec, values: { ...values, ...kept }, scene }, (to) => this.worker?.postMessage({ do: "move", figure: key, values: to }));
    const place = element("div", { className: "live-figure", id: old?.id || "" });
    this.models.set(key, model);
    cell.show(place);
    nncourse.render({ model, el: place });
    if (focused) place.querySelector(`[data-control="${focused}"]`)?.focus();
    if (spec.controls.some((c) => model.get("values")[c.name] !== values[c.name])) model.save_changes();
  }

  /** A link of the text can lead to a figure in a certain state; here to one that Python computes. */
  follow() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    for (const model of this.models.values()) {
      const { spec, values } = model.state, found = {};
      for (const c of spec.controls) {
        const text = wanted.get(`${spec.name}.${c.name}`);
        if (text !== null) found[c.name] = c.grid.find((value) => String(value) === text) ?? Number(text);
      }
      const root = document.querySelector(`.live-figure [data-explorable="${spec.name}"]`);
      if (!root || ![...wanted.keys()].some((key) => key === spec.name || key.startsWith(`${spec.name}.`))) continue;
      const start = Object.fromEntries(spec.controls.map((c) => [c.name, c.grid[c.start]]));
      model.set("values", { ...values, ...start, ...found });
      model.save_changes();
      root.scrollIntoView({ block: "center" });
    }
  }
}

function htmlOf(html) {
  const box = element("div", { className: "output text_html" });
  box.innerHTML = html;
  return box;
}

/** The notebook that the page was made from. */
async function notebookOf(bar) {
  const answer = await fetch(new URL(bar.dataset.notebook, document.baseURI));
  if (!answer.ok) throw new Error(`the notebook of this page did not arrive (${answer.status})`);
  return answer.json();
}

const arrival = (node) => new Promise((onload, onerror) => document.head.append(Object.assign(node, { onload, onerror })));

export async function start(bar) {
  bar.querySelector("[role=status]").textContent = "Loading Python …";
  const [notebook] = await Promise.all([
    notebookOf(bar),
    arrival(element("link", { rel: "stylesheet", href: new URL("live.css", HERE).href })),
    window.nncourse || arrival(element("script", { src: new URL("../nncourse/explore.js", HERE).href })),
  ]);
  return new Page(bar, notebook);
}
