"use strict";

const { charts, project, scaleHours, scaleUsd } = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const COLUMNS = [
  ["setting", (p) => p.label],
  ["bought", (p) => (p.spot ? "spot" : "on demand")],
  ["units", (p) => p.units],
  ["hours", (p) => p.hours],
  ["USD", (p) => p.usd ?? NaN],
  ["from", (p) => p.basis],
];
let sorting = { column: 3, down: false };

function readPreference() {
  const number = (id) => (at(id).value === "" ? Infinity : Number(at(id).value));
  return {
    weight: Number(at("weight").value),
    deadline: number("deadline"),
    budget: number("budget"),
    markets: [at("demand").checked ? false : null, at("spot").checked ? true : null],
  };
}

// The same formula as advisor/ranking.py: only the order of scores means something.
function score(point, weight) {
  const x = point.hours / scaleHours;
  const y = point.usd / scaleUsd;
  return weight * x * x + (1 - weight) * y * y;
}

function fits(point, preference) {
  return point.usd !== null && point.hours <= preference.deadline && point.usd <= preference.budget;
}

function bestOf(points, preference) {
  const usable = points.filter((point) => fits(point, preference));
  return usable.reduce(
    (best, point) => (!best || score(point, preference.weight) < score(best, preference.weight) ? point : best),
    null,
  );
}

function frontOf(points) {
  const beats = (a, b) =>
    a.hours <= b.hours && a.usd <= b.usd &&
    (a.hours < b.hours || a.usd < b.usd);
  return points
    .filter((point) => point.usd !== null && !points.some((other) => other.usd !== null && beats(other, point)))
    .sort((a, b) => a.hours - b.hours);
}

// Points as good as the best: a quarter of an ellipse, of a circle in the paper's axes.
function equals(best, weight) {
  const total = score(best, weight);
  const steps = [...Array(65).keys()].map((step) => (step / 64) * (Math.PI / 2));
  const far = 1e3;
  return {
    x: steps.map((a) => Math.min(far, Math.sqrt(total / Math.max(weight, 1e-9))) * Math.sin(a) * scaleHours),
    y: steps.map((a) => Math.min(far, Math.sqrt(total / Math.max(1 - weight, 1e-9))) * Math.cos(a) * scaleUsd),
  };
}

const dark = window.matchMedia("(prefers-color-scheme: dark)");

const onPage = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// On a phone plotly's buttons cover the title, and a long title of an axis is cut.
const narrow = () => window.innerWidth < 600;
const config = () => ({ responsive: true, displaylogo: false, displayModeBar: narrow() ? false : "hover" });

/** The frame of every plot, in the colours of the page. */
function frame() {
  const [ink, line] = [onPage("--ink"), onPage("--line")];
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true };
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink },
    template: { layout: { xaxis: axis, yaxis: axis, annotationdefaults: { font: { color: ink }, arrowcolor: ink } } },
  };
}

// Black marks would be lost on a dark page.
const onPaper = (colour) => (dark.matches && colour === "#000000" ? "#ffffff" : colour);

const ends = (spreads) => ({
  type: "data", symmetric: false, thickness: 1, width: 3,
  array: spreads.map(([, up]) => up), arrayminus: spreads.map(([down]) => down),
});

function barTraces(chart) {
  return chart.types.map(({ name, colour: given, pattern }) => {
    const colour = onPaper(given);
    const own = chart.bars.filter((p) => p.type === name);
    return {
      type: "bar", name, x: own.map((p) => p.name), y: own.map((p) => p.hours),
      error_y: { ...ends(own.map((p) => p.hoursSpread)), color: onPage("--ink") },
      marker: {
        color: colour, opacity: own.map((p) => (p.measured ? 1 : chart.pale)),
        pattern: { shape: pattern, fgcolor: "white", bgcolor: colour },
      },
      text: own.map((p) => p.basis), textposition: "none",
      hovertemplate: "%{x}<br>%{y:.3g} h<br>%{text}<extra></extra>",
    };
  });
}

function markTraces(chart, points, best, preference) {
  return chart.types.flatMap(({ name, colour: given, symbol }) =>
    [false, true].map((spot) => {
      const colour = onPaper(given);
      const own = points.filter((p) => p.usd !== null && p.type === name && p.spot === spot);
      return {
        type: "scatter", mode: "markers", name: name + (spot ? " spot" : ""),
        x: own.map((p) => p.hours), y: own.map((p) => p.usd),
        error_x: ends(own.map((p) => p.hoursSpread)), error_y: ends(own.map((p) => p.usdSpread)),
        text: own.map((p) => p.label + "<br>" + p.basis),
        hovertemplate: "%{text}<br>%{x:.3g} h, %{y:.4g} USD<extra></extra>",
        marker: {
          symbol: symbol + (spot ? "-open" : ""), color: colour,
          size: own.map((p) => (p === best ? 17 : 10)),
          opacity: own.map((p) => (!fits(p, preference) ? 0.2 : p.measured ? 1 : chart.pale)),
          line: { width: spot ? 2 : 1, color: spot ? colour : "white" },
        },
      };
    }).filter((trace) => trace.x.length));
}

