// Draws the charts from their JSON islands. Colours come from the CSS tokens; drawn again when the theme or the page changes.
"use strict";
(() => {
  // A token may be light-dark(): the browser resolves it on a real element.
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const token = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const drawn = new Map();
  const short = (value) => {
    const size = Math.abs(value);
    if (size >= 1e6) return `${+(value / 1e6).toFixed(1)} M`;
    return size >= 1e3 ? `${+(value / 1e3).toFixed(1)} k` : `${+value.toFixed(2)}`;
  };
  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const when = (label) => {
    const found = /^(\d{4})-(\d{2})(?:-(\d{2}))?$/.exec(label);
    if (!found) return label;
    const month = months[Number(found[2]) - 1];
    return found[3] ? `${Number(found[3])} ${month}` : `${month} ${found[1]}`;
  };
  // Names differ at their ends, resource ids above all: the middle goes. Hovering shows the whole, and so does the table.
  const elided = (name, most) => {
    if (name.length <= most) return name;
    const head = Math.floor((most - 1) / 2);
    return `${name.slice(0, head)}…${name.slice(name.length - (most - 1 - head))}`;
  };
  const pen = document.createElement("canvas").getContext("2d");
  const fitting = (name, room) => {
    pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    let shown = name;
    for (let most = name.length; pen.measureText(shown).width > room && most > 8; most--) shown = elided(name, most - 1);
    return shown;
  };
  const broken = (name) => name.match(/.{1,60}/gu).join("\n"); // richText knows no wrapping
  const full = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

  const option = (data, wide) => {
    const ink = token("--ink-3"), line = token("--line"), paper = token("--paper-1"), text = token("--ink-1");
    const colour = (name, place) => token(name === "other" ? "--series-7" : `--series-${Math.min(place + 1, 7)}`);
    const axis = { axisLine: { lineStyle: { color: line } }, axisTick: { show: false }, axisLabel: { color: ink, hideOverlap: true } };
    const ranked = data.kind === "contribution"; // the largest on top, its name beside it
    const names = { type: "category", data: data.labels.map(when), inverse: ranked, ...axis };
    const shown = ranked ? data.labels.map((name) => fitting(name, Math.min(380, wide * 0.4))) : []; // the bars have the most of it
    if (ranked) names.axisLabel = { ...names.axisLabel, interval: 0, hideOverlap: false, formatter: (_, place) => shown[place] };
    const grid = { left: 8, right: 8, top: 12, bottom: 4, containLabel: true };
    if (ranked) Object.assign(grid, { left: 16 + Math.max(...shown.map((name) => pen.measureText(name).width)), right: 24, bottom: 24, containLabel: false });
    const amounts = { type: "value", splitLine: { lineStyle: { color: line } }, axisLabel: { color: ink, formatter: short, hideOverlap: true } };
    return {
      animation: false,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      grid,
      // Rich text is drawn on the canvas: an HTML tooltip would need inline styles, which the page forbids.
      tooltip: {
        trigger: "axis", renderMode: "richText", confine: true, axisPointer: { type: "shadow" },
        backgroundColor: paper, borderColor: line, borderWidth: 1, textStyle: { color: text, fontSize: 12 },
        formatter: (points) => {
          const rows = points.filter((p) => p.value !== null && p.value !== 0).map((p) => `${p.seriesName}  ${full.format(p.value)}`);
          const sum = points.reduce((all, p) => all + (p.value || 0), 0);
          return [broken(points[0].axisValue), ...rows.reverse(), `together  ${full.format(sum)} ${data.unit}`].join("\n");
        },
      },
      xAxis: ranked ? amounts : names,
      yAxis: ranked ? names : amounts,
      series: data.series.map((one, place) => ({
        type: "bar", stack: "all", name: one.name, data: one.values, barCategoryGap: "25%",
        itemStyle: { color: colour(one.name, place) }, emphasis: { disabled: true },
      })),
    };
  };

  const draw = () => {
    for (const [box, chart] of drawn) {
      if (!box.isConnected) { chart.dispose(); drawn.delete(box); }
    }
    for (const box of document.querySelectorAll("[data-chart]")) {
      const data = JSON.parse(document.getElementById(box.dataset.chart).textContent);
      if (!drawn.has(box)) drawn.set(box, echarts.init(box, null, { renderer: "canvas" }));
      drawn.get(box).setOption(option(data, box.clientWidth), true);
      box.classList.add("drawn");
    }
  };
  draw();
  document.addEventListener("fiscus:theme", draw);
  document.addEventListener("htmx:after:swap", draw);
  addEventListener("resize", () => {
    drawn.forEach((chart) => chart.resize());
    draw();
  });
})();
