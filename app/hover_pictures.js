// Who is under the mouse on the maps, and a card with their picture beside it.
const REST_MS = 70;
const GAP = 16;

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const state = (parentElement.hoverPictures ??= startPictures());
  state.update(data, setTriggerValue);
  return () => {
    state.stop();
    delete parentElement.hoverPictures;
  };
}

// Calls `attach(chart)` once for each chart, now and whenever one is drawn later.
function eachChart(maps, attach) {
  const attached = new WeakSet();
  const look = () => {
    for (const chart of document.querySelectorAll(`${maps} .js-plotly-plot`)) {
      if (attached.has(chart) || !chart.on) continue;
      attached.add(chart);
      attach(chart);
    }
  };
  // Charts are drawn after this, and anew when they change.
  const watcher = new MutationObserver(look);
  const main = document.querySelector("[data-testid=stMain]") ?? document.body;
  watcher.observe(main, { childList: true, subtree: true });
  look();
  return () => watcher.disconnect();
}

function startPictures() {
  const card = document.createElement("figure");
  card.className = "hover-picture";
  card.setAttribute("aria-hidden", "true"); // the gallery below says the same to everyone
  card.innerHTML = "<img alt=''><figcaption></figcaption>";
  document.body.append(card);
  const pictures = new Map();
  const state = {};
  let over = null;
  let timer = null;
  let unwatch = null;

  const show = () => {
    const found = over && pictures.get(state.study + over.id);
    card.style.display = found ? "block" : "none";
    if (!found) return;
    card.querySelector("img").src = found.url;
    card.querySelector("figcaption").textContent = found.caption;
    const { width, height } = card.getBoundingClientRect();
    const left = over.x + GAP + width > innerWidth ? over.x - GAP - width : over.x + GAP;
    card.style.left = `${Math.max(4, left)}px`;
    card.style.top = `${Math.max(4, Math.min(over.y + GAP, innerHeight - height - 4))}px`;
  };
  const hover = (event) => {
    const point = event.points?.[0];
    if (!point?.customdata) return;
    const id = String(point.customdata[0]);
    over = { id, x: event.event.clientX, y: event.event.clientY };
    show();
    clearTimeout(timer);
    // A picture is asked for once, when the mouse rests on its point.
    if (!pictures.has(state.study + id)) {
      timer = setTimeout(() => over?.id === id && state.ask(id), REST_MS);
    }
  };
  const leave = () => {
    over = null;
    clearTimeout(timer);
    show();
  };

  state.update = (data, setTriggerValue) => {
    state.study = data.study;
    state.ask = (id) => setTriggerValue("asked", id);
    if (data.id !== null && data.url) {
      pictures.set(data.study + data.id, data);
      if (pictures.size > 500) pictures.delete(pictures.keys().next().value);
    }
    unwatch ??= eachChart(data.maps, (chart) => {
      chart.on("plotly_hover", hover);
      chart.on("plotly_unhover", leave);
      chart.addEventListener("mouseleave", leave);
    });
    show();
  };
  state.stop = () => {
    leave();
    unwatch?.();
    card.remove();
  };
  return state;
}