function drawScatter(chart, points, best, preference) {
  const line = { color: "#777", width: 1.5 };
  const front = frontOf(points);
  const traces = [{
    type: "scatter", mode: "lines", name: "Pareto front", line: { ...line, shape: "hv" },
    x: front.map((p) => p.hours), y: front.map((p) => p.usd), hoverinfo: "skip",
  }, ...markTraces(chart, points, best, preference)];
  if (best) {
    traces.unshift({
      type: "scatter", mode: "lines", name: "as good as the best", ...equals(best, preference.weight),
      line: { ...line, dash: "dash" }, hoverinfo: "skip",
    });
  }
  const priced = points.filter((p) => p.usd !== null);
  const reach = 1.1 * Math.max(0.01,
    ...priced.map((p) => Math.max(p.hours / scaleHours, p.usd / scaleUsd)));
  Plotly.react("scatter", traces, {
    ...frame(), title: { text: "Time against cost", x: 0.02 }, height: 520, margin: { t: 50, r: 10 },
    xaxis: { title: { text: "time in the job (hours)" }, range: [0, reach * scaleHours], constrain: "domain" },
    yaxis: { title: { text: "cost (US dollars)" }, range: [0, reach * scaleUsd],
      scaleanchor: "x", scaleratio: scaleHours / scaleUsd, constrain: "domain" },
    legend: { orientation: "h", y: -0.2 },
    annotations: best ? [{ x: best.hours, y: best.usd, text: best.label, ax: 60, ay: -40 }] : [],
  }, config());
}

function drawBars(chart) {
  Plotly.react("bars", barTraces(chart), {
    ...frame(), title: { text: `Time against number of ${chart.unitName}`, x: 0.02 }, barmode: "overlay", height: 520, margin: { t: 50, r: 10 },
    xaxis: { categoryorder: "array", categoryarray: chart.bars.map((p) => p.name), tickangle: -60,
      title: { text: `${chart.unitName} @ nodes x family${narrow() ? "<br>" : " "}(GPUs, vCPUs of a node)`, standoff: 12 } },
    yaxis: { title: { text: "time in the job (hours)" }, rangemode: "tozero" },
    legend: { orientation: "h", y: -0.55 },
  }, config());
}

function fillTable(points, best, preference) {
  const value = COLUMNS[sorting.column][1];
  const sorted = [...points].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    const order = typeof x === "string" ? x.localeCompare(y) : (Number.isNaN(x) ? 1 : x - y);
    return sorting.down ? -order : order;
  });
  at("table").tBodies[0].replaceChildren(...sorted.map((point) => {
    const row = document.createElement("tr");
    row.className = point === best ? "best" : fits(point, preference) ? "" : "out";
    for (const [, read] of COLUMNS) {
      const shown = read(point);
      const text = typeof shown === "number"
        ? (Number.isNaN(shown) ? "unknown" : String(Number(shown.toPrecision(4)))) : shown;
      row.insertCell().textContent = text;
    }
    return row;
  }));
}

function tell(best, points) {
  const priced = points.some((point) => point.usd !== null);
  at("verdict").textContent = best
    ? `Best: ${best.label}, ${best.spot ? "spot" : "on demand"}: ` +
      `${best.hours.toPrecision(3)} h, ${best.usd.toFixed(2)} USD.`
    : priced ? "No setting meets the deadline and the budget." : "No cost is known.";
}

function draw() {
  const chart = charts[Number(at("job").value)];
  const preference = readPreference();
  const points = chart.points.filter((point) => preference.markets.includes(point.spot));
  const best = bestOf(points, preference);
  at("title").textContent = chart.title;
  at("source").textContent = chart.source;
  drawBars(chart);
  drawScatter(chart, points, best, preference);
  fillTable(points, best, preference);
  tell(best, points);
}

function drawResolution() {
  const axis = new FormData(at("axis")).get("axis");
  const { steps } = project;
  Plotly.react("resolution", [{
    type: "scatter", mode: "lines+markers+text", line: { color: "#0072B2" }, marker: { size: 9 },
    x: steps.map((step) => step[axis]), y: steps.map((step) => step.angstrom),
    text: steps.map((_, index) => String(index + 1)), textposition: "top left",
    customdata: steps.map((step) => step.name),
    hovertemplate: "%{customdata}<br>%{y} Å at %{x:,}<extra></extra>",
  }], {
    ...frame(), height: 460, margin: { t: 20 },
    xaxis: { rangemode: "tozero", title: { text: axis === "hours" ? "cumulative time (hours)" : "cumulative cost (US dollars)" } },
    yaxis: { autorange: "reversed", title: { text: "resolution (Å), better is up" } },
  }, config());
}

function prepareProject() {
  at("project").hidden = false;
  at("project-source").textContent = project.source;
  at("steps").append(...project.steps.map((step) => {
    const item = document.createElement("li");
    item.textContent = `${step.name}: ${step.angstrom} Å after ${step.hours.toLocaleString("en")} h and ` +
      `${step.usd.toLocaleString("en")} USD`;
    return item;
  }));
  at("axis").addEventListener("input", drawResolution);
  dark.addEventListener("change", drawResolution);
  drawResolution();
}

function prepareCharts() {
  at("job").append(...charts.map((chart, index) => new Option(chart.job, index)));
  const head = at("table").tHead.insertRow();
  COLUMNS.forEach(([name], column) => {
    const cell = head.appendChild(document.createElement("th"));
    const button = cell.appendChild(document.createElement("button"));
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => {
      sorting = { column, down: sorting.column === column && !sorting.down };
      draw();
    });
  });
  at("controls").addEventListener("input", draw);
  dark.addEventListener("change", draw);
  at("controls").addEventListener("submit", (event) => event.preventDefault());
  // A reset changes the fields after its event.
  at("controls").addEventListener("reset", () => setTimeout(draw));
  draw();
}

if (charts.length) prepareCharts();
else document.querySelectorAll("#controls, #plots, #legend, #table").forEach((part) => part.remove());
if (project) prepareProject();
