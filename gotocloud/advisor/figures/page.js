"use strict";

const { charts, project, scaleHours, scaleUsd } = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const COLUMNS = [
  ["setting", (p) => p.label],
  ["bought", (p) => (p.spot ? "spot" : "on demand")],
  ["machines", (p) => p.series],
  ["hours", (p) => p.hours],
  ["USD", (p) => p.usd ?? NaN],
  ["from", (p) => p.basis],
];
const LABEL_PX = 12;
// The axis of the bars, with its numbers, and the margin at the right.
const BESIDE_BARS_PX = 90;
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
    modebar: { bgcolor: "rgba(0,0,0,0)", color: onPage("--faint"), activecolor: ink },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink },
    template: { layout: { xaxis: axis, yaxis: axis, annotationdefaults: { font: { color: ink }, arrowcolor: ink } } },
  };
}

// Black marks would be lost on a dark page.
const onPaper = (colour) => (dark.matches && colour === "#000000" ? "#ffffff" : colour);

const ends = (spreads) => ({
  type: "data", symmetric: false, thickness: 1, width: 3,
  visible: spreads.some((both) => both.some((side) => side > 0)),
  array: spreads.map(([, up]) => up), arrayminus: spreads.map(([down]) => down),
});

const outline = (on) => (on ? { width: 2.5, color: onPage("--ink") } : { width: 0.6, color: onPage("--paper") });

/** The best of each series: that one is outlined, as in the paper. */
function optimaOf(chart, points, preference) {
  return chart.series
    .map(({ name }) => bestOf(points.filter((p) => p.series === name && p.measured), preference))
    .filter((point) => point !== null);
}

const settingsOf = (chart) => new Map(chart.points.map((point) => [point.setting, point]));

function barTraces(chart, outlined) {
  const settings = settingsOf(chart);
  return chart.series.map(({ name, colour: given, pattern }) => {
    const colour = onPaper(given);
    const own = chart.bars.filter((bar) => bar.series === name);
    const shown = own.map((bar) => settings.get(bar.settings[0]));
    return {
      type: "bar", name, x: own.map((bar) => bar.centre), width: own.map((bar) => 0.92 * bar.width),
      y: shown.map((p) => p.hours),
      error_y: { ...ends(shown.map((p) => p.hoursSpread)), color: onPage("--ink") },
      marker: {
        color: colour, opacity: shown.map((p) => (p.measured ? 1 : chart.pale)),
        pattern: { shape: pattern, fgcolor: "white", bgcolor: colour },
        line: {
          width: shown.map((p) => outline(outlined.has(p.setting)).width),
          color: shown.map((p) => outline(outlined.has(p.setting)).color),
        },
      },
      text: shown.map((p) => `${name}: ${p.label}<br>${p.basis}`), textposition: "none",
      hovertemplate: "%{text}<br>%{y:.3g} h<extra></extra>",
    };
  });
}

/** Times of ideal scaling, as short lines across the bars. */
function idealTrace(chart) {
  const known = chart.bars.filter((bar) => bar.idealHours !== null);
  return {
    type: "scatter", mode: "lines", name: "ideal scaling", line: { color: onPage("--ink"), width: 2 },
    x: known.flatMap((bar) => [bar.centre - bar.width / 2, bar.centre + bar.width / 2, null]),
    y: known.flatMap((bar) => [bar.idealHours, bar.idealHours, null]), hoverinfo: "skip",
  };
}

function slowerTrace(chart) {
  const settings = settingsOf(chart);
  const marks = chart.bars.flatMap((bar) =>
    bar.settings.slice(1).map((setting) => ({ x: bar.centre, point: settings.get(setting) })));
  return {
    type: "scatter", mode: "markers", name: "other ranks or threads", marker: { color: onPage("--muted"), size: 6 },
    x: marks.map(({ x }) => x), y: marks.map(({ point }) => point.hours),
    text: marks.map(({ point }) => `${point.label}<br>${point.basis}`),
    hovertemplate: "%{text}<br>%{y:.3g} h<extra></extra>",
  };
}

