// Texts of the page that do not stand out from their ground as WCAG 2.2 wants it (1.4.3, and 1.4.11 for the edges of
// controls): what, the two colours, the ratio. The body of a function.
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const read = (colour) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
  return { rgb: [red, green, blue], alpha: alpha / 255 };
};
const over = (top, below) => top.rgb.map((part, at) => part * top.alpha + below[at] * (1 - top.alpha));
const ground = (element) => {
  const layers = [];
  for (let it = element; it !== null; it = it.parentElement) {
    const layer = read(getComputedStyle(it).backgroundColor);
    if (layer.alpha > 0) layers.push(layer);
    if (layer.alpha >= 1) break;
  }
  return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
};
const light = (rgb) => {
  const [red, green, blue] = rgb.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const ratio = (one, other) => {
  const [less, more] = [light(one), light(other)].sort((a, b) => a - b);
  return (more + 0.05) / (less + 0.05);
};
const faults = [];
const judge = (what, colour, below, least) => {
  const got = ratio(over(read(colour), below), below);
  if (got < least) faults.push(`${what}: ${colour} on ${below.map(Math.round)} is ${got.toFixed(2)}, not ${least}`);
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let looked = 0;
for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
  const element = node.parentElement;
  if (node.data.trim() === "" || !element.checkVisibility({ visibilityProperty: true }) || element.closest("noscript, option")) continue;
  const style = getComputedStyle(element);
  const size = Number.parseFloat(style.fontSize);
  const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  const isDrawn = element instanceof SVGElement;
  judge(node.data.trim().slice(0, 40), isDrawn ? style.fill : style.color, ground(element), isLarge ? 3 : 4.5);
  looked += 1;
}
for (const control of document.querySelectorAll("button, input, select, textarea, .button")) {
  if (!control.checkVisibility() || control.type === "checkbox") continue;
  judge(`edge of ${control.name || control.textContent}`, getComputedStyle(control).borderTopColor, ground(control.parentElement), 3);
}
return { looked, faults };
