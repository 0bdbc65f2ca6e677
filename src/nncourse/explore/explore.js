// Draws explorables: figures with controls, in a notebook (as a widget) and in the built page.
//
// One renderer serves all figures; nothing in here knows any of them. Drawing makes strings of HTML
// and SVG, so the same code also draws the first picture when the book is built, without a browser.
// Words used as in the Python side: a *recording* holds the scenes for all values of the controls, a
// *scene* is a list of *marks* in *panels*, a *position* is a place on a control's grid.

// ── Numbers and text ────────────────────────────────────────────────────────────────────────────

const plain = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

/** Write a number like nncourse.explore.number does. */
function number(value, digits = 4) {
  const sign = value < 0 ? "−" : "", size = Math.abs(value);
  if (size === 0) return "0";
  const power = Number(size.toExponential(6).split("e")[1]);
  if (power >= 6 || power < -3) {
    const [mantissa, exponent] = size.toExponential(digits - 2).split("e");
    const raised = String(Number(exponent)).replace(/[-0-9]/g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]));
    return `${sign}${Number(mantissa) === 1 ? "" : plain(mantissa) + "×"}10${raised}`;
  }
  return sign + plain(size.toFixed(Math.max(0, digits - 1 - power)));
}

const escape = (text) =>
  String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

/** Fill the {} of a template. */
function fill(template, numbers) {
  let i = 0;
  return template.replace(/\{\}/g, () => number(numbers[i++]));
}

// ── Recordings ──────────────────────────────────────────────────────────────────────────────────

/** Undo _Packer._integers: byte planes of differences along the grid. */
function unpack(bytes, { at, width, points, length }) {
  const n = points * length, out = new Uint32Array(n), mask = width === 4 ? -1 : (1 << (8 * width)) - 1;
  for (let b = 0; b < width; b++) for (let i = 0; i < n; i++) out[i] = (out[i] << 8) | bytes[at + b * n + i];
  for (let i = 1; i < n; i++) out[i] = (out[i] + out[i - 1]) & mask;
  return out;
}

/** Return a function from a place in the grid to the field's value there. */
function reader(bytes, field) {
  if (field.codec === "same") return () => field.value;
  let table; // unpacked when first read: most figures on a page are never moved
  const { points, length } = field;
  const load = () => {
    const whole = unpack(bytes, field);
    if (field.codec === "choice" || field.codec === "level") return whole;
    if (field.codec === "float") {
      if (field.width === 3) for (let i = 0; i < whole.length; i++) whole[i] <<= 8;
      return new Float32Array(whole.buffer);
    }
    const place = (q) => field.low + field.step * q;
    return Float64Array.from(whole, (q) => (q === 65535 ? NaN : field.log ? 10 ** place(q) : place(q)));
  };
  return (index) => {
    table = table || load();
    const i = points === 1 ? 0 : index;
    if (field.codec === "choice") return field.values[table[i]];
    const value = new Float64Array(length);
    for (let k = 0; k < length; k++) value[k] = table[k * points + i];
    let n = length; // what is shorter here than elsewhere on the grid was filled up with NaN
    while (n && value[n - 1] !== value[n - 1]) n--;
    return value.subarray(0, n);
  };
}

/** Prepare a recording; the result maps positions to a scene: its marks and its description. */
function replay(header, bytes) {
  const parts = header.parts.map((part) => ({
    ...part,
    marks: part.marks.map((mark) => ({
      kind: mark.kind,
      panel: mark.panel,
      fields: Object.entries(mark.fields).map(([name, field]) => [name, reader(bytes, field)]),
    })),
  }));
  return (positions) => {
    const marks = [], sentences = [];
    for (const part of parts) {
      let index = 0;
      part.controls.forEach((name, i) => {
        index = index * part.sizes[i] + Math.min(Math.round(positions[name]), part.sizes[i] - 1);
      });
      for (const { kind, panel, fields } of part.marks) {
        const mark = { kind, panel };
        for (const [name, read] of fields) mark[name] = read(index);
        if (kind === "sentence") sentences.push(fill(mark.text, mark.numbers));
        else marks.push(mark);
      }
    }
    return { marks, description: sentences.join(" "), longest: header.longest };
  };
}

// ── Drawing ─────────────────────────────────────────────────────────────────────────────────────

const px = (v) => Math.round(Math.max(-1e6, Math.min(1e6, v)) * 10) / 10;
const paint = (property, color) => `style="${property}:var(--nn-${color})"`;

/** Round numbers between low and high, about `count` of them. */
function roundTicks(low, high, count) {
  const rough = (high - low) / Math.max(1, count), unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 5, 10].find((m) => m * unit >= rough * 0.999);
  const out = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) out.push([k * step, number(k * step)]);
  return out;
}

function powerTicks(low, high, count) {
  const from = Math.ceil(Math.log10(low) - 1e-9), to = Math.floor(Math.log10(high) + 1e-9);
  const stride = Math.max(1, Math.ceil((to - from + 1) / Math.max(2, count)));
  const out = [];
  for (let k = from; k <= to; k += stride) {
    const raised = String(k).replace(/[-0-9]/g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]));
    out.push([10 ** k, k >= -3 && k <= 3 ? number(10 ** k) : `10${raised}`]);
  }
  return out;
}

