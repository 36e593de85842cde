// Numbers, words and bars. Text goes in as text: nothing that a peer or a board says is markup.

import { count, duration, parts, percent, power, short } from "/page/numbers.js";

const element = (id) => document.getElementById(id);
const say = (id, text) => { element(id).textContent = text; };
const plain = (name) => name.replaceAll("_", " ");

function made(tag, className, text = "") {
  const one = document.createElement(tag);
  one.className = className;
  one.textContent = text;
  return one;
}

function big(id, value, unit) {
  const [number, shown] = parts(value, unit);
  element(id).replaceChildren(number, made("span", "unit", shown));
}

function pill(id, text, kind) {
  say(id, text);
  element(id).className = `pill ${kind}`;
}

export function showPanels(snapshot) {
  document.body.classList.toggle("alone", !snapshot.makes_key);
  placeRates(snapshot);
  showHeader(snapshot);
  showAlarms(snapshot.alarms, snapshot.time_unix_s);
  big("clicks", snapshot.clicks_hz, "/s");
  big("events", snapshot.events_hz, "/s");
  element("tiles").hidden = !snapshot.makes_key && snapshot.clicks_hz === null && !snapshot.histogram;
  showTrigger(snapshot.trigger);
  showG2(snapshot.g2);
  showLosses(snapshot.losses);
  if (snapshot.makes_key) showKey(snapshot);
}

// The count rates fill what is left at the side, and stand with the other curves where nothing is.
function placeRates({ makes_key: key, g2 }) {
  const aside = !key || !g2.length;
  document.body.classList.toggle("aside", aside);
  const card = element("rate-card"), home = element(aside ? "side" : "trends");
  if (card.parentElement === home) return;
  if (aside) home.append(card);
  else home.prepend(card);
}

function showHeader({ board, state, seconds, makes_key: key, label, protocol, qber, message }) {
  say("message", message ?? "");
  say("board", [board, protocol?.toUpperCase()].filter(Boolean).join(" · "));
  say("elapsed", duration(seconds));
  pill("state", state, state === "receiving" ? "good" : state === "starting" ? "" : "bad");
  if (!key) pill("label", "no session: the board alone", "");
  else if (label === "secret") pill("label", "secret keys", "good");
  else pill("label", "DEMONSTRATION: keys are not secret", "warn");
  document.title = `${key ? `${percent(qber, 1)} · ` : ""}${state} · hexkey`;
}

function showAlarms(alarms, now) {
  const place = element("alarms");
  place.hidden = alarms.length === 0;
  // Touched only when something changed, so that a screen reader does not read it out each time.
  const wanted = alarms.map((alarm) => `${alarm.severity}${alarm.message}`).join("\n");
  if (place.dataset.wanted !== wanted) {
    place.dataset.wanted = wanted;
    place.replaceChildren(...alarms.map((alarm) => {
      const line = made("p", alarm.severity, `${alarm.severity === "critical" ? "✖" : "⚠"} ${alarm.message}. `);
      line.dataset.alarm = alarm.name;
      line.append(made("small", ""));
      return line;
    }));
  }
  alarms.forEach((alarm, index) => {
    place.children[index].lastChild.textContent = `for ${duration(Math.max(0, now - alarm.since_unix_s))}`;
  });
}

function showTrigger(trigger) {
  const known = "locked" in trigger;
  const words = !known ? "–" : trigger.holdover ? "holdover" : trigger.locked ? "locked" : "lost";
  say("trigger", words);
  element("trigger").className = words === "locked" || !known ? "" : "bad";
  const more = ["no_trigger", "off_period"].filter((name) => trigger[name]).map(plain);
  if (Number.isFinite(trigger.phase_ps)) more.push(`arrivals at ${(trigger.phase_ps / 1000).toFixed(3)} ns`);
  say("trigger-note", more.join(", "));
}

