// The page: one snapshot after the other, from the websocket into the panels.

import "/page/theme.js";
import { Arrivals } from "/page/arrivals.js";
import { refresh } from "/page/hover.js";
import { Link } from "/page/link.js";
import { showMaps } from "/page/maps.js";
import { showPanels } from "/page/panels.js";
import { Trends } from "/page/trends.js";

const arrivals = new Arrivals((command) => link.send(command));
const trends = new Trends();
// Words and tiles first: a plot is as large as its place, if that is shown.
const shows = [showPanels, (snapshot) => arrivals.show(snapshot), (snapshot) => trends.show(snapshot), showMaps, refresh];

const link = new Link({
  onSnapshot(snapshot) {
    for (const show of shows) {
      try {
        show(snapshot);
      } catch (error) {
        reportError(error); // one panel that fails must not stop the others
      }
    }
  },
  onAnswer: (answer) => arrivals.answer(answer),
  onStale(seconds, why) {
    const banner = document.getElementById("stale");
    banner.hidden = seconds === null;
    document.body.classList.toggle("stale", seconds !== null);
    if (seconds !== null) banner.textContent = `No news for ${seconds} s: ${why}`;
  },
});
