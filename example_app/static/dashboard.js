"use strict";

// The access token's end, as a distance from now.
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const expiry = document.querySelector("time[data-relative]");

function showExpiry() {
  const seconds = Math.round((Date.parse(expiry.dateTime) - Date.now()) / 1000);
  const isNear = Math.abs(seconds) < 90;
  expiry.textContent = isNear
    ? words.format(seconds, "second")
    : words.format(Math.round(seconds / 60), "minute");
}

showExpiry();
setInterval(showExpiry, 1000);

// The WebSocket: the session cookie goes along with its handshake.
const greeting = document.getElementById("greeting");
const address = new URL("/ws", location.href);
address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
const socket = new WebSocket(address);
let isGreeted = false;

greeting.textContent = "Connecting …";
socket.addEventListener("message", (event) => {
  const message = JSON.parse(event.data);
  isGreeted = true;
  greeting.textContent = message.greeting ?? "Ended, as the access token has expired. Reload to go on.";
});
socket.addEventListener("close", () => {
  if (!isGreeted) greeting.textContent = "Refused: you are not signed in.";
});

// The same user as JSON.
const ask = document.getElementById("ask");
const answer = document.getElementById("answer");

ask.hidden = false;
ask.addEventListener("click", async () => {
  answer.hidden = false;
  try {
    const response = await fetch("/api/me", { headers: { Accept: "application/json" } });
    answer.textContent = `${response.status}\n${JSON.stringify(await response.json(), null, 2)}`;
  } catch {
    answer.textContent = "The server cannot be reached.";
  }
});
