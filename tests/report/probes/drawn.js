// Runs in the page as the body of a function; what it returns is the answer.
const blank = (canvas) => !new Uint32Array(
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer).some(Boolean);
return {
  ready: document.documentElement.dataset.ready,
  charts: [...document.querySelectorAll("canvas")].map((canvas) => ({id: canvas.id, blank: blank(canvas)})),
  wide: document.documentElement.scrollWidth > innerWidth,
};
