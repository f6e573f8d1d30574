// What the demos of trained generators have in common: the weights, which come when the reader asks for them, and pictures.
"use strict";

const HERE = document.currentScript.src, SIZE = 32;

/** The tensors of a safetensors file that comes as text, in base64. */
const tensorsFrom = (text) => readTensors(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));

/** The tensors of a generator. Its weights come as a script, which a browser also reads from a folder without a server. */
async function loadTensors(name) {
  await new Promise((resolve, reject) =>
    document.head.append(make("script", { src: new URL(`weights/${name}.js`, HERE), onload: resolve, onerror: reject })));
  return tensorsFrom(liveWeights[name]);
}

/** Shows numbers in [-1, 1], row by row, three a pixel; `place` pictures from the left. */
function paint(element, pixels, place = 0) {
  const image = new ImageData(SIZE, SIZE);
  for (let i = 0; i < SIZE * SIZE; i++)
    image.data.set([0, 1, 2].map((c) => Math.round((pixels[3 * i + c] + 1) * 127.5)).concat(255), 4 * i);
  element.getContext("2d").putImageData(image, place * SIZE, 0);
}

/** In each demo of this kind a button, under the picture, that says what it costs; then the demo in the picture's place. */
function offer(kind, name, demo) {
  for (const root of document.querySelectorAll(`[data-live=${kind}]`)) {
    const status = statusLine();
    const start = button(`Run the generator here (${root.dataset.megabytes} MB)`, async () => {
      status.say("Loading …");
      try {
        const shown = demo(await loadTensors(name), status);
        root.querySelector("img").replaceWith(shown);
        start.remove();
        shown.querySelector("[tabindex], button").focus();
        status.say("The generator runs in this page.");
      } catch (error) {
        status.say("The weights did not come. Are you offline?");
      }
    });
    root.append(row(start), status);
  }
}
