// The elements that `index.html` has, by id; and new ones.

export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found as E;
}

/** A new element with text (never markup) and properties. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text = "",
  properties: Partial<HTMLElementTagNameMap[K]> = {},
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.textContent = text;
  return Object.assign(made, properties);
}

export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