const ticksOf = (axis, low, high, count) =>
  axis.ticks || (axis.scale === "log" ? powerTicks : roundTicks)(low, high, count);

function scaleOf(axis, low, high, from, to) {
  const place = axis.scale === "log" ? (v) => Math.log10(Math.max(v, 1e-300)) : (v) => v;
  const a = place(low), k = (to - from) / (place(high) - a);
  return (v) => from + k * (place(v) - a);
}

const SHAPES = {
  circle: (x, y, r) => `M${px(x - r)},${px(y)}a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0z`,
  square: (x, y, r) => `M${px(x - r)},${px(y - r)}h${2 * r}v${2 * r}h${-2 * r}z`,
  cross: (x, y, r) => `M${px(x - r)},${px(y - r)}l${2 * r},${2 * r}m0,${-2 * r}l${-2 * r},${2 * r}`,
};
SHAPES.ring = SHAPES.circle;

const MARKS = {
  line(m, { X, Y, count }) {
    const n = count(m, Math.min(m.x.length, m.y.length));
    let d = "", pen = "M";
    for (let i = 0; i < n; i++) {
      if (m.x[i] !== m.x[i] || m.y[i] !== m.y[i]) pen = "M";
      else (d += `${pen}${px(X(m.x[i]))},${px(Y(m.y[i]))}`), (pen = "L");
    }
    const dash = m.dash ? ` stroke-dasharray="5 4"` : "";
    return `<path class="nn-line" d="${d}" stroke-width="${m.width}"${dash} ${paint("stroke", m.color)}/>`;
  },
  points(m, { X, Y, count }) {
    const n = count(m, Math.min(m.x.length, m.y.length)), shape = SHAPES[m.shape];
    let d = "";
    const size = (i) => (m.shown && i === n - 1 ? 1.5 * m.size : m.size); // where the path has come to
    for (let i = 0; i < n; i++) if (m.x[i] === m.x[i]) d += shape(X(m.x[i]), Y(m.y[i]), size(i));
    const open = m.shape === "ring" || m.shape === "cross";
    return `<path class="nn-points ${open ? "nn-open" : ""}" d="${d}" ${paint(open ? "stroke" : "fill", m.color)}/>`;
  },
  arrows(m, { X, Y, count }) {
    const n = count(m, m.x.length);
    let lines = "", heads = "";
    for (let i = 0; i < n; i++) {
      const x = X(m.x[i]), y = Y(m.y[i]), u = X(m.to_x[i]), v = Y(m.to_y[i]);
      const long = Math.hypot(u - x, v - y);
      if (!(long > 0.5)) continue;
      const h = Math.min(4 + 2 * m.width, long), c = ((u - x) / long) * h, s = ((v - y) / long) * h;
      lines += `M${px(x)},${px(y)}L${px(u - c * 0.8)},${px(v - s * 0.8)}`;
      heads += `M${px(u)},${px(v)}L${px(u - c - s * 0.45)},${px(v - s + c * 0.45)}L${px(u - c + s * 0.45)},${px(v - s - c * 0.45)}z`;
    }
    return (
      `<path class="nn-line" d="${lines}" stroke-width="${m.width}" ${paint("stroke", m.color)}/>` +
      `<path d="${heads}" ${paint("fill", m.color)}/>`
    );
  },
  segments(m, { X, Y }) {
    let out = "";
    for (let i = 0; i < m.x.length; i++) {
      const w = m.weight[i], width = px(Math.max(0.3, Math.min(7, Math.abs(w) * 4)));
      const sign = w < 0 ? `stroke-dasharray="5 3" ${paint("stroke", "negative")}` : paint("stroke", "positive");
      out += `<path d="M${px(X(m.x[i]))},${px(Y(m.y[i]))}L${px(X(m.to_x[i]))},${px(Y(m.to_y[i]))}" stroke-width="${width}" ${sign}/>`;
    }
    return out;
  },
  area(m, { X, Y }) {
    const top = [], bottom = [];
    m.x.forEach((v, i) => {
      top.push(`${px(X(v))},${px(Y(m.high[i]))}`);
      bottom.unshift(`${px(X(v))},${px(Y(m.low[i]))}`);
    });
    return top.length === 0 ? "" : `<path class="nn-area" d="M${top.concat(bottom).join("L")}z" ${paint("fill", m.color)}/>`;
  },
  bars(m, { X, Y }) {
    let d = "";
    m.x.forEach((v, i) => {
      const a = X(v - m.width / 2), b = X(v + m.width / 2);
      d += `M${px(a)},${px(Y(m.base[i]))}V${px(Y(m.top[i]))}H${px(b)}V${px(Y(m.base[i]))}z`;
    });
    return `<path class="nn-bars" d="${d}" ${paint("fill", m.color)}/>`;
  },
  heatmap(m, { X, Y, dark }) {
    const [x0, x1] = m.x.map(X), [y0, y1] = m.y.map(Y);
    const how = m.smooth ? "auto" : "pixelated";
    return (
      `<image x="${px(x0)}" y="${px(y1)}" width="${px(x1 - x0)}" height="${px(y0 - y1)}" preserveAspectRatio="none" ` +
      `style="image-rendering:${how}" href="${bitmap(m.z, m.columns, PALETTES[m.palette][dark ? 1 : 0])}"/>`
    );
  },
  text(m, { X, Y }) {
    let out = "";
    m.text.forEach((text, i) => {
      const words = m.numbers ? fill(text, m.numbers) : text;
      out +=
        `<text x="${px(X(m.x[i]) + m.dx)}" y="${px(Y(m.y[i]) - m.dy)}" text-anchor="${m.anchor}" font-size="${m.size}"` +
        `${m.bold ? ' font-weight="600"' : ""} ${paint("fill", m.color)}>${escape(words)}</text>`;
    });
    return out;
  },
  view: () => "",
};

