// What this browser offers: WebAssembly and its parts, WebGL, WebGPU with their GPUs.
//
// Without a GPU browsers offer a software one, whose answers are right and whose times say nothing
// about any GPU.

export type Need = "wasm" | "webgl" | "webgpu";

export interface Gpu {
  /** As the browser names it: a renderer's string, or vendor and architecture of an adapter. */
  readonly name: string;
  readonly software: boolean;
}

const SOFTWARE = /swiftshader|llvmpipe|softpipe|lavapipe|software|basic render|warp\b/i;

/** "" where it is there; else the reason. */
export async function whyNo(need: Need | undefined): Promise<string> {
  if (need === undefined) return "";
  if (need === "wasm") return "WebAssembly" in globalThis ? "" : "the browser has no WebAssembly";
  const found = need === "webgl" ? readWebgl() : await readWebgpu();
  return typeof found === "string" ? found : "";
}

/** The adapter that WebGPU gives, or the reason why it gives none. */
export async function readWebgpu(): Promise<Gpu | string> {
  if (!("gpu" in navigator) || !navigator.gpu) {
    return globalThis.isSecureContext
      ? "the browser has no WebGPU"
      : "WebGPU needs a secure page (https, or this machine's own address)";
  }
  let adapter: GPUAdapter | null;
  try {
    adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  } catch (e) {
    return `WebGPU: ${String(e)}`;
  }
  if (adapter === null) return "WebGPU finds no adapter";
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const name = [vendor, architecture, device, description].filter(Boolean).join(" ");
  return { name: name || "unnamed", software: isFallbackAdapter || SOFTWARE.test(name) };
}

/** The renderer of WebGL 2, or the reason why there is none. */
export function readWebgl(): Gpu | string {
  let context: WebGL2RenderingContext | null;
  try {
    context = new OffscreenCanvas(1, 1).getContext("webgl2");
  } catch (e) {
    return `WebGL: ${String(e)}`;
  }
  if (context === null) return "the browser has no WebGL 2";
  const found = rendererOf(context);
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return found;
}

export function rendererOf(context: WebGLRenderingContext | WebGL2RenderingContext): Gpu {
  // Firefox names it without the extension, and warns where that is asked for
  const firefox = navigator.userAgent.includes("Firefox");
  const more = firefox ? null : context.getExtension("WEBGL_debug_renderer_info");
  const which = more === null ? context.RENDERER : more.UNMASKED_RENDERER_WEBGL;
  const name = String(context.getParameter(which));
  return { name, software: SOFTWARE.test(name) };
}

export function inForceOf(found: Gpu | string): Record<string, string> {
  if (typeof found === "string") return {};
  return { gpu: found.name, software_gpu: found.software ? "yes" : "no" };
}

// The smallest modules that use each; github.com/GoogleChromeLabs/wasm-feature-detect has them.
const HEAD = [0, 97, 115, 109, 1, 0, 0, 0, 1];
const PARTS = {
  simd: [5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
  relaxed_simd: [
    5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2,
    11,
  ],
  threads: [
    4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 4, 1, 3, 1, 1, 10, 11, 1, 9, 0, 65, 0, 254, 16, 2, 0, 26, 11,
  ],
} as const;

/** Threads need an isolated page too: without shared memory none can be started. */
export function wasmHas(part: keyof typeof PARTS): boolean {
  if (!("WebAssembly" in globalThis)) return false;
  if (part === "threads" && typeof SharedArrayBuffer === "undefined") return false;
  return WebAssembly.validate(new Uint8Array([...HEAD, ...PARTS[part]]));
}
