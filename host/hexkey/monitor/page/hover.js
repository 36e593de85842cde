// What is under the pointer, in a box beside it. One box serves the whole page.

const AWAY_PX = 14;
const TOUCHED_MS = 3000; // a finger that has left hides what it asked for no longer

const box = document.createElement("div");
box.className = "tip";
box.hidden = true;
box.setAttribute("aria-hidden", "true"); // it follows a pointer, and says nothing of its own accord
document.body.append(box);
let under = null;
let leaving = null;

// `describe(x, y)`, in pixels of `place`, returns {title, rows: [[name, value, colour], …]} or null.
export function hover(place, describe) {
  place.addEventListener("pointermove", (event) => at(event, place, describe));
  place.addEventListener("pointerdown", (event) => at(event, place, describe));
  place.addEventListener("pointerleave", ({ pointerType }) => {
    clearTimeout(leaving);
    leaving = setTimeout(leave, pointerType === "mouse" ? 0 : TOUCHED_MS);
  });
}

// Numbers change below a pointer that rests.
export function refresh() {
  if (under) show();
}

function at({ clientX, clientY }, place, describe) {
  clearTimeout(leaving);
  if (under && under.place !== place) leave();
  under = { place, describe, x: clientX, y: clientY };
  show();
}

function leave() {
  const left = under;
  under = null;
  box.hidden = true;
  left?.describe(-1, -1);
}

function show() {
  const { place, describe, x, y } = under;
  const edge = place.getBoundingClientRect();
  const said = place.isConnected ? describe(x - edge.left, y - edge.top) : null;
  box.hidden = said === null;
  if (said === null) return;
  const title = document.createElement("b");
  title.textContent = said.title;
  box.replaceChildren(title, ...said.rows.flatMap(([name, value, colour]) => {
    const [mark, what, number] = ["i", "span", "strong"].map((tag) => document.createElement(tag));
    if (colour) mark.style.background = colour;
    what.textContent = name;
    number.textContent = value;
    return [mark, what, number];
  }));
  const { offsetWidth: width, offsetHeight: height } = box;
  const across = document.documentElement.clientWidth;
  const left = x + AWAY_PX + width > across ? x - AWAY_PX - width : x + AWAY_PX;
  box.style.left = `${Math.max(0, Math.min(left, across - width))}px`;
  box.style.top = `${y + AWAY_PX + height > innerHeight ? Math.max(0, y - AWAY_PX - height) : y + AWAY_PX}px`;
}
