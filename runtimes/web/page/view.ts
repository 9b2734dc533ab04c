// What is seen of it.

import type { Message } from "./link.ts";
import type { Row } from "./protocol.ts";

export class View {
  readonly #status: HTMLElement;

  constructor(document: Document) {
    this.#status = document.querySelector("#status") as HTMLElement;
  }

  connected(yes: boolean): void {
    document.body.dataset.connected = yes ? "yes" : "no";
  }

  begins(message: Message): void {
    this.#status.textContent = String(message.shown ?? message.job);
  }

  shows(row: Row): void {
    this.#status.textContent = row.row === "failure" ? String(row.error) : row.row;
  }

  closed(words: string): void {
    this.#status.textContent = words || "Closed.";
  }

  stale(): void {
    this.#status.textContent = "This page is out of date. Reload it.";
  }

  broken(words: string): void {
    this.#status.textContent = words;
  }
}
