// What is seen of it. It is drawn when a row comes, every two seconds at most, and never moves.

import type { Message } from "./link.ts";
import type { Row } from "./protocol.ts";

const WORDS: Record<string, string> = {
  environment: "looking at the device",
  loaded: "loaded",
  first: "first answer given",
  progress: "running",
  samples: "sending what was measured",
  outputs: "sending the answers",
};
const MOST_SHOWN = 200;

export class View {
  readonly #document: Document;
  #shown = "";
  #failed = "";

  constructor(document: Document) {
    this.#document = document;
    this.#get("reload").addEventListener("click", () => location.reload());
  }

  connected(yes: boolean): void {
    this.#show("offline", !yes);
  }

  /** Waiting for the next job. */
  idle(): void {
    this.#text("status", "Connected. Keep this page open.");
    this.#show("job", false);
  }

  begins(message: Message): void {
    const runtime = message.runtime ? ` in ${String(message.runtime)}` : "";
    this.#shown = String(message.shown ?? `${String(message.job)}${runtime}`);
    this.#failed = "";
    this.#text("status", "Running. Keep this page open.");
    this.#text("shown", this.#shown);
    this.#text("detail", "loading");
    this.#progress(0);
    this.#show("job", true);
  }

  shows(row: Row): void {
    if (row.row === "progress") this.#progress(Number(row.done) / Number(row.of));
    if (row.row === "failure") this.#failed = [row.error, row.hint].filter(Boolean).join("; ");
    const word = row.when === "during" ? undefined : WORDS[row.row];
    if (word !== undefined) this.#text("detail", word);
  }

  ends(): void {
    const item = this.#item(this.#failed ? `${this.#shown}: failed. ${this.#failed}` : this.#shown);
    if (this.#failed) item.className = "failed";
    const list = this.#get("list");
    list.append(item);
    if (list.children.length > MOST_SHOWN) list.firstElementChild?.remove();
    this.#show("past", true);
    this.idle();
  }

  closed(words: string): void {
    this.#end(words || "This page is done and can be closed.");
  }

  stale(): void {
    this.#end("This page is out of date: load it again.");
    this.#show("reload", true);
  }

  broken(words: string): void {
    this.#end(words);
    this.#show("reload", true);
  }

  #end(words: string): void {
    this.#text("status", words);
    for (const id of ["job", "offline"]) this.#show(id, false);
  }

  #progress(part: number): void {
    (this.#get("progress") as HTMLProgressElement).value = part;
  }

  #item(text: string): HTMLElement {
    const item = this.#document.createElement("li");
    item.textContent = text;
    return item;
  }

  #text(id: string, text: string): void {
    this.#get(id).textContent = text;
  }

  #show(id: string, yes: boolean): void {
    this.#get(id).hidden = !yes;
  }

  #get(id: string): HTMLElement {
    const found = this.#document.getElementById(id);
    if (found === null) throw new Error(`the page has no #${id}`);
    return found;
  }
}
