// The course's trained generators in the page: DCGAN (chapter 4), MoCoGAN (chapter 10) and the person who is steered, computed
// as torch computes them.
// A map of features is a Float32Array in the order (row, column, channel), which is also how a canvas wants its pixels.
"use strict";

const KERNEL = 4;

/** A number in half precision. */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  return sign * (exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24);
}

/** The bytes of a number of each type, and how it is read. */
const TYPES = {
  I8: [1, (view, at) => view.getInt8(at)],
  F16: [2, (view, at) => half(view.getUint16(at, true))],
  F32: [4, (view, at) => view.getFloat32(at, true)],
};

/** The tensors of a safetensors file: name -> {shape, data}. Rows of whole numbers are multiplied by their scales. */
function readTensors(bytes) {
  const view = new DataView(bytes.buffer), start = 8 + Number(view.getBigUint64(0, true)), tensors = {};
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  for (const [name, { dtype, shape, data_offsets: [from, to] = [] }] of Object.entries(header)) {
    if (!TYPES[dtype]) continue; // a counter, or what the file says of itself
    const [size, read] = TYPES[dtype];
    const data = new Float32Array((to - from) / size).map((_, i) => read(view, start + from + size * i));
    tensors[name] = { shape, data };
  }
  for (const [name, { data }] of Object.entries(tensors)) {
    const scale = tensors[`${name}|scale`]?.data, row = data.length / scale?.length;
    if (scale) data.forEach((whole, i) => (data[i] = whole * scale[Math.floor(i / row)]));
  }
  return tensors;
}

/** The layers of a `Generator`: transposed convolutions, each with the batch norm behind it folded in. */
function generatorLayers(tensors, prefix = "") {
  const layers = [];
  for (let k = 0; tensors[`${prefix}layers.${k}.weight`]; k += 3) {
    const { shape: [before, after], data } = tensors[`${prefix}layers.${k}.weight`];
    const norm = (name, none) => tensors[`${prefix}layers.${k + 1}.${name}`]?.data ?? new Float32Array(after).fill(none);
    const mean = norm("running_mean", 0), variance = norm("running_var", 1 - 1e-5); // the last layer has none: scale 1
    const scale = norm("weight", 1).map((gain, c) => gain / Math.sqrt(variance[c] + 1e-5));
    const bias = norm("bias", 0).map((shift, c) => shift - mean[c] * scale[c]);
    const weight = new Float32Array(data.length); // (before, after, row, column) becomes (before, row, column, after)
    for (let i = 0; i < before; i++)
      for (let o = 0; o < after; o++)
        for (let at = 0; at < KERNEL ** 2; at++)
          weight[(i * KERNEL ** 2 + at) * after + o] = data[(i * after + o) * KERNEL ** 2 + at] * scale[o];
    layers.push({ before, after, weight, bias });
  }
  return layers;
}

/** A transposed convolution and what follows it: every number is spread over 4 x 4 places, then the padding is cut off. */
function spread(input, size, { before, after, weight, bias }, stride, padding, activation) {
  const wide = (size - 1) * stride + KERNEL, sums = new Float32Array(wide * wide * after), row = KERNEL * after;
  for (let at = 0; at < size * size; at++)
    for (let i = 0; i < before; i++) {
      const value = input[at * before + i];
      if (value === 0) continue; // a ReLU leaves many of them
      for (let k = 0; k < KERNEL; k++) {
        const to = ((Math.floor(at / size) * stride + k) * wide + (at % size) * stride) * after, from = (i * KERNEL + k) * row;
        for (let j = 0; j < row; j++) sums[to + j] += value * weight[from + j];
      }
    }
  const kept = wide - 2 * padding, output = new Float32Array(kept * kept * after);
  for (let y = 0; y < kept; y++)
    for (let j = 0; j < kept * after; j++)
      output[y * kept * after + j] = activation(sums[((y + padding) * wide + padding) * after + j] + bias[j % after]);
  return output;
}

/** z to an image: size x size x 3 numbers in [-1, 1]. */
function generate(layers, z) {
  let features = z, size = 1;
  layers.forEach((layer, k) => {
    const activation = k === layers.length - 1 ? Math.tanh : (x) => Math.max(x, 0);
    features = spread(features, size, layer, k ? 2 : 1, k ? 1 : 0, activation);
    size = k ? 2 * size : KERNEL;
  });
  return features;
}

/** What torch.nn.Linear makes of x. */
function linear({ data: weight }, { data: bias }, x) {
  return Float64Array.from(bias, (sum, o) => {
    for (let i = 0, row = o * x.length; i < x.length; i++) sum += weight[row + i] * x[i];
    return sum;
  });
}

