// Self-check questions: choosing an option shows its explanation where screen readers announce it.
for (const question of document.querySelectorAll(".quiz")) {
  const answer = question.querySelector(".quiz-answer");
  question.classList.add("answerable"); // hides the explanations that wait for readers without JavaScript
  question.addEventListener("change", ({ target }) => {
    const reason = target.closest(".quiz-option").querySelector(".quiz-reason");
    const shown = reason.cloneNode(true);
    shown.firstElementChild.remove(); // the summary
    answer.className = target.checked ? `quiz-answer ${reason.classList[1]}` : "quiz-answer";
    answer.replaceChildren(...(target.checked ? shown.childNodes : []));
  });
}

// A clip loads and plays when it comes into view, and rests when it leaves it or when the reader has paused it. Where less
// motion is wanted it waits to be started.
const inView = new WeakSet();
const held = new WeakSet(); // paused by the reader
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) {
      inView.add(target);
      if (!held.has(target)) target.play().catch(() => {}); // the browser may refuse; the controls are there
    } else {
      inView.delete(target);
      target.pause();
    }
  }
});
if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
  for (const video of document.querySelectorAll("figure.clip video")) {
    video.addEventListener("pause", () => inView.has(video) && held.add(video));
    video.addEventListener("play", () => held.delete(video));
    watcher.observe(video);
  }
}

// Not every Linux can decode MP4: then the film strip is shown.
for (const video of document.querySelectorAll("figure.clip video")) {
  const unfold = () => (video.parentElement.querySelector("details").open = true);
  video.addEventListener("error", unfold, { capture: true }); // its source says it, and says it to nobody above
  if (!video.canPlayType("video/mp4")) unfold(); // it was said before
}

// What is wider than a phone scrolls by itself, and the keyboard can reach it; what fits need not stop the Tab key. That is
// found out block after block and when there is time, because to measure one the browser must lay out a part of the page that
// nobody may ever look at. (The theme measures all code at once when the page has loaded, which can hold a phone up for a
// quarter of a second; this comes before its script, and takes its turn.)
const blocks = [...document.querySelectorAll("article [tabindex='0']:is(pre, div)")];
const letReach = (block) => {
  if (block.scrollWidth > block.clientWidth) block.tabIndex = 0;
  else block.removeAttribute("tabindex");
};
const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => letReach(target)));
const whenIdle = window.requestIdleCallback ?? setTimeout; // Safari has none
const measureNext = async () => {
  const block = blocks.shift();
  if (!block) return;
  void block.scrollWidth; // lays it out, and only then does a formula ask for its fonts
  await document.fonts.ready;
  letReach(block);
  sizes.observe(block);
  whenIdle(measureNext);
};
addEventListener("load", (event) => {
  event.stopImmediatePropagation();
  whenIdle(measureNext);
});

// Paper cannot be clicked: everything that folds is open in print.
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not([open])")) fold.open = true;
});
