// A GAN on the plane, trained by the reader: toygan.js computes, this shows it and takes the settings.
"use strict";

const RATES = ["0.0005", "0.001", "0.002", "0.005", "0.01", "0.02"], SIDE = 1.7, CELLS = 44, SAMPLES = 400, TRAIL = 60;
const WORDS = "The plane. Green: where the discriminator believes in a sample. Blue: the data. Orange: what the generator makes.";
const START = { data: "eight clusters", loss: "non-saturating", lrD: "0.002", lrG: "0.002", beta1: "0", gamma: "0" };

/** Settings that show something; each differs from START in what it names. */
const RECIPES = {
  "All eight": {},
  Collapse: { beta1: "0.9" },
  "Round and round": { data: "one cluster", loss: "hinge", lrD: "0.01", lrG: "0.001", beta1: "0.9" },
};

/** How real D finds a place, 0 to 1, whatever the loss makes of its logits. */
const SHADES = {
  "non-saturating": sigmoid, minimax: sigmoid,
  "least squares": (s) => Math.min(1, Math.max(0, s)), hinge: (s) => Math.min(1, Math.max(0, (s + 1) / 2)),
};

/** A game that can be played step by step from settings that may change at any time. */
class PlaneGame {
  constructor(settings, seed) {
    this.settings = settings;
    this.draw = uniform(seed);
    this.G = network([2, WIDTH, WIDTH, 2], this.draw);
    this.D = network([2, WIDTH, WIDTH, 1], this.draw);
    this.watched = gaussian(uniform(1), 2 * SAMPLES);
    this.done = 0;
    this.trail = [];
  }

  step() {
    const { data, loss, ...numbers } = this.settings, z = () => gaussian(this.draw, 2 * BATCH);
    const rates = Object.fromEntries(Object.entries(numbers).map(([name, text]) => [name, Number(text)]));
    gameStep(this.G, this.D, { real: drawReal(data, this.draw, BATCH), z: z(), another: z() }, { loss, ...rates });
    if (this.done++ % 5 === 0) this.trail = [...this.trail, this.middle()].slice(-TRAIL);
  }

  samples() { return forward(this.G, this.watched).at(-1); }

  middle() {
    const points = this.samples().subarray(0, 200);
    const sum = (axis) => points.reduce((s, v, j) => s + (j % 2 === axis ? v : 0), 0);
    return [sum(0) / 100, sum(1) / 100];
  }

  /** A sentence on how the samples lie. A cluster is reached where a fifth of its share of the samples is near it. */
  report() {
    const shares = sharesOfCentres(this.settings.data, this.samples()), all = shares.length;
    const near = `${Math.round(100 * shares.reduce((a, b) => a + b))} % of the samples are close to`;
    if (all === 1) return `Step ${this.done}. ${near} the cluster.`;
    const reached = shares.filter((share) => share > 0.2 / all).length;
    const places = this.settings.data === "a circle" ? "places of the circle" : "clusters";
    return `Step ${this.done}. ${reached} of ${all} ${places} reached; ${near} one.`;
  }
}

/** The picture: D's map in the discriminator's green, data blue, samples orange, and the way of their middle. */
function drawPlane(element, game) {
  const style = getComputedStyle(element), colour = (name) => style.getPropertyValue(`--live-${name}`).trim();
  const context = element.getContext("2d"), scale = element.width / (2 * SIDE), place = (v) => (v + SIDE) * scale;
  const green = [1, 3, 5].map((at) => parseInt(colour("discriminator").slice(at, at + 2), 16));
  const centres = Float64Array.from({ length: 2 * CELLS ** 2 }, (_, j) => {
    const cell = j % 2 ? CELLS - 1 - Math.floor(j / 2 / CELLS) : (j / 2) % CELLS; // rows from the top
    return ((cell + 0.5) / CELLS) * 2 * SIDE - SIDE;
  });
  const shade = SHADES[game.settings.loss], map = new ImageData(CELLS, CELLS);
  forward(game.D, centres).at(-1).forEach((s, j) => map.data.set([...green, 190 * shade(s)], 4 * j));
  const small = make("canvas", { width: CELLS, height: CELLS });
  small.getContext("2d").putImageData(map, 0, 0);
  context.clearRect(0, 0, element.width, element.width);
  context.drawImage(small, 0, 0, element.width, element.width);
  const dots = (points, name) => {
    context.fillStyle = colour(name);
    for (let n = 0; n < points.length; n += 2) {
      context.beginPath();
      context.arc(place(points[n]), place(-points[n + 1]), element.width / 190, 0, 7);
      context.fill();
    }
  };
  dots(drawReal(game.settings.data, uniform(2), 200), "real");
  dots(game.samples(), "generator");
  context.strokeStyle = colour("trail");
  context.lineWidth = element.width / 240;
  context.beginPath();
  game.trail.forEach(([x, y]) => context.lineTo(place(x), place(-y)));
  context.stroke();
}

function planeDemo(root) {
  const settings = { ...START, ...RECIPES[root.dataset.start] }, status = statusLine();
  const picture = canvas(720, 720, WORDS);
  let seed = 1, game = new PlaneGame(settings, seed);
  const show = (aloud = true) => { drawPlane(picture, game); status.say(game.report(), aloud); };
  const film = player(picture, () => {
    const until = performance.now() + 12;
    do game.step(); while (performance.now() < until);
    show(false);
  }, { turned: (on) => show(!on) });
  const steps = (count) => { film.play(false); for (let k = 0; k < count; k++) game.step(); show(); };
  const restart = (next) => { seed = next; game = new PlaneGame(settings, seed); show(!film.playing); };
  const list = (name, label, options) => {
    const control = chooser(label, options, settings[name], (value) => { settings[name] = value; show(!film.playing); });
    control.name = name;
    return control;
  };
  const lists = [
    list("data", "Data", Object.keys(DATA)), list("loss", "Loss", Object.keys(LOSSES)),
    list("lrD", "Learning rate of D", RATES), list("lrG", "Learning rate of G", RATES),
    list("beta1", "Adam’s β₁", ["0", "0.5", "0.9"]), list("gamma", "R1, weight γ", ["0", "0.1", "1"]),
  ];
  const follow = (recipe) => {
    Object.assign(settings, START, recipe);
    for (const control of lists) control.querySelector("select").value = settings[control.name];
    restart(1);
    film.play(!lessMotion());
  };
  const recipes = Object.entries(RECIPES).map(([name, recipe]) => button(name, () => follow(recipe)));
  root.querySelector("img").replaceWith(make("div", { className: "live-stage" },
    make("div", {}, picture),
    make("div", { className: "live-controls" },
      row(film.toggle, button("One step", () => steps(1)), button("100 steps", () => steps(100)),
        button("Reset", () => restart(seed)), button("Another start", () => restart(seed + 1))),
      row(make("span", { textContent: "Settings to try:" }), ...recipes),
      make("div", { className: "live-lists" }, ...lists), status)));
  new MutationObserver(() => show(!film.playing)).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  show(false);
}

document.querySelectorAll("[data-live=plane]").forEach(planeDemo);
