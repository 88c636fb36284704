// Uses every control of the page and leaves what it saw in the document.
const changed = () => at("controls").dispatchEvent(new Event("input"));
const set = (id, value) => { at(id).value = value; changed(); };
const check = (id, on) => { at(id).checked = on; changed(); };
const first = (column) => at("table").tBodies[0].rows[0]?.cells[column].textContent;
const seen = {};
const note = (name) => { seen[name] = {
  verdict: at("verdict").textContent, title: at("title").textContent, first: first(0),
  best: document.querySelectorAll("tr.best").length,
  out: document.querySelectorAll("tr.out").length,
  rows: at("table").tBodies[0].rows.length,
  rings: document.getElementById("scatter").data.find((trace) => trace.name === "best of its line")?.x.length,
  outlined: document.getElementById("bars").data.flatMap((trace) => trace.marker?.line?.width ?? [])
    .filter((width) => width > 1).length,
  labels: (document.getElementById("scatter").layout.annotations ?? []).map((it) => it.text.replace(/<.?b>/g, "")),
  overlaps: ["bars", "scatter"].flatMap((plot) => {
    const boxes = [...document.querySelectorAll(`#${plot} .annotation-text-g`)].map((it) => it.getBoundingClientRect());
    return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) =>
      a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom));
  }).length,
  markers: document.querySelectorAll("#scatter .points path").length,
  bars: document.querySelectorAll("#bars .bars .point").length }; };
note("begin");
set("weight", 1); note("speed");
set("weight", 0); note("cost");
set("weight", 0.5); check("spot", false); note("demand");
check("demand", false); note("neither");
check("demand", true); check("spot", true); set("deadline", 0.4); note("deadline");
set("budget", 0.01); note("impossible");
const axisOf = (plot) => document.getElementById(plot).layout.xaxis.title.text;
seen.steps = [...at("steps").children].map((item) => item.textContent);
seen.hours = axisOf("resolution");
document.querySelector("#axis [value=usd]").click(); seen.usd = axisOf("resolution");
const axes = document.getElementById("scatter")._fullLayout;
seen.pixels = [axes.xaxis._length / (axes.xaxis.range[1] - axes.xaxis.range[0]),
               axes.yaxis._length / (axes.yaxis.range[1] - axes.yaxis.range[0])];
at("controls").reset();
setTimeout(() => {
  note("reset");
  document.querySelectorAll("th button")[4].click(); note("sorted");
  document.querySelectorAll("th button")[4].click(); note("reversed");
  at("job").value = 1; at("controls").dispatchEvent(new Event("input")); note("second");
  const pre = document.createElement("pre"); pre.id = "probe";
  pre.textContent = JSON.stringify(seen); document.body.append(pre);
}, 50);
