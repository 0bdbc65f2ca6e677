// A formula that scrolls must be reachable by keyboard; one that fits must not be a stop on the way.
const markScrollingFormulas = () => {
  for (const box of document.querySelectorAll(".math-scroll")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
addEventListener("load", markScrollingFormulas);
addEventListener("resize", markScrollingFormulas);
