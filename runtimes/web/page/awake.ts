// The screen stays on while a device works: a page behind a locked screen stands still.

let wanted = false;
let listens = false;
let lock: WakeLockSentinel | undefined;
let asking = false;

/** From now on, as often as the page comes back into sight; nothing where a browser has no lock. */
export async function keepAwake(): Promise<void> {
  wanted = true;
  if (!listens) document.addEventListener("visibilitychange", () => void request());
  listens = true;
  await request();
}

/** Nothing is to be done here any more. */
export async function letSleep(): Promise<void> {
  wanted = false;
  await lock?.release();
  lock = undefined;
}

async function request(): Promise<void> {
  if (!wanted || asking || (lock !== undefined && !lock.released)) return;
  if (document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
  asking = true;
  try {
    lock = await navigator.wakeLock.request("screen");
  } catch {
    // refused, with a battery that is low for example: the page is slower to finish, no more
  } finally {
    asking = false;
  }
  if (!wanted) await letSleep(); // it ended meanwhile
}
