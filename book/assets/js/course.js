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

// A formula wider than a phone scrolls by itself; this lets the keyboard reach it. One after the other and when there is time,
// because to measure it the browser must lay out a part of the page that nobody may ever look at.
const formulas = [...document.querySelectorAll("div.math")];
const letReach = (formula) => {
  if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
  else formula.removeAttribute("tabindex");
};
const whenIdle = window.requestIdleCallback ?? setTimeout; // Safari has none
const measureNext = () => {
  const formula = formulas.shift();
  if (!formula) return;
  letReach(formula);
  sizes.observe(formula);
  whenIdle(measureNext);
};
const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => letReach(target)));
addEventListener("load", () => document.fonts.ready.then(() => whenIdle(measureNext)));

// Paper cannot be clicked: everything that folds is open in print.
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not([open])")) fold.open = true;
});
