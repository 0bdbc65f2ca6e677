// Python for the live cells of a page. It runs in a worker, so that the page stays usable while a cell
// computes, and so that a loop that never ends can be ended.

const NEEDS = ["contourpy", "numpy", "traitlets"];
const OF_NOTEBOOKS = ["anywidget", "comm", "ipywidgets"]; // shell.py does without

let python, shell;

/** Tell the page how much has arrived of what it waits for, and what does not arrive: Pyodide waits on. */
function watchArrivals() {
  const get = self.fetch;
  self.fetch = async (...request) => {
    try {
      const { body, headers, ok, status, statusText } = await get(...request);
      if (!ok) throw new Error(`the server answered ${status}`);
      const count = new TransformStream({
        transform(piece, to) {
          postMessage({ arrived: piece.length });
          to.enqueue(piece);
        },
      });
      return new Response(body.pipeThrough(count), { headers, status, statusText });
    } catch (error) {
      if (!shell) postMessage({ broken: `a part of it did not arrive (${error.message})` });
      throw error;
    }
  };
}

/** Pyodide's list of packages, in which the course's library asks for what a figure in a page needs. */
async function packages(folder) {
  const lock = await (await fetch(`${folder}pyodide-lock.json`)).json();
  lock.packages.nncourse.depends = NEEDS;
  for (const name of OF_NOTEBOOKS) delete lock.packages[name];
  return URL.createObjectURL(new Blob([JSON.stringify(lock)], { type: "application/json" }));
}

async function start({ folder }) {
  watchArrivals();
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
  module.prepare();
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
