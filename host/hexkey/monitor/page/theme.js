// Light and dark: as the system has it, or as the button says.

const listeners = [];
const system = matchMedia("(prefers-color-scheme: dark)");
let chosen = null;
try { chosen = localStorage.getItem("hexkey-theme"); } catch { /* storage may be forbidden */ }

let colours = {};

function apply() {
  document.documentElement.dataset.theme = chosen ?? (system.matches ? "dark" : "light");
  colours = {}; // asked for once: each look at a computed style lays the whole page out
  for (const listener of listeners) listener();
}

export function colour(name) {
  return colours[name] ??= getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function onTheme(listener) {
  listeners.push(listener);
}

document.getElementById("theme").addEventListener("click", () => {
  chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  try { localStorage.setItem("hexkey-theme", chosen); } catch { /* it lasts for this visit */ }
  apply();
});
system.addEventListener("change", apply);
apply();
