// Shows the picture of the point under the mouse beside it. A picture is asked for once, when the
// mouse rests on its point, and kept for as long as the page is open.
const REST_MS = 70;
const GAP = 16;

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const state = (parentElement.hoverPicture ??= start(parentElement));
  state.ask = (id) => setTriggerValue("asked", id);
  state.maps = data.maps;
  if (data.id !== null && data.url) {
    state.pictures.set(data.study + data.id, data);
    if (state.pictures.size > 500) state.pictures.delete(state.pictures.keys().next().value);
  }
  state.study = data.study;
  state.attach();
  state.show();
  return () => state.stop();
}

function start(parent) {
  const card = document.createElement("figure");
  card.className = "hover-picture";
  card.setAttribute("aria-hidden", "true"); // the gallery below says the same to everyone
  card.innerHTML = "<img alt=''><figcaption></figcaption>";
  document.body.append(card);
  const state = { pictures: new Map(), over: null, card };
  const attached = new WeakSet();
  let timer = null;
  let stopped = false;

  state.show = () => {
    const found = state.over && state.pictures.get(state.study + state.over.id);
    card.style.display = found ? "block" : "none";
    if (!found) return;
    card.querySelector("img").src = found.url;
    card.querySelector("figcaption").textContent = found.caption;
    const { x, y } = state.over;
    const { width, height } = card.getBoundingClientRect();
    const left = x + GAP + width > innerWidth ? x - GAP - width : x + GAP;
    card.style.left = `${Math.max(4, left)}px`;
    card.style.top = `${Math.max(4, Math.min(y + GAP, innerHeight - height - 4))}px`;
  };

  const hover = (event) => {
    const point = event.points?.[0];
    if (!point?.customdata || stopped) return;
    state.over = { id: String(point.customdata[0]), x: event.event.clientX, y: event.event.clientY };
    state.show();
    clearTimeout(timer);
    if (state.pictures.has(state.study + state.over.id)) return;
    const wanted = state.over.id;
    timer = setTimeout(() => state.over?.id === wanted && state.ask(wanted), REST_MS);
  };
  const leave = () => {
    state.over = null;
    clearTimeout(timer);
    state.show();
  };

  state.attach = () => {
    for (const chart of document.querySelectorAll(`${state.maps} .js-plotly-plot`)) {
      if (attached.has(chart) || !chart.on) continue;
      attached.add(chart);
      chart.on("plotly_hover", hover);
      chart.on("plotly_unhover", leave);
      chart.addEventListener("mouseleave", leave);
    }
  };
  // Charts are drawn after this, and anew when they change.
  const watcher = new MutationObserver(() => state.attach());
  watcher.observe(document.querySelector("[data-testid=stMain]") ?? document.body, {
    childList: true,
    subtree: true,
  });
  state.stop = () => {
    stopped = true;
    clearTimeout(timer);
    watcher.disconnect();
    card.remove();
    delete parent.hoverPicture;
  };
  return state;
}