/** Upright labels above the outlined bars, the best one first; none where two would meet. */
function barLabels(chart, outlined, best) {
  const settings = settingsOf(chart);
  const wide = at("bars").clientWidth - BESIDE_BARS_PX;
  const shown = [];
  const bars = chart.bars.filter((bar) => outlined.has(bar.settings[0]));
  const isBest = (bar) => Boolean(best) && bar.settings[0] === best.setting;
  for (const bar of bars.sort((a, b) => isBest(b) - isBest(a))) {
    if (shown.every((other) => Math.abs(other.centre - bar.centre) * wide > LABEL_PX + 2)) shown.push(bar);
  }
  return shown.map((bar) => {
    const point = settings.get(bar.settings[0]);
    return {
      x: bar.centre, y: point.hours + point.hoursSpread[1], text: named(point, best), textangle: -90,
      yanchor: "bottom", showarrow: false, yshift: 4, font: { size: LABEL_PX, color: onPage("--ink") },
    };
  });
}

// Of the two markets, a bar has one time: the asterisk stands where the setting is the best one.
const named = (point, best) =>
  (best && point.setting === best.setting ? `<b>*${point.label}</b>` : point.label);

function drawBars(chart, optima, best) {
  const outlined = new Set(optima.map((point) => point.setting));
  const labels = barLabels(chart, outlined, best);
  const extra = [idealTrace(chart), slowerTrace(chart)].filter((trace) => trace.x.length);
  const highest = Math.max(...chart.bars.flatMap((bar) =>
    bar.settings.map((setting) => settingsOf(chart).get(setting)).map((p) => p.hours + p.hoursSpread[1])));
  // An upright label is as long as a third of the plot is high.
  const top = Math.max(1.05 * highest, ...labels.map(({ y }) => y / 0.6));
  Plotly.react("bars", [...barTraces(chart, outlined), ...extra], {
    ...frame(), title: { text: `Time against number of ${chart.onGpu ? "GPUs" : "machines"}`, x: 0.02 },
    barmode: "overlay", height: 520, margin: { t: 50, r: 10 },
    xaxis: { range: [0, 1], showgrid: false, zeroline: false, title: { text: chart.groupName },
      tickvals: chart.groups.map((group) => group.centre), ticktext: chart.groups.map((group) => group.name) },
    yaxis: { title: { text: "time in the job (hours)" }, range: [0, top] },
    legend: { orientation: "h", y: -0.2 }, annotations: labels,
  }, config());
}

function markTraces(chart, points, optima, preference) {
  return chart.series.flatMap(({ name, colour: given, symbol }) =>
    [false, true].map((spot) => {
      const colour = onPaper(given);
      const own = points.filter((p) => p.usd !== null && p.series === name && p.spot === spot);
      const size = (p) => (optima.includes(p) ? 14 : p.measured ? 9 : 6);
      return {
        type: "scatter", mode: "markers", name,
        x: own.map((p) => p.hours), y: own.map((p) => p.usd),
        error_x: ends(own.map((p) => p.hoursSpread)), error_y: ends(own.map((p) => p.usdSpread)),
        text: own.map((p) => p.label + "<br>" + p.basis), legendgroup: name,
        showlegend: !spot || !points.some((p) => p.usd !== null && p.series === name && !p.spot),
        hovertemplate: "%{text}<br>%{x:.3g} h, %{y:.4g} USD<extra></extra>",
        marker: {
          symbol: symbol + (spot ? "-open" : ""), color: colour, size: own.map(size),
          opacity: own.map((p) => (!fits(p, preference) ? 0.2 : p.measured ? 1 : chart.pale)),
          line: { width: spot ? 2 : 0.6, color: spot ? colour : onPage("--paper") },
        },
      };
    }).filter((trace) => trace.x.length));
}

/** Lines through the fastest measured setting of each number of GPUs, one for each series. */
function lineTraces(chart, points) {
  return chart.series.flatMap(({ name, colour }) => [false, true].map((spot) => {
    const fastest = new Map();
    for (const p of points) {
      if (p.usd === null || p.series !== name || p.spot !== spot || !p.measured) continue;
      if (!fastest.has(p.group) || p.hours < fastest.get(p.group).hours) fastest.set(p.group, p);
    }
    const own = [...fastest.values()].sort((a, b) => a.group - b.group);
    return {
      type: "scatter", mode: "lines", name, legendgroup: name, showlegend: false, hoverinfo: "skip",
      line: { color: onPaper(colour), width: 1.2, dash: spot ? "dot" : "solid" },
      x: own.map((p) => p.hours), y: own.map((p) => p.usd),
    };
  })).filter((trace) => trace.x.length > 1);
}

