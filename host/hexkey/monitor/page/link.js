// The websocket: comes back by itself, and says since when nothing came.

import { decode } from "/page/frame.js";

const STALE_MS = 3000;
const LONGEST_WAIT_MS = 4000;

export class Link {
  // `onSnapshot(snapshot)`, `onAnswer({accepted, message})`, `onStale(seconds or null, why)`.
  constructor({ onSnapshot, onAnswer, onStale }) {
    Object.assign(this, { onSnapshot, onAnswer, onStale });
    this.wait = 250;
    this.heard = performance.now();
    this.pending = null;
    this.refused = false;
    this.failed = "";
    this.open();
    setInterval(() => this.look(), 500);
  }

  open() {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      this.wait = 250;
      if (typeof data === "string") {
        this.onAnswer(JSON.parse(data));
        return;
      }
      this.heard = performance.now();
      this.failed = "";
      this.draw(data);
    };
    socket.onclose = ({ code, reason }) => {
      if (code === 1011) this.failed = reason;
      this.ask();
      setTimeout(() => this.open(), this.wait);
      this.wait = Math.min(2 * this.wait, LONGEST_WAIT_MS);
    };
    this.socket = socket;
  }

  // A page in the background gets no animation frames: it keeps the latest alone.
  draw(data) {
    if (this.pending === null) {
      requestAnimationFrame(() => {
        const latest = this.pending;
        this.pending = null;
        this.onStale(null);
        this.onSnapshot(decode(latest));
      });
    }
    this.pending = data;
  }

  look() {
    const silent = performance.now() - this.heard;
    if (silent > STALE_MS || this.refused) this.onStale(Math.round(silent / 1000), this.why());
  }

  why() {
    if (this.refused) return "this page is not admitted any more: open the address that hexkey printed";
    if (this.failed) return this.failed;
    if (this.socket.readyState === WebSocket.OPEN) return "hexkey is there, and its run says nothing";
    return "hexkey does not answer; trying again";
  }

  // A websocket that is refused does not say why: a hexkey that was started anew has another token.
  async ask() {
    try {
      this.refused = (await fetch("/api/snapshot")).status === 401;
    } catch {
      this.refused = false;
    }
  }

  // Whether the command is on its way.
  send(command) {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(command));
    return true;
  }
}
