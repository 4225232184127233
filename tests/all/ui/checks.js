// What a checker of accessibility would say of the page that is shown: a list of sentences, empty where all is well.
const wrong = [];
const say = (what, element) => wrong.push(`${what}: ${element.outerHTML.slice(0, 160)}`);
const visible = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });

if (!document.documentElement.lang) wrong.push("no language");
if (!document.title.trim()) wrong.push("no title");
if (document.querySelectorAll("main").length !== 1) wrong.push("not one main part");
if (document.querySelectorAll("h1").length !== 1) wrong.push("not one first heading");

const name = (element) =>
  (element.getAttribute("aria-label") || element.getAttribute("alt") || element.textContent || element.value || "").trim();
for (const image of document.querySelectorAll("img")) if (!(image.getAttribute("alt") || "").trim()) say("a picture without words", image);
for (const svg of document.querySelectorAll("svg")) {
  if (svg.getAttribute("aria-hidden") !== "true" && !svg.hasAttribute("aria-label")) say("a drawing without words", svg);
}
for (const element of document.querySelectorAll("a[href], button, summary")) if (!name(element)) say("a control without a name", element);
for (const input of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
  if (!input.labels.length && !input.getAttribute("aria-label")) say("a field without a label", input);
}
const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`an id twice: ${id}`);
for (const element of document.querySelectorAll("[aria-labelledby]")) {
  for (const id of element.getAttribute("aria-labelledby").split(" ")) if (!document.getElementById(id)) say("a label that is not there", element);
}
let level = 1;
for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
  const now = Number(heading.tagName[1]);
  if (now > level + 1) say("a heading that skips a level", heading);
  level = now;
}
for (const table of document.querySelectorAll("table")) {
  if (!table.querySelector("th[scope]")) say("a table without heads", table);
}
for (const element of document.querySelectorAll("[tabindex]")) if (element.tabIndex > 0) say("a focus order of its own", element);

// Contrast of text, by WCAG 2.2: 4.5 to 1, or 3 to 1 where it is large.
const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
const channel = (value) => {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
};
const light = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = parts(getComputedStyle(at).backgroundColor);
    if (colour.length < 4 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !visible(element) || element.closest("svg, option, select, .hidden, .skip")) continue;
  const style = getComputedStyle(element);
  const [one, other] = [light(parts(style.color)), light(behind(element))].sort((a, b) => b - a);
  const contrast = (one + 0.05) / (other + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (contrast < (large ? 3 : 4.5)) say(`text of contrast ${contrast.toFixed(2)}`, element);
}
if (document.documentElement.scrollWidth > innerWidth + 1) wrong.push(`wider than the window: ${document.documentElement.scrollWidth}`);
return wrong;
