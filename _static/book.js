// A formula that scrolls must be reachable by keyboard; one that fits must not be a stop on the way.
const markScrollingFormulas = () => {
  for (const box of document.querySelectorAll(".math-scroll")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
addEventListener("load", markScrollingFormulas);
addEventListener("resize", markScrollingFormulas);

// Paper is white: what is printed is the light page, whatever the screen shows.
addEventListener("beforeprint", () => {
  const { dataset } = document.documentElement;
  const { theme } = dataset;
  dataset.theme = "light";
  addEventListener("afterprint", () => (dataset.theme = theme), { once: true });
});
