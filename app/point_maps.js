// Two maps that stay: new colours and choices change what is drawn, zoom and WebGL remain.

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const maps = (parentElement.pointMaps ??= new PointMaps(parentElement));
  maps.show(data, (chosen) => setTriggerValue("chosen", chosen));
  return () => {
    maps.stop();
    delete parentElement.pointMaps;
  };
}

let loading = null;

// Plotly's code, once for as long as the page is open.
function load(address) {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loading = null;
      reject(new Error("the maps' code could not be read"));
    };
    document.head.append(script);
  });
  return loading;
}

class PointMaps {
  constructor(parent) {
    this.root = document.createElement("div");
    this.root.className = "point-maps";
    parent.append(this.root);
    this.maps = new Map(); // side → what is drawn there
    this.chosen = null; // names, or null where nobody is greyed
    this.revision = 0;
    this.asked = null; // the newest data, while older ones are being drawn
    this.busy = false;
    this.watcher = new ResizeObserver(() => this.fit());
    this.watcher.observe(this.root);
  }

  show(data, send) {
    this.send = send;
    this.asked = data;
    this.root.dataset.drawn = "";
    if (!this.busy) this.work();
  }

  async work() {
    this.busy = true;
    try {
      while (this.asked) {
        const data = this.asked;
        this.asked = null;
        this.plotly = await load(data.code);
        await this.draw(data);
      }
    } catch (error) {
      this.maps.clear();
      this.root.textContent = `The maps cannot be drawn: ${error.message}.`;
    } finally {
      this.busy = false;
      this.root.dataset.drawn = String(performance.now());
    }
  }

  async draw(data) {
    if (!this.root.isConnected) return;
    if (!this.maps.size) this.root.replaceChildren(); // what went wrong before
    this.chosen = data.chosen && new Set(data.chosen);
    const drawing = Object.entries(data.figures).map(([side, text]) => {
      const map = this.map(side);
      const [what, which] = data.headings[side];
      map.what.textContent = what;
      map.which.textContent = `: ${which}`;
      map.chart.setAttribute("aria-label", `${what}: ${which}. ${data.alternative}`);
      if (map.text === text) return this.grey(map);
      map.text = text;
      return this.react(map, JSON.parse(text), data.config);
    });
    await Promise.all(drawing);
  }

  map(side) {
    if (this.maps.has(side)) return this.maps.get(side);
    const section = document.createElement("section");
    section.innerHTML = "<p><strong></strong><span></span></p><div role='group'></div>";
    this.root.append(section);
    const [what, which] = section.querySelectorAll("strong, span");
    const chart = section.querySelector("div");
    const map = { what, which, chart, width: null, text: null, greyed: null, heard: false };
    this.maps.set(side, map);
    return map;
  }

  async react(map, figure, config) {
    for (const trace of figure.data) trace.selectedpoints = this.places(trace);
    map.greyed = this.chosen;
    figure.layout.font = { ...figure.layout.font, family: getComputedStyle(this.root).fontFamily };
    figure.layout.selectionrevision = ++this.revision;
    map.width ??= map.chart.clientWidth;
    await this.plotly.react(map.chart, figure.data, figure.layout, config);
    if (map.heard) return;
    map.heard = true;
    this.fit();
    map.chart.on("plotly_selected", (event) => this.choose(map, event?.points));
    map.chart.on("plotly_deselect", () => this.choose(map, null));
  }

  // Who of a trace is in colour, as Plotly has it.
  places(trace) {
    if (!this.chosen) return null;
    return trace.customdata.flatMap(([name], place) => (this.chosen.has(name) ? [place] : []));
  }

  // Someone was chosen on a map: both grey the rest at once, the app hears of it.
  choose(map, points) {
    const names = points?.length ? points.map((point) => String(point.customdata[0])) : null;
    this.chosen = names && new Set(names);
    for (const other of this.maps.values()) this.grey(other, { keepOutline: other === map });
    this.send(names ?? []);
  }

  grey(map, { keepOutline = false } = {}) {
    if (same(map.greyed, this.chosen)) return undefined;
    map.greyed = this.chosen;
    const { data, layout } = map.chart;
    const traces = data.map((trace) => ({ ...trace, selectedpoints: this.places(trace) }));
    const selections = keepOutline ? layout.selections : [];
    const shown = { ...layout, selections, selectionrevision: ++this.revision };
    return this.plotly.react(map.chart, traces, shown);
  }

  // Charts take up the room that there is, whenever it changes.
  fit() {
    for (const map of this.maps.values()) {
      if (!map.heard || map.width === map.chart.clientWidth) continue;
      map.width = map.chart.clientWidth;
      this.plotly.Plots.resize(map.chart);
    }
  }

  stop() {
    this.watcher.disconnect();
    for (const { chart } of this.maps.values()) this.plotly?.purge(chart);
    this.root.remove();
  }
}

function same(a, b) {
  if (a === null || b === null) return a === b;
  return a.size === b.size && [...a].every((name) => b.has(name));
}
