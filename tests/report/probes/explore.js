// Runs in the page as the body of a function; what it returns is the answer.
const part = (name) => document.getElementById(`explorer-${name}`);
const tell = (name, kind = "input") => part(name).dispatchEvent(new Event(kind));
const read = () => Object.fromEntries(
  ["own", "api", "break-even", "fair-hour", "own-month", "api-month"].map((name) => [name, part(name).dataset.value]));
const found = {planned: read(), words: part("verdict").textContent, hosted: [], full: null};
for (const option of part("hosted").options) {
  if (option.value === "own") continue;
  part("hosted").value = option.value;
  tell("hosted", "change");
  found.hosted.push(read());
}
part("utilisation").value = 100; tell("utilisation");
found.full = read();
part("gpu-hour").value = 1.25; tell("gpu-hour");
part("throughput").value = 800; tell("throughput");
part("hosted-input").value = 0.4; tell("hosted-input");
part("hosted-output").value = 1.6; tell("hosted-output");
part("utilisation").value = 25; tell("utilisation");
found.own = read();
found.chosen = part("hosted").value;
part("throughput").value = ""; tell("throughput");
found.blank = {...read(), words: part("verdict").textContent};
part("reset").click();
found.back = read();
return found;
