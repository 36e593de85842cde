// The page: one snapshot after the other, from the websocket into the panels.

import "/page/theme.js";
import { Arrivals } from "/page/arrivals.js";
import { Link } from "/page/link.js";
import { showMaps } from "/page/maps.js";
import { showPanels } from "/page/panels.js";
import { Trends } from "/page/trends.js";

const arrivals = new Arrivals((command) => link.send(command));
let trends = null;

const link = new Link({
  onSnapshot(snapshot) {
    showPanels(snapshot);
    trends ??= new Trends(); // after the panels: a plot is as large as its place, if that is shown
    arrivals.show(snapshot);
    trends.show(snapshot);
    showMaps(snapshot);
  },
  onAnswer: (answer) => arrivals.answer(answer),
  onStale(seconds, why) {
    const banner = document.getElementById("stale");
    banner.hidden = seconds === null;
    document.body.classList.toggle("stale", seconds !== null);
    if (seconds !== null) banner.textContent = `No news for ${seconds} s: ${why}`;
  },
});
