// Storing the page for use without a network, and taking a newer one when the user says so.

import { byId, element, words } from "./elements.ts";

export async function keepOffline(): Promise<void> {
  const say = (text: string, ...more: HTMLElement[]) =>
    byId("offline").replaceChildren(text, ...more);
  if (!("serviceWorker" in navigator)) {
    say("Not stored for use without a network: that needs https.");
    return;
  }
  const had = Boolean(navigator.serviceWorker.controller);
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (had) location.reload();
  });
  try {
    const registration = await navigator.serviceWorker.register("sw.js");
    watch(registration, say);
    await navigator.serviceWorker.ready;
    if (!registration.waiting) say("Stored: this page works without a network.");
  } catch (e) {
    say(`Not stored for use without a network: ${words(e)}`);
  }
}

function watch(
  registration: ServiceWorkerRegistration,
  say: (text: string, ...more: HTMLElement[]) => void,
): void {
  const offer = () => {
    const { waiting } = registration;
    if (!waiting) return;
    const button = element("button", "Use the newer version", { type: "button" });
    button.addEventListener("click", () => waiting.postMessage("take over"));
    say("A newer version of this page is stored. ", button);
  };
  const follow = (worker: ServiceWorker | null) =>
    worker?.addEventListener("statechange", () => {
      if (worker.state === "installed") offer();
      if (worker.state === "redundant" && !registration.active) {
        say("Not stored for use without a network: a file of this page is missing or damaged.");
      }
    });
  offer();
  follow(registration.installing);
  registration.addEventListener("updatefound", () => follow(registration.installing));
}
