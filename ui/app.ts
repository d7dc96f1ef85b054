// What the pages gain where script runs. Every page works without it; nothing here knows a rule.
import htmx from "htmx.org";
import { startBid } from "./bid/start";
import { startClock } from "./clock";
import { startCountdowns } from "./countdown";
import { startDrafts } from "./drafts";
import { startDropZone } from "./drop";
import { startHall } from "./hall";
import { startScoring } from "./scoring";

document.documentElement.classList.add("js");

startClock();
startCountdowns();
startHall(htmx);
startDrafts();
startScoring();
startDropZone(htmx);
startBid();

// On narrow screens the filters fold away; without script they stay open.
if (matchMedia("(max-width: 68rem)").matches) {
  document.querySelectorAll<HTMLDetailsElement>("details.facets").forEach((facets) => {
    facets.open = false;
  });
}

document.querySelectorAll<HTMLButtonElement>("[data-print]").forEach((button) => {
  button.addEventListener("click", () => window.print());
});