// Palettes run from the lowest level to the highest: [light page, dark page]. Steps look equally large,
// and the ends of the diverging one are told apart without red, green or blue (tests/explore/test_palette.py).
const PALETTES = {
  diverging: [["#c15a0c", "#e0a98a", "#f6f5f2", "#8bafdc", "#1568bf"], ["#f69342", "#845a3d", "#20242a", "#405c7d", "#619adc"]],
  sequential: [["#f6f5f2", "#a698ca", "#5f3c9c"], ["#20242a", "#6c6389", "#c3aaf7"]],
};

/** An 8-bit bitmap as a data URL: the levels as they are, and a palette of 256 colours. */
function bitmap(levels, columns, stops) {
  const rows = levels.length / columns, stride = (columns + 3) & ~3, start = 54 + 1024;
  const bytes = new Uint8Array(start + stride * rows), view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  [[2, bytes.length], [10, start], [14, 40], [18, columns], [22, rows], [46, 256]].forEach(([at, v]) => view.setUint32(at, v, true));
  view.setUint16(26, 1, true);
  view.setUint16(28, 8, true);
  const rgb = stops.map((s) => [5, 3, 1].map((at) => parseInt(s.slice(at, at + 2), 16)));
  for (let i = 0; i < 256; i++) {
    const t = (i / 255) * (rgb.length - 1), k = Math.min(rgb.length - 2, Math.floor(t));
    for (let c = 0; c < 3; c++) bytes[54 + 4 * i + c] = Math.round(rgb[k][c] + (t - k) * (rgb[k + 1][c] - rgb[k][c]));
  }
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) bytes[start + r * stride + c] = levels[r * columns + c];
  return `data:image/bmp;base64,${base64(bytes)}`;
}

function base64(bytes) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let out = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const three = (bytes[i] << 16) | ((bytes[i + 1] || 0) << 8) | (bytes[i + 2] || 0);
    out += letters[three >> 18] + letters[(three >> 12) & 63];
    out += (i + 1 < bytes.length ? letters[(three >> 6) & 63] : "=") + (i + 2 < bytes.length ? letters[three & 63] : "=");
  }
  return out;
}

/** How many entries of a mark are drawn: all, or as far as its stepper has come. */
const counter = (values) => (mark, length) => (mark.shown ? Math.min(length, values[mark.shown] + 1) : length);

const FIRST_WIDTH = 340; // before the browser says how wide a panel really is

/** The frame and the marks of a plot, drawn for `width` pixels: the pieces of the inside of its <svg>. */
function plotPieces(panel, marks, values, width, dark) {
  const view = marks.find((m) => m.kind === "view");
  let [x0, x1] = view ? view.x : [panel.x.low, panel.x.high];
  let [y0, y1] = view ? view.y : [panel.y.low, panel.y.high];
  const height = width * panel.ratio;
  const box = panel.bare ? { left: 4, right: 4, top: 4, bottom: 4 } : { left: 0, right: 18, top: 26, bottom: 40 };
  const yTicks = panel.bare ? [] : ticksOf(panel.y, y0, y1, (height - 66) / 42);
  if (!panel.bare) box.left = 12 + 7 * Math.max(2, ...yTicks.map(([, text]) => text.length));
  if (panel.equal) { // leave over on one axis what the other does not need
    const perX = (width - box.left - box.right) / (x1 - x0), perY = (height - box.top - box.bottom) / (y1 - y0);
    const gapX = perX > perY ? (perX - perY) * (x1 - x0) : 0, gapY = perY > perX ? (perY - perX) * (y1 - y0) : 0;
    box.left += gapX / 2, box.right += gapX / 2, box.top += gapY / 2, box.bottom += gapY / 2;
  }
  const [left, right, top, bottom] = [box.left, width - box.right, box.top, height - box.bottom];
  const X = scaleOf(panel.x, x0, x1, left, right), Y = scaleOf(panel.y, y0, y1, bottom, top);
  let frame = "";
  if (!panel.bare) {
    for (const [v, text] of yTicks)
      frame += `<path class="nn-grid" d="M${px(left)},${px(Y(v))}H${px(right)}"/><text x="${px(left - 6)}" y="${px(Y(v) + 4)}" text-anchor="end">${escape(text)}</text>`;
    for (const [v, text] of ticksOf(panel.x, x0, x1, (right - left) / 64))
      frame += `<path class="nn-grid" d="M${px(X(v))},${px(top)}V${px(bottom)}"/><text x="${px(X(v))}" y="${px(bottom + 17)}" text-anchor="middle">${escape(text)}</text>`;
    frame += `<text x="${px((left + right) / 2)}" y="${px(bottom + 34)}" text-anchor="middle">${escape(panel.x.label)}</text>`;
    frame += `<text x="${px(Math.max(2, left - 10))}" y="${px(top - 10)}">${escape(panel.y.label)}</text>`;
  }
  const tools = { X, Y, dark, count: counter(values) };
  return {
    clip: `<rect x="${px(left - 6)}" y="${px(top - 6)}" width="${px(right - left + 12)}" height="${px(bottom - top + 12)}"/>`,
    frame,
    marks: marks.map((m) => MARKS[m.kind](m, tools)),
  };
}

