// A formula that scrolls must be reachable by keyboard; one that fits must not be a stop on the way.
const markScrollingFormulas = () => {
  for (const box of document.querySelectorAll(".math-scroll")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
addEventListener("load", markScrollingFormulas);
addEventListener("resize", markScrollingFormulas);

// "Run this page live" loads what it needs when it is pressed, and nothing before.
for (const bar of document.querySelectorAll("[data-live]")) {
  const [button, status] = bar.children;
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
