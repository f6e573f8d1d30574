// Labelled controls that every demo is made of: the browser's own, so keyboard and screen reader know them.
"use strict";

const lessMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** An element with properties and children. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function button(text, onclick) {
  return make("button", { type: "button", textContent: text, onclick });
}

/** Buttons side by side; the first is the one that matters most. */
const row = (...buttons) => make("div", { className: "live-buttons" }, ...buttons);

/** What is to be seen on the left, what is to be moved on the right. */
function stage(seen, ...moved) {
  return make("div", { className: "live-stage" }, make("div", { className: "live-seen" }, ...seen),
    make("div", { className: "live-controls" }, ...moved));
}

/** A labelled list to choose from; `onchange` gets the chosen option. */
function chooser(label, options, chosen, onchange) {
  const list = make("select", {}, ...options.map((option) => make("option", { textContent: option, value: option })));
  list.value = chosen;
  list.onchange = () => onchange(list.value);
  return make("label", { className: "live-control" }, make("span", { textContent: label }), list);
}

/** A labelled slider; `say` makes words of its value, `oninput` gets the number. */
function slider(label, { min, max, step, value, say }, oninput) {
  const words = make("span", { className: "live-value" }), input = make("input", { type: "range", min, max, step, value });
  const show = () => input.setAttribute("aria-valuetext", (words.textContent = say(input.valueAsNumber)));
  words.setAttribute("aria-hidden", "true"); // the slider says it itself
  input.oninput = () => { show(); oninput(input.valueAsNumber); };
  show();
  const control = make("label", { className: "live-control" }, make("span", { textContent: label }), input, words);
  control.put = (number) => { input.value = number; show(); };
  return control;
}

/** A line that is read aloud when it changes, but not while something plays. */
function statusLine() {
  const line = make("p", { className: "live-status" });
  line.setAttribute("role", "status");
  line.say = (text, aloud = true) => {
    line.setAttribute("aria-live", aloud ? "polite" : "off");
    if (line.textContent !== text) line.textContent = text;
  };
  return line;
}

/** A canvas with words for those who do not see it. */
function canvas(width, height, words) {
  const element = make("canvas", { width, height });
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", words);
  return element;
}

/** A function that does its work once before the screen is next drawn, however often it is called. */
function atNextFrame(work) {
  let waiting = 0;
  return () => (waiting ||= requestAnimationFrame(() => { waiting = 0; work(); }));
}

/** Plays `frame()` again and again while it is wanted and in sight; `wait` milliseconds apart, or as the screen refreshes.
 *
 * `toggle` is the button for it, and `turned(on)` is called when it starts or stops. */
function player(element, frame, { wait = 0, turned = () => {} } = {}) {
  let playing = false, inSight = true, last = 0;
  new IntersectionObserver(([entry]) => (inSight = entry.isIntersecting)).observe(element);
  const tick = (now) => {
    if (!playing) return;
    if (inSight && now - last >= film.wait) {
      last = film.wait ? now - ((now - last) % film.wait) : now; // a frame that came late delays no other
      frame();
    }
    requestAnimationFrame(tick);
  };
  const film = {
    wait,
    toggle: button("Play", () => film.play(!playing)),
    get playing() { return playing; },
    play(on) {
      if (on && !playing) requestAnimationFrame(tick);
      playing = on;
      film.toggle.textContent = on ? "Pause" : "Play";
      turned(on);
    },
  };
  return film;
}
