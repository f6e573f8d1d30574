// A person whom a network draws, frame by frame, while the reader steers: tinygan.js computes, this listens to keys and fingers.
"use strict";

/** In the network's order: what the person does, on which keys, and the button for it. */
const COMMANDS = [
  { does: "stands", keys: [], name: "Stand", sign: "Stand" },
  { does: "walks left", keys: ["arrowleft"], name: "Walk left", sign: "←" },
  { does: "walks right", keys: ["arrowright"], name: "Walk right", sign: "→" },
  { does: "walks up", keys: ["arrowup"], name: "Walk up", sign: "↑" },
  { does: "walks down", keys: ["arrowdown"], name: "Walk down", sign: "↓" },
  { does: "waves", keys: [" ", "w"], name: "Wave", sign: "Wave" },
];
const DRAWN = 8; // people, of whom one is shown
const STAND = 0, TOWARDS_US = 4, TAP = 300; // a tap, in milliseconds at most, gives a command that lasts; what is held ends when it is let go

/** Calls `tell` with the command of the key that is held, the latest of several, while the focus is in `root`. */
function steerByKeys(root, tell) {
  let held = [];
  const commandOf = (key) => COMMANDS.findIndex(({ keys }) => keys.includes(key));
  const letGo = (keys) => {
    if (!held.some((key) => keys.includes(key))) return;
    held = held.filter((key) => !keys.includes(key));
    tell(held.length ? commandOf(held.at(-1)) : STAND);
  };
  root.onkeydown = (event) => {
    const key = event.key.toLowerCase(), another = event.ctrlKey || event.altKey || event.metaKey;
    const taken = event.target.matches("select") || (key === " " && event.target.matches("button"));
    if (another || taken || commandOf(key) < 0) return;
    event.preventDefault(); // the page stays where it is
    if (event.repeat) return;
    held = [...held.filter((one) => one !== key), key];
    tell(commandOf(key));
  };
  root.onkeyup = (event) => letGo([event.key.toLowerCase()]);
  root.addEventListener("focusout", (event) => root.contains(event.relatedTarget) || letGo(held));
}

/** A button for each command, pressed while the command is in force; `told()` says which is. */
function steeringButtons(told, tell) {
  return COMMANDS.map(({ name, sign }, command) => {
    let down = null;
    // a click without a pointer comes from a keyboard or a screen reader
    const key = button(sign, (event) => event.detail || tell(told() === command ? STAND : command));
    key.onpointerdown = (event) => {
      if (event.button) return;
      down = { at: event.timeStamp, again: told() === command };
      tell(command);
    };
    key.onpointerup = key.onpointercancel = key.onpointerleave = (event) => {
      if (down && told() === command && (down.again || event.timeStamp - down.at > TAP)) tell(STAND);
      down = null;
    };
    key.oncontextmenu = (event) => event.preventDefault(); // a long touch is no question for a menu
    key.className = `live-${name.split(" ").at(-1).toLowerCase()}`;
    key.setAttribute("aria-label", name);
    return key;
  });
}

/** Says how long a frame took on this device, the mean of some; not aloud. */
function stopwatch(frames = 8) {
  const line = make("p", { className: "live-note" });
  let times = [];
  line.add = (milliseconds) => {
    if (times.push(milliseconds) < frames) return;
    line.textContent = `This device: ${(times.reduce((a, b) => a + b) / frames).toFixed(1)} ms a frame.`;
    times = [];
  };
  return line;
}

function steeredDemo(tensors, status) {
  const network = steered(tensors, COMMANDS.length), picture = canvas(SIZE, SIZE, ""), time = stopwatch();
  const field = make("div", { className: "live-field", tabIndex: 0 }, picture);
  field.setAttribute("role", "application"); // a screen reader leaves the arrow keys to it
  field.setAttribute("aria-label", "Steer with the arrow keys; space waves");
  let seed = 18, person, noise, state, told; // the seed of a good first person
  const frame = () => {
    const start = performance.now();
    state = network.step(state, told, gaussian(noise, network.noise));
    paint(picture, network.shown(state));
    time.add(performance.now() - start);
  };
  const film = player(picture, frame, { wait: 125 });
  const tell = (command) => {
    if (command !== told) {
      const { does } = COMMANDS[(told = command)];
      picture.setAttribute("aria-label", `A small person who ${does}, drawn by the network frame by frame.`);
      status.say(`The person ${does}.`);
      keys.forEach((key, k) => key.setAttribute("aria-pressed", k === told));
    }
    if (!film.playing && told !== STAND) frame(); // while it pauses, a press is a frame
  };
  const keys = steeringButtons(() => told, tell);
  const begin = () => { state = network.begin(person); paint(picture, network.shown(state)); };
  const newPerson = () => {
    const draw = uniform(++seed);
    person = network.likeliest(Array.from({ length: DRAWN }, () => gaussian(draw, network.nz)), TOWARDS_US);
  };
  const newNoise = () => { noise = uniform(++seed); };
  const act = (text, change) => button(text, () => { change(); begin(); status.say(`${text}: done.`); });
  const pace = chooser("Frames a second", ["8", "16", "24"], "8", (text) => { film.wait = 1000 / Number(text); });
  const hint = make("p", { className: "live-hint" },
    make("span", { className: "live-keys" }, "Hold an arrow key to walk, space or W to wave. "),
    "Hold a button, or tap it: a tap lasts until the next.");
  const root = stage([field, hint],
    make("div", { className: "live-steering" }, ...keys),
    row(film.toggle, button("One frame", () => { film.play(false); frame(); }),
      act("Another person", newPerson), act("Same person, other noise", newNoise)),
    pace, time);
  steerByKeys(root, tell);
  newPerson();
  newNoise();
  begin();
  tell(STAND);
  film.play(!lessMotion());
  return root;
}

offer("steered", "steered", steeredDemo);