function showKey(snapshot) {
  const { qber, qber_abort: abort, keys } = snapshot;
  element("qber").replaceChildren(...(qber === null ? ["–"] : [(100 * qber).toFixed(2), made("span", "unit", "%")]));
  element("qber").className = qber !== null && abort !== null && qber > abort ? "bad" : "";
  say("qber-note", abort === null ? "" : `abort above ${percent(abort, 1)}`);
  big("secret", snapshot.secret_hz, "bit/s");
  say("secret-note", snapshot.label === "secret" ? "" : "demonstration");
  big("sifted", snapshot.sifted_hz, "bit/s");
  say("sifted-note", "over the last blocks");
  element("store").hidden = !("stored" in keys);
  if ("stored" in keys) big("keys", keys.stored, keys.stored === 1 ? "key" : "keys");
  say("keys-note", ["pending" in keys ? `${count(keys.pending)} pending` : "", "bits" in keys ? short(keys.bits, "bit") : ""].filter(Boolean).join(", "));
  showEpsilon(snapshot.epsilon, snapshot.epsilon_limit);
  const dropped = Object.entries(snapshot.blocks_dropped).map(([why, number]) => `${count(number)} dropped (${plain(why)})`);
  say("blocks", [`${count(snapshot.blocks_ok)} ok`, ...dropped].join(", "));
}

function showEpsilon(epsilon, limit) {
  element("spent").hidden = epsilon === null;
  if (epsilon === null) return;
  const share = limit ? epsilon / limit : 0;
  element("epsilon-gauge").hidden = !limit;
  element("epsilon-bar").style.width = `${Math.min(100, 100 * share)}%`;
  element("epsilon-bar").className = share > 0.8 ? "high" : "";
  say("epsilon", `${power(epsilon)}${limit ? ` of ${power(limit)}` : ""}`);
}

function showLosses(losses) {
  const rows = Object.entries(losses).filter(([, number]) => number > 0);
  const place = element("losses");
  place.closest("section").hidden = !Object.keys(losses).length; // nothing was counted so far
  place.replaceChildren(...(rows.length ? rows : [["nothing lost", null]]).map(([name, number]) => {
    const row = made("tr", "");
    row.append(made("td", "", plain(name)), made("td", "", number === null ? "" : count(number)));
    return row;
  }));
}

function showG2(all) {
  const place = element("g2");
  place.parentElement.hidden = !all.length;
  place.replaceChildren(...all.map((one) => {
    const where = one.where === "alice" ? "in situ, at Alice" : "diagnostic, at Bob";
    const value = made("span", "big", one.value === null ? "–" : one.value.toFixed(3));
    const line = made("p", "");
    const band = one.low === null ? "" : ` ${one.low.toFixed(3)} to ${one.high === null ? "∞" : one.high.toFixed(3)}`;
    const range = made("small", "", band);
    range.title = "Either end is wrong with a probability of 10⁻⁶";
    line.append(value, range);
    const needed = one.needed_s === null ? "the time it needs cannot be told yet" : one.needed_s > 0 ? `${duration(one.needed_s)} still needed` : "";
    const verdict = made("p", "", [one.verdict, needed].filter(Boolean).join(": "));
    const part = made("div", "");
    part.append(made("small", "", `${where}; ${count(one.coincidences)} coincidences`), line, scale(one), verdict);
    return part;
  }));
}

function scale({ value, low, high }) {
  const place = made("div", "scale");
  const across = (number) => `${100 * Math.min(1, Math.max(0, number))}%`;
  if (low !== null) {
    const range = made("i", "range");
    range.style.left = across(low);
    range.style.width = `calc(${across(high ?? 1)} - ${across(low)})`;
    place.append(range);
  }
  const half = made("i", "half");
  half.style.left = "50%";
  place.append(half);
  if (value !== null) {
    const point = made("i", "point");
    point.style.left = across(value);
    place.append(point);
  }
  for (const mark of [0, 0.5, 1]) {
    const label = made("b", "", String(mark));
    label.style.left = across(mark);
    place.append(label);
  }
  return place;
}
