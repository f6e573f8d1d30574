// The trained generators, in the reader's hands: tinygan.js computes; this loads the weights, shows pictures, moves codes.
"use strict";

const HERE = document.currentScript.src, SIZE = 32, STRIP = 7;

/** The tensors of a generator. Its weights come as a script, which a browser also reads from a folder without a server. */
async function loadTensors(name) {
  await new Promise((resolve, reject) =>
    document.head.append(make("script", { src: new URL(`weights/${name}.js`, HERE), onload: resolve, onerror: reject })));
  return readTensors(Uint8Array.from(atob(liveWeights[name]), (letter) => letter.charCodeAt(0)));
}

/** Shows numbers in [-1, 1], row by row, three a pixel; `place` pictures from the left. */
function paint(element, pixels, place = 0) {
  const image = new ImageData(SIZE, SIZE);
  for (let i = 0; i < SIZE * SIZE; i++)
    image.data.set([0, 1, 2].map((c) => Math.round((pixels[3 * i + c] + 1) * 127.5)).concat(255), 4 * i);
  element.getContext("2d").putImageData(image, place * SIZE, 0);
}

/** The places of a code, from 0, to which the first layer listens most. */
function strongest({ before, weight }, among, count) {
  const length = weight.length / before, loud = (i) => Math.hypot(...weight.subarray(i * length, (i + 1) * length));
  return [...Array(among).keys()].sort((a, b) => loud(b) - loud(a)).slice(0, count);
}

/** Sliders on single numbers of the code `get()`; `changed()` is called after one has moved. */
function codeSliders(places, get, changed) {
  const range = { min: -3, max: 3, step: 0.1, value: 0, say: (value) => value.toFixed(1) };
  const sliders = places.map((place) =>
    slider(`Number ${place + 1}`, range, (value) => { get()[place] = value; changed(); }));
  sliders.put = () => sliders.forEach((control, k) => control.put(get()[places[k]]));
  return sliders;
}

/** The slider of the arc from this code to another. */
function wayToAnother(moved) {
  const range = { min: 0, max: 1, step: 0.02, value: 0, say: (t) => `${Math.round(100 * t)} %` };
  return slider("On the way to another person", range, moved);
}

/** The sliders under one heading. */
function group(legend, sliders) {
  return make("fieldset", {}, make("legend", { textContent: legend }), ...sliders);
}

/** What is to be seen on the left, what is to be moved on the right. */
function stage(seen, buttons, ...moved) {
  return make("div", { className: "live-stage" }, make("div", { className: "live-seen" }, ...seen),
    make("div", { className: "live-controls" }, make("div", { className: "live-buttons" }, ...buttons), ...moved));
}

/** DCGAN: a picture of a person from 64 numbers. */
function imageDemo(tensors, status) {
  const layers = generatorLayers(tensors), nz = layers[0].before;
  const picture = canvas(SIZE, SIZE, "A small person on a meadow, drawn by the generator.");
  const strip = canvas(STRIP * SIZE, SIZE, "Pictures on the way from this person to another.");
  let seed = 0, z, other, way = 0;
  const at = (t) => generate(layers, arc(z, other, t));
  const show = atNextFrame(() => {
    paint(picture, at(way));
    for (let k = 0; k < STRIP; k++) paint(strip, at(k / (STRIP - 1)), k);
  });
  const walk = wayToAnother((t) => { way = t; show(); });
  const sliders = codeSliders(strongest(layers[0], nz, 6), () => z, () => { walk.put((way = 0)); show(); });
  const surprise = () => {
    const draw = uniform(++seed);
    [z, other, way] = [gaussian(draw, nz), gaussian(draw, nz), 0];
    sliders.put();
    walk.put(0);
    show();
    status.say(`Person ${seed}.`);
  };
  surprise();
  return stage([picture, strip, walk], [button("Surprise me", surprise)],
    group(`Six of the code’s ${nz} numbers: those that change most`, sliders));
}

/** MoCoGAN: a clip from a content code, which stays, and noise for each frame. */
function videoDemo(tensors, status) {
  const layers = generatorLayers(tensors, "frame.");
  const motion = tensors["walk.weight_hh_l0"].shape[1], content = layers[0].before - motion;
  const picture = canvas(SIZE, SIZE, "A small person who moves on a meadow, drawn by the generator frame by frame.");
  let seed = 30, person, other, way = 0, count = 8, codes, now = 0; // the seed of a good first person
  const show = () => {
    paint(picture, generate(layers, [...arc(person, other, way), ...codes[now]]));
    time.put(now + 1);
  };
  const film = player(picture, () => { now = (now + 1) % count; show(); }, 125);
  const time = slider("Frame", { min: 1, max: count, step: 1, value: 1, say: (k) => `${k} of ${count}` },
    (k) => { play(false); now = k - 1; show(); });
  const toggle = button("Pause", () => play(!film.playing));
  const play = (on) => { film.set(on); toggle.textContent = on ? "Pause" : "Play"; };
  const walk = wayToAnother((t) => { way = t; show(); });
  const sliders = codeSliders(strongest(layers[0], content, 4), () => person, () => { walk.put((way = 0)); show(); });
  const newPerson = () => {
    const draw = uniform(++seed);
    [person, other, way] = [gaussian(draw, content), gaussian(draw, content), 0];
    sliders.put();
    walk.put(0);
  };
  const newMotion = () => {
    const draw = uniform(++seed);
    codes = motionCodes(tensors, Array.from({ length: 32 }, () => [...gaussian(draw, motion)]));
  };
  const act = (text, ...changes) => button(text, () => {
    changes.forEach((change) => change());
    show();
    status.say(`${text}: done.`);
  });
  const length = chooser("Frames in the clip", ["8", "16", "32"], "8", (text) => {
    count = Number(text);
    now %= count;
    time.querySelector("input").max = count;
    show();
  });
  newPerson();
  newMotion();
  show();
  play(!lessMotion());
  return stage([picture, time, walk],
    [toggle, act("Surprise me", newPerson, newMotion),
      act("Another person, same motion", newPerson), act("Same person, another motion", newMotion)],
    length, group(`Four of the content code’s ${content} numbers: those that change most`, sliders));
}

/** Under the picture a button that says what it costs; then the demo in the picture's place. */
function offer(root) {
  const [name, demo] = { image: ["dcgan", imageDemo], video: ["mocogan", videoDemo] }[root.dataset.live];
  const status = statusLine();
  const start = button(`Run the generator here (${root.dataset.megabytes} MB)`, async () => {
    status.say("Loading …");
    try {
      const shown = demo(await loadTensors(name), status);
      root.querySelector("img").replaceWith(shown);
      start.remove();
      shown.querySelector("button").focus();
      status.say("The generator runs in this page.");
    } catch (error) {
      status.say("The weights did not come. Are you offline?");
    }
  });
  root.append(make("div", { className: "live-buttons" }, start), status);
}

document.querySelectorAll("[data-live=image], [data-live=video]").forEach(offer);
