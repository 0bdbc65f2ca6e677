// What the theme leaves out for those who read without a mouse. This file runs before the theme's own.

// Icons say nothing: the button around them has a name.
for (const icon of document.querySelectorAll(".fas, .far, .fab, .fa-solid, .fa-regular, .fa-brands")) icon.ariaHidden = "true";

// The browser's own tooltips can be left and pointed at; the theme's cannot.
for (const button of document.querySelectorAll("[data-bs-toggle='tooltip']")) {
  button.removeAttribute("data-bs-toggle");
  button.title ||= button.dataset.bsTitle || "";
}

// The theme takes the focus from these when they are pressed, and a keyboard would be lost.
for (const button of document.querySelectorAll(".sidebar-toggle, .search-button, .theme-switch-button"))
  button.blur = () => {};

// On a small screen the contents of the page are a dialog. A link in it leads to its section, not back to the button.
document.getElementById("pst-secondary-sidebar-modal")?.addEventListener("click", ({ target }) => {
  const link = target.closest("a[href^='#']"), section = link && document.getElementById(link.hash.slice(1));
  if (!section) return;
  section.tabIndex = -1;
  setTimeout(() => section.focus({ preventScroll: true }), 0);
});

// A button with a state says it: whether the chapters are shown, and which colours.
const tellStates = () => {
  const chapters = document.querySelector(".primary-toggle"), sidebar = document.getElementById("pst-primary-sidebar");
  const shown = matchMedia("(min-width: 992px)").matches && !sidebar.classList.contains("pst-sidebar-hidden");
  chapters?.setAttribute("aria-expanded", String(shown));
  for (const button of document.querySelectorAll(".theme-switch-button"))
    button.title = button.ariaLabel = `Colours: ${document.documentElement.dataset.mode}`;
};
addEventListener("click", () => setTimeout(tellStates), true);
addEventListener("load", tellStates);
addEventListener("resize", tellStates);

// What is copied is said, not only shown.
const announced = document.body.appendChild(Object.assign(document.createElement("p"), { className: "visually-hidden", role: "status" }));
addEventListener("click", ({ target }) => {
  if (!target.closest?.(".copybtn")) return;
  announced.textContent = "Copied.";
  setTimeout(() => (announced.textContent = ""), 2000);
});

// A formula that scrolls must be reachable by keyboard; one that fits must not be a stop on the way.
const markScrollingFormulas = () => {
  for (const box of document.querySelectorAll(".math-scroll")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
addEventListener("resize", markScrollingFormulas);

// What a long page left for later (_ext/later.py) is laid out once it is there: a few paragraphs at a time, so that
// nothing stutters. In the end all is as if nothing had waited.
const AT_A_TIME = 8;
const whenIdle = window.requestIdleCallback ?? requestAnimationFrame;
const arrived = () => document.documentElement.classList.remove("arriving");
const layOutLater = () => {
  const waiting = [...document.querySelectorAll(".later")];
  for (const part of waiting.slice(0, AT_A_TIME)) part.classList.remove("later");
  if (waiting.length) return whenIdle(layOutLater);
  arrived();
  markScrollingFormulas();
};
addEventListener("load", () => whenIdle(layOutLater));
addEventListener("beforeprint", arrived);
addEventListener("click", ({ target }) => target.closest?.("a[href*='#']") && arrived(), true); // the place it leads to stays

// Paper is white: what is printed is the light page, whatever the screen shows.
addEventListener("beforeprint", () => {
  const { dataset } = document.documentElement;
  const { theme } = dataset;
  dataset.theme = "light";
  addEventListener("afterprint", () => (dataset.theme = theme), { once: true });
});

// "Run this page live" loads what it needs when it is pressed, and nothing before.
for (const bar of document.querySelectorAll("[data-live]")) {
  const [button, status] = bar.children;
  bar.dataset.shelf = `nncourse ${location.pathname}`; // where live.js keeps what the reader has changed
  try {
    if (localStorage.getItem(bar.dataset.shelf)) status.textContent = "You have changed code on this page. Your changes come back when you run it.";
  } catch {} // this browser keeps nothing
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const live = await import(new URL(bar.dataset.live, document.baseURI));
      await live.start(bar);
    } catch (error) {
      button.disabled = false;
      status.textContent = location.protocol === "file:"
        ? "Python does not start in a page opened from a folder. Open the book from a web server: \"How to use this book\" says how."
        : `Python could not be loaded: ${error.message}. The page works as before. Look whether you are online, then press the button again.`;
    }
  });
}
