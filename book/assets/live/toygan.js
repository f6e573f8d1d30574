// A GAN on points of the plane, small enough to train in the page. Everything that torch does for it in chapter 2 stands here:
// the networks, their gradients by hand, Adam, the losses. A batch is a Float64Array, one sample after the other.
"use strict";

const LEAK = 0.2, BATCH = 128, WIDTH = 32;
const sigmoid = (s) => 1 / (1 + Math.exp(-s));

/** The derivative of each loss with respect to a logit s: D's for a real and for a fake sample, G's for a fake one. */
const LOSSES = {
  "non-saturating": { real: (s) => sigmoid(s) - 1, fake: (s) => sigmoid(s), generator: (s) => sigmoid(s) - 1 },
  minimax: { real: (s) => sigmoid(s) - 1, fake: (s) => sigmoid(s), generator: (s) => -sigmoid(s) },
  "least squares": { real: (s) => s - 1, fake: (s) => s, generator: (s) => s - 1 },
  hinge: { real: (s) => (s < 1 ? -1 : 0), fake: (s) => (s > -1 ? 1 : 0), generator: () => -1 },
};

/** Layers with torch's own first weights: uniform, as wide as 1 / sqrt(inputs). */
function network(sizes, draw) {
  return sizes.slice(1).map((outputs, k) => {
    const inputs = sizes[k], first = () => (2 * draw() - 1) / Math.sqrt(inputs);
    const numbers = (length) => Float64Array.from({ length }, first);
    return { inputs, outputs, weight: numbers(outputs * inputs), bias: numbers(outputs) };
  });
}

/** What every layer puts out, the batch itself first; between layers a leaky ReLU.
 *
 * With `like`, the outputs of an earlier call, it is the linear map that the network is near those samples, no biases. */
function forward(layers, batch, like = null) {
  const outputs = [batch];
  layers.forEach(({ inputs, outputs: width, weight, bias }, k) => {
    const before = outputs[k], count = before.length / inputs, after = new Float64Array(count * width);
    for (let n = 0; n < count; n++)
      for (let o = 0; o < width; o++) {
        const row = o * inputs, sample = n * inputs;
        let sum = like ? 0 : bias[o];
        for (let i = 0; i < inputs; i++) sum += weight[row + i] * before[sample + i];
        const open = k === layers.length - 1 || (like ? like[k + 1][n * width + o] : sum) > 0;
        after[n * width + o] = open ? sum : LEAK * sum;
      }
    outputs.push(after);
  });
  return outputs;
}

/** Back through the network: the gradients of its weights, summed over the batch, and the gradient at its input.
 *
 * `outputs` is what `forward` gave, `slope` the gradient at the last of them, `seen` what each layer was fed. */
function backward(layers, outputs, slope, seen = outputs) {
  const gradients = [];
  for (let k = layers.length - 1; k >= 0; k--) {
    const { inputs, outputs: width, weight } = layers[k], count = slope.length / width, fed = seen[k];
    const dWeight = new Float64Array(weight.length), dBias = new Float64Array(width), below = new Float64Array(fed.length);
    for (let n = 0; n < count; n++)
      for (let o = 0; o < width; o++) {
        const at = slope[n * width + o], row = o * inputs, sample = n * inputs;
        dBias[o] += at;
        for (let i = 0; i < inputs; i++) {
          dWeight[row + i] += at * fed[sample + i];
          below[sample + i] += at * weight[row + i];
        }
      }
    if (k) below.forEach((_, j) => (below[j] *= outputs[k][j] > 0 ? 1 : LEAK));
    gradients.unshift({ weight: dWeight, bias: dBias });
    slope = below;
  }
  return { gradients, input: slope };
}

/** The gradient of R1 (chapter 5), gamma / 2 times the mean of |grad D|^2 at real samples.
 *
 * Near a sample D is linear, so |grad D|^2 is what that linear map makes of the gradient itself. */
