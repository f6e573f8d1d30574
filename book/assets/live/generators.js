// DCGAN and MoCoGAN in the reader's hands: tinygan.js computes, this moves codes.
"use strict";

const STRIP = 7;

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
  return stage([picture, strip, walk], row(button("Surprise me", surprise)),
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
  const film = player(picture, () => { now = (now + 1) % count; show(); }, { wait: 125 });
  const time = slider("Frame", { min: 1, max: count, step: 1, value: 1, say: (k) => `${k} of ${count}` },
    (k) => { film.play(false); now = k - 1; show(); });
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
  film.play(!lessMotion());
  return stage([picture, time, walk],
    row(film.toggle, act("Surprise me", newPerson, newMotion),
      act("Another person, same motion", newPerson), act("Same person, another motion", newMotion)),
    length, group(`Four of the content code’s ${content} numbers: those that change most`, sliders));
}

offer("image", "dcgan", imageDemo);
offer("video", "mocogan", videoDemo);