const plotSVG = ({ clip, frame, marks }, id) =>
  `<clipPath id="${id}">${clip}</clipPath><g class="nn-frame">${frame}</g>` +
  `<g clip-path="url(#${id})">${marks.map((m) => `<g>${m}</g>`).join("")}</g>`;

function legendHTML(marks) {
  const named = marks.filter((m) => m.label);
  if (!named.length) return "";
  const keys = named.map((m) => `<span class="nn-key nn-key-${m.kind}${m.dash ? " nn-dashed" : ""}${m.shape ? ` nn-key-${m.shape}` : ""}" style="--nn-key:var(--nn-${m.color})${m.kind === "line" ? `;--nn-width:${m.width}px` : ""}"></span>${escape(m.label)}`);
  return `<div class="nn-legend">${keys.map((k) => `<span>${k}</span>`).join("")}</div>`;
}

/** The rows of a table's cells. */
function rowsOf(panel, marks, values) {
  const count = counter(values), columns = panel.columns.map((_, i) => {
    const m = marks.find((mark) => mark.index === i);
    return m ? Array.from(m.cells, (v) => (typeof v === "string" ? v : v === v ? number(v) : "")).slice(0, count(m, m.cells.length)) : [];
  });
  return Array.from({ length: Math.max(...columns.map((c) => c.length)) }, (_, r) => columns.map((c) => c[r] || ""));
}

