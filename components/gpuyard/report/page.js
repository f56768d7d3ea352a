"use strict";
(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const find = (id) => document.getElementById(id);
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const charts = [];

  // Words, as in the other formats of the report.
  const digits = (value, places) => value.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
  const usd = (value) => (value < 0 ? "-$" : "$") + digits(Math.abs(value), Math.abs(value) < 1000 ? 2 : 0);
  const smallUsd = (value) => (value < 0.1 ? `$${value.toFixed(4)}` : `$${digits(value, 2)}`);
  const duration = (seconds) => {
    let left = Math.round(seconds);
    const parts = [];
    for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]) {
      const count = Math.floor(left / size);
      left -= count * size;
      if (count || (unit === "s" && !parts.length)) parts.push(`${count} ${unit}`);
    }
    return parts.slice(0, 2).join(" ");
  };

  // Values at the ends of bars, and the whole journey's P50 and P90 as lines.
  const endLabels = {
    id: "endLabels",
    afterDatasetsDraw(chart, _args, options) {
      if (!options.texts) return;
      const { ctx, chartArea, scales } = chart;
      ctx.save();
      ctx.font = "12px system-ui, sans-serif";
      ctx.textBaseline = "middle";
      options.texts.forEach((text, row) => {
        const width = ctx.measureText(text).width;
        const x = Math.min(scales.x.getPixelForValue(options.ends[row]) + 7, chartArea.right + options.room - width);
        const y = scales.y.getPixelForValue(row);
        ctx.fillStyle = css("--card");
        ctx.fillRect(x - 2, y - 8, width + 4, 16);
        ctx.fillStyle = css("--ink");
        ctx.fillText(text, x, y);
      });
      ctx.restore();
    },
  };
  const marks = {
    id: "marks",
    beforeDatasetsDraw(chart, _args, options) {
      const { ctx, chartArea, scales } = chart;
      (options.lines || []).forEach(({ at, text, color, side }) => {
        const x = scales.x.getPixelForValue(at);
        if (x < chartArea.left || x > chartArea.right + 1) return;
        ctx.save();
        ctx.strokeStyle = css(color);
        ctx.setLineDash([4, 4]);
        ctx.beginPath();
        ctx.moveTo(x, chartArea.top - 4);
        ctx.lineTo(x, chartArea.bottom);
        ctx.stroke();
        ctx.fillStyle = css(color);
        ctx.font = "600 12px system-ui, sans-serif";
        ctx.textAlign = side;
        ctx.fillText(text, side === "right" ? x - 3 : x + 3, chartArea.top - 6);
        ctx.restore();
      });
    },
  };

  const scale = (more) => ({
    grid: { color: css("--line"), drawTicks: false },
    border: { display: false },
    ...more,
    ticks: { color: css("--soft"), padding: 6, font: { size: 12 }, ...(more.ticks || {}) },
    title: { color: css("--soft"), ...(more.title || {}) },
  });
  const common = () => ({
    responsive: true,
    maintainAspectRatio: false,
    animation: false,
    plugins: { legend: { display: false }, tooltip: { displayColors: false } },
  });

  // A chart is made anew when colours change: light, dark, paper.
  const show = (canvas, make) => {
    const entry = { canvas, make, chart: null };
    entry.draw = () => {
      if (entry.chart) entry.chart.destroy();
      entry.chart = new Chart(canvas, make(canvas.parentElement.clientWidth));
    };
    charts.push(entry);
    entry.draw();
    let width = canvas.parentElement.clientWidth;
    new ResizeObserver(() => {
      if (canvas.parentElement.clientWidth === width) return;
      width = canvas.parentElement.clientWidth;
      entry.draw();
    }).observe(canvas.parentElement);
    return entry;
  };
  const redraw = () => charts.forEach((entry) => entry.draw());

  const drawGroups = (width) => {
    const groups = data.groups;
    const options = common();
    options.indexAxis = "y";
    const narrow = width < 560;
    const room = narrow ? 60 : 140;
    options.layout = { padding: { right: room } };
    options.plugins.endLabels = { texts: groups.map((g) => (narrow ? usd(g.expected) : g.label)), ends: groups.map((g) => Math.max(g.expected, g.peak)), room };
    options.plugins.tooltip.callbacks = { label: (item) => `${item.dataset.label}: ${usd(item.raw)}` };
    options.scales = {
      x: scale({ beginAtZero: true, ticks: { maxTicksLimit: width < 560 ? 3 : 7, callback: (v) => (v >= 1000 ? `$${v / 1000}k` : `$${v}`) } }),
      y: scale({ grid: { display: false }, ticks: { color: css("--ink"), font: { size: 13 } } }),
    };
    return {
      type: "bar",
      plugins: [endLabels],
      options,
      data: {
        labels: groups.map((g) => g.name),
        datasets: [
          { label: "expected", data: groups.map((g) => g.expected), backgroundColor: css("--mark"), grouped: false, barThickness: 16, borderRadius: 3, order: 1 },
          { label: "at peak", data: groups.map((g) => g.peak), backgroundColor: css("--bar-soft"), grouped: false, barThickness: 16, borderRadius: 3, order: 2 },
        ],
      },
    };
  };

  const drawJourney = (journey) => (width) => {
    const phases = journey.phases;
    const medians = phases.map((p) => [p.start_s, p.start_s + (p.p50_s || 0)]);
    const tails = phases.map((p) => (p.p50_s !== null && p.p90_s !== null ? [p.start_s + p.p50_s, p.start_s + p.p90_s] : null));
    const ends = phases.map((p) => p.start_s + Math.max(p.p50_s || 0, p.p90_s || 0));
    const last = Math.max(journey.p90_s, ...ends, 1);
    const step = [10, 30, 60, 120, 300, 600, 900, 1800, 3600].find((s) => last / s <= (width < 560 ? 4 : 8)) || 7200;
    const options = common();
    options.indexAxis = "y";
    options.layout = { padding: { top: 22, right: 84 } };
    options.plugins.endLabels = { texts: phases.map((p) => p.label), ends, room: 84 };
    options.plugins.marks = {
      lines: journey.p90_s > 0 ? [{ at: journey.p50_s, text: "P50", color: "--mark", side: "right" }, { at: journey.p90_s, text: "P90", color: "--other", side: "left" }] : [],
    };
    options.plugins.tooltip.callbacks = {
      label: (item) => {
        const phase = phases[item.dataIndex];
        if (phase.p50_s === null) return "nobody has published a duration";
        return [`starts after ${duration(phase.start_s)}`, `P50 ${duration(phase.p50_s)}`, phase.p90_s === null ? "P90 unknown" : `P90 ${duration(phase.p90_s)}`];
      },
    };
    options.scales = {
      x: scale({ min: 0, max: Math.ceil(last / step) * step, ticks: { stepSize: step, callback: (v) => (step < 60 ? `${v} s` : `${Math.round(v / 60)} min`) } }),
      y: scale({ grid: { display: false }, ticks: { autoSkip: false, color: css("--ink"), font: { size: width < 560 ? 11 : 13 } } }),
    };
    const colors = phases.map((p) => css(p.is_critical ? "--mark" : "--bar"));
    return {
      type: "bar",
      plugins: [endLabels, marks],
      options,
      data: {
        labels: phases.map((p) => p.name),
        datasets: [
          { label: "P50", data: medians, backgroundColor: colors, grouped: false, barThickness: 14, borderRadius: 3, borderSkipped: false, minBarLength: 3, order: 1 },
          { label: "P90", data: tails, backgroundColor: colors, grouped: false, barThickness: 3, borderSkipped: false, order: 2 },
        ],
      },
    };
  };

  // The explorer: the formulas of the report (`tokens.<endpoint>.formulas` in its JSON), nothing else.
  const explorer = () => {
    const names = Object.keys(data.tokens);
    if (!names.length || !find("explorer")) return;
    const field = Object.fromEntries(["endpoint", "utilisation", "gpu-hour", "throughput", "hosted", "hosted-input", "hosted-output"].map((name) => [name, find(`explorer-${name}`)]));
    const answer = (name, value, text) => {
      const place = find(`explorer-${name}`);
      place.textContent = text;
      place.dataset.value = value === null ? "" : String(value);
    };
    // A field shows five digits of the report's value and stands for all of them until somebody types.
    const fill = (name, value) => {
      field[name].value = value === null ? "" : Number(value.toPrecision(5));
      field[name].dataset.exact = value === null ? "" : String(value);
    };
    const number = (name) => {
      const text = field[name].dataset.exact || field[name].value;
      const value = Number(text);
      return text !== "" && Number.isFinite(value) && value > 0 ? value : null;
    };
    const facts = () => data.tokens[field.endpoint.value];

    const perRequest = (x, utilisation, hour = x.hour) => hour / 3600 / (x.rate / x.output) / utilisation;
    const blended = (x, request) => (request * 1e6) / (x.input + x.output);
    const read = () => {
      const own = facts();
      return {
        input: own.input_tokens,
        output: own.output_tokens,
        requests: own.requests_per_month,
        low: own.usd_low,
        high: own.usd_high,
        start: own.usd_per_gpu_hour,
        hour: number("gpu-hour"),
        rate: number("throughput"),
        utilisation: Number(field.utilisation.value) / 100,
        hosted: [number("hosted-input"), number("hosted-output")],
      };
    };

    const drawCurve = () => {
      const x = read();
      const host = x.hosted.every((price) => price !== null) ? (x.input * x.hosted[0] + x.output * x.hosted[1]) / 1e6 : null;
      const steps = Array.from({ length: 96 }, (_, index) => (index + 5) / 100);
      const known = x.hour !== null && x.rate !== null;
      const line = (hour) => (known ? steps.map((u) => ({ x: u * 100, y: blended(x, perRequest(x, u, hour)) })) : []);
      const now = known ? blended(x, perRequest(x, x.utilisation)) : 0;
      const level = host === null ? 0 : blended(x, host);
      const top = Math.max(1.6 * now, 2.2 * level, known ? 2 * blended(x, perRequest(x, 1)) : 0) || 1;
      const options = common();
      options.parsing = false;
      options.plugins.tooltip.callbacks = {
        title: (items) => `at ${Math.round(items[0].parsed.x)} % utilisation`,
        label: (item) => `${item.dataset.label}: ${smallUsd(item.parsed.y)} per 1M tokens`,
      };
      options.interaction = { mode: "nearest", intersect: false };
      options.scales = {
        x: scale({ type: "linear", min: 0, max: 100, title: { display: true, text: "utilisation, %" }, ticks: { stepSize: 20 } }),
        y: scale({ min: 0, max: top, title: { display: true, text: "USD per 1M tokens" }, ticks: { maxTicksLimit: 6, includeBounds: false, callback: (v) => smallUsd(v).replace(/0+$/, "").replace(/\.$/, "") } }),
      };
      const self = { label: "self-hosted", borderColor: css("--mark"), pointRadius: 0, borderWidth: 2.5 };
      const spread = x.low !== null && x.high !== null && x.hour === x.start;
      const edge = { borderColor: css("--mark"), borderWidth: 1, borderDash: [3, 3], pointRadius: 0 };
      return {
        type: "line",
        options,
        data: {
          datasets: [
            { ...self, data: line(x.hour) },
            ...(spread ? [{ ...edge, label: "spot at P10", data: line(x.low) }, { ...edge, label: "spot at P90", data: line(x.high) }] : []),
            { label: "hosted", borderColor: css("--other"), borderDash: [7, 5], borderWidth: 2, pointRadius: 0, data: host === null ? [] : [{ x: 0, y: level }, { x: 100, y: level }] },
            { label: "here", data: known ? [{ x: x.utilisation * 100, y: now }] : [], pointRadius: 6, pointBackgroundColor: css("--mark"), showLine: false },
          ],
        },
      };
    };

    const curve = show(find("explorer-chart"), drawCurve);
    const explore = () => {
      const x = read();
      const known = x.hour !== null && x.rate !== null;
      const request = known ? perRequest(x, x.utilisation) : null;
      const own = known ? blended(x, request) : null;
      const host = x.hosted.every((price) => price !== null) ? (x.input * x.hosted[0] + x.output * x.hosted[1]) / 1e6 : null;
      const point = known && host !== null ? perRequest(x, 1) / host : null;
      const hour = x.rate !== null && host !== null ? host * 3600 * x.utilisation * (x.rate / x.output) : null;
      const percent = `${x.utilisation < 0.01 ? Number((x.utilisation * 100).toPrecision(1)) : digits(x.utilisation * 100, x.utilisation < 0.1 ? 1 : 0)} %`;
      find("explorer-utilisation-shown").textContent = percent;
      field.utilisation.setAttribute("aria-valuetext", percent);
      answer("own", own, own === null ? "unknown" : smallUsd(own));
      answer("api", host === null ? null : blended(x, host), host === null ? "unknown" : smallUsd(blended(x, host)));
      answer("break-even", point === null || point > 1 ? null : point, point === null ? "unknown" : point > 1 ? "never" : `${digits(point * 100, 0)} %`);
      answer("fair-hour", hour, hour === null ? "unknown" : smallUsd(hour));
      const month = find("explorer-month");
      month.hidden = x.requests === null;
      if (x.requests !== null) {
        answer("own-month", request === null ? null : request * x.requests, request === null ? "unknown" : usd(request * x.requests));
        answer("api-month", host === null ? null : host * x.requests, host === null ? "unknown" : usd(host * x.requests));
      }
      let words = "Enter the price of a GPU hour and a throughput to compare.";
      if (own !== null && host === null) words = "Enter the prices of a hosted API to compare.";
      if (own !== null && host !== null) {
        const cheaper = own <= blended(x, host);
        words = cheaper
          ? `At ${percent} utilisation self-hosting is cheaper: ${digits((1 - request / host) * 100, 0)} % below the hosted price.`
          : point <= 1
            ? `At ${percent} utilisation the hosted API is cheaper; from ${digits(point * 100, 0)} % on, self-hosting is.`
            : `The hosted API is cheaper at any utilisation; self-hosting would need a GPU hour of ${smallUsd(hour / x.utilisation)} at full load.`;
      }
      find("explorer-verdict").textContent = words;
      curve.draw();
    };

    const choose = () => {
      const own = facts();
      const planned = own.utilisation > 0 ? own.utilisation * 100 : 40;
      field.utilisation.min = Math.min(1, planned);
      field.utilisation.value = planned;
      fill("gpu-hour", own.usd_per_gpu_hour);
      fill("throughput", own.tokens_per_s_per_gpu);
      field.hosted.replaceChildren(...own.hosted.map((row, index) => new Option(`${row.provider} (${smallUsd(row.input_usd)} in, ${smallUsd(row.output_usd)} out)`, index)), new Option("other prices", "own"));
      field.hosted.value = own.hosted.length ? "0" : "own";
      take();
    };
    const take = () => {
      const row = facts().hosted[field.hosted.value];
      if (row) {
        fill("hosted-input", row.input_usd);
        fill("hosted-output", row.output_usd);
      }
      explore();
    };
    field.endpoint.addEventListener("change", choose);
    field.hosted.addEventListener("change", take);
    for (const name of ["utilisation", "gpu-hour", "throughput", "hosted-input", "hosted-output"]) {
      field[name].addEventListener("input", () => {
        delete field[name].dataset.exact;
        if (name.startsWith("hosted")) field.hosted.value = "own";
        explore();
      });
    }
    find("explorer-reset").addEventListener("click", choose);
    find("explorer").hidden = false;
    choose();
  };

  if (window.Chart) {
    Chart.defaults.font.family = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
    if (find("groups-chart")) show(find("groups-chart"), drawGroups);
    document.querySelectorAll("[data-journeys]").forEach((box) => {
      const journeys = data.journeys[box.dataset.journeys];
      const canvas = box.querySelector("canvas");
      const select = box.querySelector("select");
      const chosen = () => journeys[select ? select.value : 0];
      const entry = show(canvas, (width) => drawJourney(chosen())(width));
      if (select) {
        select.addEventListener("change", () => {
          canvas.parentElement.style.height = `${chosen().phases.length * 27 + 76}px`;
          canvas.setAttribute("aria-label", chosen().description);
          entry.draw();
        });
      }
    });
    explorer();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    const closed = [];
    addEventListener("beforeprint", () => {
      document.querySelectorAll("details:not([open])").forEach((part) => {
        closed.push(part);
        part.open = true;
      });
      redraw();
    });
    addEventListener("afterprint", () => {
      closed.splice(0).forEach((part) => { part.open = false; });
      redraw();
    });
  }
  document.documentElement.dataset.ready = calm ? "calm" : "yes";
})();
