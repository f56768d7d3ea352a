// Runs in the page as the body of a function; what it returns is the answer.
document.querySelectorAll("details").forEach((part) => { part.open = true; });
const all = (rule) => [...document.querySelectorAll(rule)];
const shown = (part) => part.offsetParent !== null && !part.closest("[hidden]");
const name = (part) => part.getAttribute("aria-label") || (part.labels && part.labels.length && part.labels[0].textContent.trim())
  || part.textContent.trim();
const rgb = (text) => (text.match(/[\d.]+/g) || []).map(Number);
const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const behind = (part) => {
  for (let at = part; at; at = at.parentElement) {
    const color = rgb(getComputedStyle(at).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
const faint = [];
for (const part of all("body *")) {
  const text = [...part.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!text || !shown(part) || part.matches("script, style, noscript, option")) continue;
  const style = getComputedStyle(part);
  const [a, b] = [light(rgb(style.color)), light(behind(part))].sort((x, y) => y - x);
  const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
  if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5)) faint.push([part.tagName, part.textContent.slice(0, 40)]);
}
const ids = all("[id]").map((part) => part.id);
return {
  faint,
  nameless: all("input, select, button, a, summary, canvas, [role=region], [role=img], nav").filter((part) => !name(part)).map((part) => part.outerHTML.slice(0, 80)),
  headings: all("h1, h2, h3, h4").filter(shown).map((part) => Number(part.tagName[1])),
  twice: ids.filter((id, index) => ids.indexOf(id) !== index),
  broken: all("a[href^='#']").map((part) => part.hash.slice(1)).filter((id) => !ids.includes(id)),
  jumpy: all("[tabindex]").filter((part) => part.tabIndex > 0).length,
  trapped: all(".panel").filter((part) => part.scrollWidth > part.clientWidth + 1 && part.tabIndex < 0).length,
  headless: all("table").filter((table) => !table.querySelector("th")).length,
  lang: document.documentElement.lang,
  main: all("main").length,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
};