function tableHTML(panel, rows) {
  const head = panel.columns.map((c) => (c ? `<th scope="col">${escape(c)}</th>` : "<td></td>")).join("");
  const body = rows.map((row) => `<tr>${row.map((text) => `<td>${escape(text)}</td>`).join("")}</tr>`).join("");
  return `<table><caption>${escape(panel.title)}</caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
}

// ── Controls ────────────────────────────────────────────────────────────────────────────────────

/** The value at a position; between two places of the grid only in a notebook. */
function valueAt(control, position) {
  const low = Math.floor(position), a = control.grid[low], t = position - low;
  if (t === 0 || control.kind !== "slider") return a;
  const b = control.grid[low + 1];
  const v = control.scale === "log" ? a * (b / a) ** t : a + (b - a) * t;
  if (control.integer) return Math.round(v);
  const digits = 3 + Math.max(0, Math.floor(Math.log10(Math.abs(v) / (b - a) || 1))); // more where the grid is fine
  return Math.min(b, Math.max(a, Number(v.toPrecision(Math.min(digits, 16)))));
}

function textOf(control, position) {
  if (control.kind === "choice") return control.texts[position];
  if (control.kind === "toggle") return position ? "on" : "off";
  const v = valueAt(control, position);
  return number(v) + (control.unit ? (/^[°%]/.test(control.unit) ? "" : " ") + control.unit : "");
}

/** The position of a value given as text, or undefined. */
function positionOf(control, text) {
  if (control.kind === "choice" || control.kind === "toggle") {
    const i = control.grid.map(String).indexOf(text);
    return i < 0 ? undefined : i;
  }
  const v = Number(text);
  if (text.trim() === "" || !(v >= control.grid[0] && v <= control.grid[control.grid.length - 1])) return undefined;
  let best = 0;
  control.grid.forEach((g, i) => { if (Math.abs(g - v) < Math.abs(control.grid[best] - v)) best = i; });
  return best;
}

function controlHTML(control, position, id) {
  const text = escape(textOf(control, position)), name = escape(control.name), last = control.grid.length - 1;
  const label = `<label for="${id}">${escape(control.label)}</label>`;
  if (control.kind === "choice") {
    const options = control.texts.map((t, i) => `<option value="${i}"${i === position ? " selected" : ""}>${escape(t)}</option>`);
    return `<div class="nn-control nn-choice">${label}<select id="${id}" data-control="${name}">${options.join("")}</select></div>`;
  }
  if (control.kind === "toggle")
    return `<div class="nn-control nn-toggle"><input type="checkbox" id="${id}" data-control="${name}"${position ? " checked" : ""}>${label}</div>`;
  const input =
    `<input type="range" id="${id}" data-control="${name}" min="0" max="${last}" step="1" value="${position}" ` +
    `data-value="${valueAt(control, position)}" aria-valuetext="${text}" autocomplete="off">`;
  const output = `<output for="${id}" aria-live="off">${text}</output>`; // the slider says its value itself
  let extra = "";
  const button = (what, word, sign, spoken) => `<button type="button" data-${what}="${name}" aria-label="${spoken} ${escape(control.label)}" title="${word}">${sign}</button>`;
  if (control.kind === "stepper") {
    const by = control.grid[1] - control.grid[0];
    extra = `<div class="nn-buttons">${button("back", `back by ${by}`, `−${by}`, `−${by}`)}${button("forward", `forward by ${by}`, `+${by}`, `+${by}`)}${button("play", "play", "▶", "play")}</div>`;
  }
  else if (control.marks.length)
    extra = `<div class="nn-buttons" role="group" aria-label="${escape(control.label)}: go to">${control.marks
      .map((m) => `<button type="button" data-mark="${m}" data-for="${name}" aria-pressed="${m === position}">${escape(number(control.grid[m]))}</button>`)
      .join("")}</div>`;
  return `<div class="nn-control nn-${control.kind}">${label}${input}${output}${extra}</div>`;
}

// ── Figures ─────────────────────────────────────────────────────────────────────────────────────

const startOf = (spec) => Object.fromEntries(spec.controls.map((c) => [c.name, c.start]));
const valuesOf = (spec, positions) => Object.fromEntries(spec.controls.map((c) => [c.name, valueAt(c, positions[c.name])]));

/** A picture beside others is named by what it shows, if nothing else names it. */
function pictureName(panel, spec) {
  if (panel.title || panel.bare || spec.panels.length === 1) return panel.title || spec.title;
  return panel.x.label ? `${panel.y.label} against ${panel.x.label}` : panel.y.label;
}

/** The whole figure as HTML, drawn for its first values. */
function figureHTML(spec, scene, id) {
  const positions = startOf(spec), values = valuesOf(spec, positions);
  const panels = { plot: "", table: "" };
  spec.panels.forEach((panel, i) => {
    const marks = scene.marks.filter((m) => m.panel === panel.name);
    if (panel.kind === "table") {
      panels.table += `<div class="nn-panel nn-table" data-panel="${i}" style="--nn-rows:${panel.rows};--nn-columns:${panel.columns.length}">${tableHTML(panel, rowsOf(panel, marks, values))}</div>`;
      return;
    }
    const size = `viewBox="0 0 ${FIRST_WIDTH} ${FIRST_WIDTH * panel.ratio}" style="aspect-ratio:${1 / panel.ratio}"`;
    const title = panel.title ? `<div class="nn-panel-title">${escape(panel.title)}</div>` : "";
    panels.plot +=
      `<div class="nn-panel nn-plot" data-panel="${i}">${title}<div data-legend>${legendHTML(marks)}</div>` +
      `<svg role="img" aria-label="${escape(pictureName(panel, spec))}" aria-describedby="${id}-say" ${size}>` +
      `${plotSVG(plotPieces(panel, marks, values, FIRST_WIDTH, false), `${id}-clip${i}`)}</svg></div>`;
  });
  const controls = spec.controls.map((c) => controlHTML(c, positions[c.name], `${id}-${c.name}`)).join("");
  const tools = `<div class="nn-tools"><button type="button" data-reset>reset</button><button type="button" data-copy>copy link</button></div>`;
  return (
    `<div class="nn-title" id="${id}-title">${escape(spec.title)}</div>` +
    (panels.plot ? `<div class="nn-plots">${panels.plot}</div>` : "") +
    `<div class="nn-below"><div class="nn-side">` +
    (controls ? `<div class="nn-controls">${controls}</div>` : "") +
    `<div class="nn-say" data-longest="${escape(scene.longest || "")}">` +
    `<p class="nn-readout" id="${id}-say" data-readout aria-live="polite">${escape(scene.description)}</p></div>` +
    `<div class="nn-foot"><p class="nn-status" role="status"></p>${controls ? tools : ""}</div></div>${panels.table}</div>`
  );
}

const SVG = "http://www.w3.org/2000/svg";

/** Make this the content of an element. What is there already stays: the browser need not lay it out again. */
function put(element, html) {
  if (element.drawn === html) return;
  element.innerHTML = element.drawn = html;
}

const WAIT_BEFORE_SPEAKING = 150; // ms: a reader who drags hears the last description, not each one
const STEP_EVERY = 600; // ms between two steps of the grid while playing
const FASTEST = 40; // ms between two steps in a notebook, where there may be more of them

const canShare = () => Boolean(navigator.share) && matchMedia("(pointer: coarse)").matches;
const positionIn = (input) => Number(input.type === "checkbox" ? input.checked : input.value);

class Figure {
  /** `ask(positions, values)` gets a scene drawn, now or later, by calling `figure.show(scene)`. */
  constructor(root, spec, { step, ask, moved }) {
    Object.assign(this, { root, spec, ask, moved, positions: startOf(spec), widths: [], scene: null });
    this.inputs = Object.fromEntries([...root.querySelectorAll("[data-control]")].map((e) => [e.dataset.control, e]));
    for (const c of spec.controls) {
      const input = this.inputs[c.name];
      if (c.kind === "slider" && !(c.integer && c.grid[1] - c.grid[0] === 1)) input.step = step;
    }
    this.readout = root.querySelector("[data-readout]");
    root.addEventListener("input", (e) => this.onInput(e));
    root.addEventListener("click", (e) => this.onClick(e));
    this.plots = [...root.querySelectorAll(".nn-plot")];
    this.sizes = new ResizeObserver(() => this.measure());
    this.plots.forEach((p) => this.sizes.observe(p));
    this.themes = new MutationObserver(() => this.restyle());
    this.themes.observe(document.documentElement, { attributeFilter: ["data-theme", "data-mode"] });
    if (document.body) this.themes.observe(document.body, { attributeFilter: ["data-jp-theme-light", "class"] });
  }

  /** Draw in the colours of the page's theme. To ask for them is slow, so no move does. */
  restyle() {
    this.dark = getComputedStyle(this.root).getPropertyValue("--nn-dark").trim() === "1";
    this.draw();
  }

  destroy() {
    this.stop();
    this.sizes.disconnect();
    this.themes.disconnect();
  }

  control(name) {
    return this.spec.controls.find((c) => c.name === name);
  }

  onInput(event) {
    const input = event.target, name = input.dataset.control;
    if (!name) return;
    this.stop();
    this.move({ [name]: positionIn(input) });
  }

  onClick(event) {
    const button = event.target.closest("button");
    if (!button) return;
    const { mark, back, forward, play, copy, reset } = button.dataset;
    const playing = this.timer;
    this.stop();
    if (mark !== undefined) this.move({ [button.dataset.for]: Number(mark) });
    else if (back) this.move({ [back]: Math.max(0, this.positions[back] - 1) });
    else if (forward) this.move({ [forward]: Math.min(this.control(forward).grid.length - 1, this.positions[forward] + 1) });
    else if (play && !playing) this.play(play, button);
    else if (reset !== undefined) this.move(startOf(this.spec));
    else if (copy !== undefined) this.passOn();
  }

  /** Go to new positions of some controls. */
  move(positions) {
    Object.assign(this.positions, positions);
    for (const name of Object.keys(positions)) this.showControl(name);
    this.ask(this.positions, valuesOf(this.spec, this.positions));
    if (this.moved) this.moved(this.positions);
  }

  showControl(name) {
    const control = this.control(name), input = this.inputs[name], at = this.positions[name];
    if (input.type === "checkbox") input.checked = Boolean(at);
    else input.value = at;
    if (input.type !== "range") return;
    const text = textOf(control, at);
    input.setAttribute("aria-valuetext", text);
    input.dataset.value = valueAt(control, at);
    const box = input.parentNode;
    box.querySelector("output").textContent = text;
    for (const b of box.querySelectorAll("[data-mark]")) b.setAttribute("aria-pressed", String(Number(b.dataset.mark) === at));
  }

  play(name, button) {
    const last = this.control(name).grid.length - 1;
    if (this.positions[name] >= last) this.move({ [name]: 0 });
    button.textContent = "❚❚";
    button.setAttribute("aria-pressed", "true");
    this.playing = button;
    this.readout.ariaLive = "off"; // a film would speak for longer than it runs: its end is said
    this.timer = setInterval(() => {
      if (this.positions[name] >= last || !this.root.isConnected) this.stop();
      else this.move({ [name]: this.positions[name] + 1 });
    }, Math.max(FASTEST, STEP_EVERY * (this.control(name).pace || 1)));
  }

  stop() {
    if (!this.timer) return;
    clearInterval(this.timer);
    this.timer = null;
    this.playing.textContent = "▶";
    this.playing.setAttribute("aria-pressed", "false");
    this.readout.ariaLive = "polite";
    this.tell();
  }

  /** Copy a link to the figure as it is; a phone offers whom to send it. */
  async passOn() {
    const link = new URL(location.href);
    link.hash = hashOf(this.spec, this.positions);
    if (canShare()) return navigator.share({ title: this.spec.title, url: link.href }).catch(() => {}); // called off
    try {
      await navigator.clipboard.writeText(link.href);
      this.say("Link copied.");
    } catch (error) {
      history.replaceState(null, "", link);
      this.say("The link is in the address bar.");
    }
    setTimeout(() => this.say(""), 4000);
  }

  /** Show a message under the figure, or none. */
  say(message) {
    this.root.querySelector(".nn-status").textContent = message;
  }

  /** Draw a scene; its description follows when the reader pauses. */
  show(scene) {
    this.scene = scene;
    this.draw();
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => this.tell(), WAIT_BEFORE_SPEAKING);
  }

  tell() {
    if (this.scene) this.readout.textContent = this.scene.description;
  }

  draw() {
    if (!this.scene) return;
    const values = valuesOf(this.spec, this.positions);
    this.root.querySelectorAll("[data-panel]").forEach((element) => {
      const i = Number(element.dataset.panel), panel = this.spec.panels[i];
      const marks = this.scene.marks.filter((m) => m.panel === panel.name);
      if (panel.kind === "table") {
        const rows = rowsOf(panel, marks, values), texts = rows.flat(), cells = element.querySelectorAll("tbody td");
        if (cells.length !== texts.length) element.innerHTML = tableHTML(panel, rows);
        else texts.forEach((text, k) => cells[k].textContent === text || (cells[k].textContent = text));
        return;
      }
      put(element.querySelector("[data-legend]"), legendHTML(marks));
      const svg = element.querySelector("svg"), width = this.widths[i] || FIRST_WIDTH;
      svg.setAttribute("viewBox", `0 0 ${width} ${width * panel.ratio}`);
      const [clip, frame, drawn] = svg.children, pieces = plotPieces(panel, marks, values, width, this.dark);
      put(clip, pieces.clip);
      put(frame, pieces.frame);
      while (drawn.children.length > pieces.marks.length) drawn.lastChild.remove();
      pieces.marks.forEach((m, k) => put(drawn.children[k] || drawn.appendChild(document.createElementNS(SVG, "g")), m));
    });
  }

  /** Draw one to one for the width that each plot has, so that text keeps its size. */
  measure() {
    let changed = false;
    for (const plot of this.plots) {
      const width = Math.round(plot.querySelector("svg").getBoundingClientRect().width), i = Number(plot.dataset.panel);
      if (width > 0 && width !== this.widths[i]) (this.widths[i] = width), (changed = true);
    }
    if (changed) this.restyle();
  }
}

// ── Home 1: a notebook ──────────────────────────────────────────────────────────────────────────

const SLOW = 400, SILENT = 20000; // ms after which the figure says that it waits, and for whom
let figures = 0;

function bytesOf(data) {
  return data instanceof DataView ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
}

/** The specification in a notebook, where a stepper may stop at more steps than the page shows. */
function liveSpec(spec) {
  const finer = (c) => {
    const every = c.grid[1] - c.grid[0], grid = Array.from({ length: c.grid.at(-1) / c.live + 1 }, (_, i) => i * c.live);
    return { ...c, grid, start: grid.indexOf(c.grid[c.start]), pace: c.live / every };
  };
  return { ...spec, controls: spec.controls.map((c) => (c.live ? finer(c) : c)) };
}

/** The widget's view. The widget protocol itself keeps back all but the last of several moves. */
function render({ model, el }) {
  const spec = liveSpec(model.get("spec")), id = `nn${++figures}-${spec.name.replace(/\W/g, "-")}`;
  const read = (state) => replay(state, bytesOf(state.data))(startOf(spec));
  const same = (a, b) => spec.controls.every((c) => a[c.name] === b[c.name]);
  const root = document.createElement("div");
  root.className = "nn-explorable";
  root.dataset[spec.controls.length ? "explorable" : "picture"] = spec.name;
  root.setAttribute("role", "group");
  root.setAttribute("aria-labelledby", `${id}-title`);
  const first = model.get("scene");
  root.innerHTML = figureHTML(spec, first.error ? { marks: [], description: "" } : read(first), id);
  root.querySelectorAll("[data-copy]").forEach((b) => b.remove()); // a link would lead to the notebook server
  root.querySelectorAll("[data-control], button").forEach((e) => (e.dataset.lmSuppressShortcuts = "true")); // or JupyterLab takes their arrow, space and enter keys
  el.append(root);

  let waiting = [];
  const calm = () => waiting.forEach(clearTimeout);
  const figure = new Figure(root, spec, {
    step: 0.1,
    ask(positions, values) {
      if (same(values, model.get("values"))) return figure.draw(); // nothing to ask, so no answer
      calm();
      waiting = [
        setTimeout(() => figure.say("Python is computing …"), SLOW),
        setTimeout(() => figure.say("Python does not answer. If the kernel was restarted, run this cell again."), SILENT),
      ];
      model.set("values", values);
      model.save_changes();
    },
  });
  const answer = () => {
    const scene = model.get("scene");
    if (same(scene.values, model.get("values"))) { // or else the answer to the last move is to come
      calm();
      figure.say(scene.error ? `This figure could not be computed. ${scene.error}` : "");
    }
    if (!scene.error) figure.show(read(scene));
  };
  const follow = () => { // Python may move the controls too
    for (const c of spec.controls) {
      const v = model.get("values")[c.name];
      if (v === undefined || v === valueAt(c, figure.positions[c.name])) continue;
      figure.positions[c.name] = between(c, v);
      figure.showControl(c.name);
    }
  };
  model.on("change:scene", answer);
  model.on("change:values", follow);
  follow();
  if (first.error) figure.say(`This figure could not be computed. ${first.error}`);
  else figure.show(read(first));
  root.dataset.ready = "live";
  return () => {
    calm();
    model.off("change:scene", answer);
    model.off("change:values", follow);
    figure.destroy();
  };
}

/** The position of a value that may lie between two places of the grid. */
function between(control, value) {
  const grid = control.grid, exact = grid.indexOf(value);
  if (exact >= 0 || control.kind !== "slider") return Math.max(0, exact);
  const i = Math.max(0, grid.findIndex((g) => g > value) - 1), [a, b] = [grid[i], grid[i + 1]];
  return i + (control.scale === "log" ? Math.log(value / a) / Math.log(b / a) : (value - a) / (b - a));
}

// ── Home 2: the built page ──────────────────────────────────────────────────────────────────────

/** What differs from the start, as `figure.control=value` pairs for the part of an address after #. */
function hashOf(spec, positions) {
  const start = startOf(spec);
  return spec.controls
    .filter((c) => positions[c.name] !== start[c.name])
    .map((c) => `${spec.name}.${c.name}=${encodeURIComponent(valueAt(c, positions[c.name]))}`)
    .join("&") || spec.name;
}

function positionsInHash(spec) {
  const found = {};
  for (const [key, text] of new URLSearchParams(location.hash.slice(1))) {
    const control = spec.controls.find((c) => `${spec.name}.${c.name}` === key);
    const position = control && positionOf(control, text);
    if (position !== undefined) found[control.name] = position;
  }
  return found;
}

const QUIET = 2000; // ms after a page has loaded, in which nothing is fetched that is not yet needed
const recordings = {}; // what the figures' files bring, by name

/** Bring the figures of a built page to life, each when the reader comes near it. */
function boot(folder) {
  const roots = [...document.querySelectorAll(".nn-explorable")];
  const arriving = new Map(), figures = new Map(), wanted = new Set();
  let writing, opened;
  const writeHash = () => {
    clearTimeout(writing);
    writing = setTimeout(async () => {
      await opened; // a figure in the address that has not started yet still has to read it
      const moved = roots.map((root) => figures.get(root)).filter(Boolean);
      const parts = moved.map((f) => hashOf(f.spec, f.positions)).filter((h) => h.includes("="));
      history.replaceState(null, "", parts.length ? `#${parts.join("&")}` : location.pathname + location.search);
    }, 250); // browsers allow a page only so many changes of its address
  };
  const mount = (root, { spec, recording }) => {
    const scene = replay(recording, Uint8Array.from(atob(recording.data), (c) => c.charCodeAt(0)));
    const figure = new Figure(root, spec, { step: 1, ask: (positions) => figure.show(scene(positions)), moved: writeHash });
    Object.assign(figure.positions, positionsInControls(root), positionsInHash(spec));
    spec.controls.forEach((c) => figure.showControl(c.name));
    figure.measure(); // first, so that it is drawn once
    figure.show(scene(figure.positions));
    figure.say("");
    if (canShare()) root.querySelectorAll("[data-copy]").forEach((b) => (b.textContent = "share link"));
    root.dataset.ready = "page";
    return figure;
  };
  const load = (root) => {
    const forget = (error) => (arriving.delete(root), Promise.reject(error)); // it may arrive another time
    const place = new URL(root.dataset.recording, folder);
    if (!arriving.has(root)) arriving.set(root, loadRecording(nameOf(root), place).catch(forget));
    return arriving.get(root);
  };
  const start = async (root) => {
    wanted.add(root);
    try {
      const recorded = await load(root);
      if (!figures.has(root)) figures.set(root, mount(root, recorded));
    } catch (error) {
      root.querySelector(".nn-status").textContent = `This figure could not start: ${error.message}`;
    }
  };
  const startLinked = async () => {
    const linked = roots.filter(isLinked);
    await Promise.all(linked.map(start));
    return linked;
  };
  // Also to a figure that says why it does not start. One that is higher than the screen begins at its title.
  const goTo = (root) => root && root.scrollIntoView({ block: root.offsetHeight < innerHeight ? "center" : "start" });

  const [entry] = performance.getEntriesByType("navigation");
  opened = startLinked();
  if (!entry || entry.type === "navigate") opened.then((linked) => goTo(linked[0]));
  addEventListener("hashchange", async () => {
    const linked = await (opened = startLinked());
    for (const f of linked.map((root) => figures.get(root)).filter(Boolean)) f.move({ ...startOf(f.spec), ...positionsInHash(f.spec) });
    goTo(linked[0]);
  });

  const startNear = (entries) => entries.filter((e) => e.isIntersecting).forEach((e) => start(e.target));
  const near = new IntersectionObserver(startNear, { rootMargin: "100% 0px" }); // from one screen away
  roots.forEach((root) => near.observe(root));
  if (navigator.connection?.saveData) return; // the reader asks for nothing that may not be needed
  addEventListener("load", () => setTimeout(async () => { // since a reader may lose the connection
    for (const root of roots) await (wanted.has(root) ? start(root) : load(root).catch(() => {}));
  }, QUIET));
}

const nameOf = (root) => root.dataset.explorable || root.dataset.picture;
const isLinked = (root) => location.hash.slice(1).split(/[&=]/).some((k) => k === nameOf(root) || k.startsWith(`${nameOf(root)}.`));

/** Where the reader has moved the controls while their figure was not there yet. */
const positionsInControls = (root) =>
  Object.fromEntries([...root.querySelectorAll("[data-control]")].map((input) => [input.dataset.control, positionIn(input)]));

/** What a figure's file brings. A page that answers in its place, as some networks send for a log-in, brings nothing. */
function loadRecording(name, src) {
  return new Promise((done, failed) => {
    const ended = () => (recordings[name] ? done(recordings[name]) : failed(new Error("its data did not arrive.")));
    document.head.append(Object.assign(document.createElement("script"), { src, onload: ended, onerror: ended }));
  });
}

const nncourse = { render, boot, recordings, replay, figureHTML, startOf, number };
export default nncourse;
