// What only the page can read, not its worker: the battery, whether anyone looks.

import type { Plain } from "./protocol.ts";

interface WithBattery {
  readonly getBattery?: () => Promise<{ readonly level: number; readonly charging: boolean }>;
  readonly deviceMemory?: number;
}

/** null where the browser does not say. */
export async function readFacts(): Promise<Record<string, Plain>> {
  const battery = await readBattery();
  return {
    device_memory_gb: (navigator as WithBattery).deviceMemory ?? null,
    battery_level: battery?.level ?? null,
    battery_charging: battery?.charging ?? null,
    visible: document.visibilityState === "visible",
  };
}

async function readBattery(): Promise<{ level: number; charging: boolean } | undefined> {
  try {
    return await (navigator as WithBattery).getBattery?.();
  } catch {
    return undefined;
  }
}