function r1Gradients(layers, outputs, gamma) {
  const ones = new Float64Array(outputs.at(-1).length).fill(1), { input } = backward(layers, outputs, ones);
  const seen = forward(layers, input, outputs);
  const { gradients } = backward(layers, outputs, ones.map(() => gamma / ones.length), seen);
  gradients.forEach(({ bias }) => bias.fill(0)); // biases shift D's pieces, not their slope
  return gradients;
}

/** One step of Adam on every layer; `sums` are gradients of the same parameters to be added up. */
function adam(layers, sums, { lr, beta1, beta2 = 0.999 }) {
  layers.forEach((layer, k) => {
    layer.steps = (layer.steps ?? 0) + 1;
    for (const name of ["weight", "bias"]) {
      const values = layer[name], none = () => new Float64Array(values.length);
      const [first, second] = (layer[`${name} averages`] ??= [none(), none()]);
      for (let j = 0; j < values.length; j++) {
        const gradient = sums.reduce((sum, gradients) => sum + gradients[k][name][j], 0);
        first[j] += (1 - beta1) * (gradient - first[j]);
        second[j] += (1 - beta2) * (gradient * gradient - second[j]);
        const step = first[j] / (1 - beta1 ** layer.steps), size = Math.sqrt(second[j] / (1 - beta2 ** layer.steps));
        values[j] -= (lr * step) / (size + 1e-8);
      }
    }
  });
}

/** One round of the game, in place: D learns from `real` and G(z), then G from D's slope at G(another z).
 *
 * settings: {loss, lrD, lrG, beta1, gamma}. */
function gameStep(G, D, { real, z, another }, { loss, lrD, lrG, beta1, gamma }) {
  const { real: onReal, fake: onFake, generator: onGenerator } = LOSSES[loss];
  const slopes = (outputs, of) => outputs.at(-1).map((s) => of(s) / outputs.at(-1).length);
  const seesReal = forward(D, real), seesFake = forward(D, forward(G, z).at(-1));
  const judge = (outputs, of) => backward(D, outputs, slopes(outputs, of));
  const sums = [judge(seesReal, onReal).gradients, judge(seesFake, onFake).gradients];
  if (gamma) sums.push(r1Gradients(D, seesReal, gamma));
  adam(D, sums, { lr: lrD, beta1 });
  const made = forward(G, another), judged = forward(D, made.at(-1));
  adam(G, [backward(G, made, judge(judged, onGenerator).input).gradients], { lr: lrG, beta1 });
}

/** Points on the unit circle. */
function ring(count) {
  const angles = Array.from({ length: count }, (_, k) => (2 * Math.PI * k) / count);
  return angles.map((angle) => [Math.cos(angle), Math.sin(angle)]);
}

const thirds = [-1, 0, 1];

/** The data: centres, and how the points lie around them. */
const DATA = {
  "eight clusters": ring(8),
  "nine on a grid": thirds.flatMap((x) => thirds.map((y) => [x, y])),
  "a circle": ring(64),
  "one cluster": [[0.8, 0]],
};

/** `count` points of a data set: a centre at random, and a little noise. */
function drawReal(data, draw, count) {
  const noise = gaussian(draw, 2 * count), points = new Float64Array(2 * count);
  for (let n = 0; n < count; n++) {
    const centre = DATA[data][Math.floor(draw() * DATA[data].length)];
    for (const axis of [0, 1]) points[2 * n + axis] = centre[axis] + 0.05 * noise[2 * n + axis];
  }
  return points;
}

/** The share of the points (x, y, x, y, ...) that are nearest to each centre and within 0.2 of it. */
function sharesOfCentres(data, points) {
  const shares = DATA[data].map(() => 0);
  for (let n = 0; n < points.length; n += 2) {
    const distances = DATA[data].map(([x, y]) => Math.hypot(points[n] - x, points[n + 1] - y));
    const least = Math.min(...distances);
    if (least < 0.2) shares[distances.indexOf(least)] += 2 / points.length;
  }
  return shares;
}
