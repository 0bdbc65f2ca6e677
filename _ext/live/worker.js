// Python for the live cells of a page. It runs in a worker, so that the page stays usable while a cell
// computes, and so that a loop that never ends can be ended.

const NEEDS = ["contourpy", "numpy", "traitlets"];
const OF_NOTEBOOKS = ["anywidget", "comm", "ipywidgets"]; // shell.py does without

let python, shell;

/** Tell the page how much has arrived of what it waits for. */
function countArrivals() {
  const get = self.fetch;
  self.fetch = async (...request) => {
    const { body, headers, status, statusText } = await get(...request);
    const count = new TransformStream({
      transform(piece, to) {
        postMessage({ arrived: piece.length });
        to.enqueue(piece);
      },
    });
    return new Response(body && body.pipeThrough(count), { headers, status, statusText });
  };
}

/** Pyodide's list of packages, in which the course's library asks for what a figure in a page needs. */
async function packages(folder) {
  const answer = await fetch(`${folder}pyodide-lock.json`);
  if (!answer.ok) throw new Error(`its list of packages did not arrive (${answer.status})`);
  const lock = await answer.json();
  lock.packages.nncourse.depends = NEEDS;
  for (const name of OF_NOTEBOOKS) delete lock.packages[name];
  return URL.createObjectURL(new Blob([JSON.stringify(lock)], { type: "application/json" }));
}

async function start({ folder }) {
  countArrivals();
  const source = fetch("shell.py").then((answer) => answer.text()); // beside this file
  importScripts(`${folder}pyodide.js`);
  python = await loadPyodide({
    indexURL: folder,
    lockFileURL: await packages(folder),
    packages: ["nncourse"],
    env: { HOME: "/home/pyodide", MPLBACKEND: "agg" },
  });
  python.FS.writeFile("/home/pyodide/shell.py", await source);
  const send = (output) => postMessage(output.toJs({ dict_converter: Object.fromEntries }));
  const module = python.pyimport("shell");
  module.stand_in();
  shell = module.Shell(send, python.globals);
  postMessage({ ready: true });
}

const quiet = { messageCallback() {}, errorCallback() {} };

async function run({ cell, source }) {
  await python.loadPackagesFromImports(source, quiet).catch(() => {}); // a line that is no Python: the cell says so
  postMessage({ ended: cell, well: await shell.run(cell, source) });
}

function move({ figure, values }) {
  shell.move(figure, python.toPy(values));
}

let before = Promise.resolve(); // one thing at a time, in the order in which it was asked
onmessage = ({ data }) => {
  const action = { start, run, move }[data.do];
  before = before.then(() => action(data)).catch((error) => postMessage({ broken: String(error.message || error) }));
};
