// The screen stays on while a device works: a page behind a locked screen stands still.

let wanted = false;

/** From now on, as often as the page comes back into sight; nothing where a browser has no lock. */
export async function keepAwake(): Promise<void> {
  if (!wanted) document.addEventListener("visibilitychange", () => void request());
  wanted = true;
  await request();
}

async function request(): Promise<void> {
  if (document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
  try {
    await navigator.wakeLock.request("screen");
  } catch {
    // refused, with a battery that is low for example: the page is slower to finish, no more
  }
}