/** Noise for each frame to motion codes, by the GRU of MoCoGAN: r, u and n as in torch.nn.GRU. */
function motionCodes(tensors, noise) {
  const affine = (kind, x) => linear(tensors[`walk.weight_${kind}_l0`], tensors[`walk.bias_${kind}_l0`], x);
  const sigmoid = (x) => 1 / (1 + Math.exp(-x)), length = noise[0].length;
  let code = new Array(length).fill(0);
  return noise.map((shock) => {
    const a = affine("ih", shock), b = affine("hh", code);
    code = code.map((old, i) => {
      const r = sigmoid(a[i] + b[i]), u = sigmoid(a[length + i] + b[length + i]);
      const n = Math.tanh(a[2 * length + i] + r * b[2 * length + i]);
      return (1 - u) * n + u * old;
    });
    return code;
  });
}

/** From one code to another on an arc (chapter 4): t = 0 is a, t = 1 is b. */
function arc(a, b, t) {
  const dot = a.reduce((sum, value, i) => sum + value * b[i], 0);
  const angle = Math.acos(Math.min(1, Math.max(-1, dot / (Math.hypot(...a) * Math.hypot(...b)))));
  if (angle < 1e-4) return a.map((value, i) => (1 - t) * value + t * b[i]);
  return a.map((value, i) => (Math.sin((1 - t) * angle) * value + Math.sin(t * angle) * b[i]) / Math.sin(angle));
}

const leakyReLU = (x) => x.map((value) => Math.max(value, 0.2 * value));

/** x with mean 0 and variance 1, as torch.nn.functional.layer_norm makes it. */
function layerNorm(x) {
  const mean = x.reduce((sum, value) => sum + value) / x.length, centred = x.map((value) => value - mean);
  const deviation = Math.sqrt(centred.reduce((sum, value) => sum + value * value, 0) / x.length + 1e-5);
  return centred.map((value) => value / deviation);
}

/** `mean`, and so much of each principal component as the code says. */
function fromComponents(code, { data: components }, { data: mean }) {
  const sums = Float64Array.from(mean);
  code.forEach((share, k) => {
    for (let i = 0, row = k * sums.length; i < sums.length; i++) sums[i] += share * components[row + i];
  });
  return sums;
}

/** `Steered`: from noise a person, from a command and noise the next frame. A state is three codes: the first frame's, and those
 * of the last two. */
function steered(tensors, commands) {
  const layer = (name, x) => linear(tensors[`${name}.weight`], tensors[`${name}.bias`], x);
  const [code] = tensors["next.leave.weight"].shape, inputs = tensors["next.enter.weight"].shape[1];
  return {
    nz: tensors["first.layers.0.weight"].shape[1],
    noise: inputs - commands - 3 * code,
    begin(z) {
      let features = layer("first.layers.0", z);
      for (let k = 2; tensors[`first.layers.${k}.weight`]; k += 2) features = layer(`first.layers.${k}`, leakyReLU(features));
      return [features, features, features];
    },
    step([first, before, last], command, noise) {
      const told = Array.from({ length: commands }, (_, k) => Number(k === command));
      let features = layer("next.enter", Float64Array.of(...noise, ...told, ...first, ...before, ...last));
      for (let k = 0; tensors[`next.blocks.${k}.0.weight`]; k++) {
        const change = leakyReLU(layer(`next.blocks.${k}.0`, layerNorm(features)));
        features = features.map((value, i) => value + change[i]);
      }
      return [first, last, layer("next.leave", layerNorm(features))];
    },
    /** Of people drawn from noise the one whom the next frames keep best: each comes towards us for four frames, on the command
     * `towards`, and the one whose code has moved least is taken, measured by the contrast of the picture. */
    likeliest(people, towards) {
      const squares = (x, y) => x.reduce((sum, value, i) => sum + (value - y[i]) ** 2, 0);
      const still = new Float64Array(this.noise), moved = people.map((z) => {
        let state = this.begin(z);
        const pixels = this.shown(state), mean = pixels.reduce((a, b) => a + b) / pixels.length;
        for (let frame = 0; frame < 4; frame++) state = this.step(state, towards, still);
        return squares(state[2], state[0]) / squares(pixels, pixels.map(() => mean));
      });
      return people[moved.indexOf(Math.min(...moved))];
    },
    /** The latest frame, as a canvas wants it. */
    shown([, , last]) {
      const scaled = last.map((value) => value * tensors["codes.scale"].data[0]);
      const frameCode = fromComponents(scaled, tensors["codes.clips"], tensors["codes.clip_mean"]);
      const planes = fromComponents(frameCode, tensors["codes.frames"], tensors["codes.frame_mean"]), pixels = planes.length / 3;
      return planes.map((_, i) => Math.min(1, Math.max(-1, planes[(i % 3) * pixels + Math.floor(i / 3)])));
    },
  };
}