/** A ring around each optimum: an open marker takes no outline of another colour. */
function ringTrace(optima) {
  return {
    type: "scatter", mode: "markers", name: "best of its line", hoverinfo: "skip",
    marker: { symbol: "circle-open", size: 16, color: onPage("--ink"), line: { width: 1.5 } },
    x: optima.map((p) => p.hours), y: optima.map((p) => p.usd),
  };
}

function drawScatter(chart, points, optima, best, preference) {
  const line = { color: "#777", width: 1.5 };
  const traces = [...lineTraces(chart, points), ...markTraces(chart, points, optima, preference)];
  if (best) {
    traces.push(ringTrace(optima));
    traces.unshift({
      type: "scatter", mode: "lines", name: "as good as the best", ...equals(best, preference.weight),
      line: { ...line, dash: "dash" }, hoverinfo: "skip",
    });
  }
  const priced = points.filter((p) => p.usd !== null);
  const whole = 1.1 * Math.max(0.01,
    ...priced.map((p) => Math.max(p.hours / scaleHours, p.usd / scaleUsd)));
  const window = best ? chart.window * Math.sqrt(score(best, 0.5) * 2) : whole;
  const reach = Math.min(whole, Math.max(1.06 * window, 0.01));
  const outside = priced.filter((p) => Math.max(p.hours / scaleHours, p.usd / scaleUsd) > reach);
  at("outside").textContent = outside.length
    ? `${outside.length} of ${priced.length} points lie outside of the plot; double-click shows them.` : "";
  const layout = {
    ...frame(), title: { text: "Time against cost", x: 0.02 }, height: 520, margin: { t: 50, r: 10 },
    xaxis: { title: { text: "time in the job (hours)" }, range: [0, reach * scaleHours], constrain: "domain" },
    yaxis: { title: { text: "cost (US dollars)" }, range: [0, reach * scaleUsd],
      scaleanchor: "x", scaleratio: scaleHours / scaleUsd, constrain: "domain" },
    legend: { orientation: "h", y: -0.2 }, annotations: [],
  };
  Plotly.react("scatter", traces, layout, config());
  // Where the labels have room is known when the axes are drawn.
  Plotly.relayout("scatter", { annotations: placedLabels(optima, best, priced) });
}

const meets = (a, b) => a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;
const around = (x, y, width, height) => ({ x0: x - width / 2, x1: x + width / 2, y0: y - height / 2, y1: y + height / 2 });

/** Labels of the optima, each where it lies on no mark and no other label; the best one first. */
function placedLabels(optima, best, points) {
  const { xaxis, yaxis } = at("scatter")._fullLayout;
  const place = (p) => [xaxis.l2p(p.hours), yaxis.l2p(p.usd)];
  const inside = ([x, y]) => x >= 0 && x <= xaxis._length && y >= 0 && y <= yaxis._length;
  const taken = points.map(place).map(([x, y]) => around(x, y, 12, 12));
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `bold ${LABEL_PX}px sans-serif`;
  const labels = [];
  for (const point of [...optima].sort((a, b) => (b === best) - (a === best))) {
    const [x, y] = place(point);
    if (!inside([x, y])) continue;
    const size = [pen.measureText(`*${point.label}`).width + 8, LABEL_PX + 6];
    const found = freePlace(x, y, size, taken, xaxis._length, yaxis._length);
    if (!found) continue;
    taken.push(around(...found, ...size));
    labels.push({
      x: point.hours, y: point.usd, text: named(point, best), ax: found[0] - x, ay: found[1] - y,
      font: { size: LABEL_PX, color: onPage("--ink") }, arrowcolor: onPage("--faint"), arrowhead: 0, arrowwidth: 1, standoff: 8,
    });
  }
  return labels;
}

function freePlace(x, y, [width, height], taken, right, foot) {
  for (let far = 14; far < 260; far += 10) {
    for (let turn = 0; turn < 24; turn += 1) {
      const angle = (turn / 24) * 2 * Math.PI;
      const middle = [x + Math.cos(angle) * (far + width / 2), y - Math.sin(angle) * (far + height / 2)];
      const box = around(...middle, width, height);
      if (box.x0 < 0 || box.y0 < 0 || box.x1 > right || box.y1 > foot) continue;
      if (!taken.some((other) => meets(box, other))) return middle;
    }
  }
  return null;
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
  at("left-out").textContent = chart.leftOut ? `Not drawn: ${chart.leftOut}.` : "";
  const optima = optimaOf(chart, points, preference);
  if (best && !optima.includes(best)) optima.push(best);
  drawBars(chart, optima, best);
  drawScatter(chart, points, optima, best, preference);
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
