// Self-check questions: choosing an option shows its explanation where screen readers announce it.
for (const question of document.querySelectorAll(".quiz")) {
  const answer = question.querySelector(".quiz-answer");
  question.classList.add("live"); // hides the explanations that wait for readers without JavaScript
  question.addEventListener("change", ({ target }) => {
    const reason = target.closest(".quiz-option").querySelector(".quiz-reason");
    const shown = reason.cloneNode(true);
    shown.firstElementChild.remove(); // the summary
    answer.className = target.checked ? `quiz-answer ${reason.classList[1]}` : "quiz-answer";
    answer.replaceChildren(...(target.checked ? shown.childNodes : []));
  });
}

// A formula wider than a phone scrolls by itself; this lets the keyboard reach it.
for (const formula of document.querySelectorAll("div.math")) {
  if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
}

// Paper cannot be clicked: everything that folds is open in print.
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not([open])")) fold.open = true;
});
