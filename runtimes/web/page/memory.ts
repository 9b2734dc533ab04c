// What a worker's WebAssembly holds. Such memory grows and never shrinks: what it is, it was.

const held = new Set<WebAssembly.Memory>();

type Exporting = { readonly exports: WebAssembly.Exports };

/** Note every memory from now on: to be called before any runtime is loaded. */
export function watchMemory(): void {
  if (!("WebAssembly" in globalThis)) return;
  WebAssembly.Memory = new Proxy(WebAssembly.Memory, {
    construct(make, given) {
      const memory = Reflect.construct(make, given) as WebAssembly.Memory;
      held.add(memory);
      return memory;
    },
  });
  const noted = {
    apply: (make: never, self: unknown, given: never) => note(Reflect.apply(make, self, given)),
  };
  WebAssembly.instantiate = new Proxy(WebAssembly.instantiate, noted as never);
  WebAssembly.instantiateStreaming = new Proxy(WebAssembly.instantiateStreaming, noted as never);
}

async function note(made: Promise<Exporting | { instance: Exporting }>): Promise<unknown> {
  const result = await made;
  const { exports } = "instance" in result ? result.instance : result;
  for (const value of Object.values(exports)) {
    if (value instanceof WebAssembly.Memory) held.add(value);
  }
  return result;
}

export function wasmBytes(): number {
  return [...held].reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
}
